"""Assertions that nobody else writes, or touches, some bytes.

`exclusive-violation`: an access of another thread that neither happens before the assertion begins
nor after it ends. `assert_writer` minds what writes (an allocation and a free do), `assert_access`
whatever touches its bytes: accesses of every class, marked or not, but not those of user memory.
Begin and end are rows of their own, or one and the same: an assertion at a point. One that its
thread never ends lasts until the thread's exit, or for ever. An end without a begin says nothing.
Lives of pages are apart, as for races: what touches a page in its next life is no violation.

Source: ASSERT_EXCLUSIVE_WRITER and ASSERT_EXCLUSIVE_ACCESS of KCSAN (include/linux/kcsan-checks.h),
of which the scoped forms end with their block. Deviation: KCSAN sees a violation that it happens to
watch; this follows from the order, whatever was watched and whenever.

A violation is told at the later of the access and the assertion's begin:

- at an assertion, for each other thread its latest access before it that violates the assertion;
- at an access, for each other thread the assertion that it violates, of those that began before it
  the one that ends last.

Cost: nothing without assertions; with them, only accesses to their pages are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.lives import lives
from racepage.detect.overlaps import Spans, latest
from racepage.detect.places import classes
from racepage.detect.rows import extent, which
from racepage.events import WRITES, Flag, Kind, Op
from racepage.order.history import History
from racepage.trace.columns import Columns, Trace

Ints = NDArray[np.int64]

_STRONG: Final = np.isin(np.arange(256), [*WRITES, Op.ASSERT_ACCESS])
"""What is of interest to everybody: reads and those who mind only writes pass each other by."""

_ASSERTIONS, _ACCESSES = 0, 1  # sorts of spans: each is compared with the other

_Asserted = tuple[int, ...]
"""Thread, operation, target, offset and length: what the end of a scope has in common with it."""


class _Scope(NamedTuple):
    """An assertion: the event that begins it, and the last one of which it holds.

    `end` is the row that says so, or NONE. Without one, `until` is its thread's exit, or one past
    the end of the trace.
    """

    begin: int
    end: int
    until: int


def exclusive(trace: Trace, history: History, rare: Ints) -> Iterator[Evidence]:
    """Every finding of this file; `rare` is what `rows.rare` chose."""
    columns = trace.columns
    scopes = _scopes(columns, rare)
    if not scopes:
        return
    begin, _, until = np.array(scopes, dtype=np.int64).T
    touched = np.zeros(len(trace.targets), dtype=np.bool_)
    touched[columns.target[begin]] = True
    rows = np.flatnonzero(columns.op <= Op.FREE)
    rows = rows[touched[columns.target[rows]]]
    asserts = _spans(trace, rare, begin, until, _ASSERTIONS)
    accesses = _spans(trace, rare, rows, rows, _ACCESSES)
    end_of = {scope.begin: scope.end for scope in scopes}
    for queries, items in latest(accesses, asserts):
        first, second = accesses.event[items], asserts.event[queries]
        violated = ~history.each_before(first, second)
        yield from _evidence(columns, first[violated], second[violated], end_of)
    for queries, items in latest(asserts, accesses):
        first, second, until = asserts.event[items], accesses.event[queries], asserts.until[items]
        ended = np.flatnonzero(until < second)
        violated = np.ones(len(first), dtype=np.bool_)
        violated[ended] = ~history.each_before(until[ended], second[ended])
        yield from _evidence(columns, first[violated], second[violated], end_of)


def _scopes(columns: Columns, rare: Ints) -> list[_Scope]:
    """The assertions, ascending.

    What is both called and entered (`with assert_exclusive_writer(page):`) leaves a point and, as
    its thread's next event, a begin: the scope begins at the point.
    """
    rows = which(columns, rare, Op.ASSERT_WRITER, Op.ASSERT_ACCESS)
    exits = which(columns, rare, Op.EXIT)
    exit_of = dict(zip(columns.thread[exits].tolist(), exits.tolist(), strict=True))
    fields = (columns.thread, columns.op, columns.target, columns.offset, columns.length)
    scopes: list[_Scope] = []
    unended: defaultdict[_Asserted, list[int]] = defaultdict(list)  # numbers of scopes
    points: dict[int, tuple[int, _Asserted]] = {}  # thread -> the last that it asserted, at a point
    for event, flags, what in zip(
        rows.tolist(),
        columns.flags[rows].tolist(),
        zip(*(field[rows].tolist() for field in fields), strict=True),
        strict=True,
    ):
        thread = what[0]
        point, called = points.pop(thread, (NONE, None))
        if flags & Flag.END:
            if unended[what]:
                number = unended[what].pop()
                scopes[number] = scopes[number]._replace(end=event, until=event)
            continue
        if not flags & Flag.BEGIN:
            points[thread] = (len(scopes), what)
            scopes.append(_Scope(event, NONE, event))
            continue
        if called != what or _acts(columns, thread, scopes[point].begin, event):
            point = len(scopes)
            scopes.append(_Scope(event, NONE, event))
        scopes[point] = scopes[point]._replace(until=exit_of.get(thread, len(columns)))
        unended[what].append(point)
    return scopes


def _acts(columns: Columns, thread: int, after: int, before: int) -> bool:
    """Whether a thread has an event between two others."""
    return bool((columns.thread[after + 1 : before] == thread).any())


def _spans(trace: Trace, rare: Ints, events: Ints, until: Ints, sort: int) -> Spans:
    """What the events touch; a cell is one byte."""
    columns = trace.columns
    cells = np.array([target.kind is Kind.CELL for target in trace.targets], dtype=np.bool_)
    length = np.where(cells[columns.target[events]], 1, columns.length[events])
    some = length > 0
    events = events[some]
    start = columns.offset[events]
    return Spans(
        event=events,
        space=lives(columns, rare, events),
        start=start,
        stop=start + length[some],
        lane=columns.thread[events].astype(np.int64),
        strong=_STRONG[columns.op[events]],
        sort=np.full(len(events), sort),
        until=until[some],
    )


def _evidence(
    columns: Columns, first: Ints, second: Ints, end_of: dict[int, int]
) -> Iterator[Evidence]:
    """One for each pair of places."""
    for pair, times in zip(*classes(columns, first, second), strict=True):
        events = int(first[pair]), int(second[pair])
        (low, high), (start, stop) = (extent(columns, event) for event in events)
        shared = (max(low, start), min(high, stop))
        ends = (end_of.get(event, NONE) for event in events)
        yield Evidence(
            "exclusive-violation",
            *events,
            times=int(times),
            page=int(columns.target[second[pair]]),
            overlap=shared if shared[0] < shared[1] else None,  # a cell has no range
            related=tuple(end for end in ends if end != NONE),
        )
