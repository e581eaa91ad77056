"""What exports call things: short, printable, and the same for the same thing.

Nothing that comes from a trace goes out as it is: names are on one line, of characters that print,
and at most `escape.LONGEST` long.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from racepage.events import CLASS_OF, AccessClass, Flag, Frame, Kind, Op
from racepage.report.escape import plain
from racepage.report.exports.timeline import Sections
from racepage.report.frames import of_the_program, place
from racepage.trace.columns import NOTHING, Trace

_OF_CLASS: Final = {
    AccessClass.PLAIN: "access",
    AccessClass.ATOMIC: "atomic",
    AccessClass.BYTEWISE: "atomic",
    AccessClass.USER: "user",
    AccessClass.LIFETIME: "lifetime",
}
_OF_OP: Final = {
    Op.COLLECT: "lifetime",
    Op.MAP: "mapping",
    Op.UNMAP: "mapping",
    **dict.fromkeys((Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK, Op.DESTROY), "lock"),
    **dict.fromkeys((Op.START, Op.JOIN, Op.EXIT, Op.DETACH), "thread"),
    **dict.fromkeys((Op.BLOCK, Op.WAKE), "wait"),
    **dict.fromkeys((Op.ASSERT_WRITER, Op.ASSERT_ACCESS, Op.RACY_OK), "promise"),
}
CATEGORY: Final = tuple(_OF_OP.get(op) or _OF_CLASS.get(CLASS_OF[op], "sync") for op in Op)
"""The category of each operation, indexed by `Op`: viewers show and hide by it."""

TOUCHES: Final = tuple(op <= Op.USER_WRITE for op in Op)
"""Whether an operation is on bytes, indexed by `Op`."""

_REMARKS: Final = (
    (Flag.TRYFAIL, "not taken"),
    (Flag.REFUSED, "refused"),
    (Flag.INNER, "inner"),
    (Flag.BEGIN, "begin"),
    (Flag.END, "end"),
)
_BARE: Final = (Kind.THREAD, Kind.POINTER)


class Names:
    """The names of one trace's things, each made once."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.threads = [plain(name) or "(no name)" for name in trace.threads]
        self.event = cache(self._event)
        self.target = cache(self._target)
        self.site = cache(self._site)

    def program(self) -> str:
        """What was recorded, or the file that it was read from."""
        origin = self._trace.origin
        return plain(origin.program or origin.path or "a trace")

    def track(self, thread: int, level: int) -> str:
        """A thread, and that the track has only sections of it where it is not its own."""
        return self.threads[thread] + (f" (sections {level + 1})" if level else "")

    def section(self, sections: Sections, number: int) -> str:
        """`lock:m`, `lock:m (read)`."""
        name = self.target(int(sections.lock[number]))
        return name if sections.writes[number] else f"{name} (read)"

    def frame(self, site: int) -> Frame:
        """The file, line and function that `site` names."""
        frame = of_the_program(self._trace.sites[site])[0]
        file = place(frame._replace(function="")).rpartition(":")[0]
        return Frame(file, frame.line, plain(frame.function))

    def line(self, event: int) -> str:
        """`write page:0[0:64] "inbox" at binder.py:120 in copy_in (event 3)`."""
        *what, number = self.parts(event)
        return f"{' at '.join(what)} ({number})"

    def parts(self, event: int) -> list[str]:
        """`write page:0[0:64]`, `binder.py:120 in copy_in` where that is known, and `event 3`."""
        columns = self._trace.columns
        op, site = int(columns.op[event]), int(columns.site[event])
        start = int(columns.offset[event])
        touched = f"[{start}:{start + int(columns.length[event])}]" if TOUCHES[op] else ""
        what = self._event(op, int(columns.target[event]), int(columns.flags[event]), touched)
        return [what, *([] if site == NOTHING else [self.site(site)]), f"event {event}"]

    def _event(self, op: int, target: int, flags: int, touched: str = "") -> str:
        """`write page:0 "inbox"`, `start t1`, `lock lock:m (not taken)`."""
        words = [Op(op).name.lower()]
        if target != NOTHING:
            words.append(self._target(target, touched))
        words += [f"({remark})" for flag, remark in _REMARKS if flags & flag]
        return " ".join(words)

    def _target(self, target: int, touched: str = "") -> str:
        """`page:0 "inbox"`; threads and pointers by their names alone."""
        one = self._trace.targets[target]
        name = plain(one.name if one.kind in _BARE else str(one)) or "(no name)"
        label = self._trace.labels.get(target)
        return name + touched + ("" if label is None else f' "{plain(label)}"')

    def _site(self, site: int) -> str:
        """`binder.py:120 in copy_in`."""
        return place(of_the_program(self._trace.sites[site])[0])
