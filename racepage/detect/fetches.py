"""User memory that is read twice.

`double-fetch`: one thread reads overlapping bytes of one slice of user memory twice, itself or
through clones. Whoever owns the memory may change it in between, so what was checked need not be
what is used. A slice is a `user:` target until the thread's next read with BEGIN, which is its
first one of a new slice; without such rows, a target is one slice.

`first` is the latest earlier read of common bytes. A copy into a page reads what it copied from;
its finding is about those bytes, of the user memory.

Source: Wang, Krinke, Lu, Li, Dodier-Lazaro, "How Double-Fetch Situations turn into Double-Fetch
Vulnerabilities" (USENIX Security 2017). Deviation: that the thread acts on what it read is not
asked: to read once is the rule of `rust/kernel/uaccess.rs`.

Cost: a pass over the operations; reads are sorted by slice, and only those that meet another one
are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import Evidence
from racepage.detect.overlaps import Spans, latest, meeting
from racepage.detect.places import classes
from racepage.detect.rows import extent
from racepage.events import Flag, Op
from racepage.finding import Values
from racepage.trace.columns import NOTHING, Columns, Trace

Ints = NDArray[np.int64]


class _Reads(NamedTuple):
    """Reads of user memory: columns of one length."""

    event: Ints
    user: Ints
    start: Ints
    stop: Ints


def double_fetches(trace: Trace) -> Iterator[Evidence]:
    """Every finding of this file."""
    columns = trace.columns
    reads = _reads(columns)
    if not len(reads.event):
        return
    piece = _slices(columns, reads)
    some = np.flatnonzero(reads.start < reads.stop)
    some = some[meeting(piece[some], reads.start[some], reads.stop[some])]
    event, count = reads.event[some], len(some)
    spans = Spans(
        event=event,
        space=piece[some],
        start=reads.start[some],
        stop=reads.stop[some],
        lane=np.zeros(count, dtype=np.int64),
        strong=np.ones(count, dtype=np.bool_),
        sort=np.zeros(count, dtype=np.int64),
        until=event,
    )
    # A slice is one thread's: who asks is somebody else, so that all its reads are looked at.
    asking = spans._replace(lane=spans.lane + 1, sort=spans.sort + 1)
    for queries, items in latest(spans, asking):
        for pair, times in zip(*classes(columns, event[items], event[queries]), strict=True):
            yield _evidence(trace, int(event[items[pair]]), int(event[queries[pair]]), int(times))


def fetched(columns: Columns, event: int) -> tuple[int, int]:
    """The half-open range of user memory that a read or a copy reads."""
    start, stop = extent(columns, event)
    if columns.op[event] == Op.COPY_IN:
        from_ = columns.detail(event).source_offset
        return from_, from_ + stop - start
    return start, stop


def both_fetched(columns: Columns, one: Evidence) -> Values | None:
    """What the first and the second read found in the bytes that both read, where recorded."""
    found = []
    for event in (one.first, one.second):
        detail = columns.detail(event)
        read = detail.new if columns.op[event] == Op.COPY_IN else detail.old
        if read is None or one.overlap is None:
            return None
        begin, _ = fetched(columns, event)
        found.append(read[one.overlap[0] - begin : one.overlap[1] - begin])
    return Values(*found) if all(found) else None


def _reads(columns: Columns) -> _Reads:
    """Every read of known user memory, ascending by event."""
    rows = np.flatnonzero((columns.op == Op.USER_READ) | (columns.op == Op.COPY_IN))
    user, start = columns.target[rows].astype(np.int64), columns.offset[rows]
    copies = np.flatnonzero(columns.op[rows] == Op.COPY_IN)
    details = [columns.detail(event) for event in rows[copies].tolist()]
    user[copies] = [detail.source for detail in details]
    start[copies] = [detail.source_offset for detail in details]
    known = user != NOTHING
    stop = start + columns.length[rows]
    return _Reads(rows[known], user[known], start[known], stop[known])


def _slices(columns: Columns, reads: _Reads) -> Ints:
    """The number of the slice that each read is of: a thread's, on its target, up to a BEGIN."""
    thread = columns.thread[reads.event]
    order = np.lexsort((reads.user, thread))
    new = columns.flags[reads.event[order]] & int(Flag.BEGIN) != 0
    new[1:] |= np.diff(thread[order]) != 0
    new[1:] |= np.diff(reads.user[order]) != 0
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.cumsum(new)
    return found


def _evidence(trace: Trace, first: int, second: int, times: int) -> Evidence:
    columns = trace.columns
    (low, high), (start, stop) = (fetched(columns, event) for event in (first, second))
    copied = columns.op[second] == Op.COPY_IN
    user = columns.detail(second).source if copied else int(columns.target[second])
    return Evidence(
        "double-fetch",
        first,
        second,
        times,
        page=user,
        overlap=(max(low, start), min(high, stop)),
    )
