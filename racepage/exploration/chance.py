"""Random numbers for searches: one stream for each execution, from a seed and a number.

The n-th execution of a search depends on its seed and on n alone (and on what an adaptive strategy
has learnt), so the state of a search is two numbers, and any one execution can be had again. The
library's Mersenne Twister would do, but to seed it takes as long as forty choices.

The stream is Knuth's 64-bit linear congruential generator (MMIX; The Art of Computer Programming
2, 3.3.4), of which the upper half is used; its start is a SplitMix64 hash (Steele, Lea and Flood,
OOPSLA 2014) of the two numbers, so that neighbouring executions have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from racepage.execution.turns import LOT_BITS

MASK: Final = (1 << 64) - 1
FACTOR: Final = 6364136223846793005
ADDEND: Final = 1442695040888963407

_GOLDEN: Final = 0x9E3779B97F4A7C15
_ROUNDS: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))

AT_ONCE: Final = 256
_DRAWN: Final = 24
"""How many numbers of each stream are drawn at once: small programs need no more."""


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & MASK
    for shift, factor in _ROUNDS:
        value = ((value ^ value >> shift) * factor) & MASK
    return value ^ value >> 31


def start(seed: int, number: int) -> int:
    """Where the stream of execution `number` of the search with this seed begins."""
    return _mixed(_mixed(seed & MASK) ^ number)


def streams(seed: int, first: int) -> list[Iterator[int]]:
    """The streams of AT_ONCE executions from `first` on, each of numbers below `1 << LOT_BITS`.

    They are the upper bits of what `Chance` would step through, for hot paths: integers so small
    are multiplied much faster than what the upper half takes.
    """
    import numpy as np  # noqa: PLC0415  (not needed to list the strategies)

    words = np.arange(first, first + AT_ONCE).astype(np.uint64) ^ np.uint64(_mixed(seed & MASK))
    words += np.uint64(_GOLDEN)
    for shift, factor in _ROUNDS:
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    words ^= words >> np.uint64(31)
    drawn = np.empty((AT_ONCE, _DRAWN), np.uint64)
    for column in drawn.T:
        words *= np.uint64(FACTOR)
        words += np.uint64(ADDEND)
        column[:] = words
    drawn >>= np.uint64(64 - LOT_BITS)
    return [
        chain(early, _drawn_from(word))
        for early, word in zip(drawn.tolist(), words.tolist(), strict=True)
    ]


def _drawn_from(word: int) -> Iterator[int]:
    while True:
        word = (word * FACTOR + ADDEND) & MASK
        yield word >> 64 - LOT_BITS


class Chance:
    """The stream of one execution.

    Attributes:
        word: where it is.
    """

    __slots__ = ("word",)

    def __init__(self) -> None:
        self.word = 0

    def restart(self, seed: int, number: int) -> None:
        """Go to the stream of execution `number`."""
        self.word = start(seed, number)

    def below(self, count: int) -> int:
        """A number from 0 to `count` - 1; `count` is at most 2**32."""
        self.word = word = (self.word * FACTOR + ADDEND) & MASK
        return (word >> 32) * count >> 32

    def fraction(self) -> float:
        """A number from 0 to 1, without 1."""
        self.word = word = (self.word * FACTOR + ADDEND) & MASK
        return (word >> 32) / 4294967296.0

    def sample(self, count: int, size: int) -> list[int]:
        """`size` different numbers from 0 to `count` - 1, in random order (Floyd's algorithm)."""
        taken: list[int] = []
        for top in range(count - size, count):
            number = self.below(top + 1)
            taken.append(top if number in taken else number)
        for at in range(len(taken) - 1, 0, -1):  # Floyd's order is not random
            other = self.below(at + 1)
            taken[at], taken[other] = taken[other], taken[at]
        return taken
