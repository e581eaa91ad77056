"""Delay bounding: every interleaving that departs from a fixed scheduler a few times at most.

Emmi, Qadeer and Rakamarić, Delay-bounded scheduling, POPL 2011. The fixed scheduler lets a thread
run until it is blocked or over, yields or waits for a limited time, and then the next one by
number, round and round. A delay passes over the thread whose turn it is; to go to the k-th in the
round costs k delays. Fewer executions than with as many preemptions: a switch where a thread blocks
is free in one way only. In the comparison of Thomson, Donaldson and Betts (PPoPP 2014) it found
more bugs than preemption bounding did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from racepage.exploration.bounded import Bounded
from racepage.exploration.strategy import Task, gives_way


class DelayBound(Bounded):
    """Depth-first search with at most `bound` delays."""

    name: ClassVar[str] = "delay-bound"

    def __init__(self, bound: int = 2) -> None:
        super().__init__(bound)

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        turn = 0
        for at, task in enumerate(tasks):
            if task.number > last or (task.number == last and not gives_way(task)):
                turn = at
                break
        delays = self._path.take(min(self._left + 1, len(tasks)))
        self._left -= delays
        return tasks[(turn + delays) % len(tasks)]
