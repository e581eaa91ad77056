"""`Condition`: waiting for a change of what a lock guards.

It has no edge of its own. `wait` gives the lock back and takes it again, which are the lock's rows;
a notification orders nothing, since it needs the lock that the waiter takes anyway.
"""

# ruff: noqa: SLF001  (a condition is made of the inside of its lock)

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from types import FrameType, TracebackType
from typing import TypeVar

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.step import WRITE, Touch
from racepage.sync._monitor import Ticket, Waiters
from racepage.sync._names import shown, sync_number
from racepage.sync.clock import monotonic
from racepage.sync.lock import Lock, OwnedLock
from racepage.sync.rlock import RLock

T = TypeVar("T")


class Condition:
    """`threading.Condition` over a `Lock`, `Mutex`, `SpinLock` or `RLock`.

    Args:
        lock: an `RLock` of its own where none is given.
        name: the name of that `RLock`.

    Raises:
        TypeError: a lock of another make, whose edges would be missing from the trace.
    """

    def __init__(self, lock: Lock | OwnedLock | None = None, *, name: str | None = None) -> None:
        if lock is None:
            lock = RLock(name=name)
        elif not isinstance(lock, Lock | OwnedLock):
            raise TypeError(
                f"Condition needs a lock of racepage.sync, not {lock!r}: "
                "what another lock orders is not recorded"
            )
        self._name = name
        self._lock = lock
        self._waiters = Waiters()
        self._number = sync_number(self, name)  # what threads wait for
        # Bound methods, as in `threading`, so that the site is the caller's.
        self.acquire = lock.acquire
        self.release = lock.release

    def __enter__(self) -> bool:
        self._lock._acquire_at(_getframe(1))
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock._release_at(_getframe(1))

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)}({self._lock!r}, {len(self._waiters)})>"

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock back, wait for a notification, take it again.

        All levels of an `RLock` are given back. False when `timeout` seconds passed first.

        Raises:
            RuntimeError: the lock is not held.
        """
        return self._wait(timeout, _getframe(1))

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until `predicate()` is true or `timeout` seconds passed; return its last value."""
        frame = _getframe(1)
        end = None if timeout is None else monotonic() + timeout
        while not (result := predicate()):
            left = None if end is None else end - monotonic()
            if left is not None and left <= 0:
                break
            self._wait(left, frame)
        return result

    def notify(self, n: int = 1) -> None:
        """Wake up to `n` threads that wait.

        Raises:
            RuntimeError: the lock is not held.
        """
        self._notify(n)

    def notify_all(self) -> None:
        """Wake all threads that wait; raises as `notify`."""
        self._notify(None)

    def _notify(self, n: int | None) -> None:
        if not self._lock._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        if current.mode >= CONTROLLED:
            current.kernel.point(WRITE, self._number)
        self._waiters.notify(len(self._waiters) if n is None else n)

    def _wait(self, timeout: float | None, frame: FrameType) -> bool:
        if not self._lock._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        if current.mode >= CONTROLLED:
            # Giving the lock up is a point, so it has to come first. Nobody comes between.
            current.kernel.also(WRITE, self._number)
            levels = self._lock._give_up(frame)
            ticket = self._waiters.enrol()
        else:
            ticket = self._waiters.enrol()
            levels = self._lock._give_up(frame)
        woken = False
        try:
            woken = ticket.park(timeout, self._number, frame, Touch(self._number, 0, 1, WRITE))
            return woken
        finally:
            try:
                self._lock._take_back(levels, frame)
            finally:
                if not woken:
                    self._withdraw(ticket)

    def _withdraw(self, ticket: Ticket) -> None:
        self._waiters.withdraw(ticket)
        if current.mode >= CONTROLLED:
            current.kernel.touch(WRITE, self._number)
