"""Depth-first search: every interleaving, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from racepage.exploration.path import Path
from racepage.exploration.saved import Saved
from racepage.exploration.strategy import Run, Strategy, Task


class DepthFirst(Strategy):
    """Tries every thread at every point, and every pick. Complete, and hopeless beyond the tiny."""

    name: ClassVar[str] = "dfs"
    exhaustive: ClassVar[bool] = True

    def __init__(self) -> None:
        self._path = Path()

    def begin(self) -> bool:
        return self._path.restart()

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        return tasks[self._path.take(len(tasks))]

    def pick(self, count: int) -> int:
        return self._path.take(count)

    def end(self, run: Run) -> None:
        del run
        self._path.advance()

    def state(self) -> dict[str, Any]:
        return {"strategy": self.name, **self._path.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self._path.restore(Saved(state, self.name))
