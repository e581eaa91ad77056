"""Random walk: at every point, each thread that can go is equally likely.

The baseline of every comparison, and often hard to beat (Thomson, Donaldson and Betts, Concurrency
testing using schedule bounding, PPoPP 2014). It is not uniform over interleavings: see `surw`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from racepage.execution.turns import LOT_BITS
from racepage.exploration.chance import streams
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Task


class RandomWalk(Seeded):
    """Chooses uniformly at random."""

    name: ClassVar[str] = "random"

    draw: Callable[[], int]

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._streams: list[Iterator[int]] = []
        self._first = 0  # the execution of the first of them

    def begin(self) -> bool:
        if not 0 <= self._executions - self._first < len(self._streams):
            self._first = self._executions
            self._streams = streams(self._seed, self._first)
        self.draw = self._streams[self._executions - self._first].__next__
        return True

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        return tasks[self.draw() * len(tasks) >> LOT_BITS]

    def pick(self, count: int) -> int:
        return self.draw() * count >> LOT_BITS

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._streams = []
