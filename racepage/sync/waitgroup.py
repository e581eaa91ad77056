"""`WaitGroup`: Go's count of what is still to be done, and waiting for none.

Edges: every `done` to a `wait` that returns after it. `add` orders nothing, and neither does a
`wait` that ran out of time. Dones add up and are never forgotten: a count that touches zero between
two `add`s of one loop is still one piece of work to whoever waits in the end.

Source: Go, src/sync/waitgroup.go, and its rules: the count does not become negative, and a group is
not used again before every `wait` of the last round has returned.
"""

from __future__ import annotations

from sys import _getframe
from types import FrameType

from racepage.execution import current
from racepage.sync._monitor import Monitor, may_wait
from racepage.sync._names import shown, sync_number
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, ACQUIRE_WAITING, RELEASE_MERGE


class WaitGroup:
    """A count of things to do that can be waited for."""

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._number = sync_number(self, name)
        self._mutex = Section()
        self._none_left = Monitor(self._mutex, self._number)
        self._count = 0
        self._round = 0  # how often the count rose from zero

    def add(self, delta: int = 1) -> None:
        """Say that there is `delta` more to do; less, where it is negative.

        Raises:
            ValueError: the count would become negative; it stays as it is.
        """
        self._add(delta, _getframe(1))

    def done(self) -> None:
        """Say that one thing is done: `add(-1)`."""
        self._add(-1, _getframe(1))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do; False when `timeout` seconds passed first.

        Raises:
            RuntimeError: the count was zero, but the group was used again before this returned.
        """
        frame = _getframe(1)
        with self._mutex:
            mine = self._round
            if not self._none_left.wait_for(
                lambda: not self._count or self._round != mine, timeout, frame
            ):
                return False
            if self._round != mine:
                raise RuntimeError(
                    f"{self!r} is used again before a wait() of the last round has returned: "
                    "let add() come after that, or take a new WaitGroup"
                )
            if current.mode:
                word = ACQUIRE_WAITING if may_wait(timeout) else ACQUIRE
                current.log(word, self._number, frame)
            return True

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)} at {id(self):#x}: count={self._count}>"

    def _add(self, delta: int, frame: FrameType) -> None:
        with self._mutex:
            count = self._count + delta
            if count < 0:
                raise ValueError(f"negative count: {self!r} was told done() more often than add()")
            if delta < 0 and current.mode:
                current.log(RELEASE_MERGE, self._number, frame)
            if count and not self._count:
                self._round += 1
            self._count = count
            if not count:
                self._none_left.notify_all()
