"""What channels exchange: the threads that wait in them, and what these hand over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.sync._monitor import Ticket
from racepage.sync._section import Section
from racepage.sync.barrier import TAKE


class Selected(NamedTuple):
    """What a `select` did.

    Attributes:
        case: which of its cases, from 0; -1 for none of them.
        item: what that received; None for a send, or where the channel was closed.
        open: False for a receive that saw the channel closed.
    """

    case: int
    item: Any
    open: bool


NOTHING_READY = Selected(-1, None, False)


class Entered:
    """Several channels' sections, in an order that all threads share: one step under control.

    With `again`, they are entered after a wait, which somebody ended, or which ran out of time.
    """

    __slots__ = ("_sections", "_stops")

    def __init__(
        self, sections: list[Section], *, again: bool = False, woken: bool = False
    ) -> None:
        self._sections = sections
        self._stops = woken or not again

    def __enter__(self) -> None:
        if current.mode >= CONTROLLED:
            if self._stops:
                current.kernel.touching(*(section.touch for section in self._sections))
            for section in self._sections:
                section.take()
            return
        for section in self._sections:
            section.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for section in self._sections:
            section.release()


class HandOver(NamedTuple):
    """What one side has released; `number` is None where nothing recorded."""

    number: int | None
    give_back: Callable[[int], None] | None

    def take(self, frame: FrameType) -> None:
        """Know of it."""
        if self.number is not None and current.mode:
            current.log(TAKE, self.number, frame)
        self.forget()

    def forget(self) -> None:
        """Let the object serve again."""
        if self.number is not None and self.give_back is not None:
            self.give_back(self.number)


NOTHING = HandOver(None, None)


class Party:
    """A thread that waits in one channel or in several for the first exchange to come about."""

    __slots__ = ("_unclaimed", "mine", "result", "theirs", "ticket")

    def __init__(self, mine: HandOver) -> None:
        self.mine = mine
        self.theirs = NOTHING
        self.result = NOTHING_READY
        self.ticket = Ticket()
        self._unclaimed = current.raw_lock()

    @property
    def claimed(self) -> bool:
        """Whether the wait is over."""
        return self._unclaimed.locked()

    def claim(self) -> bool:
        """Be the one that ends the wait: channels, which do not know of each other, compete."""
        return self._unclaimed.acquire(blocking=False)


class Waiting(NamedTuple):
    """A party in the queue of one channel."""

    party: Party
    case: int
    item: Any

    @property
    def mine(self) -> HandOver:
        return self.party.mine

    def complete(self, item: object, theirs: HandOver, *, is_open: bool = True) -> None:
        """Wake the party, whose case this is now."""
        self.party.result = Selected(self.case, item, is_open)
        self.party.theirs = theirs
        self.party.ticket.wake()


def first(queue: deque[Waiting]) -> Waiting | None:
    """The first that waits and was not claimed yet; now it is."""
    while queue:
        waiting = queue.popleft()
        if waiting.party.claim():
            return waiting
    return None


def without(party: Party, queue: deque[Waiting]) -> deque[Waiting]:
    return deque(waiting for waiting in queue if waiting.party is not party)
