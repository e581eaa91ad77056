"""`Semaphore` and `BoundedSemaphore`.

Edges: every release to every later acquire that succeeded. Which release let which acquire through
is not asked: a semaphore counts, it does not hand anything over.
"""

from __future__ import annotations

from sys import _getframe
from types import FrameType, TracebackType

from racepage.execution import current
from racepage.sync._monitor import Monitor, may_wait
from racepage.sync._names import shown, sync_number
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, ACQUIRE_WAITING, RELEASE_MERGE


class Semaphore:
    """`threading.Semaphore` with a name.

    Raises:
        ValueError: a negative value.
    """

    def __init__(self, value: int = 1, *, name: str | None = None) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._name = name
        self._number = sync_number(self, name)
        self._mutex = Section()
        self._raised = Monitor(self._mutex, self._number)
        self._value = value

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Count one down, waiting while there is none; False when that was not to be had in time.

        Raises:
            ValueError: a timeout without `blocking`.
        """
        if not blocking and timeout is not None:
            raise ValueError("can't specify timeout for non-blocking acquire")
        return self._acquire(timeout if blocking else 0, _getframe(1))

    def release(self, n: int = 1) -> None:
        """Count `n` up, and wake as many.

        Raises:
            ValueError: `n` is less than one.
        """
        self._release(n, _getframe(1))

    def __enter__(self) -> bool:
        return self._acquire(None, _getframe(1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release(1, _getframe(1))

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)} at {id(self):#x}: value={self._value}>"

    def _acquire(self, timeout: float | None, frame: FrameType) -> bool:
        with self._mutex:
            if not self._value and not self._raised.wait_for(self._has_one, timeout, frame):
                if not may_wait(timeout):
                    self._mutex.unchanged()
                return False
            self._value -= 1
            if current.mode:
                word = ACQUIRE_WAITING if may_wait(timeout) else ACQUIRE
                current.log(word, self._number, frame)
            return True

    def _release(self, n: int, frame: FrameType) -> None:
        if n < 1:
            raise ValueError("n must be one or more")
        with self._mutex.giving_back:
            self._check(n)
            if current.mode:
                current.log(RELEASE_MERGE, self._number, frame)
            self._value += n
            self._raised.notify(n)

    def _has_one(self) -> bool:
        return self._value > 0

    def _check(self, n: int) -> None:
        """Refuse a release; a plain semaphore never does."""


class BoundedSemaphore(Semaphore):
    """`threading.BoundedSemaphore`: a release past the initial value is a `ValueError`."""

    def __init__(self, value: int = 1, *, name: str | None = None) -> None:
        super().__init__(value, name=name)
        self._bound = value

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}/{self._bound}>"

    def _check(self, n: int) -> None:
        if self._value + n > self._bound:
            raise ValueError("Semaphore released too many times")
