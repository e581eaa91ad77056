"""`Barrier`.

Edges: every arrival to the action, the action to every departure, of one generation; each
generation is an object of its own, so that a thread that left early tells the late ones of the
generation before nothing. A barrier that breaks or is reset lets nobody depart, and orders nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from threading import BrokenBarrierError
from types import FrameType
from typing import Final, Literal

from racepage.events import Flag, Op
from racepage.execution import current
from racepage.sync._monitor import FOREVER, Monitor
from racepage.sync._names import HandOvers, shown
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, ACQUIRE_WAITING, RELEASE, RELEASE_MERGE

TAKE: Final = int(Op.TAKE)
TAKE_WAITING: Final = current.word(Op.TAKE, Flag.SLEEPS)

_State = Literal["filling", "draining", "resetting", "broken"]


class Barrier:
    """`threading.Barrier` with a name.

    Args:
        parties: how many threads pass together.
        action: called by one of them when all have arrived, before any departs.
        timeout: the default of `wait`, in seconds.

    Raises:
        ValueError: fewer than one party.
    """

    _visible = True

    def __init__(
        self,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        if parties < 1:
            raise ValueError("parties must be > 0")
        self._name = name
        self._objects = HandOvers(self, name)
        self._mutex = Section()
        self._changed = Monitor(self._mutex, self._objects if self._visible else None)
        self._parties = parties
        self._action = action
        self._timeout = timeout
        self._state: _State = "filling"
        self._count = 0  # threads that have arrived and not left
        self._generation = -1

    @property
    def parties(self) -> int:
        """How many threads pass together."""
        return self._parties

    @property
    def n_waiting(self) -> int:
        """How many threads wait for others to arrive."""
        self._mutex.look()
        return self._waiting()

    def _waiting(self) -> int:
        return self._count if self._state == "filling" else 0

    @property
    def broken(self) -> bool:
        """Whether every `wait` fails until a `reset`."""
        self._mutex.look()
        return self._state == "broken"

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all parties are here; return this thread's index, from 0, in arriving.

        Raises:
            BrokenBarrierError: the barrier broke, was reset, or `timeout` seconds passed, which
                breaks it for all.
        """
        if timeout is None:
            timeout = self._timeout
        frame = _getframe(1)
        with self._mutex:
            self._enter(frame)
            index = self._count
            self._count += 1
            if index == 0:
                self._generation = self._objects.new()
            generation = self._generation
            departs = False
            try:
                self._log(RELEASE_MERGE if index else RELEASE, generation, frame)
                if index + 1 == self._parties:
                    self._open(generation, frame)
                else:
                    self._await_opening(timeout, frame)
                departs = True
            finally:
                self._count -= 1
                if departs:
                    word = ACQUIRE_WAITING if self._count else TAKE_WAITING
                    self._log(word, generation, frame)
                self._exit(generation, departs)
            return index

    def reset(self) -> None:
        """Make the barrier as new; threads that wait raise `BrokenBarrierError`."""
        with self._mutex:
            if not self._count:
                self._state = "filling"
            elif self._state in ("filling", "broken"):
                self._state = "resetting"
            self._changed.notify_all()

    def abort(self) -> None:
        """Break the barrier: every `wait`, now and later, raises `BrokenBarrierError`."""
        with self._mutex:
            self._break()

    def __repr__(self) -> str:
        broken = self._state == "broken"
        state = "broken" if broken else f"waiters={self._waiting()}/{self._parties}"
        return f"<{shown(self, self._name)} at {id(self):#x}: {state}>"

    def _enter(self, frame: FrameType) -> None:
        """Wait until the last generation has left."""
        self._changed.wait_for(lambda: self._state in ("filling", "broken"), FOREVER, frame)
        if self._state == "broken":
            raise BrokenBarrierError

    def _open(self, generation: int, frame: FrameType) -> None:
        """Let the others go: the last one to arrive does."""
        if self._action is not None:
            self._log(ACQUIRE, generation, frame)
            try:
                self._action()
            except:
                self._break()
                raise
            self._log(RELEASE_MERGE, generation, frame)
        self._state = "draining"
        self._changed.notify_all()

    def _await_opening(self, timeout: float | None, frame: FrameType) -> None:
        if not self._changed.wait_for(lambda: self._state != "filling", timeout, frame):
            self._break()
        if self._state != "draining":
            raise BrokenBarrierError

    def _break(self) -> None:
        self._state = "broken"
        self._changed.notify_all()

    def _exit(self, generation: int, departs: bool) -> None:
        """Let the next generation in, after the last one to leave."""
        if self._count:
            return
        if departs:
            self._objects.done(generation)
        if self._state in ("resetting", "draining"):
            self._state = "filling"
            self._changed.notify_all()

    def _log(self, word: int, generation: int, frame: FrameType) -> None:
        if current.mode and self._visible:
            current.log(word, generation, frame)
