"""Random numbers for searches: one stream for each execution, from a seed and a number.

The n-th execution of a search depends on its seed and on n alone (and on what an adaptive strategy
has learnt), so the state of a search is two numbers, and any one execution can be had again. The
library's Mersenne Twister would do, but to seed it takes as long as forty choices.

The stream is Knuth's 64-bit linear congruential generator (MMIX; The Art of Computer Programming
2, 3.3.4), of which the upper half is used; its start is a SplitMix64 hash (Steele, Lea and Flood,
OOPSLA 2014) of the two numbers, so that neighbouring executions have nothing in common.
"""

from __future__ import annotations

from typing import Final

MASK: Final = (1 << 64) - 1
FACTOR: Final = 6364136223846793005
ADDEND: Final = 1442695040888963407


def _mixed(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
    return value ^ value >> 31


def start(seed: int, number: int) -> int:
    """Where the stream of execution `number` of the search with this seed begins."""
    return _mixed(_mixed(seed & MASK) ^ number)


class Chance:
    """The stream of one execution.

    Attributes:
        word: where it is. Hot paths step it themselves:
            `word = (word * FACTOR + ADDEND) & MASK`, then `(word >> 32) * count >> 32`.
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
