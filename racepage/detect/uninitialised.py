"""Bytes read before anything has written them.

`uninitialised-read`: a read of a byte that no row before it has written, in a life of a page whose
ALLOC did not zero it. This follows the log, not the order: a read that is unordered with the write
may be found here or not, and is a race either way. Pages that no row allocates are initialised.

Cost: only rows on pages that were allocated without zeroing are looked at, page by page, and of
those only until every byte was written once. The loop runs as it stands on few rows, and compiled
on many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import Evidence
from racepage.detect.rows import at_size, by_page, on_page
from racepage.events import CLASS_OF, WRITES, AccessClass, Flag, Op
from racepage.trace.columns import Trace

# What a row is to the bytes of its page. An RMW reads and fills.
_ZEROED, _RAW, _FILL, _READ = 1, 2, 4, 8
_ROLE: Final = np.zeros(256, dtype=np.uint8)
_ROLE[Op.ALLOC] = _RAW
_ROLE[[op for op in WRITES if CLASS_OF[op] not in (AccessClass.LIFETIME, AccessClass.USER)]] = _FILL
_ROLE[[Op.READ, Op.LOAD, Op.RMW, Op.BYTEWISE_READ]] |= _READ


def uninitialised(trace: Trace) -> Iterator[Evidence]:
    """Every read of unwritten bytes, not yet deduplicated."""
    columns = trace.columns
    rows = by_page(columns, _rows_of_raw_pages(trace))
    if not len(rows):
        return
    role = _ROLE[columns.op[rows]]
    role[columns.flags[rows] & int(Flag.ZEROED) != 0] = _ZEROED
    found = at_size(_unwritten_reads, len(rows))(
        role,
        columns.target[rows],
        columns.offset[rows],
        columns.length[rows],
        np.empty(max(trace.page_sizes.values()), dtype=np.uint8),
    )
    for alloc, read, start, stop in found.tolist():
        page = int(columns.target[rows[read]])
        yield Evidence(
            "uninitialised-read",
            int(rows[alloc]),
            int(rows[read]),
            page=page,
            overlap=(start, stop),
        )


def _rows_of_raw_pages(trace: Trace) -> NDArray[np.bool_]:
    columns = trace.columns
    wanted: NDArray[np.bool_] = columns.op == Op.ALLOC
    wanted &= columns.flags & int(Flag.ZEROED) == 0
    if not wanted.any():
        return wanted
    raw = np.zeros(len(trace.targets), dtype=np.bool_)
    raw[columns.target[wanted]] = True
    np.logical_and(on_page(columns), raw[columns.target], out=wanted)
    return wanted


def _unwritten_reads(
    role: NDArray[np.uint8],
    page: NDArray[np.int32],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    written: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """(alloc row, read row, first unwritten byte, one past the last) of each such read.

    The rows are grouped by page; `written` is room for the largest page, used by one at a time.
    """
    found = np.empty((64, 4), dtype=np.int64)
    count = 0
    alloc = 0
    missing = 0  # bytes of the page at hand that nothing has written yet
    last = -1
    for row in range(len(role)):
        if page[row] != last or role[row] == _ZEROED:
            last = page[row]
            missing = 0
        if role[row] == _RAW:
            alloc = row
            missing = length[row]
            written[:missing] = 0
        elif missing > 0 and role[row] and length[row] > 0:
            span = written[start[row] : start[row] + length[row]]
            fresh = length[row] - np.int64(span.sum())
            if fresh > 0 and role[row] & _READ:
                holes = np.flatnonzero(span == 0)
                if count == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[count, 0] = alloc
                found[count, 1] = row
                found[count, 2] = start[row] + holes[0]
                found[count, 3] = start[row] + holes[-1] + 1
                count += 1
            if role[row] & _FILL:
                missing -= fresh
                span[:] = 1
    return found[:count]
