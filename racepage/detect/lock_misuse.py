"""`lock-misuse`: locks that are used otherwise than they promise.

Judged on the locks that belong to who took them (mutexes, spin locks, re-entrant and read-write
locks): an unlock of what nobody holds, or somebody else does, or this thread does in the other
mode; a second lock of what is not re-entrant; reading while writing, and writing while reading; an
end of the thread that holds one. Of every lock: to destroy it while it is held, and to use it
afterwards. A plain lock may be given back by any thread; to give it back when nobody holds it is a
misuse all the same, and to take it twice is a deadlock.

What a primitive refused to do is a misuse by definition. What a recorded primitive did not refuse
is none, whatever the rows say: the lock may have been taken before the recording began. A trace in
RAPID's format is not judged: its locks promise nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.lock_replay import LockReplay, Remark
from racepage.events import Flag, Op
from racepage.trace.columns import Trace

_ALWAYS: Final = (Remark.DESTROYED_HELD, Remark.DESTROYED, Remark.REFUSED)
_BY_ROWS: Final = (
    *(Remark.DOUBLE, Remark.UPGRADED, Remark.READ_WHILE_WRITING),
    *(Remark.NOT_HELD, Remark.FOREIGN, Remark.WRONG_MODE),
)


def lock_misuse(trace: Trace, replay: LockReplay) -> Iterator[Evidence]:
    """Every misuse. first = the event that made the state that it met, or none; second = it."""
    if trace.origin.form == "std":
        return
    at_the_end = (Remark.EXITED,) if trace.origin.shows_leaks else ()
    flags = trace.columns.flags
    recorded = trace.origin.program is not None
    for what, first, second in replay.remarks(*_ALWAYS, *_BY_ROWS, *at_the_end):
        if recorded and what in _BY_ROWS and not flags[second] & Flag.REFUSED:
            continue
        message = _message(trace, what, first, second)
        yield Evidence("lock-misuse", first, second, message=message)


def _message(trace: Trace, what: Remark, first: int, second: int) -> str:
    columns = trace.columns
    op = Op(columns.op[second])
    who = trace.threads[columns.thread[second]]
    holder = "nobody" if first == NONE else trace.threads[columns.thread[first]]
    event = first if what is Remark.EXITED else second
    lock = trace.targets[columns.target[event]]
    reads = op in (Op.RLOCK, Op.RUNLOCK)
    does = {Op.LOCK: "locks", Op.RLOCK: "locks", Op.DESTROY: "destroys"}.get(op, "unlocks")
    mode = " for reading" if reads else ""
    refused = ", and is refused" if columns.flags[second] & Flag.REFUSED else ""
    told = {
        Remark.DOUBLE: f"{who} locks {lock}, which it holds already, and which is not re-entrant",
        Remark.UPGRADED: f"{who} locks {lock} for writing while it holds it for reading",
        Remark.READ_WHILE_WRITING: f"{who} locks {lock} for reading while it holds it for writing",
        Remark.NOT_HELD: f"{who} unlocks {lock}{mode}, which nobody holds",
        Remark.FOREIGN: f"{who} unlocks {lock}{mode}, which {holder} holds",
        Remark.WRONG_MODE: f"{who} unlocks {lock} for {'reading' if reads else 'writing'}, "
        f"and holds it for {'writing' if reads else 'reading'}",
        Remark.DESTROYED_HELD: f"{who} destroys {lock} while {holder} holds it",
        Remark.DESTROYED: f"{who} {does} {lock} after {holder} destroyed it",
        Remark.EXITED: f"{who} ends while it holds {lock}",
        Remark.REFUSED: f"{who} {does} {lock}{mode}",
    }[what]
    return f"{told}{refused}"
