"""Waiting, for primitives that are more than one lock.

A primitive keeps its state under one real mutex and waits on tickets: a ticket has a real lock that
is taken when it is made, so that taking it again blocks until somebody wakes it. This is how
`threading.Condition` works; it is written out here because every lock in it must be one that
`execution.current` hands out (so that a scheduler can stand in one place), and because what a
primitive does inside orders nothing in the program that uses it. What a wait does leave is BLOCK
before it and WAKE after it, which order nothing either: they are how a deadlock is seen.

A wake-up can reach a waiter that has just timed out. So whoever waits looks at the state again
before it gives up, and `wait_for` does.

Under control a wait is the kernel's. Time can run out whenever somebody waits for a limited time:
that is a step, which touches what the primitive's sections do, and is at once inside of them.
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX, LockType
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

from racepage.execution import current, waits
from racepage.execution.current import CONTROLLED
from racepage.execution.kernel import Wait
from racepage.execution.step import LOCK, WRITE, Touch
from racepage.sync._names import HandOvers
from racepage.sync._section import Section
from racepage.sync.clock import monotonic

FOREVER = None
"""The timeout of a wait that only a wake-up ends."""


class Ticket:
    """What one thread waits on, once, until another one wakes it."""

    __slots__ = ("_lock", "_wait", "_waiter", "_woken")

    def __init__(self) -> None:
        self._wait: Wait | None = None
        if current.mode >= CONTROLLED:
            self._wait = current.kernel.waiting()
            return
        self._lock = current.raw_lock()
        self._lock.acquire()
        self._waiter = current.task()
        self._woken = False

    def wake(self) -> None:
        """Let the thread go on, or not wait at all."""
        if self._wait is not None:
            current.kernel.wake(self._wait)
            return
        self._woken = True
        self._waiter.waits = False
        self._lock.release()

    def park(
        self, timeout: float | None, on: int | None, frame: FrameType | None, *touches: Touch
    ) -> bool:
        """Block until somebody wakes the ticket; False when `timeout` seconds passed before that.

        Args:
            timeout: `FOREVER`, or how long; not at all where it is not positive.
            on: the number of what a trace says is waited for; None where it says nothing.
            frame: the line of the program under test that waits, or None for a wait of racepage's.
            touches: what it touches that time runs out.
        """
        if self._wait is not None:
            return self._park(self._wait, timeout, on, frame, touches)
        if timeout is not None and timeout <= 0:
            return self._lock.acquire(blocking=False)
        real = -1 if timeout is None else timeout
        if on is None or not current.mode:
            return self._lock.acquire(timeout=real)
        self._waiter.waits = timeout is None
        if self._woken:
            self._waiter.waits = False
        waits.block(on, frame, timed=timeout is not None)
        try:
            return self._lock.acquire(timeout=real)
        finally:
            waits.wake(frame)

    def _park(
        self,
        wait: Wait,
        timeout: float | None,
        on: int | None,
        frame: FrameType | None,
        touches: tuple[Touch, ...],
    ) -> bool:
        if timeout is not None and timeout <= 0:
            return wait.woken
        if on is not None:
            waits.block(on, frame, timed=timeout is not None)
        if timeout is None:
            touches = ()
        elif not touches:  # nothing can come before it
            touches = (Touch(wait.token, 0, 1, WRITE),)
        woken = current.kernel.park(wait, *touches)
        if not woken:
            current.kernel.pass_time(timeout)
        if on is not None:
            waits.wake(frame)
        return woken


class Waiters:
    """Threads that wait. The caller holds the mutex that guards them.

    The first to come is the first to be woken; under control it may be any.
    """

    __slots__ = ("_tickets",)

    def __init__(self) -> None:
        self._tickets: deque[Ticket] = deque()

    def __len__(self) -> int:
        return len(self._tickets)

    def enrol(self) -> Ticket:
        """A ticket to `park` on, once the mutex was given back."""
        ticket = Ticket()
        self._tickets.append(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Forget a ticket that nobody woke; no matter if somebody just did."""
        with suppress(ValueError):
            self._tickets.remove(ticket)

    def notify(self, n: int = 1) -> None:
        """Wake the `n` threads that have waited longest, or as many as there are."""
        tickets = self._tickets
        for left in range(min(n, len(tickets)), 0, -1):
            try:
                if current.mode >= CONTROLLED and left < len(tickets):
                    ticket = tickets[current.kernel.pick(len(tickets))]
                    tickets.remove(ticket)
                else:
                    ticket = tickets.popleft()
            except IndexError:  # over a plain lock, two threads may notify at once
                return
            ticket.wake()

    def notify_all(self) -> None:
        """Wake every thread that waits now."""
        self.notify(len(self._tickets))


class Monitor(Waiters):
    """A place to wait for a change of what `mutex` guards; several may share one mutex.

    Used with `with`, it holds the mutex. Every other method wants the mutex held. `on` is what
    threads wait for here, as a trace tells it; None where it tells nothing of them.
    """

    __slots__ = ("_mutex", "_on")

    def __init__(self, mutex: Section, on: int | HandOvers | None) -> None:
        super().__init__()
        self._mutex = mutex
        self._on = on

    def __enter__(self) -> bool:
        return self._mutex.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._mutex.release()

    def wait(self, timeout: float | None, frame: FrameType | None) -> bool:
        """Give the mutex back, wait to be woken, take it again; False when time ran out."""
        ticket = self.enrol()
        on = self._on.whole if isinstance(self._on, HandOvers) else self._on
        self._mutex.release()
        woken = False
        try:
            woken = ticket.park(timeout, on, frame, self._mutex.touch)
            return woken
        finally:
            self._mutex.enter_again(woken=woken)
            if not woken:
                self.withdraw(ticket)

    def wait_for(
        self, ready: Callable[[], object], timeout: float | None, frame: FrameType | None
    ) -> bool:
        """Wait until `ready()` is true; False when it was not and time ran out."""
        if ready():
            return True
        if timeout is None:
            while True:
                self.wait(FOREVER, frame)
                if ready():
                    return True
        end = monotonic() + timeout
        while (left := end - monotonic()) > 0:
            in_time = self.wait(left, frame)
            if ready():
                return True
            if not in_time:
                break
        return False


def take(lock: LockType, blocking: bool, timeout: float, number: int, frame: FrameType) -> bool:
    """Take a real lock, as `threading.Lock.acquire` does; log a wait for `number`.

    Raises:
        ValueError, OverflowError: as `lock_timeout`.
    """
    limit = lock_timeout(blocking, timeout)
    if lock.acquire(blocking=False):
        return True
    if limit is not None and limit <= 0:
        if current.mode >= CONTROLLED:
            current.kernel.only_read()
        return False
    return await_lock(lock, limit, number, frame)


def stop_before_lock(real: LockType, number: int, blocking: bool, timeout: float) -> None:
    """Stop at a point before a lock is taken: until it is free, or where a try will do, at once."""
    if blocking and timeout == -1:
        current.kernel.gated(real.locked, LOCK, number)
    else:
        current.kernel.point(WRITE, number)


def await_lock(lock: LockType, timeout: float | None, number: int, frame: FrameType) -> bool:
    """Wait for a real lock that somebody holds, and log that; False when time ran out."""
    real = -1 if timeout is None else timeout
    if not current.mode:
        return lock.acquire(timeout=real)
    if current.mode >= CONTROLLED:  # it was known before the try: time has run out
        current.kernel.only_read()
        current.kernel.pass_time(timeout)
        return False
    current.task().waits = timeout is None
    waits.block(number, frame, timed=timeout is not None)
    try:
        return lock.acquire(timeout=real)
    finally:
        waits.wake(frame)


def may_wait(timeout: float | None) -> bool:
    """Whether an operation with this timeout may sleep: all but a try."""
    return timeout is None or timeout > 0


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
