"""Where the events of a trace stand on a time line, for viewers that show slices on tracks.

An event's *cell* is [start, stop): cells of one thread are disjoint. In it is either the event's
own slice, a little smaller, or the begin or the end of the critical section that it opens or
closes. So slices on a track nest, as viewers demand, without anybody looking at two of them.

Critical sections of one thread may overlap without being nested (lock a, lock b, unlock a, unlock
b). A section that does not nest on its thread's own track goes to another track of the thread, the
first on which it does.

Time is the recording's where it has one. Only some events have a time; the others lie evenly
between those of their thread. Cells are at least `_WALL` apart, in a thread and along every edge of
happens-before: what has a time before that is put off, so that an arrow never points back. Where a
trace has no times, or such as span weeks, time is *logical*: the k-th event has the k-th cell of
`LOGICAL`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Op
from racepage.report.arrows import Arrows
from racepage.trace.columns import Trace

Rows = NDArray[np.int64]

LOGICAL: Final = 10_000
"""Nanoseconds of an event's cell where time is logical: whole microseconds all over."""

MOST_LEVELS: Final = 8
"""Tracks of one thread; a critical section that nests on none of them is not shown as a slice."""

_WALL: Final = 20  # nanoseconds of the narrowest cell on the clock: its parts differ by 2 at least
_WIDEST: Final = 1_000  # nanoseconds of a cell that nothing follows at once
_LONGEST: Final = 1 << 51  # nanoseconds that viewers can tell apart, who count microseconds
_LOCKS: Final = (int(Op.LOCK), int(Op.RLOCK))
_UNLOCKS: Final = (int(Op.UNLOCK), int(Op.RUNLOCK))
_EXCLUSIVE: Final = (int(Op.LOCK), int(Op.UNLOCK))
_NO_EFFECT: Final = Flag.TRYFAIL | Flag.INNER | Flag.REFUSED


class Track(NamedTuple):
    """One row of slices: the thread, and 0 for its own track, then 1, 2, … where sections go."""

    thread: int
    level: int


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """The critical sections that are shown, ascending by `begin`; arrays of one length.

    Attributes:
        begin: int64, the event that takes the lock.
        end: int64, the unlock; where another thread gives the lock back, or nobody, the last event
            of the section's thread before that.
        lock: int32, a target.
        writes: bool, whether it excludes readers.
        track: int64, index into `Timeline.tracks`.
    """

    begin: Rows
    end: Rows
    lock: NDArray[np.int32]
    writes: NDArray[np.bool_]
    track: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A trace, laid out.

    Attributes:
        start, stop: int64, shape (n,), nanoseconds: every event's cell.
        least: nanoseconds of the narrowest cell.
        wall: whether time is the recording's, from its first; else it is logical.
        own: bool, shape (n,): the event has a slice of its own.
        track: int64, shape (n,): where the event's slice, or that of its section, is.
        tracks: those of all threads in the order of threads, the first `threads` being their own.
        sections: the critical sections.
    """

    start: Rows
    stop: Rows
    least: int
    wall: bool
    own: NDArray[np.bool_]
    track: Rows
    tracks: list[Track]
    sections: Sections

    @property
    def margin(self) -> int:
        """Nanoseconds between the edges of a cell and what is in it."""
        return self.least // 10

    @property
    def bend(self) -> int:
        """Nanoseconds from the start of a cell to where its arrows begin and end."""
        return self.least // 2


def layout(trace: Trace, edges: Arrows) -> Timeline:
    """Lay out a trace whose happens-before has these edges."""
    order = np.argsort(trace.columns.thread, kind="stable")
    begins = np.searchsorted(trace.columns.thread[order], np.arange(len(trace.threads) + 1))
    clock = _on_the_clock(trace, order, begins, edges)
    wall = clock is not None
    start = np.arange(len(trace), dtype=np.int64) * LOGICAL if clock is None else clock
    least = _WALL if wall else LOGICAL
    stop = _stops(trace, order, begins, start, _WIDEST if wall else LOGICAL)
    sections, tracks = _sections(trace, order, begins)
    stop[sections.end] = start[sections.end] + least
    own = np.ones(len(trace), dtype=np.bool_)
    track = trace.columns.thread.astype(np.int64)
    unlocks = _unlocks(trace, sections)
    for events, on in (
        (sections.begin, sections.track),
        (sections.end[unlocks], sections.track[unlocks]),
    ):
        own[events] = False
        track[events] = on
    return Timeline(start, stop, least, wall, own, track, tracks, sections)


def _stops(trace: Trace, order: Rows, begins: Rows, start: Rows, widest: int) -> Rows:
    """Where the events' cells end: where the thread's next one begins, but for long pauses."""
    stop = start + widest
    following = np.full(len(trace), int(stop.max(initial=0)), dtype=np.int64)
    following[order[:-1]] = start[order[1:]]
    last = order[begins[1:][np.diff(begins) > 0] - 1]
    following[last] = stop.max(initial=0)
    waits = trace.columns.op == int(Op.BLOCK)
    return np.where(waits, following, np.minimum(stop, following))


def _unlocks(trace: Trace, sections: Sections) -> NDArray[np.bool_]:
    """Which sections end with an unlock of their own, with which no other one ends."""
    columns = trace.columns
    alone = np.bincount(sections.end, minlength=1)[sections.end] == 1
    unlocks = np.isin(columns.op[sections.end], _UNLOCKS)
    own: NDArray[np.bool_] = alone & unlocks & (columns.target[sections.end] == sections.lock)
    return own


def _on_the_clock(trace: Trace, order: Rows, begins: Rows, edges: Arrows) -> Rows | None:
    """When every event begins, from the recording's first; None where there is no telling."""
    time = trace.columns.time
    timed = np.flatnonzero(time)
    if not len(timed):
        return None
    first = time[timed].min()
    if time[timed].max() - first > _LONGEST:
        return None
    latest = np.maximum.accumulate(time[timed] - first)
    rank = np.empty(len(trace), dtype=np.int64)  # among its thread's events
    slack = np.empty(len(trace), dtype=np.int64)  # its time, less that of the cells before it
    for rows in np.split(order, begins[1:-1]):
        rank[rows] = np.arange(len(rows))
        known = np.flatnonzero(time[rows])
        if len(known):
            times = np.maximum.accumulate(time[rows[known]] - first)
            at = np.interp(np.arange(len(rows)), known, times)
        else:  # when its first event was put into the trace is all that is known
            at = np.interp(rows, timed, latest)
        slack[rows] = np.maximum.accumulate(at.astype(np.int64) - rank[rows] * _WALL)
    start = slack + rank * _WALL
    if (start[edges.to] >= start[edges.source] + _WALL).all():
        return start
    _put_off(trace, slack, rank * _WALL, edges)
    for rows in np.split(order, begins[1:-1]):
        slack[rows] = np.maximum.accumulate(slack[rows])
    return slack + rank * _WALL


def _put_off(trace: Trace, slack: Rows, cells: Rows, edges: Arrows) -> None:
    """Let every event begin after those that lead to it, and so all that come after it."""
    thread = trace.columns.thread
    lowest = int(slack.min())
    floor = [lowest] * len(trace.threads)  # what the slack of a thread's next events is at least
    for source, to, left, arrived, gap, event in zip(
        thread[edges.source].tolist(),
        thread[edges.to].tolist(),
        slack[edges.source].tolist(),
        slack[edges.to].tolist(),
        (cells[edges.source] + _WALL - cells[edges.to]).tolist(),
        edges.to.tolist(),
        strict=True,
    ):
        least = max(left, floor[source]) + gap
        if least > max(arrived, floor[to]):
            floor[to] = least
            slack[event] = least


def _sections(trace: Trace, order: Rows, begins: Rows) -> tuple[Sections, list[Track]]:
    """The critical sections that nest on some track, and the tracks."""
    begin, end, lock, writes = _held(trace, order, begins)
    thread = trace.columns.thread[begin]
    tracks = [Track(number, 0) for number in range(len(trace.threads))]
    numbers = {track: number for number, track in enumerate(tracks)}
    open_: dict[Track, list[int]] = {}
    on = np.full(len(begin), -1, dtype=np.int64)
    for at, (who, first, last) in enumerate(
        zip(thread.tolist(), begin.tolist(), end.tolist(), strict=True)
    ):
        for level in range(MOST_LEVELS):
            track = Track(who, level)
            ends = open_.setdefault(track, [])
            while ends and ends[-1] < first:
                ends.pop()
            if not ends or ends[-1] >= last:
                ends.append(last)
                on[at] = numbers.setdefault(track, len(numbers))
                break
    shown = on >= 0
    sections = Sections(begin[shown], end[shown], lock[shown], writes[shown], on[shown])
    return sections, list(numbers)


def _held(
    trace: Trace, order: Rows, begins: Rows
) -> tuple[Rows, Rows, NDArray[np.int32], NDArray[np.bool_]]:
    """Of every time that a lock was held: begin, end (see `Sections`), the lock, for writing."""
    columns = trace.columns
    rows = np.flatnonzero(
        np.isin(columns.op, _LOCKS + _UNLOCKS) & (columns.flags & int(_NO_EFFECT) == 0)
    )
    begin: list[int] = []
    end: list[int] = []
    writes: list[bool] = []
    # (lock, for writing) -> thread -> the numbers of the sections that it is in
    holders: defaultdict[tuple[int, bool], dict[int, list[int]]] = defaultdict(dict)
    for event, thread, op, lock in zip(
        rows.tolist(),
        columns.thread[rows].tolist(),
        columns.op[rows].tolist(),
        columns.target[rows].tolist(),
        strict=True,
    ):
        write = op in _EXCLUSIVE
        those = holders[lock, write]
        if op in _LOCKS:
            those.setdefault(thread, []).append(len(begin))
            begin.append(event)
            end.append(len(columns))
            writes.append(write)
            continue
        # A plain lock may be given back by another thread: then whoever holds it does no longer.
        whose = next(reversed(those), None) if write and thread not in those else thread
        if whose in those:
            end[those[whose].pop()] = event
            if not those[whose]:
                del those[whose]
    begun, ended = np.array(begin, dtype=np.int64), np.array(end, dtype=np.int64)
    thread = columns.thread[begun]
    elsewhere = np.append(columns.thread, -1)[ended] != thread
    for at in np.flatnonzero(elsewhere).tolist():
        own = order[begins[thread[at]] : begins[thread[at] + 1]]
        ended[at] = own[np.searchsorted(own, ended[at]) - 1]
    return begun, ended, columns.target[begun], np.array(writes, dtype=np.bool_)
