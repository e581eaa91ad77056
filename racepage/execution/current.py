"""What every page and every primitive calls: the current execution.

A page access or a synchronising operation that happens while a recording is on becomes one tuple in
the list of its own thread. No lock is held, no name is looked up, no number is shared: a tuple of
small integers and the caller's code object, which the garbage collector need not follow. Names,
lines and clocks are worked out when the recorder flushes (`racepage.execution.recorder`).

The order of synchronising events is the order in which they *took their turn*: each appends its
thread's mark to one list, `turns`, from inside the primitive's own critical section. The k-th
turn of a thread belongs to the k-th synchronising event of that thread's list. A page access takes
no turn; it stands between the synchronising events of its own thread.

What a primitive does:

    from racepage.execution import current

    self._number = current.new_lock(name)             # once
    self._real = current.raw_lock()
    ...
    taken = self._real.acquire(blocking, timeout)
    if current.mode and taken:
        current.log(LOCK, self._number, sys._getframe(1))

`LOCK` is a plain `int(Op.LOCK)`, or `current.word(Op.LOCK, Flag.TRY)` where flags are needed. The
frame is the caller's: whoever is public takes it, and hands it down, so that the site is always a
line of the program under test.

Blocking is done on what `raw_lock` hands out and on nothing else: a controlled scheduler has one
place to stand.
"""

from __future__ import annotations

import sys
import threading
from _thread import LockType, allocate_lock
from collections.abc import Callable
from itertools import count
from time import perf_counter_ns
from types import CodeType, FrameType
from typing import Final

from racepage.events import Flag, Kind, Op

OFF: Final = 0
SITES: Final = 1
STACKS: Final = 2

mode = OFF
"""OFF, SITES (the caller alone) or STACKS (several frames). `if current.mode:` asks whether a
recording is on. Read it each time; never copy it."""

depth = 1
"""How many frames of the stack an event carries."""

Event = tuple[int, int, int, int, object, int]
"""`(word, target, offset, length, code, lasti)`; with a time for `offset` where the operation
takes a turn. `code` is a stack, and `lasti` -1, where `mode` is STACKS; where the word has the
DETAIL bit, `code` is the tuple `(code, lasti, detail)`."""

KIND_BITS: Final = 3
FLAG_SHIFT: Final = 8
DETAIL: Final = 1 << 16

TAKES_TURN: Final[tuple[bool, ...]] = tuple(op in (Op.ALLOC, Op.FREE) or op >= Op.LOCK for op in Op)
"""Which operations stand in the global order, indexed by `Op`. A page's allocation does, since no
access of that page may stand before it."""

EXIT: Final = int(Op.EXIT)
START: Final = int(Op.START)
JOIN: Final = int(Op.JOIN)
NO_TARGET: Final = -1


class ThreadLog:
    """One thread's events, in its program order.

    Attributes:
        number: the thread as a target, unique in this process.
        name: what people call it; the recorder makes names unique within a recording.
        foreign: nobody started it through racepage, so nothing is known to come before it.
        ended: its last event is in the list.
        events: appended to by the thread, taken from the front by the recorder, and touched by
            nobody else.
        append: `events.append`, made once; it is also the thread's mark in `turns`, since it is
            what a logging thread has at hand.
    """

    __slots__ = ("append", "ended", "events", "foreign", "name", "number")

    def __init__(self, name: str, *, foreign: bool = False) -> None:
        self.number = _new(Kind.THREAD)
        self.name = name
        self.foreign = foreign
        self.ended = False
        self.events: list[Event] = []
        self.append = self.events.append


class _Goodbye:
    """Dies with the thread whose local storage holds it."""

    __slots__ = ("_log",)

    def __init__(self, log: ThreadLog) -> None:
        self._log = log

    def __del__(self) -> None:
        self._log.ended = True
        if not mode and not self._log.events:
            logs.pop(self._log.number, None)


logs: dict[int, ThreadLog] = {}
"""The threads that the recorder looks at, by number."""

turns: list[Callable[[Event], None]] = []
"""The marks of the threads that logged synchronising events, in the order of their effect."""

collected: list[int] = []
"""Pages that the garbage collector freed. A finalizer may run anywhere, so it only appends."""

given: dict[int, str] = {}
"""target -> the name, or for a page the label, that people gave it."""

_dropped: list[int] = []
_spare: list[int] = []
_numbers = tuple(count() for _ in Kind)
_own = threading.local()
_turn = turns.append


# Targets


def _new(kind: Kind) -> int:
    return next(_numbers[kind]) << KIND_BITS | kind


def _named(kind: Kind, name: str | None) -> int:
    number = _new(kind)
    if name is not None:
        given[number] = name
    return number


def new_lock(name: str | None = None) -> int:
    """A lock's number. It is `lock:NAME` in a trace, or `lock:N` without a name; names that clash
    get a `#2`, and anonymous targets are counted from 0 in each recording."""  # noqa: D205, D209
    return _named(Kind.LOCK, name)


def new_sync(name: str | None = None) -> int:
    """A synchronisation object's number: `sync:NAME` or `sync:N`."""
    return _named(Kind.SYNC, name)


def one_shot() -> int:
    """A synchronisation object for one hand-over; give it back with `recycle` once taken."""
    try:
        return _spare.pop()
    except IndexError:
        return _new(Kind.SYNC)


def recycle(number: int) -> None:
    """Let another hand-over use this one-shot. Its `take`, if any, is logged already."""
    _spare.append(number)


def new_page(label: str | None = None) -> int:
    """A page's number: always `page:N`; the label is for people."""
    return _named(Kind.PAGE, label)


def new_user(label: str | None = None) -> int:
    """The number of a piece of user memory: `user:N`."""
    return _named(Kind.USER, label)


def new_pointer() -> int:
    """The number of a pointer to a mapped page."""
    return _new(Kind.POINTER)


def drop(number: int) -> None:
    """Forget the name of a target that is gone, as soon as no recording can still ask for it."""
    if number in given:
        if mode:
            _dropped.append(number)
        else:
            given.pop(number, None)


def word(op: Op, flags: Flag = Flag.NONE) -> int:
    """An operation and its flags in the one plain integer that `log` and `note` take."""
    return int(op) | int(flags) << FLAG_SHIFT


# Locks


def raw_lock() -> LockType:
    """A real lock that logs nothing: what primitives are built from and block on."""
    return allocate_lock()


# Threads


def new_thread(name: str) -> ThreadLog:
    """A thread that is going to be started through racepage."""
    return ThreadLog(name)


def start(thread: ThreadLog, frame: FrameType) -> None:
    """Log that the current thread starts `thread`: call it before the child can run."""
    if mode:
        logs[thread.number] = thread
        log(START, thread.number, frame)


def enter(thread: ThreadLog) -> None:
    """Make `thread` the current thread: the child's first act."""
    _own.log = thread
    _own.append = thread.append
    logs[thread.number] = thread


def leave() -> None:
    """Log the current thread's exit: the child's last act."""
    thread: ThreadLog = _own.log
    if mode:
        thread.append((EXIT, NO_TARGET, perf_counter_ns(), 0, None, -1))
        _turn(thread.append)
    thread.ended = True
    if not mode and not thread.events:
        logs.pop(thread.number, None)


def join(thread: ThreadLog, frame: FrameType) -> None:
    """Log that the current thread saw `thread` end: only after a join that succeeded."""
    if mode:
        logs.setdefault(thread.number, thread)
        log(JOIN, thread.number, frame)


def thread_name() -> str:
    """The current thread's name, as it was given; `main` for the main thread."""
    return _log().name


def _log() -> ThreadLog:
    try:
        found: ThreadLog = _own.log
    except AttributeError:
        found = _meet()
    return found


def _meet() -> ThreadLog:
    """The log of a thread that nobody announced."""
    thread = threading.current_thread()
    if thread is threading.main_thread():
        found = ThreadLog("main")
    else:
        found = ThreadLog(thread.name, foreign=True)
        _own.goodbye = _Goodbye(found)
    _own.log = found
    _own.append = found.append
    logs[found.number] = found
    return found


# Events


def log(word: int, target: int, frame: FrameType) -> None:
    """Log a synchronising event from inside the critical section of the primitive it acts on.

    Args:
        word: `int(Op.X)`, or what `word` made; an operation that takes a turn.
        target: a number from the functions above, or NO_TARGET.
        frame: the frame of the program under test that called the primitive.
    """
    try:
        append = _own.append
    except AttributeError:
        append = _meet().append
    if mode == STACKS:
        append((word, target, perf_counter_ns(), 0, stack(frame), -1))
    else:
        append((word, target, perf_counter_ns(), 0, frame.f_code, frame.f_lasti))
    _turn(append)


def note(word: int, target: int, offset: int, length: int, frame: FrameType) -> None:
    """Log an access of `length` bytes from `offset`: an operation that takes no turn."""
    try:
        append = _own.append
    except AttributeError:
        append = _meet().append
    if mode == STACKS:
        append((word, target, offset, length, stack(frame), -1))
    else:
        append((word, target, offset, length, frame.f_code, frame.f_lasti))


def stack(frame: FrameType) -> tuple[CodeType | int, ...]:
    """Up to `depth` frames from `frame` outwards, flat: as code, lasti, code, lasti and so on."""
    found: list[CodeType | int] = []
    at: FrameType | None = frame
    for _ in range(depth):
        if at is None:
            break
        found.append(at.f_code)
        found.append(at.f_lasti)
        at = at.f_back
    return tuple(found)


def caller() -> FrameType:
    """The frame that called the caller of this function."""
    return sys._getframe(2)  # noqa: SLF001  (the only cheap way to a caller's frame)
