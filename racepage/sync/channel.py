"""`Channel` and `select`, with Go's rules.

Edges: the k-th send to the k-th receive; the k-th receive to the *return* of the (k + capacity)-th
send; the close to a receive that saw the channel closed. `len`, a try that failed, a send or a
close that failed, and the cases that a select did not choose, order nothing.

What a send hands on is what came before it, not what it learns of a receive in returning; and the
same for a receive: it makes room by coming, before it knows of what it receives. (So does Go's
detector: racereleaseacquire in src/runtime/chan.go. With capacity 1, a third thread's second send
knows of the first receiver, and of the first sender only if that receiver knew.)

Every send is a one-shot object that the receive of its item takes, and every receive one that the
send which uses its room takes. Whoever has to wait releases its object before it does, since the
other side completes the exchange while it sleeps. One whose exchange never comes about is taken by
nobody. Only a select that has to wait in several channels has an object of no channel's name.

As in Go, whoever waits is served first come, first served, and of several cases of a select that
are ready any one may be chosen. The memory model's "happens before" is
https://go.dev/ref/mem#chan.
"""

# ruff: noqa: SLF001  (a select reaches into the channels of its cases)

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import count
from queue import Empty, Full
from random import Random
from sys import _getframe
from types import FrameType
from typing import Any, Generic, NamedTuple, TypeVar

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.sync._exchange import (
    NOTHING,
    NOTHING_READY,
    Entered,
    HandOver,
    Party,
    Selected,
    Waiting,
    first,
    without,
)
from racepage.sync._monitor import may_wait
from racepage.sync._names import HandOvers, shown, sync_number
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, RELEASE, RELEASE_WAITING

T = TypeVar("T")

_ORDINALS = count()  # the order in which a select locks channels
_RANDOM = Random()  # noqa: S311  (which ready case a select chooses is no secret)


class ChannelClosedError(Exception):
    """Raised by a send on a closed channel, a second close, and a receive when no item is left."""


class Channel(Generic[T]):
    """A queue that is closed by its senders; without capacity, a meeting of sender and receiver.

    Iterating receives until the channel is closed and no item is left.

    Args:
        capacity: how many items it holds that nobody waits for; 0 for none.

    Raises:
        ValueError: a negative capacity.
    """

    def __init__(self, capacity: int = 0, *, name: str | None = None) -> None:
        if capacity < 0:
            raise ValueError("a channel's capacity must not be negative")
        self._mutex = Section()
        self._ordinal = next(_ORDINALS)
        self._capacity = capacity
        self._closed = False
        self._items: deque[tuple[T, HandOver]] = deque()
        self._senders: deque[Waiting] = deque()  # these wait until there is room
        self._receivers: deque[Waiting] = deque()
        self._sent = 0
        self._room: deque[HandOver] = deque()  # receives that no send has followed up, in order
        self._name = name
        self._objects = HandOvers(self, name)
        self._close_number = sync_number(self, name and f"{name}.closed")

    @property
    def capacity(self) -> int:
        """How many items it holds that nobody waits for."""
        return self._capacity

    def send(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Send an item: wait until there is room for it, or without capacity, a receiver.

        Raises:
            ChannelClosedError: the channel is closed, or was while this waited.
            Full: it could not be sent at once, or within `timeout` seconds.
        """
        chosen = _select((self.sending(item),), timeout if block else 0, _getframe(1))
        if chosen is NOTHING_READY:
            raise Full

    def receive(self, block: bool = True, timeout: float | None = None) -> T:
        """Receive the next item, waiting for one.

        Raises:
            ChannelClosedError: the channel is closed and has no item left.
            Empty: there was none at once, or within `timeout` seconds.
        """
        return self._receive(timeout if block else 0, _getframe(1))

    def sending(self, item: T) -> Case:
        """The case of a `select` that sends `item`."""
        return Case(self, True, item)

    def receiving(self) -> Case:
        """The case of a `select` that receives."""
        return Case(self, False, None)

    def close(self) -> None:
        """Say that nothing will be sent any more; what was sent can still be received.

        Raises:
            ChannelClosedError: it is closed already.
        """
        with self._mutex:
            if self._closed:
                raise ChannelClosedError(f"close of {self!r}, which is closed")
            if current.mode:
                current.log(RELEASE, self._close_number, _getframe(1))
            self._closed = True
            for queue in (self._receivers, self._senders):
                while waiting := first(queue):
                    waiting.complete(None, NOTHING, is_open=False)

    def __len__(self) -> int:
        """How many items there are just now that nobody received; orders nothing."""
        self._mutex.look()
        return len(self._items)

    def __iter__(self) -> Channel[T]:
        return self

    def __next__(self) -> T:
        try:
            return self._receive(None, _getframe(1))
        except ChannelClosedError:
            raise StopIteration from None

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        held = f"{len(self._items)}/{self._capacity}"
        return f"<{shown(self, self._name)} {state} at {id(self):#x}: items={held}>"

    def _receive(self, timeout: float | None, frame: FrameType) -> T:
        chosen = _select((self.receiving(),), timeout, frame)
        if chosen is NOTHING_READY:
            raise Empty
        if not chosen.open:
            raise ChannelClosedError(f"receive from {self!r}, which is closed and empty")
        item: T = chosen.item
        return item

    # Under the mutex, what can be done at once; None where it cannot.

    def _try_send(self, item: T, word: int, frame: FrameType) -> tuple[None, bool] | None:
        if self._closed:
            raise ChannelClosedError(f"send on {self!r}, which is closed")
        if receiver := first(self._receivers):
            mine = self._hand_over(word, frame)
            self._room.append(receiver.mine)
            receiver.complete(item, mine)
        elif len(self._items) < self._capacity:
            self._items.append((item, self._hand_over(word, frame)))
        else:
            return None
        self._use_room().take(frame)
        return None, True

    def _try_receive(self, word: int, frame: FrameType) -> tuple[T | None, bool] | None:
        if self._items:
            self._room.append(self._hand_over(word, frame))
            item, sent = self._items.popleft()
            if sender := first(self._senders):
                self._items.append((sender.item, sender.mine))
                sender.complete(None, self._use_room())
        elif sender := first(self._senders):
            self._room.append(self._hand_over(word, frame))
            item, sent = sender.item, sender.mine
            sender.complete(None, self._use_room())
        elif self._closed:
            self._learn_of_close(frame)
            return None, False
        else:
            return None
        sent.take(frame)
        return item, True

    def _hand_over(self, word: int, frame: FrameType) -> HandOver:
        """What the current thread did so far, for whoever takes it; `word` is a kind of release."""
        if not current.mode:
            return NOTHING
        number = self._objects.new()
        current.log(word, number, frame)
        return HandOver(number, self._objects.done)

    def _use_room(self) -> HandOver:
        """Count a send; what made room for it."""
        self._sent += 1
        return self._room.popleft() if self._sent > self._capacity else NOTHING

    def _learn_of_close(self, frame: FrameType) -> None:
        if current.mode:
            current.log(ACQUIRE, self._close_number, frame)


class Case(NamedTuple):
    """One case of a `select`; `Channel.sending` and `Channel.receiving` make it."""

    channel: Channel[Any]
    sends: bool
    item: Any

    def can_be_done(self) -> bool:
        """Whether it can be done at once, if only by raising: under the channel's mutex."""
        channel = self.channel
        if channel._closed:
            return True
        if self.sends:
            room = len(channel._items) < channel._capacity
            return room or any(not waiting.party.claimed for waiting in channel._receivers)
        held = bool(channel._items)
        return held or any(not waiting.party.claimed for waiting in channel._senders)


def select(*cases: Case, default: bool = False, timeout: float | None = None) -> Selected:
    """Do one of the cases: one that can be done, or the first that can.

    Args:
        cases: sends and receives, any number of each, in channels that may recur.
        default: do not wait where no case can be done at once.
        timeout: how many seconds to wait at most.

    Returns:
        which case was done, with what it received; case -1 where none was.

    Raises:
        ChannelClosedError: the chosen case is a send on a closed channel.
        ValueError: no case, and nothing else to end the wait.
    """
    if not cases and not default and timeout is None:
        raise ValueError("select() without a case would wait for ever")
    return _select(cases, 0 if default else timeout, _getframe(1))


def _select(cases: tuple[Case, ...], timeout: float | None, frame: FrameType) -> Selected:
    channels = sorted({case.channel for case in cases}, key=lambda channel: channel._ordinal)
    sections = [channel._mutex for channel in channels]
    word = RELEASE_WAITING if may_wait(timeout) else RELEASE
    with Entered(sections):
        for index in _in_some_order(cases):
            channel, sends, item = cases[index]
            done = (
                channel._try_send(item, word, frame) if sends else channel._try_receive(word, frame)
            )
            if done:
                return Selected(index, *done)
        if not may_wait(timeout):
            return _nothing_done(sections)
        party = Party(_announce(channels, frame))
        for index, (channel, sends, item) in enumerate(cases):
            queue = channel._senders if sends else channel._receivers
            queue.append(Waiting(party, index, item))
    woken = False
    try:
        touches = (section.touch for section in sections)
        woken = party.ticket.park(timeout, party.mine.number, frame, *touches)
    finally:
        with Entered(sections, again=True, woken=woken):
            in_time = not party.claim()
            if not in_time or len(cases) > 1:  # it is in the queue of another case
                for channel in channels:
                    channel._senders = without(party, channel._senders)
                    channel._receivers = without(party, channel._receivers)
            if in_time:
                _conclude(party, cases, frame)
            else:
                party.mine.forget()
    if not in_time:
        return NOTHING_READY
    case = cases[party.result.case]
    if case.sends and not party.result.open:
        raise ChannelClosedError(f"send on {case.channel!r}, closed while it waited")
    return party.result


def _nothing_done(sections: list[Section]) -> Selected:
    if len(sections) == 1:
        sections[0].unchanged()
    return NOTHING_READY


def _in_some_order(cases: tuple[Case, ...]) -> Iterable[int]:
    """The cases in the order in which to try them; under control, one that can be done, if any."""
    order = range(len(cases))
    if len(cases) < 2:
        return order
    if current.mode < CONTROLLED:
        return _RANDOM.sample(order, len(cases))
    able = [index for index in order if cases[index].can_be_done()]
    return (able[current.kernel.pick(len(able))],) if able else ()


def _announce(channels: list[Channel[Any]], frame: FrameType) -> HandOver:
    """What a thread that is going to wait did so far, for whoever completes its exchange."""
    if len(channels) == 1:
        return channels[0]._hand_over(RELEASE_WAITING, frame)
    if not current.mode:
        return NOTHING
    number = current.one_shot()
    current.log(RELEASE_WAITING, number, frame)
    return HandOver(number, current.recycle)


def _conclude(party: Party, cases: tuple[Case, ...], frame: FrameType) -> None:
    """What a thread does that was woken: know of the other side."""
    case = cases[party.result.case]
    if party.result.open:
        party.theirs.take(frame)
        return
    party.mine.forget()
    if not case.sends:
        case.channel._learn_of_close(frame)
