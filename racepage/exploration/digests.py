"""Digests of executions: two have the same one if the same threads did the same at the same lines.

The finaliser is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). An execution's digest is
the sum of its events', each with its place in the execution.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.trace.columns import Columns

Words = NDArray[np.uint64]

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_SHIFTS: Final = tuple(map(np.uint64, (30, 27, 31)))


def digests(columns: Columns, begin: NDArray[np.int64]) -> Words:
    """The digest of each execution.

    Args:
        columns: the events of all, one execution after the other; times and bytes do not count.
        begin: where each begins, ascending; none is empty.
    """
    count = len(columns)
    place = np.arange(count) - np.repeat(begin, np.diff(begin, append=count))
    done = _mixed(place.astype(np.uint64))
    for low, high in (
        (columns.thread, columns.target),
        (columns.op, columns.site),
        (columns.offset, columns.length),
        (columns.flags, columns.order),
    ):
        done = _mixed(done ^ low.astype(np.uint64) ^ high.astype(np.uint64) << np.uint64(32))
    for event, detail in columns.details.items():
        told = hash(detail._replace(old=None, new=None))
        done[event] ^= np.uint64(told & 0xFFFF_FFFF_FFFF_FFFF)
    return np.add.reduceat(_mixed(done), begin)


def _mixed(words: Words) -> Words:
    words = words + _ODD
    words ^= words >> _SHIFTS[0]
    words *= _FIRST
    words ^= words >> _SHIFTS[1]
    words *= _SECOND
    words ^= words >> _SHIFTS[2]
    return words
