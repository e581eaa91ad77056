"""`RLock`: a lock that its holder may take again.

Only the outermost level is logged: the inner ones wait for nobody and let nobody in.
"""

from __future__ import annotations

from types import FrameType

from racepage.events import LockKind
from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.step import UNLOCK as STEP_UNLOCK
from racepage.sync._monitor import lock_timeout
from racepage.sync.lock import UNLOCK, UNLOCK_REFUSED, OwnedLock


class RLock(OwnedLock):
    """`threading.RLock` with a name."""

    __slots__ = ("_levels",)
    _kind = LockKind.RECURSIVE

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._levels = 0

    def __repr__(self) -> str:
        return super().__repr__().replace(" at ", f" count={self._levels} at ")

    def _acquire(self, blocking: bool, timeout: float, frame: FrameType) -> bool:
        if self._owner == current.ident():
            lock_timeout(blocking, timeout)
            self._levels += 1
            return True
        taken = self._take(blocking, timeout, frame)
        if taken:
            self._levels = 1
        return taken

    def _release_at(self, frame: FrameType) -> None:
        if self._owner != current.ident():
            self._refuse(UNLOCK_REFUSED, frame, "cannot release un-acquired lock")
        if self._levels > 1:
            self._levels -= 1
        else:
            self._give_up(frame)

    def _give_up(self, frame: FrameType) -> int:
        if current.mode >= CONTROLLED:
            current.kernel.point(STEP_UNLOCK, self._number)
        levels, self._levels = self._levels, 0
        if current.mode:
            current.log(UNLOCK, self._number, frame)
        self._owner = None
        self._real.release()
        return levels

    def _take_back(self, levels: int, frame: FrameType) -> None:
        self._acquire_at(frame)
        self._levels = levels
