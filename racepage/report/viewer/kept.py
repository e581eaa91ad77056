"""Which events of a long trace a page holds: windows around its races, and what those lean on.

A *window* is a stretch of consecutive events, all of which are held. The first findings have one
around each of their sides, as far as there is room. Besides, single events are held wherever the
page would otherwise say less than it knows: of every finding the events that it names; where a
thread begins, ends and is started; and both ends of every critical section and wait that goes on
at an event that is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.finding import Analysis, Finding
from racepage.report.viewer.spans import spans
from racepage.trace.columns import Columns, Trace

Ints = NDArray[np.int64]

_RELATED: Final = 24  # events of a cycle or a deadlock, as many as the page tells
_BATCH: Final = 1 << 20
_LONG: Final = 1 << 16  # events of a section that are many


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a long trace a page holds.

    Attributes:
        around: events on each side of each side of a race.
        windows: findings that have their windows, at most; the first ones have them.
        threads: threads whose beginning and end are held, at most.
        buckets, cells: of the density, at most; a cell is a thread's bucket.
        pages: pages of races whose bytes are counted, at most.
        pairs: of an event that was the last on some byte there, and a thread, to ask the order of.
    """

    around: int = 1_000
    windows: int = 200
    threads: int = 10_000
    buckets: int = 8_192
    cells: int = 1 << 20
    pages: int = 64
    pairs: int = 1 << 24


LIMITS: Final = Limits()


class Keeping:
    """Chooses the events of one trace: once for a page, and for a server again with each window.

    Args:
        trace: the whole trace.
        analysis: what was found in it.
        limits: how much there is room for.
        singles: further events to hold.

    Attributes:
        rows: the events that are always held; int64, ascending, each once.
        windows: how many findings have their surroundings among them.
    """

    def __init__(self, trace: Trace, analysis: Analysis, limits: Limits, singles: Ints) -> None:
        first, last = spans(trace.columns, len(trace.threads))
        order = np.argsort(first)
        self._first, self._last = first[order], last[order]
        long = self._last - self._first > _LONG
        self._long = self._first[long], self._last[long]
        named = (event for one in analysis.findings for event in _named(one))
        with_windows = analysis.findings[: limits.windows] if limits.around else ()
        windows = [
            (max(0, event - limits.around), min(len(trace), event + limits.around + 1))
            for one in with_windows
            for event in _sides(one)
        ]
        rows = [
            *(np.arange(start, stop) for start, stop in _merged(windows)),
            *_ends(trace.columns, min(len(trace.threads), limits.threads)),
            _starts(trace.columns)[: limits.threads],
            np.fromiter(named, dtype=np.int64),
            singles,
        ]
        held = np.unique(np.concatenate(rows))
        self.rows = np.union1d(held, _ends_around(held, self._first, self._last))
        self.windows = len(with_windows)

    def with_window(self, start: int, stop: int, singles: Sequence[int] = ()) -> Ints:
        """The events to hold with a further window [start, stop) and further ones, ascending."""
        pieces = [self.rows]
        for low, high in ((start, stop), *((event, event + 1) for event in singles)):
            events = np.arange(low, high)
            begin, end = np.searchsorted(self._first, (low - _LONG, high))
            near = _ends_around(events, self._first[begin:end], self._last[begin:end])
            pieces += [events, near, _ends_around(events, *self._long)]
        return np.unique(np.concatenate(pieces))


def _ends_around(rows: Ints, first: Ints, last: Ints) -> Ints:
    """Both ends of what begins before or at one of the events, and ends at it or after."""
    if not len(rows):
        return rows
    next_ = np.searchsorted(rows, first)
    going = np.flatnonzero(next_ < len(rows))
    going = going[rows[next_[going]] <= last[going]]
    return np.concatenate((first[going], last[going]))


def _merged(windows: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = stop = 0
    for low, high in sorted(windows):
        if low > stop:
            yield start, stop
            start = low
        stop = max(stop, high)
    yield start, stop


def _sides(finding: Finding) -> Iterator[int]:
    for side in (finding.first, finding.second):
        if side is not None:
            yield side.event


def _named(finding: Finding) -> Iterator[int]:
    """The events that the page leads to from a finding."""
    yield from _sides(finding)
    yield from (side.event for side in islice(finding.related, _RELATED))
    if finding.why is not None:
        why = finding.why
        for sync in (why.last_of_first_known_to_second, why.last_of_second_known_to_first):
            if sync.event is not None:
                yield sync.event


def _ends(columns: Columns, threads: int) -> tuple[Ints, Ints]:
    """The first and the last event of each of the first threads."""
    first = np.full(threads, -1, dtype=np.int64)
    last = np.full(threads, -1, dtype=np.int64)
    for begin in range(0, len(columns), _BATCH):
        thread = columns.thread[begin : begin + _BATCH]
        few = np.flatnonzero(thread < threads)
        here = np.full(threads, -1, dtype=np.int64)
        # Of several events of a thread, the one that is set last stays.
        here[thread[few[::-1]]] = few[::-1] + begin
        first = np.where(first < 0, here, first)
        last[thread[few]] = few + begin
    return first[first >= 0], last[last >= 0]


def _starts(columns: Columns) -> Ints:
    pieces = [
        np.flatnonzero(columns.op[begin : begin + _BATCH] == int(Op.START)) + begin
        for begin in range(0, max(len(columns), 1), _BATCH)
    ]
    return np.concatenate(pieces)
