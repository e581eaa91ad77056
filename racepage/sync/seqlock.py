"""`SeqLock`: writers exclude each other, readers look again where a writer came between.

Edges: the writer side is a lock. A read that needed no retry takes the last write unlock, when
`read_retry` says so; one that has to be retried takes nothing. Readers order nothing after them: a
writer neither waits for them nor learns of them. So the data itself, in read and in write sections
alike, is for byte-wise atomic accesses.

Source: Linux, include/linux/seqlock.h. There a reader spins while a writer is inside; here it
waits.
"""

# ruff: noqa: SLF001  (the writer side is a lock, with the frame of whoever called this one)

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from types import FrameType
from typing import ParamSpec, TypeVar

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.step import WRITE
from racepage.sync._monitor import FOREVER, Monitor
from racepage.sync._names import shown, sync_number
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, RELEASE
from racepage.sync.lock import UNLOCK_REFUSED, SpinLock
from racepage.sync.rwlock import Side

P = ParamSpec("P")
T = TypeVar("T")


class SeqLock:
    """A sequence that is odd while a writer is inside, and a lock for writers.

        while True:
            start = lock.read_begin()
            ...
            if not lock.read_retry(start):
                break

    or `lock.read(body)`; and `with lock.write():`.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self._writer = SpinLock(name=name)
        self._mutex = Section()
        self._even = Monitor(self._mutex, self._writer._number)
        self._sequence = 0
        self._released = False
        self._name = name
        self._number = sync_number(self, name and f"{name}.sequence")

    def write(self) -> Side:
        """A context that holds the writer side."""
        return Side(self._write_lock, self._write_unlock)

    def write_lock(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the writer side; False when it was not to be had in time.

        Raises:
            ValueError: a negative timeout other than -1, or a timeout without `blocking`.
        """
        return self._write_lock(_getframe(1), blocking, timeout)

    def write_unlock(self) -> None:
        """Give the writer side back.

        Raises:
            RuntimeError: the calling thread does not hold it.
        """
        self._write_unlock(_getframe(1))

    def read_begin(self) -> int:
        """Wait until no writer is inside; return what `read_retry` asks for.

        Raises:
            RuntimeError: this thread is the writer, and would wait for itself.
        """
        return self._read_begin(_getframe(1))

    def read_retry(self, start: int) -> bool:
        """Whether a writer came since `read_begin` returned `start`: what was read may be torn."""
        return self._read_retry(start, _getframe(1))

    def read(self, body: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `body` until no writer came in between; return what it returned then.

        What it raises where a writer did come, this drops: torn data may make it stumble.
        """
        frame = _getframe(1)
        while True:
            start = self._read_begin(frame)
            try:
                result = body(*args, **kwargs)
            except Exception:
                if not self._read_retry(start, frame):
                    raise
            else:
                if not self._read_retry(start, frame):
                    return result

    def __repr__(self) -> str:
        state = "writing" if self._sequence & 1 else "idle"
        return f"<{shown(self, self._name)} {state} at {id(self):#x}: sequence={self._sequence}>"

    def _write_lock(self, frame: FrameType, blocking: bool = True, timeout: float = -1) -> bool:
        if current.mode >= CONTROLLED:  # one step takes the lock and makes the sequence odd
            current.kernel.also(WRITE, self._mutex.number)
        taken = self._writer._acquire(blocking, timeout, frame)
        if taken:
            self._mutex.enter_again(woken=False)
            self._sequence += 1
            self._mutex.release()
        return taken

    def _write_unlock(self, frame: FrameType) -> None:
        if not self._writer._is_owned():
            why = f"{self!r}: write unlock by a thread that is not writing"
            self._writer._refuse(UNLOCK_REFUSED, frame, why)
        with self._mutex.giving_back:
            if current.mode:
                # Writers are ordered by their lock: the last one knows what the earlier ones did.
                current.log(RELEASE, self._number, frame)
                self._released = True
            self._sequence += 1
            self._even.notify_all()
        self._writer._release_at(frame)

    def _read_begin(self, frame: FrameType) -> int:
        if self._writer._is_owned():
            raise RuntimeError(f"{self!r}: read_begin() by its writer, which would wait for ever")
        with self._mutex:
            self._even.wait_for(lambda: not self._sequence & 1, FOREVER, frame)
            self._mutex.unchanged()
            return self._sequence

    def _read_retry(self, start: int, frame: FrameType) -> bool:
        with self._mutex:
            self._mutex.unchanged()
            if self._sequence != start:
                return True
            if self._released and current.mode:
                current.log(ACQUIRE, self._number, frame)
            return False
