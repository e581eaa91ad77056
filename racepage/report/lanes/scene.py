"""What a picture of a finding shows: of two threads the events around it, and what orders them.

Time goes downwards, and every edge with it. Where nothing orders the two sides they stand in one
row: first comes what is before either of them in its own thread, then the two, then the rest. An
edge from behind one of them to before the other would order the two; so there is none that would
have to go upwards.

Of each side there are the events next to it, the synchronisation next to it, the locks that it
held, and the edges next to it that lead from the other thread and to it: the last one that leads
from there to before it is how far it knows the other. What lies between is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.locks import held_locks
from racepage.errors import RacepageError
from racepage.events import Kind, Op, Target
from racepage.finding import RULES, Finding, Side
from racepage.order.hb import NO_EDGE
from racepage.report.lanes.edges import Edge, Edges
from racepage.report.words import counted
from racepage.trace.columns import Trace

Role = Literal["first", "second", "also", ""]
Rows = NDArray[np.int64]
Place = tuple[int, int]
"""Where an item stands in the order of the trace: an event, and before or after it."""

_BEFORE, _AFTER = 2, 1  # events next to a side
_EDGES: Final = (2, 1)  # edges next to a side: to it, and from it
_MOST_SIDES: Final = 8
_MOST_LOCKS: Final = 4
_MOST_NOTES: Final = 2

_BEGIN, _GAP, _ITSELF, _REST = range(4)  # what stands where with an event

_SYNC: Final = np.zeros(256, dtype=np.bool_)
_SYNC[[*range(Op.LOCK, Op.FENCE + 1)]] = True
_TAKES: Final = (Op.LOCK, Op.RLOCK)
_GIVES: Final = (Op.UNLOCK, Op.RUNLOCK)


class Mark(NamedTuple):
    """An event in its lane; `notes` are sentences about it, with names as the trace has them."""

    lane: int
    event: int
    role: Role
    notes: tuple[str, ...]


class Begin(NamedTuple):
    """The beginning of a thread, of which `event` is the first: where it was started."""

    lane: int
    event: int
    notes: tuple[str, ...]


class Gap(NamedTuple):
    """So many events of a lane that are not shown; `before` is the next one that is, or None."""

    lane: int
    events: int
    before: int | None


Item = Mark | Begin | Gap


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to draw.

    Attributes:
        threads: the names of the lanes, one or two.
        rows: the items from top to bottom; the two sides that nothing orders stand in one.
        edges: happens-before between events of the two lanes, downwards.
        unordered: nothing orders the two sides.
        holding: of the events shown, those that their thread holds a lock at and after.
        absent: threads that have a part in the finding as well.
    """

    threads: tuple[str, ...]
    rows: tuple[tuple[Item, ...], ...]
    edges: tuple[Edge, ...]
    unordered: bool
    holding: tuple[frozenset[int], frozenset[int]]
    absent: tuple[str, ...]


def scene(trace: Trace, finding: Finding) -> Scene:
    """What to draw of a finding of the trace.

    Raises:
        RacepageError: the finding has no events.
    """
    return _Scene(trace, finding).made()


class _Scene:
    """A scene that is being made."""

    def __init__(self, trace: Trace, finding: Finding) -> None:
        self._trace = trace
        self._finding = finding
        self._sides = _sides(finding)
        if not self._sides:
            rule = RULES[finding.kind]
            raise RacepageError(
                f"{rule.id} {rule.kind} has no events to draw; racepage check says what it is"
            )
        named = list(dict.fromkeys(side.thread for _, side in self._sides))
        self._names, self._absent = named[:2], named[2:]
        number = {name: at for at, name in enumerate(trace.threads)}
        self._lane = {number[name]: lane for lane, name in enumerate(self._names)}
        self._thread = trace.columns.thread
        self._rows = [np.flatnonzero(self._thread == one) for one in self._lane]
        self._roles: dict[int, Role] = {}
        for role, side in self._sides:
            if side.thread in self._names:
                self._roles.setdefault(side.event, role)
        self._unordered = finding.why is not None and len(self._names) == 2
        self._edges = Edges(trace, list(self._lane), self._rows)

    def made(self) -> Scene:
        shown = self._shown()
        order = sorted(shown, key=lambda event: (self._part(event), event))
        places = {event: place for place, event in enumerate(order)}
        edges, left_out = self._edges.among(places)
        items = [*self._items(shown, left_out)]
        return Scene(
            threads=tuple(self._names),
            rows=tuple(self._in_rows(items)),
            edges=tuple(edges),
            unordered=self._unordered,
            holding=self._holding(sorted(shown)),
            absent=tuple(self._absent),
        )

    # Which events ---------------------------------------------------------------------------------

    def _shown(self) -> set[int]:
        shown = set(self._roles)
        for _, side in self._sides:
            if side.event in self._roles:
                shown.update(self._near(side))
        for rows, start in zip(self._rows, self._edges.starts, strict=True):
            if rows[0] in shown and start is not None and self._thread[start] in self._lane:
                shown.add(start)
        for rows in self._rows:
            there = np.flatnonzero(np.isin(rows, list(shown)))
            edges = np.concatenate(([-1], there, [len(rows)]))
            alone = edges[:-1][np.diff(edges) == 2] + 1  # to count one takes as much room
            shown.update(rows[alone].tolist())
        return shown

    def _near(self, side: Side) -> Iterator[int]:
        """The events that say how a side came about, and what became of it."""
        lane, event = self._lane_of(side.event), side.event
        rows, op = self._rows[lane], self._trace.columns.op
        at = int(np.searchsorted(rows, event))
        yield from rows[max(0, at - _BEFORE) : at + 1 + _AFTER].tolist()
        sync = rows[_SYNC[op[rows]]]
        at = int(np.searchsorted(sync, event))
        yield from sync[max(0, at - 1) : at].tolist()
        yield from sync[at:][sync[at:] > event][:1].tolist()
        for lock in side.locks[:_MOST_LOCKS]:
            yield from self._section(rows, Target(Kind.LOCK, lock.name), event)
        for source, to in self._edges.near(lane, event, *_EDGES):
            yield source
            yield to

    def _section(self, rows: Rows, lock: Target, event: int) -> Iterator[int]:
        """Where the thread took a lock that it holds at `event`, and where it gives it back."""
        columns = self._trace.columns
        number = self._trace.targets.index(lock)
        rows = rows[(columns.target[rows] == number) & (columns.flags[rows] & int(NO_EDGE) == 0)]
        op = columns.op[rows]
        yield from rows[np.isin(op, _TAKES) & (rows < event)][-1:].tolist()
        yield from rows[np.isin(op, _GIVES) & (rows > event)][:1].tolist()

    # What stands with them ------------------------------------------------------------------------

    def _items(self, shown: set[int], left_out: Sequence[Edge]) -> Iterator[tuple[Place, Item]]:
        """Every item with its place in the order of the trace."""
        for lane, rows in enumerate(self._rows):
            mine = sorted(event for event in shown if self._lane_of(event) == lane)
            at = np.searchsorted(rows, mine).tolist()
            before = -1
            for event, place in zip(mine, at, strict=True):
                start = self._edges.starts[lane]
                if place == 0 and start is not None:
                    notes = self._started(start, event, left_out)
                    yield (event, _BEGIN), Begin(lane, event, tuple(notes))
                if place > before + 1:
                    yield (event, _GAP), Gap(lane, place - before - 1, event)
                told = (*self._notes(event, left_out), *self._known(event))
                yield (event, _ITSELF), Mark(lane, event, self._roles.get(event, ""), told)
                before = place
            if mine and before + 1 < len(rows):
                yield (mine[-1], _REST), Gap(lane, len(rows) - before - 1, None)

    def _notes(self, event: int, left_out: Sequence[Edge]) -> Iterator[str]:
        """What an event comes after, and no arrow shows."""
        for edge in left_out:
            if edge.to == event and not edge.begins:
                yield f"after {self._told(edge.source)}"
        others, more = self._edges.from_others(event)
        for one in others[:_MOST_NOTES]:
            yield f"{'through' if one.hands_on else 'after'} {self._told(one.event)}"
        more += max(0, len(others) - _MOST_NOTES)
        if more:
            yield f"and after {counted(more, 'other thread')}"

    def _started(self, start: int, event: int, left_out: Sequence[Edge]) -> Iterator[str]:
        """By whom a thread was started, whose first event this is, where no arrow shows it."""
        for edge in left_out:
            if edge.to == event and edge.begins and edge.source != start:
                yield f"after {self._told(edge.source)}"
        who = int(self._thread[start])
        if who not in self._lane:
            yield f"started by {self._trace.threads[who]} (event {start})"

    def _told(self, event: int) -> str:
        columns = self._trace.columns
        op = Op(columns.op[event]).name.lower()
        return f"{self._trace.threads[self._thread[event]]}'s {op} (event {event})"

    def _known(self, event: int) -> Iterator[str]:
        """Whether this is the last of its thread that the other side knows."""
        why, first, second = self._finding.why, self._finding.first, self._finding.second
        if why is None or first is None or second is None:
            return
        if why.last_of_first_known_to_second.event == event:
            yield f"the last that {second.thread} knows"
        if why.last_of_second_known_to_first.event == event:
            yield f"the last that {first.thread} knows"

    def _in_rows(self, items: Sequence[tuple[Place, Item]]) -> Iterator[tuple[Item, ...]]:
        parts: tuple[list[Item], ...] = ([], [], [])
        for place, item in sorted(items):
            parts[self._part_of(item.lane, place)].append(item)
        before, together, after = parts
        yield from ((item,) for item in before)
        if together:
            yield tuple(together)
        yield from ((item,) for item in after)

    def _part(self, event: int) -> int:
        return self._part_of(self._lane_of(event), (event, _ITSELF))

    def _part_of(self, lane: int, place: Place) -> int:
        """0 before the side of the lane, 1 at it, 2 after it; 0 where all have their order."""
        if not self._unordered:
            return 0
        [side] = (event for event in self._roles if self._lane_of(event) == lane)
        return 0 if place < (side, _ITSELF) else 1 if place == (side, _ITSELF) else 2

    def _holding(self, shown: list[int]) -> tuple[frozenset[int], frozenset[int]]:
        columns = self._trace.columns
        at, after = set(), set()
        for event, locks in held_locks(self._trace, shown).items():
            held = {lock for lock, _ in locks}
            if held:
                at.add(event)
            if not columns.flags[event] & int(NO_EDGE):
                if columns.op[event] in _TAKES:
                    held.add(int(columns.target[event]))
                elif columns.op[event] in _GIVES:
                    held.discard(int(columns.target[event]))
            if held:
                after.add(event)
        return frozenset(at), frozenset(after)

    def _lane_of(self, event: int) -> int:
        return self._lane[int(self._thread[event])]


def _sides(finding: Finding) -> list[tuple[Role, Side]]:
    """The events of a finding; where its page was allocated is no part of it."""
    two: tuple[tuple[Role, Side | None], ...] = (
        ("first", finding.first),
        ("second", finding.second),
    )
    found = [(role, side) for role, side in two if side is not None]
    if finding.why is not None:
        return found
    also = [side for side in finding.related if side.op != "alloc"]
    return [*found, *(("also", side) for side in also[: _MOST_SIDES - len(found)])]
