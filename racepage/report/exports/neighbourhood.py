"""What is around a finding: some of a trace's events, and exactly how they are ordered.

Whether one event happens before another does not depend on which others are looked at, so a part
of a trace can have clocks of its own: of every thread, how many of the *kept* events happen before
this one. They grow by one in a thread, name kept events only, and order any two kept events as the
whole trace does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.errors import RacepageError
from racepage.finding import Analysis
from racepage.order.history import History
from racepage.report.arrows import Arrows
from racepage.report.choice import Choice
from racepage.trace.columns import Trace

Rows = NDArray[np.int64]

MOST_THREADS: Final = 64
"""Threads of a neighbourhood: more than anybody reads, and a bound on what clocks cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """Some events of a trace, and their order.

    Attributes:
        events: int64, shape (k,), ascending.
        threads: their threads, ascending.
        thread: int64, shape (k,): of each event, an index into `threads`.
        clocks: int64, shape (k, t): of each thread in `threads`, how many of its kept events happen
            before the event, or are it.
    """

    events: Rows
    threads: list[int]
    thread: Rows
    clocks: Rows


class Seeds(NamedTuple):
    """The events that a finding names: those that it is about, and those that explain it."""

    about: list[int]
    besides: list[int]


def seeds(analysis: Analysis, choice: Choice) -> Seeds:
    """The events that a finding names, each once.

    Raises:
        RacepageError: it names none.
    """
    finding = choice.finding
    about = [side.event for side in (finding.first, finding.second) if side is not None]
    if finding.why is not None:
        last = (
            finding.why.last_of_first_known_to_second,
            finding.why.last_of_second_known_to_first,
        )
        about += [known.event for known in last if known.event is not None]
    besides = [side.event for side in finding.related]
    if not about:
        about, besides = besides, []
    if not about:
        where = analysis.path or "the trace"
        raise RacepageError(
            f"{where}: {finding.kind} names no event that could be drawn; choose another finding"
        )
    return Seeds(list(dict.fromkeys(about)), [one for one in besides if one not in about])


def around(
    trace: Trace, edges: Arrows, start: Seeds, *, most: int, among: Rows | None = None
) -> Rows:
    """The events that are the fewest steps from what a finding is about, ascending.

    A step leads to the thread's next or last event, or along an edge. All that the finding names is
    there, as far as `most` goes.

    Args:
        trace: the trace.
        edges: its happens-before.
        start: what the finding names.
        most: how many events to keep.
        among: choose from these events only, ascending; what the finding names and the edges' ends
            are there.
    """
    step = _Steps(trace, edges, among)
    besides = set(start.besides)
    kept: set[int] = set()
    threads: set[int] = set()
    waiting = deque((*start.about, *start.besides))
    while waiting and len(kept) < most:
        event = waiting.popleft()
        thread = int(trace.columns.thread[event])
        if event in kept or (thread not in threads and len(threads) == MOST_THREADS):
            continue
        kept.add(event)
        threads.add(thread)
        if event not in besides:
            waiting.extend(other for other in step.neighbours(event, most) if other not in kept)
    return np.array(sorted(kept), dtype=np.int64)


class _Steps:
    """From an event to those beside it."""

    def __init__(self, trace: Trace, edges: Arrows, among: Rows | None) -> None:
        self._among = among
        thread = trace.columns.thread if among is None else trace.columns.thread[among]
        self._thread = trace.columns.thread
        order = np.argsort(thread, kind="stable")
        self._place = np.empty(len(order), dtype=np.int64)
        self._place[order] = np.arange(len(order))
        self._order = order if among is None else among[order]
        self._edges = edges
        self._by_source = np.argsort(edges.source, kind="stable")
        self._sources = edges.source[self._by_source]

    def neighbours(self, event: int, most: int) -> Iterator[int]:
        row = event if self._among is None else int(np.searchsorted(self._among, event))
        place = int(self._place[row])
        for beside in (place - 1, place + 1):
            if 0 <= beside < len(self._order):
                other = int(self._order[beside])
                if self._thread[other] == self._thread[event]:
                    yield other
        low, high = np.searchsorted(self._edges.to, (event, event + 1))
        yield from self._edges.source[low : min(high, low + most)].tolist()
        low, high = np.searchsorted(self._sources, (event, event + 1))
        yield from self._edges.to[self._by_source[low : min(high, low + most)]].tolist()


def ordered(trace: Trace, history: History, events: Rows) -> Neighbourhood:
    """These events, which ascend, with clocks of their own."""
    threads, thread = np.unique(trace.columns.thread[events], return_inverse=True)
    clocks = np.zeros((len(events), len(threads)), dtype=np.int64)
    for column, number in enumerate(threads.tolist()):
        own = np.flatnonzero(thread == column)
        known = history.each_component(int(history.slot[number]), events)
        clocks[:, column] = np.searchsorted(history.clocks(events[own]), known, side="right")
        # Events that share a clock are told apart by their thread's order.
        clocks[own, column] = np.arange(1, len(own) + 1)
    return Neighbourhood(events, threads.tolist(), thread.astype(np.int64), clocks)


def links(kept: Neighbourhood) -> Iterator[tuple[int, int]]:
    """The happens-before between kept events of two threads that nothing else implies.

    Pairs of indices into `kept.events`, by the later one and then the earlier one.
    """
    of = [np.flatnonzero(kept.thread == column).tolist() for column in range(len(kept.threads))]
    last = np.zeros((len(kept.threads), len(kept.threads)), dtype=np.int64)
    for at, (column, clock) in enumerate(zip(kept.thread.tolist(), kept.clocks, strict=True)):
        risen = np.flatnonzero(clock > last[column]).tolist()
        sources = [of[other][clock[other] - 1] for other in risen if other != column]
        last[column] = clock
        for source in sorted(sources):
            place = (int(kept.thread[source]), int(kept.clocks[source, kept.thread[source]]))
            if not any(kept.clocks[one, place[0]] >= place[1] for one in sources if one != source):
                yield source, at


def index(kept: Neighbourhood, event: int) -> int | None:
    """Where an event is among the kept; None where it is not."""
    at = int(np.searchsorted(kept.events, event))
    return at if at < len(kept.events) and kept.events[at] == event else None
