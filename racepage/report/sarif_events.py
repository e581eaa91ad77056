"""The events that a finding names, as SARIF's related locations and the steps of its code flows.

These are both sides, the last synchronisation that each knows of the other, where their threads
were started, and what else belongs to the finding: a page's allocation, the locks of a cycle. Each
event once, in the order of the trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from racepage.events import Stack
from racepage.finding import LastSync, Side
from racepage.report.escape import plain
from racepage.report.frames import of_the_program
from racepage.report.parts import Listed, Place
from racepage.report.sarif_words import message, physical

MOST: Final = 100
"""Events of a finding; GitHub shows no more places of an alert."""

DEEPEST: Final = 64
"""Frames of a stack; as many as are recorded."""

Object = dict[str, Any]


class Event(NamedTuple):
    """An event that a finding names.

    Attributes:
        number: the event's.
        thread: who did it.
        text: what it was, in words.
        place: where it stands.
        function: in which function, or nothing.
        stack: of a side the frames of the program.
        essential: it is a side of the finding.
    """

    number: int
    thread: str
    text: str
    place: Place
    function: str
    stack: tuple[tuple[Place, str], ...]
    essential: bool

    def location(self, number: int) -> Object:
        """As a related location, which messages link to by its number."""
        return {"id": number, **self._location()}

    def step(self) -> Object:
        """As a step of its thread."""
        step: Object = {
            "location": self._location(),
            "executionOrder": self.number,
            "importance": "essential" if self.essential else "important",
        }
        if len(self.stack) > 1:
            frames = [{"location": _at(place, function)} for place, function in self.stack]
            step["stack"] = {"frames": frames}
        return step

    def _location(self) -> Object:
        return {**_at(self.place, self.function), "message": message(self.text)}


def _at(place: Place, function: str) -> Object:
    where: Object = {"physicalLocation": physical(place)}
    if function:
        where["logicalLocations"] = [{"fullyQualifiedName": function, "kind": "function"}]
    return where


def events(one: Listed) -> list[Event]:
    """Those that a finding names; of too many those that matter most."""
    found: dict[int, Event] = {}
    for event in _by_importance(one):
        if len(found) == MOST:
            break
        found.setdefault(event.number, event)
    return [found[number] for number in sorted(found)]


def _by_importance(one: Listed) -> Iterator[Event]:
    finding = one.finding
    for label, side in (("first", finding.first), ("second", finding.second)):
        if side is not None:
            yield _of_side(one, side, f"{label}: {one.told(side)}", essential=True)
    if finding.why is not None:
        for known in (
            finding.why.last_of_first_known_to_second,
            finding.why.last_of_second_known_to_first,
        ):
            yield from _of_sync(one, known)
    for side in finding.related:
        yield _of_side(one, side, one.told(side))
    for side in reversed(one.sides):
        info = one.analysis.threads.get(side.thread)
        if info is not None and info.start is not None:
            yield _of_side(one, info.start, one.told(info.start))


def _of_side(one: Listed, side: Side, text: str, *, essential: bool = False) -> Event:
    return _event(one, (side.event, plain(side.thread), text), side.stack, essential=essential)


def _of_sync(one: Listed, known: LastSync) -> Iterator[Event]:
    if known.event is not None:
        what = f"{plain(known.op or 'synchronises')} {plain(known.target or '')}".rstrip()
        thread = plain(known.thread)
        text = f"{thread} {what} (event {known.event}): the last that the other side knows of it"
        yield _event(one, (known.event, thread, text), known.stack, essential=False)


def _event(one: Listed, told: tuple[int, str, str], stack: Stack, *, essential: bool) -> Event:
    frames = tuple(
        (one.place((frame,)), plain(frame.function))
        for frame in of_the_program(stack)[: DEEPEST if essential else 1]
    )
    function = frames[0][1] if frames else ""
    return Event(*told, one.place(stack), function, frames, essential)
