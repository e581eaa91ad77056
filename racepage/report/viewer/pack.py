"""Columns of numbers as text in a page: delta-coded, cut into byte planes, deflated, base64.

A column is stored as what it is above its least value, or as its differences (zigzag: 0, -1, 1, -2
are 0, 1, 2, 3), whichever deflates better in a sample. The bytes of equal weight of all values then
stand together (a *plane*: first the low bytes of all values, then the next), since they are alike.

`decode.mjs` is the other half, and has this file's header for its contract:

    {"name", "count", "coding": "raw" | "delta", "base", "planes", "wide"}

with a value `base + sum(plane[k] * 256**k)` in `raw`, and in `delta` the sum of the differences so
far added to `base`. `wide` says that some value needs more than 32 bits.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

_SAMPLE: Final = 1 << 15  # values, from each of the beginning, the middle and the end
_LEVEL: Final = 6  # of a file, that is kept

FAST: Final = 1
"""The level of deflating for what is sent to the same machine, and not kept."""

LARGEST: Final = 1 << 51
"""What a value is below, in size: a browser counts exactly to 2**53, and a zigzag is four times."""

Coding = Literal["raw", "delta"]
_CODINGS: Final[tuple[Coding, ...]] = ("raw", "delta")


@dataclass(frozen=True, slots=True)
class Packed:
    """One column: what says how to read it, and its deflated bytes as base64."""

    name: str
    count: int
    coding: Coding
    base: int
    planes: int
    wide: bool
    text: str

    def header(self) -> dict[str, Any]:
        """What `decode.mjs` needs beside the text."""
        return {
            "name": self.name,
            "count": self.count,
            "coding": self.coding,
            "base": self.base,
            "planes": self.planes,
            "wide": self.wide,
        }


def pack(name: str, values: NDArray[Any], level: int = _LEVEL) -> Packed:
    """Pack one column of integers, shape (n,), of any integer type; deflated at some level.

    Values beyond `LARGEST`, which only a trace has that somebody made up, become the largest.
    """
    wide = values.astype(np.int64).clip(-LARGEST, LARGEST)
    middle = len(wide) // 2
    parts = (wide[:_SAMPLE], wide[middle : middle + _SAMPLE], wide[-_SAMPLE:])
    sample = wide if len(wide) <= 3 * _SAMPLE else np.concatenate(parts)
    coding = min(_CODINGS, key=lambda one: len(_deflated(_numbers(sample, one), level)))
    numbers = _numbers(wide, coding)
    return Packed(
        name=name,
        count=len(wide),
        coding=coding,
        base=_base(wide, coding),
        planes=_planes(numbers),
        wide=bool(len(wide)) and not -(1 << 31) <= wide.min() <= wide.max() < 1 << 31,
        text=b64encode(_deflated(numbers, level)).decode("ascii"),
    )


def _base(values: NDArray[np.int64], coding: Coding) -> int:
    if not len(values):
        return 0
    return int(values.min()) if coding == "raw" else int(values[0])


def _numbers(values: NDArray[np.int64], coding: Coding) -> NDArray[np.uint64]:
    """The values as numbers from 0."""
    base = _base(values, coding)
    if coding == "raw":
        return (values - base).astype(np.uint64)
    steps = np.diff(values, prepend=base)
    return ((steps << 1) ^ (steps >> 63)).astype(np.uint64)


def _planes(numbers: NDArray[np.uint64]) -> int:
    return max(1, -(-int(numbers.max(initial=0)).bit_length() // 8))


def _deflated(numbers: NDArray[np.uint64], level: int) -> bytes:
    planes = numbers.astype("<u8").view(np.uint8).reshape(-1, 8).T[: _planes(numbers)]
    return zlib.compress(planes.tobytes(), level)
