"""The invisible barrier: for tests and demonstrations, and for nothing else.

It forces the physical order and makes no edge, so that a racy program is racy in every run.

Under control a search is not to try every order in which the threads can arrive, since they all
come to the same. So an arrival belongs to the step that led to it, and depends on no other arrival;
a departure awaits the arrivals of the others, and cannot be turned round with them. One execution
stands for all of them, as many threads as may meet.
"""

from __future__ import annotations

from threading import BrokenBarrierError

from racepage.events import Kind
from racepage.execution import current, targets
from racepage.execution.current import CONTROLLED
from racepage.execution.kernel import Task
from racepage.execution.step import AWAIT, READ, UNLOCK, Touch
from racepage.sync.barrier import Barrier


class _Meeting:
    """The threads that have arrived, by the number that stands for the arrival.

    Attributes:
        steps: the arrivals that belong to a step; the others came before the first one.
        complete: whoever waits may go on.
        broken: and raises then.
    """

    __slots__ = ("arrivals", "broken", "complete", "steps")

    def __init__(self) -> None:
        self.arrivals: dict[int, Task] = {}
        self.steps: list[int] = []
        self.complete = False
        self.broken = False

    def depart(self) -> None:
        """Let each of them go on, after the arrivals of all others."""
        self.complete = True
        for mine, task in self.arrivals.items():
            others = (Touch(other, 0, 1, AWAIT) for other in self.steps if other != mine)
            task.more = (*task.more, *others)

    def scatter(self) -> None:
        """Let each of them raise, after the step under way."""
        self.complete = self.broken = True
        for mine, task in self.arrivals.items():
            current.kernel.touch(UNLOCK, mine)
            task.more = (*task.more, Touch(mine, 0, 1, AWAIT))


class InvisibleBarrier(Barrier):
    """A barrier that forces the physical order and leaves no event, hence no edge."""

    _visible = False

    def __init__(self, parties: int, timeout: float | None = None) -> None:
        super().__init__(parties, timeout=timeout)
        self._meeting = _Meeting()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all parties are here; return this thread's index, from 0, in arriving.

        Raises:
            BrokenBarrierError: the barrier broke, was reset, or `timeout` seconds passed, which
                breaks it for all.
        """
        if current.mode < CONTROLLED or timeout is not None or self._timeout is not None:
            return super().wait(timeout)
        return self._meet()

    def reset(self) -> None:
        """Make the barrier as new; threads that wait raise `BrokenBarrierError`."""
        super().reset()
        self._scatter()

    def abort(self) -> None:
        """Break the barrier: every `wait`, now and later, raises `BrokenBarrierError`."""
        super().abort()
        self._scatter()

    def _waiting(self) -> int:
        return super()._waiting() + len(self._meeting.arrivals)

    def _meet(self) -> int:
        kernel = current.kernel
        kernel.touch(READ, self._mutex.number)  # it may be aborted or reset
        if self._state == "broken":
            raise BrokenBarrierError
        meeting, mine = self._meeting, targets.new(Kind.SYNC)
        index = len(meeting.arrivals)
        meeting.arrivals[mine] = kernel.running
        if kernel.now:
            meeting.steps.append(mine)
            kernel.touch(UNLOCK, mine)
        if index + 1 == self._parties:
            meeting.depart()
            self._meeting = _Meeting()
        kernel.gated(lambda: not meeting.complete, READ, self._mutex.number)
        if meeting.broken:
            raise BrokenBarrierError
        return index

    def _scatter(self) -> None:
        """Let those raise who wait under control."""
        meeting, self._meeting = self._meeting, _Meeting()
        meeting.scatter()


def invisible_barrier(parties: int, timeout: float | None = None) -> InvisibleBarrier:
    """A barrier for tests: who waits is held up, and nothing is ordered.

    It makes a racy program deterministic without making it race-free.
    """
    return InvisibleBarrier(parties, timeout=timeout)
