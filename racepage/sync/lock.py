"""Locks that one thread holds at a time: `Lock`, `Mutex`, `SpinLock`.

Edges: every release to every later acquire. Both rows are logged while the real lock is held, the
`lock` after it was taken and the `unlock` before it is given back, so that nothing of another
holder can stand between. A try that failed, or ran out of time, is logged and orders nothing; so
is what a lock refuses, before it raises.

`Lock` is `threading.Lock`: any thread may release it. Its methods are the hot path of a recording:
`acquire` and `release` even save the call of the logger (`benchmarks/record.py` says why).
`Mutex` and `SpinLock` are the kernel's: who locked must unlock, and does not lock again. Over
operating-system threads a spinlock blocks like a mutex; spinning would only keep the interpreter
from the holder.
"""

from __future__ import annotations

from sys import _getframe
from time import perf_counter_ns
from types import FrameType, TracebackType
from typing import ClassVar, Final, NoReturn

from racepage.events import Flag, LockKind, Op
from racepage.execution import current
from racepage.execution.current import CONTROLLED, SITES, own, take_turn
from racepage.execution.step import LOCK as STEP_LOCK
from racepage.execution.step import READ as STEP_READ
from racepage.execution.step import UNLOCK as STEP_UNLOCK
from racepage.sync._destroyed import destroy
from racepage.sync._monitor import FOREVER, await_lock, stop_before_lock, take
from racepage.sync._names import lock_number, shown

LOCK: Final = int(Op.LOCK)
UNLOCK: Final = int(Op.UNLOCK)
LOCK_TRIED: Final = current.word(Op.LOCK, Flag.TRY)
LOCK_FAILED: Final = current.word(Op.LOCK, Flag.TRYFAIL)
LOCK_REFUSED: Final = current.word(Op.LOCK, Flag.REFUSED)
UNLOCK_REFUSED: Final = current.word(Op.UNLOCK, Flag.REFUSED)


class Lock:
    """`threading.Lock` with a name: not re-entrant, and any thread may release it."""

    __slots__ = ("__weakref__", "_name", "_number", "_real")

    def __init__(self, *, name: str | None = None) -> None:
        self._real = current.raw_lock()
        self._name = name
        self._number = lock_number(self, name)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; False when it was not to be had at once, or within `timeout` seconds.

        Raises:
            ValueError: a negative timeout other than -1, or a timeout without `blocking`.
            RuntimeError: it was destroyed.
        """
        if current.mode >= CONTROLLED:
            stop_before_lock(self._real, self._number, blocking, timeout)
        if timeout == -1 and blocking:
            if not self._real.acquire(False):
                await_lock(self._real, FOREVER, self._number, _getframe(1))
            if current.mode == SITES:
                at, now = _getframe(1), perf_counter_ns()
                try:
                    own.extend((LOCK, self._number, now, 0, at.f_code, at.f_lasti))
                except AttributeError:  # the thread's first event
                    current.log(LOCK, self._number, at)
                else:
                    take_turn(now)
            elif current.mode:
                current.log(LOCK, self._number, _getframe(1))
            return True
        taken = take(self._real, blocking, timeout, self._number, _getframe(1))
        if current.mode:
            current.log(LOCK_TRIED if taken else LOCK_FAILED, self._number, _getframe(1))
        return taken

    def release(self) -> None:
        """Give the lock back.

        Raises:
            RuntimeError: nobody holds it.
        """
        if current.mode:
            if current.mode >= CONTROLLED:
                current.kernel.point(STEP_UNLOCK, self._number)
            at, now = _getframe(1), perf_counter_ns()
            if not self._real.locked():
                self._refuse_release(at)
            if current.mode == SITES:
                try:
                    own.extend((UNLOCK, self._number, now, 0, at.f_code, at.f_lasti))
                except AttributeError:  # the thread's first event
                    current.log(UNLOCK, self._number, at)
                else:
                    take_turn(now)
            else:
                current.log(UNLOCK, self._number, at)
        self._real.release()

    def locked(self) -> bool:
        """Whether somebody holds it now."""
        if current.mode >= CONTROLLED:
            current.kernel.point(STEP_READ, self._number)
        return self._real.locked()

    def destroy(self) -> None:
        """Say that nobody needs the lock any more, as `mutex_destroy`: who uses it now, raises.

        Raises:
            RuntimeError: somebody holds it, or it was destroyed before.
        """
        self._real = destroy(self._real, self._number, repr(self), _getframe(1))

    def __enter__(self) -> bool:
        if current.mode >= CONTROLLED:
            current.kernel.gated(self._real.locked, STEP_LOCK, self._number)
        if not self._real.acquire(False):
            await_lock(self._real, FOREVER, self._number, _getframe(1))
        if current.mode:
            current.log(LOCK, self._number, _getframe(1))
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if current.mode:
            if current.mode >= CONTROLLED:
                current.kernel.point(STEP_UNLOCK, self._number)
            if not self._real.locked():
                self._refuse_release(_getframe(1))
            current.log(UNLOCK, self._number, _getframe(1))
        self._real.release()

    def __repr__(self) -> str:
        state = "locked" if self._real.locked() else "unlocked"
        return f"<{state} {shown(self, self._name)} object at {id(self):#x}>"

    # What Condition asks of a lock, with the frame of whoever called the condition.

    def _acquire_at(self, frame: FrameType) -> None:
        if current.mode >= CONTROLLED:
            current.kernel.gated(self._real.locked, STEP_LOCK, self._number)
        if not self._real.acquire(blocking=False):
            await_lock(self._real, FOREVER, self._number, frame)
        if current.mode:
            current.log(LOCK, self._number, frame)

    def _release_at(self, frame: FrameType) -> None:
        if current.mode >= CONTROLLED:
            current.kernel.point(STEP_UNLOCK, self._number)
        if not self._real.locked():
            self._refuse_release(frame)
        if current.mode:
            current.log(UNLOCK, self._number, frame)
        self._real.release()

    def _give_up(self, frame: FrameType) -> int:
        self._release_at(frame)
        return 1

    def _take_back(self, levels: int, frame: FrameType) -> None:  # noqa: ARG002  (RLock's shape)
        self._acquire_at(frame)

    def _is_owned(self) -> bool:
        return self._real.locked()

    def _refuse_release(self, frame: FrameType) -> NoReturn:
        if current.mode >= CONTROLLED:
            if current.kernel.over:
                current.kernel.leave()  # it waited for the lock, and was unwound
            current.kernel.only_read()
        if current.mode:
            current.log(UNLOCK_REFUSED, self._number, frame)
        raise RuntimeError("release unlocked lock")


class OwnedLock:
    """A lock that only its holder may release; `Mutex`, `SpinLock` and `RLock` are kinds of it."""

    __slots__ = ("__weakref__", "_name", "_number", "_owner", "_real")
    _kind: ClassVar[LockKind] = LockKind.MUTEX

    def __init__(self, *, name: str | None = None) -> None:
        self._real = current.raw_lock()
        self._owner: int | None = None
        self._name = name
        self._number = lock_number(self, name, self._kind)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; False when it was not to be had at once, or within `timeout` seconds.

        Raises:
            ValueError: a negative timeout other than -1, or a timeout without `blocking`.
            RuntimeError: this thread holds it already, and would wait for itself; or the lock was
                destroyed.
        """
        return self._acquire(blocking, timeout, _getframe(1))

    def release(self) -> None:
        """Give the lock back.

        Raises:
            RuntimeError: the calling thread does not hold it.
        """
        self._release_at(_getframe(1))

    def locked(self) -> bool:
        """Whether somebody holds it now."""
        if current.mode >= CONTROLLED:
            current.kernel.point(STEP_READ, self._number)
        return self._real.locked()

    def destroy(self) -> None:
        """Say that nobody needs the lock any more, as `mutex_destroy`: who uses it now, raises.

        Raises:
            RuntimeError: somebody holds it, or it was destroyed before.
        """
        self._real = destroy(self._real, self._number, repr(self), _getframe(1))

    def __enter__(self) -> bool:
        return self._acquire(True, -1, _getframe(1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release_at(_getframe(1))

    def __repr__(self) -> str:
        state = "locked" if self._real.locked() else "unlocked"
        who = f"owner={self._owner or 0}"
        return f"<{state} {shown(self, self._name)} object {who} at {id(self):#x}>"

    def _acquire(self, blocking: bool, timeout: float, frame: FrameType) -> bool:
        if timeout == -1 and blocking and self._owner == current.ident():
            why = f"{self!r} is held by this thread, which would wait for itself for ever"
            self._refuse(LOCK_REFUSED, frame, why)
        return self._take(blocking, timeout, frame)

    def _take(self, blocking: bool, timeout: float, frame: FrameType) -> bool:
        if current.mode >= CONTROLLED:
            stop_before_lock(self._real, self._number, blocking, timeout)
        word, taken = LOCK, True
        if timeout != -1 or not blocking:
            taken = take(self._real, blocking, timeout, self._number, frame)
            word = LOCK_TRIED if taken else LOCK_FAILED
        elif not self._real.acquire(blocking=False):
            await_lock(self._real, FOREVER, self._number, frame)
        if taken:
            self._owner = current.ident()
        if current.mode:
            current.log(word, self._number, frame)
        return taken

    def _acquire_at(self, frame: FrameType) -> None:
        self._acquire(True, -1, frame)

    def _release_at(self, frame: FrameType) -> None:
        if self._owner != current.ident():
            why = f"{self!r} is not held by this thread: only its holder releases it"
            self._refuse(UNLOCK_REFUSED, frame, why)
        if current.mode:
            if current.mode >= CONTROLLED:
                current.kernel.point(STEP_UNLOCK, self._number)
            current.log(UNLOCK, self._number, frame)
        self._owner = None
        self._real.release()

    def _give_up(self, frame: FrameType) -> int:
        self._release_at(frame)
        return 1

    def _take_back(self, levels: int, frame: FrameType) -> None:  # noqa: ARG002  (RLock's shape)
        self._acquire_at(frame)

    def _is_owned(self) -> bool:
        return self._owner == current.ident()

    def _refuse(self, word: int, frame: FrameType, why: str) -> NoReturn:
        """Log what is refused, and raise."""
        if current.mode >= CONTROLLED and current.kernel.over:
            current.kernel.leave()  # it waited for the lock, and was unwound
        if current.mode:
            current.log(word, self._number, frame)
        raise RuntimeError(why)


class Mutex(OwnedLock):
    """A lock that the thread that took it gives back; not re-entrant."""

    __slots__ = ()


class SpinLock(OwnedLock):
    """As `Mutex`; its holder is not supposed to sleep."""

    __slots__ = ()
    _kind = LockKind.SPIN
