"""Waiting, for primitives that are more than one lock.

A primitive keeps its state under one real mutex and waits on tickets: a ticket is a real lock that
is taken when it is made, so that taking it again blocks until somebody wakes it. This is how
`threading.Condition` works; it is written out here because every lock in it must be one that
`execution.current` hands out (so that a scheduler can stand in one place) and because nothing in it
may leave an event: what a primitive does inside orders nothing in the program that uses it.

A wake-up can reach a waiter that has just timed out. So whoever waits looks at the state again
before it gives up, and `wait_for` does.
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX, LockType
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType

from racepage.execution import current

FOREVER = None
"""The timeout of a wait that only a wake-up ends."""


class Waiters:
    """Threads that wait, first come, first woken. The caller holds the mutex that guards them."""

    __slots__ = ("_tickets",)

    def __init__(self) -> None:
        self._tickets: deque[LockType] = deque()

    def __len__(self) -> int:
        return len(self._tickets)

    def enrol(self) -> LockType:
        """A ticket to `park` on, once the mutex was given back."""
        ticket = current.raw_lock()
        ticket.acquire()
        self._tickets.append(ticket)
        return ticket

    def withdraw(self, ticket: LockType) -> None:
        """Forget a ticket that nobody woke; no matter if somebody just did."""
        with suppress(ValueError):
            self._tickets.remove(ticket)

    def notify(self, n: int = 1) -> None:
        """Wake the `n` threads that have waited longest, or as many as there are."""
        for _ in range(min(n, len(self._tickets))):
            try:
                ticket = self._tickets.popleft()
            except IndexError:  # over a plain lock, two threads may notify at once
                return
            ticket.release()

    def notify_all(self) -> None:
        """Wake every thread that waits now."""
        self.notify(len(self._tickets))


def park(ticket: LockType, timeout: float | None) -> bool:
    """Block until the ticket is woken; False when `timeout` seconds passed before that."""
    if timeout is None:
        return ticket.acquire()
    if timeout > 0:
        return ticket.acquire(timeout=timeout)
    return ticket.acquire(blocking=False)


class Monitor(Waiters):
    """A place to wait for a change of what `mutex` guards; several may share one mutex.

    Used with `with`, it holds the mutex. Every other method wants the mutex held.
    """

    __slots__ = ("_mutex",)

    def __init__(self, mutex: LockType) -> None:
        super().__init__()
        self._mutex = mutex

    def __enter__(self) -> bool:
        return self._mutex.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._mutex.release()

    def wait(self, timeout: float | None = FOREVER) -> bool:
        """Give the mutex back, wait to be woken, take it again; False when time ran out."""
        ticket = self.enrol()
        self._mutex.release()
        woken = False
        try:
            woken = park(ticket, timeout)
            return woken
        finally:
            self._mutex.acquire()
            if not woken:
                self.withdraw(ticket)

    def wait_for(self, ready: Callable[[], object], timeout: float | None = FOREVER) -> bool:
        """Wait until `ready()` is true; False when it was not and time ran out."""
        if ready():
            return True
        if timeout is None:
            while True:
                self.wait()
                if ready():
                    return True
        end = monotonic() + timeout
        while (left := end - monotonic()) > 0:
            self.wait(left)
            if ready():
                return True
        return False


def lock_timeout(blocking: bool, timeout: float) -> float | None:
    """The arguments of a lock's `acquire` as one timeout: None for ever, 0 not at all.

    Raises:
        ValueError: a negative timeout other than -1, or one for a try, as `threading.Lock` says.
        OverflowError: a timeout longer than `TIMEOUT_MAX`.
    """
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return 0
    if timeout == -1:
        return FOREVER
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    return timeout
