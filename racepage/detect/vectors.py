"""What every slot knows of the others, for the native engine: rows of event numbers in one pool.

A row has a number for each slot up to the highest that it knows of, and no more: a hundred thousand
threads that know of nothing but the one that started them take little. Rows grow by doubling.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from racepage.errors import RacepageError
from racepage.structs import I64, address, layout, pointer

MOST_BYTES: Final = 1 << 31
"""For all rows together: 16,000 threads that all know each other."""


class Vector:
    """Where a slot's row lies in the pool, and how many numbers it has."""

    start: I64
    width: I64


vector_at = pointer(Vector)


class Vectors:
    """A row of `known event + 1`, 0 for nothing, for each slot."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, layout(Vector))
        self._pool = np.zeros(0, np.int64)
        self._used = 0
        self._free: dict[int, list[int]] = {}  # width -> starts of rows that were outgrown

    @property
    def rows(self) -> int:
        """The address of the rows' places, a `Vector` each."""
        return address(self._rows)

    @property
    def pool(self) -> int:
        """The address of the pool."""
        return address(self._pool)

    def ensure(self, slots: int) -> None:
        """Give every slot below `slots` a row."""
        before = len(self._rows)
        if slots <= before:
            return
        self._rows.resize(slots, refcheck=False)
        for slot in range(before, slots):
            self.widen(slot, 1)

    def widen(self, slot: int, width: int) -> None:
        """Make room for at least `width` numbers in a slot's row.

        Raises:
            RacepageError: all rows together would take too much memory.
        """
        wide = max(8, 1 << (width - 1).bit_length())
        row = self._rows[slot]
        before = slice(row["start"], row["start"] + row["width"])
        start = self._take(wide)
        self._pool[start : start + wide] = 0
        self._pool[start : start + row["width"]] = self._pool[before]
        if row["width"]:
            self._free.setdefault(int(row["width"]), []).append(int(row["start"]))
        self._rows[slot] = (start, wide)

    def _take(self, width: int) -> int:
        if self._free.get(width):
            return self._free[width].pop()
        start, self._used = self._used, self._used + width
        if self._used * 8 > MOST_BYTES:
            raise RacepageError(
                f"the vector clocks of {len(self._rows):,} threads need more than "
                f"{MOST_BYTES >> 30} GiB: a thread is forgotten only when it was joined; "
                "join threads that have ended, or check the trace in parts"
            )
        if self._used > len(self._pool):
            self._pool.resize(max(self._used, len(self._pool) * 2), refcheck=False)
        return start
