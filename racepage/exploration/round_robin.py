"""Round robin: the threads take turns. One execution, for a first look at a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from racepage.exploration.saved import Saved
from racepage.exploration.strategy import Run, Strategy, Task


class RoundRobin(Strategy):
    """Lets each thread do `quantum` steps, or as many as it can, and goes on to the next one."""

    name: ClassVar[str] = "round-robin"

    def __init__(self, quantum: int = 1) -> None:
        self._quantum = quantum
        self._done = False
        self._left = 0

    def begin(self) -> bool:
        self._left = 0
        return not self._done

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        if self._left:
            for task in tasks:
                if task.number == last:
                    self._left -= 1
                    return task
        self._left = self._quantum - 1
        for task in tasks:
            if task.number > last:
                return task
        return tasks[0]

    def end(self, run: Run) -> None:
        del run
        self._done = True

    def state(self) -> dict[str, Any]:
        return {"strategy": self.name, "quantum": self._quantum, "done": self._done}

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        quantum = saved.number("quantum", 1)
        self._done = saved.flag("done")
        self._quantum = quantum
