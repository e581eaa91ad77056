"""What every page and every primitive calls: the current execution.

A page access or a synchronising operation that happens while a recording is on becomes six items
at the end of its own thread's list. No lock is held, no name is looked up, no number is drawn; no
object is left behind that the garbage collector would look at. Names, lines and clocks are worked
out when the recorder flushes (`racepage.execution.recorder`).

The order of synchronising events is the order in which they *took their turn*: from inside the
primitive's own critical section each also appends its time to one list, `turns`, which all threads
share. A plain page access takes no turn; it stands between the synchronising events of its own
thread. An atomic or byte-wise one takes its turn from inside the page's section.

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

import threading
from _thread import LockType, RLock, allocate_lock, get_ident
from collections.abc import Callable
from itertools import count
from time import perf_counter_ns
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from racepage.errors import RecordingError
from racepage.events import Kind, Op
from racepage.execution.flat import DETAIL, SPAN_BITS, TURN, Event, word
from racepage.execution.frames import stack
from racepage.execution.targets import (
    KIND_BITS,
    NO_TARGET,
    given,
    lock_kinds,
    new,
    new_cell,
    new_lock,
    new_page,
    new_pointer,
    new_reason,
    new_sync,
    new_user,
    one_shot,
    recycle,
    sizes,
)
from racepage.trace.columns import Detail

if TYPE_CHECKING:
    from racepage.execution.kernel import Kernel

__all__ = [
    "KIND_BITS",
    "NO_TARGET",
    "TURN",
    "given",
    "lock_kinds",
    "new_cell",
    "new_lock",
    "new_page",
    "new_pointer",
    "new_reason",
    "new_sync",
    "new_user",
    "one_shot",
    "recycle",
    "sizes",
    "word",
]

OFF: Final = 0
SITES: Final = 1
STACKS: Final = 2
VALUES: Final = 4
PAUSED: Final = 8
CONTROLLED: Final = 16
_EXPLORED: Final = CONTROLLED | SITES

mode = OFF
"""OFF, SITES (the caller alone) or STACKS (several frames); with VALUES added where accesses say
which bytes they read and wrote, PAUSED while the recorder catches up, and CONTROLLED where a kernel
says who goes next. `if current.mode:` asks whether a recording is on, `if current.mode >=
CONTROLLED:` whether an operation has to stop at a point. Read it each time; never copy it."""

kernel: Kernel = None  # type: ignore[assignment]  # nobody asks for it unless there is one
"""Who says who goes next, while `mode` has CONTROLLED."""

execution = 0
"""Which controlled execution this is, from 1 on; 0 where none is."""

_executions = count(1)

ident: Callable[[], int] = get_ident
"""Which thread this is: a number that no other thread has as long as this one lives."""

depth = 1
"""How many frames of the stack an event carries."""

PATIENCE_SECONDS: Final = 1.0
"""How long a thread waits for the recorder to catch up, at most."""

_THREAD: Final = Kind.THREAD
EXIT: Final = int(Op.EXIT)
START: Final = int(Op.START)
JOIN: Final = int(Op.JOIN)
DETACH: Final = int(Op.DETACH)


class ThreadLog:
    """One thread's events, in its program order.

    Attributes:
        number: the thread as a target, unique in this process.
        name: what people call it; the recorder makes names unique within a recording.
        foreign: nobody started it through racepage, so nothing is known to come before it.
        ended: its last event is in the list.
        ident: the thread as `threading` knows it, from its first event on.
        waits: only another thread can make it go on (`execution/waits.py`).
        joins: the thread whose end it waits for.
        events: flat, FIELDS items an event; extended by the thread, taken from the front by the
            recorder, and touched by nobody else.
    """

    __slots__ = ("ended", "events", "foreign", "ident", "joins", "name", "number", "waits")

    def __init__(self, name: str, *, foreign: bool = False) -> None:
        self.number = new(_THREAD)
        self.name = name
        self.foreign = foreign
        self.ended = False
        self.ident = 0
        self.waits = False
        self.joins: ThreadLog | None = None
        self.events: list[Any] = []


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

turns: list[int] = []
"""The times of the synchronising events of all threads, in the order of their effect. They are the
very objects that stand in the threads' lists, and are matched by identity: so equal times do no
harm, nor does an event that a recording's end cut in half (in its thread's list, not yet here)."""

collected: list[int] = []
"""Pages that the garbage collector freed. A finalizer may run anywhere, so it only appends."""

relabelled: list[int] = []
"""Pages that were given a label after the recording may have met them."""

uncaught: list[Callable[[ThreadLog, BaseException], object]] = []
"""Called in a thread that ends because it raised: with the thread, and what nothing caught."""

_gate = allocate_lock()  # held during a pause
_pauser = 0
_recorded = False  # from a recording's begin until its last flush is done
_dropped: list[int] = []


own = threading.local()
"""The current thread's `log`, and `extend`, which is its list's. Under control the kernel knows
whose `log` it is, and has one list for all threads.

`own.extend((word, target, offset, length, code, lasti))` logs an access where `mode` is SITES; in a
thread that was not met yet it is an AttributeError. Four methods are worth saving a call that way:
a page's `read_raw` and `write_raw`, a lock's `acquire` and `release`, which then take their turn.
All others call `note` and `log`. (A subclass with an `__init__` would know no first time, and takes
longer to look anything up.)
"""

take_turn = turns.append


# A recording's begin and end


def begin(new_mode: int, new_depth: int) -> None:
    """Let every thread log from here on. Only the recorder calls this, with no recording on."""
    global mode, depth, _recorded  # noqa: PLW0603  (the cheapest check there is)
    tidy()
    for thread in list(logs.values()):
        thread.events.clear()
    turns.clear()
    collected.clear()
    depth = new_depth
    _recorded = True
    mode = new_mode


def end() -> None:
    """Let no thread log any more. An operation that is under way may still leave one event."""
    global mode  # noqa: PLW0603
    mode = OFF


def pause() -> None:
    """Let whoever logs wait until `resume`: only the recorder, when it has fallen behind."""
    global mode, _pauser  # noqa: PLW0603
    _pauser = get_ident()
    _gate.acquire()
    mode |= PAUSED


def resume() -> None:
    """End a pause."""
    global mode  # noqa: PLW0603
    mode &= ~PAUSED
    _gate.release()


def _wait() -> None:
    """Wait for a pause to end, with patience: a finalizer that the recorder's thread happens to run
    may need a lock whose holder waits here."""  # noqa: D205, D209
    if get_ident() != _pauser and _gate.acquire(timeout=PATIENCE_SECONDS):
        _gate.release()


def tidy() -> None:
    """Forget what was kept for the recording that ended, and is flushed."""
    global _recorded  # noqa: PLW0603
    _recorded = False
    relabelled.clear()
    while _dropped:
        number = _dropped.pop()
        given.pop(number, None)
        sizes.pop(number, None)
        lock_kinds.pop(number, None)
    for number, thread in list(logs.items()):
        if thread.ended:
            logs.pop(number, None)


def forked() -> None:
    """In a forked child: only this thread is there, and nothing is recorded."""
    end()
    here = task()
    logs.clear()
    logs[here.number] = here
    here.events.clear()
    turns.clear()
    collected.clear()
    tidy()


# Controlled execution


def control(by: Kernel, new_mode: int, new_depth: int) -> None:
    """Let threads be those of a kernel, and log for it, until `end_control`.

    Raises:
        RecordingError: a recording is on, or another kernel.
    """
    global kernel, mode, depth, ident, execution, _recorded  # noqa: PLW0603
    if mode:
        raise RecordingError("a recording is on: end it before schedules are explored")
    kernel = by
    execution = next(_executions)
    depth = new_depth
    ident = _task_ident
    _recorded = True
    collected.clear()
    mode = new_mode


def unwind() -> None:
    """Let what is left of a controlled execution log nothing more."""
    own.extend = kernel.extend = _ignore


def end_control() -> None:
    """Let threads be those of the operating system again."""
    global mode, ident, execution  # noqa: PLW0603
    mode = OFF
    execution = 0
    ident = get_ident
    turns.clear()
    relabelled.clear()
    _dropped.clear()  # the next execution has other things of those numbers


def _task_ident() -> int:
    here = get_ident()
    return kernel.running.log.ident if here == kernel.os_thread else here


# What is gone


def collect(number: int) -> None:
    """Say that the garbage collector freed a page. Safe in a finalizer: it only appends."""
    if mode:
        collected.append(number)
    drop(number)


def drop(number: int) -> None:
    """Forget what is known of a target that is gone, once no recording can ask for it."""
    if number not in given and number not in sizes and number not in lock_kinds:
        return
    # Only the recorder forgets while it may still have to name what was logged.
    _dropped.append(number)
    if not _recorded:
        tidy()


def relabel(number: int, label: str) -> None:
    """Give a page another label, whether a recording has met it or not."""
    given[number] = label
    if _recorded:
        relabelled.append(number)


# Locks


def raw_lock() -> LockType:
    """A real lock that logs nothing: what primitives are built from and block on."""
    return allocate_lock()


def raw_section() -> RLock:
    """A real lock for a few lines that wait for nobody: an atomic operation, and its event.

    Re-entrant, since a finalizer or a signal handler may run between those lines, in their thread,
    and do the same.
    """
    return RLock()


# Threads


def new_thread(name: str) -> ThreadLog:
    """A thread that is going to be started through racepage."""
    return ThreadLog(name)


def start(thread: ThreadLog, frame: FrameType) -> None:
    """Log that the current thread starts `thread`: call it before the child can run."""
    if mode:
        if mode < CONTROLLED:  # a kernel remembers its threads
            remember(thread)
        log(START, thread.number, frame)


def remember(thread: ThreadLog) -> None:
    """Keep the name of a thread that may not be there when the recorder asks for it."""
    given[thread.number] = thread.name
    _dropped.append(thread.number)


def enter(thread: ThreadLog) -> None:
    """Make `thread` the current thread: the child's first act."""
    own.log = thread
    own.extend = thread.events.extend
    thread.ident = get_ident()
    logs[thread.number] = thread


def leave() -> None:
    """Log the current thread's exit: the child's last act."""
    thread = task()
    if mode:
        now = perf_counter_ns()
        thread.events.extend((EXIT, NO_TARGET, now, 0, None, -1))
        take_turn(now)
    # A finalizer of the thread's own storage may still log; an exit stays the last event.
    own.extend = _ignore
    thread.ended = True
    if not mode and not thread.events:
        logs.pop(thread.number, None)


def _ignore(_event: Event) -> None:
    pass


def join(thread: ThreadLog, frame: FrameType) -> None:
    """Log that the current thread saw `thread` end: only after a join that succeeded."""
    if mode:
        if mode < CONTROLLED:
            remember(thread)
        log(JOIN, thread.number, frame)


def detach(thread: ThreadLog, frame: FrameType) -> None:
    """Log that nobody has to join `thread`."""
    if mode:
        remember(thread)
        log(DETACH, thread.number, frame)


def thread_name() -> str:
    """The current thread's name, as it was given; `main` for the main thread."""
    return task().name


def task() -> ThreadLog:
    """The current thread's log."""
    if mode >= CONTROLLED and get_ident() == kernel.os_thread:
        return kernel.running.log
    try:
        found: ThreadLog = own.log
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
        own.goodbye = _Goodbye(found)
    enter(found)
    return found


# Events


def log(word: int, target: int, frame: FrameType, length: int = 0) -> None:
    """Log a synchronising event from inside the critical section of the primitive it acts on.

    Args:
        word: `int(Op.X)`, or what `word` made; an operation that takes a turn.
        target: a number from the functions above, or NO_TARGET.
        frame: the frame of the program under test that called the primitive.
        length: the page's size in bytes, for ALLOC and FREE.
    """
    if mode == _EXPLORED:  # the list is in order, and there is no time
        kernel.extend((word, target, 0, length, frame.f_code, frame.f_lasti))
        return
    try:
        extend = own.extend
    except AttributeError:
        extend = _meet().events.extend
    if mode & PAUSED:
        _wait()
    now = perf_counter_ns()
    if mode & STACKS:
        extend((word, target, now, length, stack(frame, depth), -1))
    else:
        extend((word, target, now, length, frame.f_code, frame.f_lasti))
    take_turn(now)


def log_inside(word: int, target: int) -> None:
    """As `log`, for what no line of the program under test does: what a pool does after a task."""
    if mode & PAUSED:
        _wait()
    now = perf_counter_ns()
    task()  # met, if it was not before
    own.extend((word, target, now, 0, None, -1))
    take_turn(now)


def note(word: int, target: int, offset: int, length: int, frame: FrameType) -> None:
    """Log an access of `length` bytes from `offset`: an operation that takes no turn."""
    try:
        extend = own.extend
    except AttributeError:
        extend = _meet().events.extend
    if mode & PAUSED:
        _wait()
    if mode & STACKS:
        extend((word, target, offset, length, stack(frame, depth), -1))
    else:
        extend((word, target, offset, length, frame.f_code, frame.f_lasti))


def log_access(
    word: int,
    target: int,
    offset: int,
    length: int,
    frame: FrameType,
    *,
    old: bytes | None = None,
    new: bytes | None = None,
) -> None:
    """Log an access that stands in the global order, from inside the section that it is done in.

    Args:
        word: of an atomic or byte-wise operation; it takes its turn, whether it says so or not.
        target: a page, or a cell, which has no bytes: offset and length are 0.
        offset: of the first byte that is touched.
        length: in bytes.
        frame: as for `log`.
        old: the bytes before, which are kept where `mode` asks for values.
        new: the bytes after.
    """
    if mode & VALUES:
        _with_detail(word | TURN, target, offset, length, frame, Detail(old=old, new=new))
    else:
        log(word | TURN, target, frame, offset << SPAN_BITS | length)


def log_detail(word: int, target: int, frame: FrameType, detail: Detail) -> None:
    """As `log`, with a detail whose `via` and `source` are numbers of targets."""
    _with_detail(word | TURN, target, 0, 0, frame, detail)


def note_detail(
    word: int, target: int, offset: int, length: int, frame: FrameType, *, detail: Detail
) -> None:
    """As `note`, with a detail; an access whose word has the TURN bit stands in the global order.

    That is for an access that another thread's events would not be told apart from by order alone:
    through a pointer that another task mapped.
    """
    _with_detail(word, target, offset, length, frame, detail)


def _with_detail(  # noqa: PLR0917  (an event, field by field)
    word: int, target: int, offset: int, length: int, frame: FrameType, detail: Detail
) -> None:
    if mode & PAUSED:
        _wait()
    code, lasti = (stack(frame, depth), -1) if mode & STACKS else (frame.f_code, frame.f_lasti)
    now = perf_counter_ns()
    task()  # met, if it was not before
    own.extend((word | DETAIL, target, now, length, (code, lasti, detail, offset), -1))
    if word & TURN:
        take_turn(now)
