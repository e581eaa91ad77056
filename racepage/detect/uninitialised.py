"""Bytes read before anything has written them.

`uninitialised-read`: a read of a byte that no row before it has written, in a life of a page whose
ALLOC did not zero it. This follows the log, not the order: a read that is unordered with the write
may be found here or not, and is a race either way. Pages that no row allocates are initialised.

What is written of a page is a tree. A *slot* stands for 64 * 8 ** k bytes from a multiple of that.
It is 0 if none of them is written and -1 if all of them are; else it is 64 bits, one for each byte,
or, where it stands for more, the place of its *node*: eight slots, for an eighth of its bytes each.
So memory follows what was written in pieces, at 64 bytes a node, and a page that is written whole
has no node, whatever its size. A node that is given back keeps what hangs on it until it is used
again, so that this takes no longer for many than for one.

Cost: a look at the page of every access while there are pages with unwritten bytes, nothing while
there are none; and a few steps for each 64 bytes of an access to such a page, or for each of the
larger pieces that are alike. The loop runs as it stands on few rows, and compiled on many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import Evidence
from racepage.detect.rows import at_size, which
from racepage.events import CLASS_OF, WRITES, AccessClass, Flag, Op
from racepage.trace.columns import NOTHING, Trace

# What an operation is to the bytes of its page. An RMW reads and fills.
_ALLOC, _FILL, _READ = 1, 2, 4
_ZEROED: Final = int(Flag.ZEROED)
_ROLE: Final = np.zeros(256, dtype=np.uint8)
_ROLE[Op.ALLOC] = _ALLOC
_ROLE[[op for op in WRITES if CLASS_OF[op] not in (AccessClass.LIFETIME, AccessClass.USER)]] = _FILL
_ROLE[[Op.READ, Op.LOAD, Op.RMW, Op.BYTEWISE_READ]] |= _READ

_WORD, _DEEPEST = 6, 8
"""A word stands for 1 << 6 bytes; the largest page, of 1 << 30, has words eight nodes deep."""

_NEW: Final = 2 * _DEEPEST * 8
"""Slots of the nodes that one write may need: those above both of its borders."""


def uninitialised(trace: Trace, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Reads of unwritten bytes, those that have sites once for each pair of them.

    `rare` is what `rows.rare` chose.
    """
    columns = trace.columns
    allocs = which(columns, rare, Op.ALLOC)
    raw = allocs[columns.flags[allocs] & _ZEROED == 0]
    if not len(raw):
        return
    found = at_size(_unwritten_reads, len(columns) - int(raw[0]))(
        _ROLE,
        raw,
        len(trace.targets),
        columns.op,
        columns.target,
        columns.offset,
        columns.length,
        columns.flags,
    )
    firsts, times = _classes(columns.site[found[:, :2]])
    for (alloc, read, *overlap), count in zip(found[firsts].tolist(), times.tolist(), strict=True):
        page = int(columns.target[read])
        yield Evidence("uninitialised-read", alloc, read, count, page, (overlap[0], overlap[1]))


def _classes(sites: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each pair of sites, and how many rows there are of it."""
    key = sites[:, 0].astype(np.int64) << 32 | sites[:, 1]
    alone = np.flatnonzero((sites == NOTHING).any(axis=1))
    key[alone] = alone - len(key)
    _, firsts, times = np.unique(key, return_index=True, return_counts=True)
    return firsts, times


def _unwritten_reads(  # noqa: C901, PLR0912, PLR0915, PLR0917  (compiled as one, from columns)
    roles: NDArray[np.uint8],
    raw: NDArray[np.int64],
    targets: int,
    op: NDArray[np.uint8],
    page: NDArray[np.int32],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    flags: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """(alloc row, read row, first unwritten byte, one past the last) of each such read.

    `raw` has the ALLOC rows of pages that are not zeroed.
    """
    found = np.empty((64, 4), dtype=np.int64)
    count = 0
    # A slot for each page, and then the nodes, at multiples of 8.
    used = np.int64((targets + 7) & ~7)
    slots = np.full(used + _NEW, -1, dtype=np.int64)
    after = np.zeros(len(slots) >> 3, dtype=np.int64)  # of each unused node, the next one
    deep = np.zeros(len(slots) >> 3, dtype=np.bool_)  # of each node, whether it is above others
    free = np.int64(0)  # the first unused node, or 0
    path = np.zeros(_DEEPEST, dtype=np.int64)  # the slots above the one at hand
    top = np.zeros(targets, dtype=np.int64)  # a page's slot stands for 1 << top bytes
    alloc = np.zeros(targets, dtype=np.int64)
    unwritten = 0  # pages that have unwritten bytes
    row = 0
    while True:
        if count == len(found):
            found = np.concatenate((found, found))
        if used + _NEW > len(slots):
            slots = np.concatenate((slots, slots))
            after = np.concatenate((after, after))
            deep = np.concatenate((deep, deep))
        # Within, no array is replaced: numba would count references for each row.
        while row < len(op) and count < len(found) and used + _NEW <= len(slots):
            if unwritten == 0:
                upcoming = np.searchsorted(raw, row)
                if upcoming == len(raw):
                    return found[:count]
                row = raw[upcoming]
            event, role, where = row, roles[op[row]], page[row]
            row += 1
            if role == 0 or (slots[where] == -1 and role != _ALLOC):
                continue
            start, stop = offset[event], offset[event] + length[event]

            if role & _READ:
                first = start
                while first < stop:
                    slot, shift = np.int64(where), top[where]
                    while shift > _WORD and slots[slot] > 0:
                        shift -= 3
                        slot = slots[slot] + ((first >> shift) & 7)
                    end = min(stop, ((first >> shift) + 1) << shift)
                    if slots[slot] == -1:
                        first = end
                    while first < end and (slots[slot] >> (first & 63)) & 1:
                        first += 1
                    if first < end:
                        break
                last = stop
                while last > first:
                    slot, shift = np.int64(where), top[where]
                    while shift > _WORD and slots[slot] > 0:
                        shift -= 3
                        slot = slots[slot] + (((last - 1) >> shift) & 7)
                    begin = max(first, (last - 1) >> shift << shift)
                    if slots[slot] == -1:
                        last = begin
                    while last > begin and (slots[slot] >> ((last - 1) & 63)) & 1:
                        last -= 1
                    if last > begin:
                        break
                if first < last:
                    found[count, 0], found[count, 1] = alloc[where], event
                    found[count, 2], found[count, 3] = first, last
                    count += 1

            if role & _FILL:
                if stop == length[alloc[where]]:
                    stop = np.int64(1) << top[where]  # beyond its end, a page is as its last byte
                while start < stop:
                    slot, shift, depth = np.int64(where), top[where], 0
                    whole = False
                    while shift > _WORD and slots[slot] != -1:
                        whole = start >> shift << shift == start and start + (1 << shift) <= stop
                        if whole:
                            break
                        if slots[slot] == 0:
                            node = free
                            if node:
                                free = after[node >> 3]
                                if deep[node >> 3]:
                                    for at in range(node, node + 8):
                                        if slots[at] > 0:
                                            after[slots[at] >> 3] = free
                                            free = slots[at]
                            else:
                                node = used
                                used += 8
                            slots[node : node + 8] = 0
                            slots[slot] = node
                            deep[node >> 3] = shift > _WORD + 3
                        path[depth] = slot
                        depth += 1
                        shift -= 3
                        slot = slots[slot] + ((start >> shift) & 7)
                    if whole and slots[slot] > 0:
                        after[slots[slot] >> 3] = free
                        free = slots[slot]
                    end = min(stop, ((start >> shift) + 1) << shift)
                    if end - start < 64:
                        slots[slot] |= ~(-1 << (end - start)) << (start & 63)
                    else:
                        slots[slot] = -1
                    while depth and slots[slot] == -1:
                        node = slot & ~7
                        written = 0
                        while written < 8 and slots[node + written] == -1:
                            written += 1
                        if written < 8:
                            break
                        after[node >> 3], free = free, node
                        depth -= 1
                        slot = path[depth]
                        slots[slot] = -1
                    start = end
                unwritten -= slots[where] == -1
            elif role == _ALLOC:
                if top[where] > _WORD and slots[where] > 0:
                    after[slots[where] >> 3] = free
                    free = slots[where]
                unwritten -= slots[where] != -1
                slots[where] = -1 if flags[event] & _ZEROED else 0
                unwritten += slots[where] == 0
                alloc[where], top[where] = event, _WORD
                while 1 << top[where] < length[event]:
                    top[where] += 3
        if row == len(op):
            return found[:count]
