"""Wakeup trees and sleep sets: what a point of the search still has to do, and what it has done.

Of Abdulla, Aronis, Jonsson and Sagonas (see `dpor`), on events of which each is a step with its
picks: a thread that picks has several events of which it does one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from racepage.execution.step import Step, dependent

MOST_VARIANTS: Final = 10_000


class Variants:
    """What the steps of which each has several picks touch, as far as it was seen.

    A thread that has done the same, after the same, is about to do the same. So a step with a pick
    that was not made is known by the order of all that happened before it, of which the key is a
    hash. What is not known is guessed; a wrong guess may cost an execution, and none is lost.
    """

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int, tuple[int, ...]], Step] = {}

    def note(self, key: int, step: Step) -> None:
        """Remember a step that was done."""
        if len(self.seen) >= MOST_VARIANTS:
            self.seen.clear()
        self.seen[key, step.task, step.picks] = step

    def known(self, event: Event) -> Event:
        """The event, without a guess if that can be."""
        if event.other is None:
            return event
        step = event.step
        return event._replace(step=self.seen.get((event.other, step.task, step.picks), step))


class Event(NamedTuple):
    """A step as it was done.

    Attributes:
        step: with its picks.
        counts: from how many each was picked.
        other: if it was not done with these picks, its key; what it touches is a guess.
    """

    step: Step
    counts: tuple[int, ...] = ()
    other: int | None = None

    def others(self, key: int) -> list[Event]:
        """The same step with each other pick; those after that are 0."""
        task, touches, picks = self.step
        return [
            Event(Step(task, touches, (*picks[:level], pick)), self.counts[: level + 1], key)
            for level, count in enumerate(self.counts)
            for pick in range(count)
            if pick != picks[level]
        ]


class Node:
    """A step that is to be done, and what is to come after it.

    Attributes:
        event: as it was in another execution, or with other picks than there. From where its picks
            end on, they are 0.
        children: wakeup sequences that go on after it, the first to be done first; if there are
            none, whatever comes.
        last: it was the last of its sequence, so there it may touch something else.
    """

    __slots__ = ("children", "event", "last")

    def __init__(self, event: Event, *, last: bool) -> None:
        self.event = event
        self.children: list[Node] = []
        self.last = last


Asleep = list[Event]
"""Events that are explored elsewhere, until something touches what they touch."""


def after(asleep: Asleep, step: Step) -> Asleep:
    """What is still asleep when `step` was done."""
    return [event for event in asleep if not dependent(event.step, step)]


def covered(asleep: Asleep, events: Sequence[Event]) -> bool:
    """Whether all that begins with `events` is explored elsewhere.

    It is if one that sleeps could as well be done first, or if `events` have a pick that is not
    possible, as one that sleeps can tell.
    """
    for event in asleep:
        at = first(event.step, events)
        if at == len(events) or (at >= 0 and _answers(event, events[at])):
            return True
    return False


def _answers(event: Event, other: Event) -> bool:
    """Whether `other`, of the same thread at the same point, is `event`, or cannot be."""
    picks = event.step.picks
    for level, pick in enumerate(other.step.picks):
        if level == len(picks):
            if pick:
                return True
        elif pick != picks[level]:
            return pick >= event.counts[level]
    return not any(picks[len(other.step.picks) :])


def same(one: Step, other: Step) -> bool:
    """Whether two steps of a thread at a point have the same picks."""
    length = min(len(one.picks), len(other.picks))
    return (
        one.picks[:length] == other.picks[:length]
        and not any(one.picks[length:])
        and not any(other.picks[length:])
    )


def first(step: Step, events: Sequence[Event]) -> int:
    """Where in `events` the step of the same task stands, if it could as well be done first.

    `len(events)` if it is none of them and independent of all; -1 if it depends on one before it.
    """
    task = step.task
    for at, event in enumerate(events):
        if event.step.task == task:
            return at
        if dependent(step, event.step):
            return -1
    return len(events)


def insert(nodes: list[Node], events: Sequence[Event]) -> None:
    """Have `events` done after all, unless what is to be done already will do.

    Goes down where the tree begins with a step with which `events` could begin as well. A leaf
    will do: what comes after it is free. A step of which it is only guessed what it touches will do
    for nothing but itself.
    """
    while True:
        for node in nodes:
            at = first(node.event.step, events)
            if at == len(events):
                rest = events
            elif at >= 0 and same(node.event.step, events[at].step):
                rest = [*events[:at], *events[at + 1 :]]
            else:
                continue
            if node.event.other is not None and (at or not events or events[0].other is None):
                continue
            nodes, events = node.children, rest
            break
        else:
            for left, event in enumerate(events, 1 - len(events)):
                node = Node(event, last=not left)
                nodes.append(node)
                nodes = node.children
            return


def prune(nodes: list[Node], done: Event, asleep: Asleep, variants: Variants) -> list[Node]:
    """The tree without the sequences that turn out to be covered, now that `done` sleeps, too.

    Without picks there are none.
    """
    every = list(ways(nodes))
    kept = []
    for way in every:
        events = [variants.known(node.event) for node in way]
        if not covered([done] if way[-1].event.other is None else asleep, events):
            kept.append(way)
    if len(kept) == len(every):
        return nodes
    for way in every:
        for node in way:
            node.children = []
    pruned: list[Node] = []
    for way in kept:
        level = pruned
        for node in way:
            if not level or level[-1] is not node:
                level.append(node)
            level = node.children
    return pruned


def ways(nodes: list[Node]) -> Iterator[list[Node]]:
    """The ways from the root to each leaf."""
    way: list[Node] = []
    levels = [iter(nodes)]
    while levels:
        node = next(levels[-1], None)
        if node is None:
            levels.pop()
            if way:
                way.pop()
        else:
            way.append(node)
            levels.append(iter(node.children))
            if not node.children:
                yield list(way)
