"""What a thread is in the middle of between two events: critical sections, and waits.

A page that holds some of a trace's events has to hold both ends of whatever goes on at one of them:
else a lock that was taken long before a window, and given back long after it, would seem free.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Op
from racepage.trace.columns import Columns

_BATCH: Final = 1 << 20
_NOTHING: Final = int(Flag.TRYFAIL | Flag.INNER | Flag.REFUSED)

Ints = NDArray[np.int64]


def spans(columns: Columns, threads: int) -> tuple[Ints, Ints]:
    """The first and the last event of every critical section, and of every wait that ends.

    Sections are those of `sections.mjs`: a plain lock may be given back by another thread. One that
    nobody ends goes on to the trace's last event. Their order is free.
    """
    sections, waits = _sections(columns, threads), _waits(columns, threads)
    return np.concatenate((sections[0], waits[0])), np.concatenate((sections[1], waits[1]))


def _rows(columns: Columns, *ops: Op) -> Ints:
    """The events that are one of these operations; batch by batch, for the masks are as long."""
    wanted = np.zeros(256, dtype=np.bool_)
    wanted[list(ops)] = True
    pieces = [
        np.flatnonzero(wanted[columns.op[begin : begin + _BATCH]]) + begin
        for begin in range(0, max(len(columns), 1), _BATCH)
    ]
    return np.concatenate(pieces)


def _sections(columns: Columns, threads: int) -> tuple[Ints, Ints]:
    rows = _rows(columns, Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK)
    rows = rows[columns.flags[rows] & _NOTHING == 0]
    op = columns.op[rows]
    begins = (op == Op.LOCK) | (op == Op.RLOCK)
    reads = (op == Op.RLOCK) | (op == Op.RUNLOCK)
    # A plain lock may be given back by somebody else; what is held to read, only by its holder.
    whose = np.where(reads, columns.thread[rows].astype(np.int64) + 1, 0)
    first, last = _paired(columns.target[rows].astype(np.int64) * (threads + 1) + whose, begins)
    begins[first] = False
    held = rows[begins]  # to the end
    ends = np.full(len(held), len(columns) - 1, dtype=np.int64)
    return np.concatenate((rows[first], held)), np.concatenate((rows[last], ends))


def _paired(key: Ints, begins: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The places of one key that begin something, when the key's next place ends it."""
    order = np.argsort(key, kind="stable")
    same = np.diff(key[order]) == 0
    pair = np.flatnonzero(same & begins[order][:-1] & ~begins[order][1:])
    return order[pair], order[pair + 1]


def _waits(columns: Columns, threads: int) -> tuple[Ints, Ints]:
    """Each BLOCK with the next event of its thread."""
    blocks = _rows(columns, Op.BLOCK)
    waiting = np.full(threads, -1, dtype=np.int64)
    found: list[tuple[Ints, Ints]] = []
    for begin in range(0, len(columns) if len(blocks) else 0, _BATCH):
        stop = begin + _BATCH
        low, high = np.searchsorted(blocks, (begin, stop))
        if low == high and (waiting < 0).all():
            continue
        thread = columns.thread[begin:stop]
        order = np.argsort(thread, kind="stable")
        sorted_ = thread[order]
        first = np.flatnonzero(np.diff(sorted_, prepend=-1))
        met = sorted_[first]
        held = waiting[met] >= 0
        found.append((waiting[met[held]], order[first[held]] + begin))
        waiting[met] = -1
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        here = blocks[low:high]
        after = place[here - begin] + 1
        inside = after < len(order)
        inside[inside] = sorted_[after[inside]] == thread[here[inside] - begin]
        found.append((here[inside], order[after[inside]] + begin))
        waiting[thread[here[~inside] - begin]] = here[~inside]
    nothing = np.empty(0, dtype=np.int64)
    starts, ends = zip(*found, strict=True) if found else ([nothing], [nothing])
    return np.concatenate(starts), np.concatenate(ends)
