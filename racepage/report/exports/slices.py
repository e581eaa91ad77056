"""The events of a trace one by one, each with what a viewer of slices shows of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.finding import Analysis
from racepage.report.arrows import Arrows
from racepage.report.choice import counting
from racepage.report.escape import plain
from racepage.report.exports.timeline import Timeline
from racepage.trace.columns import Trace

_BATCH: Final = 1 << 16
_LONGEST: Final = 1_000  # characters of a message


class Mark(NamedTuple):
    """One side of a finding: an event that an instant points out."""

    event: int
    name: str
    finding: int
    message: str


class Slice(NamedTuple):
    """One event.

    Attributes:
        event: its number.
        track: a number into `Timeline.tracks`.
        start, stop: its cell, in nanoseconds.
        own: it has a slice of its own.
        op, target, flags, offset, length, site: as in the trace's columns.
        opens: the critical section that begins with it, a number into `Timeline.sections`, or None.
        closes: those that end with it.
        into, out: the numbers of the edges that lead to it, and that lead on from it.
        marks: the findings that name it.
    """

    event: int
    track: int
    start: int
    stop: int
    own: bool
    op: int
    target: int
    flags: int
    offset: int
    length: int
    site: int
    opens: int | None = None
    closes: Sequence[int] = ()
    into: Sequence[int] = ()
    out: Sequence[int] = ()
    marks: Sequence[Mark] = ()


def marks(analysis: Analysis) -> list[Mark]:
    """The sides of the findings that count, ascending by event."""
    found = [
        Mark(
            side.event,
            f"{finding.rule} {finding.kind}: {which} side of finding {number}",
            number,
            plain(finding.message, longest=_LONGEST),
        )
        for number, finding in enumerate(counting(analysis), 1)
        for which, side in (("first", finding.first), ("second", finding.second))
        if side is not None
    ]
    return sorted(found)


def slices(
    trace: Trace, timeline: Timeline, edges: Arrows, pointed_out: Sequence[Mark]
) -> Iterator[Slice]:
    """All events, in the order of the trace; an edge's number is its place in `edges`, from 1."""
    columns, sections = trace.columns, timeline.sections
    inward = _ends(edges.to)
    outward = _ends(edges.source)
    closing = _ends(sections.end)
    opening = (np.arange(len(sections.begin)), sections.begin)
    at = np.array([mark.event for mark in pointed_out], dtype=np.int64)
    pointing = (np.arange(len(at)), at)
    for low in range(0, len(trace), _BATCH):
        high = min(low + _BATCH, len(trace))
        part = slice(low, high)
        into, out = (_among(ends, low, high) for ends in (inward, outward))
        closes, opens = (_among(ends, low, high) for ends in (closing, opening))
        marked = _among(pointing, low, high)
        rows = zip(
            range(low, high),
            timeline.track[part].tolist(),
            timeline.start[part].tolist(),
            timeline.stop[part].tolist(),
            timeline.own[part].tolist(),
            columns.op[part].tolist(),
            columns.target[part].tolist(),
            columns.flags[part].tolist(),
            columns.offset[part].tolist(),
            columns.length[part].tolist(),
            columns.site[part].tolist(),
            strict=True,
        )
        busy = {event for those in (into, out, closes, opens, marked) for event in those}
        for row in rows:
            event = row[0]
            if event not in busy:  # most are not, and this is the hot path
                yield Slice(*row)
                continue
            yield Slice._make(
                (
                    *row,
                    opens[event][0] if event in opens else None,
                    closes.get(event, ()),
                    [number + 1 for number in into.get(event, ())],
                    [number + 1 for number in out.get(event, ())],
                    [pointed_out[number] for number in marked.get(event, ())],
                )
            )


Ends = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Numbers of things, and the event of each, ascending by event and then by number."""


def _ends(events: NDArray[np.int64]) -> Ends:
    order = np.argsort(events, kind="stable")
    return order, events[order]


def _among(ends: Ends, low: int, high: int) -> dict[int, list[int]]:
    """Event in [low, high) -> the numbers of what it has."""
    numbers, events = ends
    first, last = np.searchsorted(events, (low, high))
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, event in zip(
        numbers[first:last].tolist(), events[first:last].tolist(), strict=True
    ):
        found[event].append(number)
    return found
