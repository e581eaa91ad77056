"""`Event`: a flag to wait for.

Edges: every `set` since the last `clear` to a `wait` or `is_set` that returned true. The first
`set` is a `release`, which makes what came before the `clear` forgotten; further ones merge.

A thread that a `set` woke returns true even when the flag is cleared, and perhaps set anew, before
it runs. It must know of the `set` that woke it and not of the later one, so it acquires from the
object of the *round* that it waited in; a round is what lies between two clears. A round whose
threads have all returned leaves its object to the next, so that an event mostly has but one.
"""

from __future__ import annotations

from sys import _getframe
from typing import Final

from racepage.events import Flag, Op
from racepage.execution import current
from racepage.sync._monitor import Monitor, may_wait
from racepage.sync._names import HandOvers, shown
from racepage.sync._section import Section

ACQUIRE: Final = int(Op.ACQUIRE)
ACQUIRE_WAITING: Final = current.word(Op.ACQUIRE, Flag.SLEEPS)
RELEASE: Final = int(Op.RELEASE)
RELEASE_WAITING: Final = current.word(Op.RELEASE, Flag.SLEEPS)
RELEASE_MERGE: Final = int(Op.RELEASE_MERGE)


class Event:
    """`threading.Event` with a name."""

    _silent = False

    def __init__(self, *, name: str | None = None) -> None:
        self._mutex = Section()
        self._name = name
        self._objects = HandOvers(self, name)
        self._changed = Monitor(self._mutex, None if self._silent else self._objects)
        self._flag = False
        self._round = _Round(self._objects.new())

    def is_set(self) -> bool:
        """Whether the flag is set."""
        if not current.mode:
            return self._flag
        with self._mutex:
            self._mutex.unchanged()
            if self._flag and not self._silent:
                current.log(ACQUIRE, self._round.number, _getframe(1))
            return self._flag

    def set(self) -> None:
        """Set the flag and wake everyone who waits for it."""
        with self._mutex:
            if current.mode and not self._silent:
                word = RELEASE_MERGE if self._round.released else RELEASE
                current.log(word, self._round.number, _getframe(1))
                self._round.released = True
            self._flag = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Take the flag back."""
        with self._mutex:
            if self._flag and self._round.waiting:
                self._round = _Round(self._objects.new())
            self._flag = self._round.released = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set; False when `timeout` seconds passed first."""
        frame = _getframe(1)
        with self._mutex:
            mine = self._round
            signalled = self._flag
            if signalled:
                self._mutex.unchanged()
            else:
                mine.waiting += 1
                try:
                    signalled = self._changed.wait(timeout, frame)
                finally:
                    mine.waiting -= 1
            if signalled and current.mode and not self._silent:
                current.log(ACQUIRE_WAITING if may_wait(timeout) else ACQUIRE, mine.number, frame)
            if mine is not self._round and not mine.waiting:
                self._objects.done(mine.number)
            return signalled

    def __repr__(self) -> str:
        state = "set" if self._flag else "unset"
        return f"<{shown(self, self._name)} at {id(self):#x}: {state}>"


class SilentEvent(Event):
    """An event that is not recorded and orders nothing, for what racepage itself waits for."""

    _silent = True


class _Round:
    """What lies between two clears: its object, and how many threads wait or have not returned."""

    __slots__ = ("number", "released", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.released = False
        self.waiting = 0
