"""The guard: under control nothing may block but what the kernel knows of.

All threads of the program are one thread of the operating system there. Whoever blocks that one, in
`time.sleep` or on a lock of `threading`, holds up the thread that it waits for. So these raise, and
say what to use, as long as schedules are explored and for the thread that explores; for others, and
between two executions, they are what they always were. `threading.current_thread` and `get_ident`
tell the program's threads apart.

What was taken out of its module or made before cannot be replaced, and an endless loop has no name.
For these there is a watchdog: a step that takes longer than `Kernel.patience` ends the exploration
and says where it stands. It needs a signal, so it works where the main thread explores. (SIGURG:
nobody uses it, and it is ignored by default.)
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
import weakref
from _thread import allocate_lock, get_ident
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from racepage.errors import RacepageError
from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.frames import outside
from racepage.execution.per_thread import local

if TYPE_CHECKING:
    from racepage.execution.kernel import Kernel

_STANDARD: Final = ("threading", "queue", "concurrent.futures", "multiprocessing", "asyncio")
_LOOKS: Final = 10
"""How often the watchdog looks in the time that a step may take."""

_SIGNAL: Final[int | None] = getattr(signal, "SIGURG", None)


def controlled() -> bool:
    """Whether this is a thread under control, or asks for one."""
    return current.mode >= CONTROLLED and current.kernel.os_thread == get_ident()


def refuse(what: str, mend: str, frame: FrameType) -> NoReturn:
    """End the exploration: the program does something at `frame` that would block all of it."""
    at = _in_program(frame)
    current.kernel.refuse(
        RacepageError(
            f"{at.f_code.co_filename}:{at.f_lineno}: {what} blocks every thread under control: "
            f"{mend}"
        )
    )


def _in_program(frame: FrameType) -> FrameType:
    """The nearest frame, outwards, that is neither racepage's nor of what waits in the standard."""
    at: FrameType | None = outside(frame)
    while at is not None and at.f_globals.get("__name__", "").startswith(_STANDARD):
        at = at.f_back
    return outside(frame) if at is None else outside(at)


# What stands in for the original


class _Replacement(NamedTuple):
    owner: Any
    name: str
    original: Any
    replacement: Any


def _sleep(seconds: float, /) -> None:
    if controlled():
        refuse("time.sleep", "call racepage.sync.sleep", sys._getframe(1))  # noqa: SLF001
    _real_sleep(seconds)


def _start(self: threading.Thread) -> None:
    if controlled():
        kind = "Timer" if isinstance(self, threading.Timer) else "Thread"
        refuse(f"{type(self).__name__}.start", f"use racepage.sync.{kind}", sys._getframe(1))  # noqa: SLF001
    _real_start(self)


def _join(self: threading.Thread, timeout: float | None = None) -> None:
    if controlled() and self.is_alive() and (timeout is None or timeout > 0):
        mend = f"{self.name} was started before; let the program start the threads that it joins"
        refuse(f"{type(self).__name__}.join", mend, sys._getframe(1))  # noqa: SLF001
    _real_join(self, timeout)


def _wait(self: threading.Condition, timeout: float | None = None) -> bool:
    if controlled() and (timeout is None or timeout > 0):
        # An Event, a Semaphore, a Barrier, a queue: the outermost of what waits in here.
        frame: FrameType = sys._getframe(0)  # noqa: SLF001
        what = "threading.Condition.wait"
        while frame.f_back and frame.f_back.f_globals.get("__name__", "").startswith(_STANDARD):
            if frame.f_back.f_code.co_qualname == "Thread.run":
                break
            frame = frame.f_back
            what = f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"
        name = what.split(".")[-2]
        refuse(what, f"use racepage.sync.{name}", frame.f_back or frame)
    return _real_wait(self, timeout)


class BareLock:
    """A lock of `threading` that a program under control made: it works until it would block."""

    _name = "threading.Lock"

    def __init__(self) -> None:
        self._real = self._make()
        self._owner = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As the original, but that it does not wait."""
        if not controlled():
            return bool(self._real.acquire(blocking, timeout))
        taken = self._owner in {0, self._re_enters()} and bool(self._real.acquire(False))
        if taken:
            self._owner = current.ident()
        elif blocking:
            name = self._name.rpartition(".")[2]
            refuse(self._name, f"use racepage.sync.{name}", sys._getframe(1))  # noqa: SLF001
        return taken

    __enter__ = acquire

    def release(self) -> None:
        """As the original."""
        self._real.release()
        if not self._held():
            self._owner = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @staticmethod
    def _make() -> Any:
        return allocate_lock()

    def _re_enters(self) -> int:
        return 0

    def _held(self) -> bool:
        return bool(self._real.locked())


class BareRLock(BareLock):
    """The same of `threading.RLock`, which one thread of the operating system could always take."""

    _name = "threading.RLock"

    @staticmethod
    def _make() -> Any:
        return _real_rlock()

    def _re_enters(self) -> int:
        return current.ident()

    def _held(self) -> bool:
        return bool(self._real._is_owned())  # noqa: SLF001  (what Condition asks, too)


def _lock() -> Any:
    # An Event holds its lock for a moment only, and waits by `_wait`; every Thread has one.
    if sys._getframe(1).f_code is _EVENT or not controlled():  # noqa: SLF001
        return _real_lock()
    return BareLock()


def _rlock(*args: Any, **kwargs: Any) -> Any:
    return BareRLock() if controlled() else _real_rlock(*args, **kwargs)


def _ident() -> int:
    return current.ident()


def _unknown_thread() -> threading.Thread:
    """What `current_thread` falls back on: threads under control are nowhere registered."""
    if not controlled():
        found: threading.Thread = _real_dummy()
        return found
    return current.kernel.running.thread or current.kernel.name_thread()


_EVENT: Final = threading.Event.__init__.__code__

_real_sleep = time.sleep
_real_start = threading.Thread.start
_real_join = threading.Thread.join
_real_wait = threading.Condition.wait
_real_lock: Callable[[], Any] = threading.Lock
_real_rlock: Callable[..., Any] = threading.RLock
_real_dummy: Callable[[], Any] = threading._DummyThread  # noqa: SLF001

_REPLACEMENTS: Final = (
    _Replacement(time, "sleep", _real_sleep, _sleep),
    _Replacement(threading.Thread, "start", _real_start, _start),
    _Replacement(threading.Thread, "join", _real_join, _join),
    _Replacement(threading.Condition, "wait", _real_wait, _wait),
    _Replacement(threading, "Lock", _real_lock, _lock),
    _Replacement(threading, "RLock", _real_rlock, _rlock),
    _Replacement(threading, "local", threading.local, local),
    _Replacement(threading, "get_ident", get_ident, _ident),
    _Replacement(threading, "_DummyThread", _real_dummy, _unknown_thread),
)


# As long as a kernel explores

_standing: Final[dict[object, _thread.LockType]] = {}
"""What is released to let a watchdog go, for each kernel that explores."""

_handler: Any = None  # of the signal, before
_late: object = None  # where the execution stood that takes too long


def stand(kernel: Kernel) -> Callable[[], object]:
    """Put the replacements in place, and a watchdog; what is returned takes them away."""
    global _handler  # noqa: PLW0603  (there is one handler)
    token, leash = object(), allocate_lock()
    leash.acquire()
    if not _standing:
        for owner, name, _, replacement in _REPLACEMENTS:
            setattr(owner, name, replacement)
    _standing[token] = leash
    if _SIGNAL is not None and _in_main():
        if len(_standing) == 1:
            _handler = signal.signal(_SIGNAL, _overdue)
        _thread.start_new_thread(_watch, (weakref.ref(kernel), leash, kernel.patience, _SIGNAL))
    end = weakref.finalize(kernel, _leave, token)
    end.atexit = False
    return end


def _leave(token: object) -> None:
    _standing.pop(token).release()
    if _standing:
        return
    for owner, name, original, replacement in _REPLACEMENTS:
        if getattr(owner, name) is replacement:
            setattr(owner, name, original)
    if _SIGNAL is not None and _in_main():
        signal.signal(_SIGNAL, signal.SIG_DFL if _handler is None else _handler)


def _in_main() -> bool:
    return threading.main_thread().ident == get_ident()


def _watch(of: weakref.ref[Kernel], leash: _thread.LockType, patience: float, number: int) -> None:
    """All that a watchdog does, in a thread of its own."""
    global _late
    seen: object = None
    looks = 0
    while not leash.acquire(timeout=patience / _LOOKS):
        kernel = of()
        if kernel is None:
            return
        stands = (
            kernel.stands() if current.mode >= CONTROLLED and current.kernel is kernel else None
        )
        looks = looks + 1 if stands is not None and stands == seen else 0
        if looks == _LOOKS:
            looks, _late = 0, stands
            signal.pthread_kill(kernel.os_thread, number)
        seen = stands
        del kernel


def _overdue(signum: int, frame: FrameType | None) -> None:
    """The handler of the watchdog's signal: it runs in the midst of what takes too long."""
    kernel = current.kernel
    if _late is None or not controlled() or kernel.stands() != _late or frame is None:
        if callable(_handler):
            _handler(signum, frame)
        return
    at = _in_program(frame)
    kernel.refuse(
        RacepageError(
            f"{at.f_code.co_filename}:{at.f_lineno}: {kernel.running.log.name} has come to no "
            f"point for {kernel.patience:g} s: it blocks in what racepage does not know, or runs "
            "for ever; wait by what racepage.sync has, and call racepage.sync.yield_now() in loops"
        )
    )
