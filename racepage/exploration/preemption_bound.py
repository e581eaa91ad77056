"""Preemption bounding: every interleaving that takes the turn from a thread a few times at most.

Musuvathi and Qadeer, Iterative context bounding for systematic testing of multithreaded programs,
PLDI 2007: most bugs need two preemptions or fewer, and the number of executions with c preemptions
is polynomial in the number of steps. A switch away from a thread that could have gone on is a
preemption; a switch from one that is blocked or over, yields or waits for a limited time is free.

What differs: where a thread gives way, the others are tried before it. The bound is fixed, and the
paper's iteration (0, 1, 2, …) is the caller's to do. No partial-order reduction: with one, the
search would have to add conservative backtracking points (Coons, Musuvathi and McKinley, Bounded
partial-order reduction, OOPSLA 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from racepage.exploration.bounded import Bounded
from racepage.exploration.strategy import Task, gives_way


class PreemptionBound(Bounded):
    """Depth-first search, the thread that went last first, with at most `bound` preemptions."""

    name: ClassVar[str] = "preemption-bound"

    def __init__(self, bound: int = 2) -> None:
        super().__init__(bound)

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        for turn, task in enumerate(tasks):
            if task.number == last:
                if not gives_way(task):
                    return self._kept(tasks, turn)
                return tasks[(turn + 1 + self._path.take(len(tasks))) % len(tasks)]
        return tasks[self._path.take(len(tasks))]

    def _kept(self, tasks: Sequence[Task], turn: int) -> Task:
        """Which task, where the one at `turn` can go on: that first, then the others."""
        choice = self._path.take(len(tasks)) if self._left else 0
        if not choice:
            return tasks[turn]
        self._left -= 1
        return tasks[choice - 1 if choice <= turn else choice]
