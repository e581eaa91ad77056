"""Sections: what keeps a primitive's own state to one thread at a time.

Outside of control a section is a real lock. Under control entering it is a point, which touches the
section's own number, and leaving it is nothing: whoever is inside comes to no point, as a rule, so
that nobody ever finds it taken. The exception is a primitive that calls its program from inside (a
barrier's action, a queue's own `_put`): who comes then waits as for a lock.
"""

from __future__ import annotations

from types import TracebackType

from racepage.events import Kind
from racepage.execution import current, targets
from racepage.execution.current import CONTROLLED
from racepage.execution.step import LOCK, READ, UNLOCK, WRITE, Touch


class Section:
    """Has the methods of `threading.Lock`, as far as primitives and their users need them.

    Attributes:
        number: what entering it touches; no event has it.
    """

    __slots__ = ("_entered", "_real", "number")

    def __init__(self) -> None:
        self._real = current.raw_lock()
        self._entered = 0  # how many steps there had been
        self.number = targets.new(Kind.SYNC)

    def __enter__(self) -> bool:
        if current.mode < CONTROLLED:
            return self._real.acquire()
        current.kernel.point(WRITE, self.number)
        return self.take()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if current.mode < CONTROLLED:
            self._real.release()
        else:
            self._leave()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As `threading.Lock.acquire`."""
        if current.mode < CONTROLLED:
            return self._real.acquire(blocking, timeout)
        current.kernel.point(WRITE, self.number)
        return self.take(wait=blocking and timeout == -1)

    def release(self) -> None:
        """As `threading.Lock.release`."""
        if current.mode < CONTROLLED:
            self._real.release()
        else:
            self._leave()

    def locked(self) -> bool:
        """Whether somebody is inside."""
        return self._real.locked()

    @property
    def touch(self) -> Touch:
        """What entering it touches."""
        return Touch(self.number, 0, 1, WRITE)

    @property
    def giving_back(self) -> GivingBack:
        """The same, to be entered where something is given back: that is done in any case."""
        return GivingBack(self)

    def look(self) -> None:
        """Stop where the state is looked at without entering."""
        if current.mode >= CONTROLLED:
            current.kernel.point(READ, self.number)

    def unchanged(self) -> None:
        """Say that the state was only looked at since this was entered."""
        if current.mode >= CONTROLLED:
            current.kernel.only_read()

    def enter_again(self, *, woken: bool) -> None:
        """Enter it after a wait inside of it, that somebody ended, or that ran out of time."""
        if current.mode < CONTROLLED:
            self._real.acquire()
        else:
            if woken:
                current.kernel.point(WRITE, self.number)
            self.take()

    def take(self, *, wait: bool = True) -> bool:
        """Enter it in the step under way; under control only."""
        kernel = current.kernel
        while not self._real.acquire(blocking=False):
            if not wait:
                return False
            kernel.gated(self._real.locked, LOCK, self.number)
        self._entered = kernel.now
        return True

    def _leave(self) -> None:
        kernel = current.kernel
        if kernel.over and not self._real.locked():
            return  # this is unwound from where it waits to enter again
        if kernel.now != self._entered:
            kernel.touch(UNLOCK, self.number)
        self._real.release()


class GivingBack:
    """A section, entered to give something back.

    Who stands before it when an execution ends still does that, as who leaves a `with` does: what
    outlives the execution is free for the next one.
    """

    __slots__ = ("_section",)

    def __init__(self, section: Section) -> None:
        self._section = section

    def __enter__(self) -> None:
        if current.mode >= CONTROLLED:
            me = current.kernel.running
            me.must = True
            self._section.acquire()
            me.must = False
        else:
            self._section.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._section.release()
