"""`sleep-in-atomic`: what may sleep, done while holding a spin lock.

Others spin for as long as the holder sleeps, and if it is one of them that would have to wake it,
for ever. What may sleep counts whether it did or not: to wait for a lock of another kind, a join,
an allocation that may sleep, a wait on a synchronisation object, and every wait that is logged as
such, unless it is for a spin lock. A try that would not wait may not sleep.

Source: Linux, `might_sleep` and Documentation/locking/spinlocks.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from racepage.detect.evidence import Evidence
from racepage.detect.lock_replay import LockReplay, Remark
from racepage.events import Op
from racepage.trace.columns import NOTHING, Trace


def sleeping(trace: Trace, replay: LockReplay) -> Iterator[Evidence]:
    """Every one. first = where the spin lock was taken; second = what may sleep."""
    columns = trace.columns
    waits: dict[int, int] = {}  # thread -> its last sleep, where that is a BLOCK
    for _, first, second in replay.remarks(Remark.SLEPT):
        thread = int(columns.thread[second])
        wait = waits.pop(thread, None)
        if columns.op[second] == Op.BLOCK:
            waits[thread] = second
        elif wait is not None and _same_operation(trace, wait, second):
            continue
        yield Evidence("sleep-in-atomic", first, second, message=_message(trace, first, second))


def _same_operation(trace: Trace, wait: int, event: int) -> bool:
    """Whether an event ends the operation that waited: it would be told twice."""
    columns = trace.columns
    known = NOTHING not in (columns.site[wait], columns.site[event])
    field = columns.site if known else columns.target
    return bool(field[wait] == field[event])


def _message(trace: Trace, first: int, second: int) -> str:
    columns = trace.columns
    who = trace.threads[columns.thread[second]]
    on = columns.target[second]
    target = "" if on == NOTHING else str(trace.targets[on])
    does = {
        Op.LOCK: f"waits for {target}",
        Op.RLOCK: f"waits for {target}",
        Op.ALLOC: f"allocates {target} with flags that allow sleeping",
        Op.JOIN: f"waits for the end of {target.removeprefix('thread:')}",
        Op.BLOCK: f"waits for {target}",
    }.get(Op(columns.op[second]), f"may wait at {target}")
    return f"{who} {does} while it holds the spin lock {trace.targets[columns.target[first]]}"
