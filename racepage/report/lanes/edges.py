"""The edges of happens-before between two threads, near some event.

They come from what the order says that each event knows (`order.history`), so that only the edges
that somebody asks for are worked out: of a trace of millions of events that is a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import Kind, Op, Target
from racepage.order.history import History
from racepage.report.arrows import stamped
from racepage.trace.columns import Trace

TRACKS: Final = 7
"""Edges that can be drawn next to each other."""

_MOST_OTHERS: Final = 64  # threads that an event learns of, of which the direct ones are told

Rows = NDArray[np.int64]


class Edge(NamedTuple):
    """`source` happens before `to`, an event of the other lane.

    Attributes:
        source, to: the events.
        begins: before the thread of `to` was started, which `to` is the first event of.
        track: which of the ways between the lanes it takes.
    """

    source: int
    to: int
    begins: bool = False
    track: int = 0


class Other(NamedTuple):
    """The last event of a thread in no lane that an event comes to know, directly.

    `hands_on` is whether the other lane's events come to be known with it.
    """

    event: int
    hands_on: bool


class Edges:
    """What orders events of one or two threads.

    Args:
        trace: the trace.
        threads: the numbers of the threads, lane by lane.
        rows: the events of each, ascending.
    """

    def __init__(self, trace: Trace, threads: Sequence[int], rows: Sequence[Rows]) -> None:
        self._thread = trace.columns.thread
        self._history = History(self._thread, stamped(trace))
        self._threads = threads
        self._rows = rows
        self._pairs = cache(self._all_pairs)
        self.starts = [_start(trace, thread) for thread in threads]
        """Of each lane's thread where it was started, if it was."""

    def near(self, lane: int, event: int, before: int, after: int) -> list[tuple[int, int]]:
        """The last edges that lead to `event` or to before it, and the next from there on."""
        if len(self._threads) == 1:
            return []
        sources, to = self._pairs(lane)
        last = int(np.searchsorted(to, event, side="right"))
        found = [(sources, to, slice(max(0, last - before), last))]
        sources, to = self._pairs(1 - lane)
        first = int(np.searchsorted(sources, event))
        found.append((sources, to, slice(first, first + after)))
        return [
            pair
            for source, to, part in found
            for pair in zip(source[part].tolist(), to[part].tolist(), strict=True)
        ]

    def among(self, shown: Mapping[int, int]) -> tuple[list[Edge], list[Edge]]:
        """The edges into events that are shown: those to draw, and those to tell.

        To be told are those from events that are not shown, and those that have no track.

        Args:
            shown: the events, each with its place from top to bottom.
        """
        drawn: list[Edge] = []
        told: list[Edge] = []
        free = [-1] * TRACKS  # the place up to which each track is taken
        edges = sorted(set(self._into(shown)), key=lambda one: (shown.get(one.source, -1), one))
        for edge in edges:
            begin = shown.get(edge.source)
            track = next((at for at, until in enumerate(free) if until < (begin or 0)), None)
            if begin is None or track is None:
                told.append(edge)
            else:
                free[track] = shown[edge.to]
                drawn.append(edge._replace(track=track))
        return drawn, told

    def _into(self, shown: Mapping[int, int]) -> Iterator[Edge]:
        for lane in range(2 if len(self._threads) == 2 else 0):
            sources, to = self._pairs(lane)
            there = np.isin(to, list(shown))
            first, start = int(self._rows[lane][0]), self.starts[lane]
            if first in shown and start is not None and self._thread[start] in self._threads:
                yield Edge(start, first, begins=True)
            for source, event in zip(sources[there].tolist(), to[there].tolist(), strict=True):
                by_start = event == first and start is not None and self._by(source, start)
                yield Edge(source, event, begins=by_start)

    def _by(self, event: int, other: int) -> bool:
        """Whether an event is another one, or happens before it."""
        return event == other or (event < other and self._history.before(event, other))

    def from_others(self, event: int) -> tuple[list[Other], int]:
        """What `event` comes to know of threads in no lane, directly; the latest first.

        What started its thread is left out. Of very many threads the latest are looked at, and the
        second part of the answer is how many others there are.
        """
        learnt = self._history.learnt_at(event)
        left = max(0, len(set(learnt) - set(self._threads)) - _MOST_OTHERS)
        if left:
            latest = sorted(learnt, key=lambda thread: (-learnt[thread], thread))
            learnt = {thread: learnt[thread] for thread in latest[:_MOST_OTHERS]}
        last = {thread: self._last(thread, known) for thread, known in learnt.items()}
        found = []
        for thread, one in last.items():
            if one is None or thread in self._threads or one in self.starts:
                continue
            others = [other for other in last.values() if other is not None and other > one]
            if any(self._history.before(one, other) for other in others):
                continue
            lanes = [last.get(lane) for lane in self._threads]
            hands_on = any(
                known is not None and known < one and self._history.before(known, one)
                for known in lanes
            )
            found.append(Other(one, hands_on))
        return sorted(found, reverse=True), left

    def _all_pairs(self, lane: int) -> tuple[Rows, Rows]:
        """Every event of a lane that comes to know more of the other one, and its last that is
        known: sources, and the events that they lead to; both ascending."""  # noqa: D205, D209
        mine, other = self._rows[lane], self._rows[1 - lane]
        slot = self._history.slot
        if slot[self._threads[0]] == slot[self._threads[1]]:  # one came after the other
            there = other[-1:] if other[-1] < mine[0] else other[:0]
            return there, mine[: len(there)]
        to, known = self._history.learnt(self._threads[lane], self._threads[1 - lane])
        at = np.searchsorted(other, known, side="right") - 1
        source, to = other[at[at >= 0]], to[at >= 0]
        more = np.diff(source, prepend=-1) > 0
        return source[more], to[more]

    def _last(self, thread: int, known: int) -> int | None:
        """The last event of a thread up to `known`."""
        size = 4096
        while True:
            low = max(0, known + 1 - size)
            rows = np.flatnonzero(self._thread[low : known + 1] == thread)
            if len(rows):
                return low + int(rows[-1])
            if not low:
                return None
            size *= 8


def _start(trace: Trace, thread: int) -> int | None:
    """Where a thread was started, if it was."""
    columns, who = trace.columns, Target(Kind.THREAD, trace.threads[thread])
    if who not in trace.targets:
        return None
    number = trace.targets.index(who)
    rows = np.flatnonzero((columns.op == Op.START) & (columns.target == number))
    return int(rows[0]) if len(rows) else None
