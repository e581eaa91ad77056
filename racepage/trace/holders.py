"""Whether two threads hold a lock at one time that lets only one in: no execution does that.

A lock that is unlocked where it was not locked, in whatever mode, says nothing for certain: that is
a misuse, or the trace began too late to know. Such locks are let be.

Cost: two sorts of the lock rows, and a third one where there are readers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Op
from racepage.trace.columns import Trace

_LOCKING: Final = np.zeros(256, dtype=np.bool_)
_LOCKING[[Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK, Op.DESTROY]] = True
_NO_EFFECT: Final = int(Flag.TRYFAIL | Flag.INNER | Flag.REFUSED)


def second_holder(trace: Trace) -> tuple[int, int] | None:
    """The first event that takes a lock which another thread holds, and the one that took it."""
    columns = trace.columns
    rows = np.flatnonzero(_LOCKING[columns.op])
    rows = rows[columns.flags[rows] & _NO_EFFECT == 0]
    key = columns.target[rows]
    if len(trace.targets) <= 1 << 16:
        key = key.astype(np.uint16)  # numpy sorts these by radix
    rows = rows[np.argsort(key, kind="stable")]
    op, lock, who = columns.op[rows], columns.target[rows], columns.thread[rows]
    places = np.arange(len(rows))
    begins = np.maximum.accumulate(np.where(np.diff(lock, prepend=-1) != 0, places, 0))
    writes = (op != Op.RLOCK) & (op != Op.RUNLOCK)
    last = np.maximum.accumulate(np.where(writes, places, -1))
    last = np.concatenate(([-1], last[:-1])) if len(rows) else last
    held = (last >= begins) & (op[last] == Op.LOCK)
    odd = (op == Op.UNLOCK) & ~held
    clash = ((op == Op.LOCK) | (op == Op.RLOCK)) & held & (who != who[last])
    if not writes.all():
        own, all_ = _readers(op, lock, who)
        odd |= (op == Op.RUNLOCK) & (own <= 0) | (op == Op.DESTROY) & (all_ > 0)
        clash |= (op == Op.LOCK) & (all_ > own)
    if not clash.any():
        return None
    clash &= ~np.isin(lock, lock[odd])
    if not clash.any():
        return None
    event = int(rows[clash].min())
    return event, _holder(trace, event)


def _readers(
    op: NDArray[np.uint8], lock: NDArray[np.int32], who: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each row's thread, and anybody, reads its lock before it; rows come by lock."""
    change = (op == Op.RLOCK).astype(np.int64) - (op == Op.RUNLOCK)
    before = np.cumsum(change) - change
    places = np.arange(len(op))
    begins = np.maximum.accumulate(np.where(np.diff(lock, prepend=-1) != 0, places, 0))
    order = np.lexsort((who, lock))
    mine = np.cumsum(change[order]) - change[order]
    new = (np.diff(lock[order], prepend=-1) != 0) | (np.diff(who[order], prepend=-1) != 0)
    mine -= mine[np.maximum.accumulate(np.where(new, places, 0))]
    own = np.empty_like(mine)
    own[order] = mine
    return own, before - before[begins]


def _holder(trace: Trace, event: int) -> int:
    """The event by which another thread took the lock that `event` takes, and still has it."""
    columns = trace.columns
    here = int(columns.thread[event])
    writer = -1
    readers: dict[int, list[int]] = {}
    for row in np.flatnonzero(columns.target[:event] == columns.target[event]).tolist():
        op, who = columns.op[row], int(columns.thread[row])
        if columns.flags[row] & _NO_EFFECT:
            continue
        if op == Op.RLOCK:
            readers.setdefault(who, []).append(row)
        elif op == Op.RUNLOCK:
            readers[who].pop()
        else:
            writer = row if op == Op.LOCK else -1
    if writer >= 0 and columns.thread[writer] != here:
        return writer
    return max(rows[0] for who, rows in readers.items() if rows and who != here)
