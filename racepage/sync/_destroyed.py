"""What is left of a lock that was destroyed: it raises whatever it is asked to do."""

from __future__ import annotations

import sys
from _thread import LockType
from types import FrameType
from typing import Final, NoReturn, cast

from racepage.events import Flag, Op
from racepage.execution import current

DESTROY: Final = int(Op.DESTROY)
DESTROY_REFUSED: Final = current.word(Op.DESTROY, Flag.REFUSED)

_LOCK_REFUSED: Final = current.word(Op.LOCK, Flag.REFUSED)


def destroy(real: LockType, number: int, name: str, frame: FrameType) -> LockType:
    """Log that a lock is destroyed; return what takes the place of its real lock.

    Args:
        real: its real lock.
        number: its own.
        name: what an error calls it.
        frame: the line of the program under test that destroys it.

    Raises:
        RuntimeError: somebody holds it, or it was destroyed before.
    """
    gone = isinstance(real, Destroyed)
    if gone or not real.acquire(blocking=False):
        if current.mode:
            current.log(DESTROY_REFUSED, number, frame)
        raise RuntimeError(
            f"{name} was destroyed before" if gone else f"{name} is held: release it"
        )
    if current.mode:
        current.log(DESTROY, number, frame)
    return cast("LockType", Destroyed(number, name))


class Destroyed:
    """Has the methods of a real lock, as far as locks use them."""

    __slots__ = ("_name", "_number")

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._name = name

    def acquire(self, blocking: bool = True, timeout: float = -1) -> NoReturn:  # noqa: ARG002
        """Refuse; the line is that of whoever called racepage."""
        if current.mode:
            frame = sys._getframe(1)  # noqa: SLF001  (as everywhere; but called from anywhere)
            while frame.f_back and frame.f_globals.get("__package__") == __package__:
                frame = frame.f_back
            current.log(_LOCK_REFUSED, self._number, frame)
        raise RuntimeError(f"{self._name} was destroyed")

    def release(self) -> NoReturn:
        """Refuse."""
        raise RuntimeError(f"{self._name} was destroyed")

    def locked(self) -> bool:
        """Nobody holds it."""
        return False
