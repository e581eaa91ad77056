"""`RwLock`: many readers or one writer.

Edges: a write unlock to every later lock, a read unlock to every later write lock; readers do not
order each other. `downgrade` is a write unlock and a read lock with nothing in between; the read
lock is logged as a try, since it does not wait.

A thread that reads already may read again at once (inner levels are not logged, as in an `RLock`).
Taking the write lock while reading, or either while writing, could only wait for itself: it is
logged as refused, and raises, tried or not. Writers that wait go before readers that come later; no
more fairness is promised.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from types import FrameType, TracebackType
from typing import Final, NoReturn

from racepage.events import Flag, LockKind, Op
from racepage.execution import current
from racepage.sync._destroyed import DESTROY, DESTROY_REFUSED
from racepage.sync._monitor import Monitor, lock_timeout
from racepage.sync._names import lock_number, shown
from racepage.sync._section import Section
from racepage.sync.lock import (
    LOCK,
    LOCK_FAILED,
    LOCK_REFUSED,
    LOCK_TRIED,
    UNLOCK,
    UNLOCK_REFUSED,
)

RLOCK: Final = int(Op.RLOCK)
RUNLOCK: Final = int(Op.RUNLOCK)
RLOCK_TRIED: Final = current.word(Op.RLOCK, Flag.TRY)
RLOCK_FAILED: Final = current.word(Op.RLOCK, Flag.TRYFAIL)
RLOCK_REFUSED: Final = current.word(Op.RLOCK, Flag.REFUSED)
RUNLOCK_REFUSED: Final = current.word(Op.RUNLOCK, Flag.REFUSED)


class RwLock:
    """A lock that readers share and a writer has alone.

    `with lock.read():` and `with lock.write():`, or the methods one by one. The `acquire_` methods
    take `blocking` and `timeout` as `threading.Lock.acquire` does.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._number = lock_number(self, name, LockKind.RW)
        self._mutex = Section()
        self._readable = Monitor(self._mutex, self._number)
        self._writable = Monitor(self._mutex, self._number)
        self._readers: dict[int, int] = {}  # thread -> levels
        self._writer: int | None = None
        self._writers_waiting = 0
        self._destroyed = False

    def read(self) -> Side:
        """A context that holds the read lock."""
        return Side(self._acquire_read, self._release_read)

    def write(self) -> Side:
        """A context that holds the write lock; it may be downgraded within."""
        return Side(self._acquire_write, self._release_any)

    def acquire_read(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock for reading; False when it was not to be had in time.

        Raises:
            RuntimeError: this thread holds the write lock.
            ValueError: a negative timeout other than -1, or a timeout without `blocking`.
        """
        return self._acquire_read(_getframe(1), blocking, timeout)

    def acquire_write(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock for writing; False when it was not to be had in time.

        Raises:
            RuntimeError: this thread holds the lock already, in either mode.
            ValueError: a negative timeout other than -1, or a timeout without `blocking`.
        """
        return self._acquire_write(_getframe(1), blocking, timeout)

    def try_read(self) -> bool:
        """Take the lock for reading if that can be had at once; raises as `acquire_read`."""
        return self._acquire_read(_getframe(1), blocking=False)

    def try_write(self) -> bool:
        """Take the lock for writing if that can be had at once; raises as `acquire_write`."""
        return self._acquire_write(_getframe(1), blocking=False)

    def release_read(self) -> None:
        """Give the read lock back.

        Raises:
            RuntimeError: this thread is not reading.
        """
        self._release_read(_getframe(1))

    def release_write(self) -> None:
        """Give the write lock back.

        Raises:
            RuntimeError: this thread is not writing.
        """
        self._release_write(_getframe(1))

    def downgrade(self) -> None:
        """Turn the write lock into a read lock; no writer comes in between.

        Raises:
            RuntimeError: this thread is not writing.
        """
        frame = _getframe(1)
        with self._mutex:
            me = self._expect_writer("downgrade", frame)
            if current.mode:
                current.log(UNLOCK, self._number, frame)
                current.log(RLOCK_TRIED, self._number, frame)
            self._writer = None
            self._readers[me] = 1
            self._let_in()

    def destroy(self) -> None:
        """Say that nobody needs the lock any more: who uses it now, raises.

        Raises:
            RuntimeError: somebody holds it, or it was destroyed before.
        """
        frame = _getframe(1)
        with self._mutex:
            self._expect_usable(DESTROY_REFUSED, frame)
            if self._readers or self._writer is not None:
                self._refuse(DESTROY_REFUSED, frame, "destroyed while it is held; release it first")
            if current.mode:
                current.log(DESTROY, self._number, frame)
            self._destroyed = True

    def __repr__(self) -> str:
        state = "writing" if self._writer is not None else f"{len(self._readers)} reading"
        return f"<{shown(self, self._name)} {state} at {id(self):#x}>"

    def _acquire_read(self, frame: FrameType, blocking: bool = True, timeout: float = -1) -> bool:
        limit = lock_timeout(blocking, timeout)
        me = current.ident()
        with self._mutex:
            self._expect_usable(RLOCK_REFUSED, frame)
            if self._writer == me:
                why = "read lock by its writer; call downgrade() instead"
                self._refuse(RLOCK_REFUSED, frame, why)
            if me in self._readers:
                self._readers[me] += 1
                return True
            taken = self._readable.wait_for(self._admits_readers, limit, frame)
            if taken:
                self._readers[me] = 1
            if current.mode:
                word = RLOCK if limit is None else RLOCK_TRIED if taken else RLOCK_FAILED
                current.log(word, self._number, frame)
            return taken

    def _acquire_write(self, frame: FrameType, blocking: bool = True, timeout: float = -1) -> bool:
        limit = lock_timeout(blocking, timeout)
        me = current.ident()
        with self._mutex:
            self._expect_usable(LOCK_REFUSED, frame)
            if self._writer == me:
                why = "write lock by its writer, which would wait for ever"
                self._refuse(LOCK_REFUSED, frame, why)
            if me in self._readers:
                why = "no upgrade while reading; call release_read() first"
                self._refuse(LOCK_REFUSED, frame, why)
            taken = False
            self._writers_waiting += 1
            try:
                taken = self._writable.wait_for(self._admits_a_writer, limit, frame)
            finally:
                self._writers_waiting -= 1
                if taken:
                    self._writer = me
                else:
                    self._let_in()  # others may have waited for this thread alone
            if current.mode:
                word = LOCK if limit is None else LOCK_TRIED if taken else LOCK_FAILED
                current.log(word, self._number, frame)
            return taken

    def _release_read(self, frame: FrameType) -> None:
        me = current.ident()
        with self._mutex.giving_back:
            if me not in self._readers:
                self._refuse(RUNLOCK_REFUSED, frame, "read unlock by a thread that is not reading")
            if self._readers[me] > 1:
                self._readers[me] -= 1
                return
            if current.mode:
                current.log(RUNLOCK, self._number, frame)
            del self._readers[me]
            self._let_in()

    def _release_write(self, frame: FrameType) -> None:
        with self._mutex.giving_back:
            self._expect_writer("write unlock", frame)
            if current.mode:
                current.log(UNLOCK, self._number, frame)
            self._writer = None
            self._let_in()

    def _release_any(self, frame: FrameType) -> None:
        """The end of a `write()` context, which may have been downgraded."""
        if current.ident() in self._readers:
            self._release_read(frame)
        else:
            self._release_write(frame)

    def _expect_writer(self, what: str, frame: FrameType) -> int:
        me = current.ident()
        if self._writer != me:
            self._refuse(UNLOCK_REFUSED, frame, f"{what} by a thread that is not writing")
        return me

    def _expect_usable(self, word: int, frame: FrameType) -> None:
        if self._destroyed:
            self._refuse(word, frame, "it was destroyed")

    def _refuse(self, word: int, frame: FrameType, why: str) -> NoReturn:
        """Log what is refused, and raise: under the mutex."""
        if current.mode:
            current.log(word, self._number, frame)
        raise RuntimeError(f"{self!r}: {why}")

    def _admits_readers(self) -> bool:
        return self._writer is None and not self._writers_waiting

    def _admits_a_writer(self) -> bool:
        return self._writer is None and not self._readers

    def _let_in(self) -> None:
        if self._writers_waiting:
            self._writable.notify()
        else:
            self._readable.notify_all()


class Side:
    """One mode of a lock, for `with`."""

    __slots__ = ("_acquire", "_release")

    def __init__(
        self, acquire: Callable[[FrameType], bool], release: Callable[[FrameType], None]
    ) -> None:
        self._acquire = acquire
        self._release = release

    def __enter__(self) -> None:
        self._acquire(_getframe(1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release(_getframe(1))
