"""Random walk: at every point, each thread that can go is equally likely.

The baseline of every comparison, and often hard to beat (Thomson, Donaldson and Betts, Concurrency
testing using schedule bounding, PPoPP 2014). It is not uniform over interleavings: see `surw`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from racepage.exploration.chance import ADDEND, FACTOR, MASK
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Task


class RandomWalk(Seeded):
    """Chooses uniformly at random."""

    name: ClassVar[str] = "random"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        chance = self._chance  # `below`, without the call: this is the hot path
        chance.word = word = (chance.word * FACTOR + ADDEND) & MASK
        return tasks[(word >> 32) * len(tasks) >> 32]
