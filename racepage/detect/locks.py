"""Which locks a thread held at an event: a replay of the lock rows, for the events that are named.

Cold, but over every lock row before the last named event; so the replay is one function over
arrays that runs as it stands on small traces, and compiled on large ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import at_size
from racepage.events import Op
from racepage.order.hb import NO_EDGE
from racepage.trace.columns import Trace

_LOCKING: Final = np.zeros(256, dtype=np.bool_)
_LOCKING[[Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK]] = True
_LOCK, _UNLOCK, _RLOCK = int(Op.LOCK), int(Op.UNLOCK), int(Op.RLOCK)


def held_locks(trace: Trace, events: list[int]) -> dict[int, list[tuple[int, bool]]]:
    """For each of `events` (ascending), in the order taken: (lock's target id, whether to write).

    A lock that another thread releases (a plain lock may be) is held by nobody from then on.
    """
    columns = trace.columns
    if not events:
        return {}
    rows = np.flatnonzero(_LOCKING[columns.op[: events[-1]]])
    rows = rows[columns.flags[rows] & int(NO_EDGE) == 0]
    asked = np.array(events, dtype=np.int64)
    bounds, held = at_size(_replay, len(rows))(
        rows,
        columns.op[rows],
        columns.thread[rows],
        columns.target[rows],
        asked,
        columns.thread[asked],
        len(trace.threads),
        len(trace.targets),
    )
    return {
        event: [(int(key) >> 1, bool(key & 1)) for key in held[low:high]]
        for event, low, high in zip(events, bounds[:-1], bounds[1:], strict=True)
    }


def _replay(  # noqa: C901, PLR0917  (compiled as one function, from columns)
    event: NDArray[np.int64],
    op: NDArray[np.uint8],
    thread: NDArray[np.int32],
    lock: NDArray[np.int32],
    asked: NDArray[np.int64],
    asked_thread: NDArray[np.int32],
    threads: int,
    locks: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is held at each of `asked`, as (bounds, keys); a key is `lock * 2 + for_writing`."""
    depth = np.zeros(threads, dtype=np.int64)
    deepest = 0
    stack = np.empty((threads, 4), dtype=np.int64)
    writer = np.full(locks, -1, dtype=np.int64)
    bounds = np.zeros(len(asked) + 1, dtype=np.int64)
    held = np.empty(64, dtype=np.int64)
    count = 0
    at = 0
    for question in range(len(asked)):
        until = np.searchsorted(event, asked[question])
        while at < until:
            if deepest == stack.shape[1]:
                wider = np.empty((threads, 2 * deepest), dtype=np.int64)
                wider[:, :deepest] = stack
                stack = wider
            # Within, no array is replaced: numba would count references for each row.
            while at < until and deepest < stack.shape[1]:
                who = thread[at]
                key = lock[at] * 2 + (op[at] == _LOCK or op[at] == _UNLOCK)
                taken = op[at] == _LOCK or op[at] == _RLOCK
                if op[at] == _UNLOCK and writer[lock[at]] >= 0:
                    who = writer[lock[at]]
                    writer[lock[at]] = -1
                elif op[at] == _LOCK:
                    writer[lock[at]] = who
                place = 0
                while place < depth[who] and stack[who, place] != key:
                    place += 1
                if taken and place == depth[who]:
                    stack[who, place] = key
                    depth[who] += 1
                    deepest = max(deepest, depth[who])
                elif not taken and place < depth[who]:
                    for above in range(place + 1, depth[who]):
                        stack[who, above - 1] = stack[who, above]
                    depth[who] -= 1
                at += 1
        who = asked_thread[question]
        while count + depth[who] > len(held):
            longer = np.empty(2 * len(held), dtype=np.int64)
            longer[:count] = held[:count]
            held = longer
        for place in range(depth[who]):
            held[count + place] = stack[who, place]
        count += depth[who]
        bounds[question + 1] = count
    return bounds, held[:count]
