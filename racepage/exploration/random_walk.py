"""Random walk: at every point, each thread that can go is equally likely.

The baseline of every comparison, and often hard to beat (Thomson, Donaldson and Betts, Concurrency
testing using schedule bounding, PPoPP 2014). It is not uniform over interleavings: see `surw`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from racepage.exploration.chance import DRAWN_BITS, streams
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Task


class RandomWalk(Seeded):
    """Chooses uniformly at random."""

    name: ClassVar[str] = "random"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._streams: list[Iterator[int]] = []
        self._begun = 0  # the execution of the first of them

    def begin(self) -> bool:
        at = self._executions - self._begun
        if not 0 <= at < len(self._streams):
            self._streams, self._begun, at = (
                streams(self._seed, self._executions),
                self._executions,
                0,
            )
        self._draw = self._streams[at].__next__
        return True

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        draw = self._draw  # looked up so, and not in the call, it is found at once
        return tasks[draw() * len(tasks) >> DRAWN_BITS]

    def pick(self, count: int) -> int:
        return self._draw() * count >> DRAWN_BITS

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._streams = []
