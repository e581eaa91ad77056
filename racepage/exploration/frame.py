"""The points on the path of a search by partial orders, and how they are saved."""

from __future__ import annotations

from typing import Any

from racepage.exploration.saved import Saved, written
from racepage.exploration.wakeup import Asleep, Event, Node, same


class Frame:
    """A point on the path of the search.

    Attributes:
        event: what was done there last.
        asleep: what need not be done there.
        nodes: what is still to be done there.
        fatal: what was done there and ended the execution.
    """

    __slots__ = ("asleep", "event", "fatal", "nodes")

    def __init__(self, event: Event, asleep: Asleep, nodes: list[Node]) -> None:
        self.event = event
        self.asleep = asleep
        self.nodes = nodes
        self.fatal: list[Event] = []

    def fails(self, event: Event) -> bool:
        """Whether it is known that `event` ends the execution."""
        return any(
            fatal.step.task == event.step.task and same(fatal.step, event.step)
            for fatal in self.fatal
        )

    def state(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "event": _event(self.event),
            "asleep": [_event(event) for event in self.asleep],
            "nodes": _flat(self.nodes),
            "fatal": [_event(event) for event in self.fatal],
        }


def read(saved: Saved, value: object) -> Frame:
    """A point, as `state` wrote it.

    Raises:
        RacepageError: it is none.
    """
    fields = saved.part(value, 'a point of "path"')
    asleep = [_read_event(saved, item) for item in fields.items("asleep")]
    frame = Frame(_read_event(saved, fields.any("event")), asleep, _read_tree(fields, "nodes"))
    frame.fatal = [_read_event(saved, item) for item in fields.items("fatal")]
    return frame


def _flat(nodes: list[Node]) -> list[Any]:
    """A tree as a list of its nodes, each with its depth, parents before children."""
    flat: list[Any] = []
    left = [(0, node) for node in reversed(nodes)]
    while left:
        depth, node = left.pop()
        flat.append([depth, node.last, _event(node.event)])
        left.extend((depth + 1, child) for child in reversed(node.children))
    return flat


def _read_tree(saved: Saved, field: str) -> list[Node]:
    nodes: list[Node] = []
    levels = [nodes]  # where a node of each depth goes
    for item in saved.items(field):
        depth, last, event = saved.parts(item, f'an item of "{field}"', 3)
        depth = saved.whole(depth, f'a depth in "{field}"', 0, len(levels) - 1)
        node = Node(_read_event(saved, event), last=last is True)
        levels[depth].append(node)
        levels[depth + 1 :] = [node.children]
    return nodes


def _event(event: Event) -> list[Any]:
    return [written(event.step), list(event.counts), event.other]


def _read_event(saved: Saved, value: object) -> Event:
    step, counts, other = saved.parts(value, "an event", 3)
    event = Event(
        saved.step(step, "a step"),
        tuple(saved.whole(count, "a count", 1) for count in saved.sequence(counts, "the counts")),
        None if other is None else saved.whole(other, "the key of an event"),
    )
    picks = event.step.picks
    if len(picks) != len(event.counts):
        saved.refuse("an event has not as many picks as counts")
    if any(pick >= count for pick, count in zip(picks, event.counts, strict=True)):
        saved.refuse("an event picks what there is not")
    return event
