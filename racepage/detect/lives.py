"""Which life of its page an event belongs to, for checks that compare accesses of one life."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import by_page, which
from racepage.events import Op
from racepage.trace.columns import Columns

Ints = NDArray[np.int64]


def lives(columns: Columns, rare: Ints, events: Ints) -> Ints:
    """A number for the target of each event, in the life that it has there.

    A page has a new life from an ALLOC on, if a FREE or COLLECT came before (a live page is not
    allocated again: `trace.validate`); and what comes after a COLLECT is compared with nothing
    before it. `rare` is what `rows.rare` chose.
    """
    rows = by_page(columns, which(columns, rare, Op.ALLOC, Op.FREE, Op.COLLECT))
    page = columns.target[rows]
    number = np.arange(len(rows))
    alloc = columns.op[rows] == Op.ALLOC
    first = np.maximum.accumulate(np.where(np.diff(page, prepend=-1) != 0, number, 0))
    end = np.maximum.accumulate(np.where(alloc, -1, number))
    begins = (alloc & (end >= first)) | (columns.op[rows] == Op.COLLECT)
    least = page[begins].astype(np.int64) * (len(columns) + 1) + rows[begins]
    target = columns.target[events].astype(np.int64)
    passed = np.searchsorted(least, target * (len(columns) + 1) + events, side="right")
    return target * (len(least) + 1) + passed
