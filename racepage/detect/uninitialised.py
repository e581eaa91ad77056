"""Bytes read before anything has written them.

`uninitialised-read`: a read of a byte that no row before it has written, in a life of a page whose
ALLOC did not zero it. This follows the log, not the order: a read that is unordered with the write
may be found here or not, and is a race either way. Pages that no row allocates are initialised.

A page has a mark for each byte until all of them were written. Pages are independent, so where
there are too many for the room that the marks may take, the trace is read once for each roomful.

Cost: a look at the page of every access, and at the marks while there are any. The loop runs as it
stands on few rows, and compiled on many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import Evidence
from racepage.detect.rows import at_size, which
from racepage.events import CLASS_OF, WRITES, AccessClass, Flag, Op
from racepage.trace.columns import Trace

# What an operation is to the bytes of its page. An RMW reads and fills.
_ALLOC, _FILL, _READ = 1, 2, 4
_ZEROED: Final = int(Flag.ZEROED)
_ROLE: Final = np.zeros(256, dtype=np.uint8)
_ROLE[Op.ALLOC] = _ALLOC
_ROLE[[op for op in WRITES if CLASS_OF[op] not in (AccessClass.LIFETIME, AccessClass.USER)]] = _FILL
_ROLE[[Op.READ, Op.LOAD, Op.RMW, Op.BYTEWISE_READ]] |= _READ

_ROOM: Final = 1 << 26
"""Bytes for marks: 16,384 pages of the usual size. A page that is larger has room of its own."""


def uninitialised(trace: Trace, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Every read of unwritten bytes, not yet deduplicated; `rare` is what `rows.rare` chose."""
    columns = trace.columns
    allocs = which(columns, rare, Op.ALLOC)
    raw = allocs[columns.flags[allocs] & _ZEROED == 0]
    largest = np.zeros(len(trace.targets), dtype=np.int64)  # an id may be allocated in two sizes
    np.maximum.at(largest, columns.target[raw], columns.length[raw])
    scan = at_size(_unwritten_reads, len(columns))
    for place, room in _roomfuls(largest):
        found = scan(
            _ROLE,
            columns.op,
            columns.target,
            columns.offset,
            columns.length,
            columns.flags,
            place,
            np.empty(room, dtype=np.uint8),
        )
        for alloc, read, start, stop in found.tolist():
            page = int(columns.target[read])
            yield Evidence("uninitialised-read", alloc, read, page=page, overlap=(start, stop))


def _roomfuls(sizes: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Where in the room each page's marks begin (-1: not this time), and the room's size.

    `sizes` has the bytes to mark of every target, 0 for what needs no marks.
    """
    at = 0
    place = np.full(len(sizes), -1, dtype=np.int64)
    for page in np.flatnonzero(sizes).tolist():
        size = int(sizes[page])
        if at and at + size > _ROOM:
            yield place, at
            at = 0
            place = np.full(len(sizes), -1, dtype=np.int64)
        place[page] = at
        at += size
    if at:
        yield place, at


def _unwritten_reads(  # noqa: PLR0917  (compiled, from columns)
    roles: NDArray[np.uint8],
    op: NDArray[np.uint8],
    page: NDArray[np.int32],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    flags: NDArray[np.uint8],
    place: NDArray[np.int64],
    written: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """(alloc row, read row, first unwritten byte, one past the last) of each such read."""
    found = np.empty((64, 4), dtype=np.int64)
    count = 0
    missing = np.zeros(len(place), dtype=np.int64)  # bytes that nothing has written yet
    alloc = np.zeros(len(place), dtype=np.int64)
    for row in range(len(op)):
        role = roles[op[row]]
        if role == 0:
            continue
        where = page[row]
        if role == _ALLOC and place[where] >= 0:
            alloc[where] = row
            missing[where] = 0 if flags[row] & _ZEROED else length[row]
            written[place[where] : place[where] + missing[where]] = 0
        elif missing[where] > 0 and length[row] > 0:
            begin = place[where] + offset[row]
            span = written[begin : begin + length[row]]
            fresh = length[row] - np.int64(span.sum())
            if fresh > 0 and role & _READ:
                holes = np.flatnonzero(span == 0)
                if count == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[count, 0] = alloc[where]
                found[count, 1] = row
                found[count, 2] = offset[row] + holes[0]
                found[count, 3] = offset[row] + holes[-1] + 1
                count += 1
            if role & _FILL:
                missing[where] -= fresh
                span[:] = 1
    return found[:count]
