"""Atomic accesses of different sizes on common bytes.

`mixed-size-atomic`: two atomic accesses by different threads that overlap with different ranges, of
which at least one writes, and neither of which happens before the other. Atomic operations on one
range never race; on two ranges that overlap, the language promises nothing (C++ has no such
objects, and Rust calls it undefined), though each machine does something. An ordered change of size
is fine. Byte-wise copies are made of single bytes, and are no concern of this file.

`first` is, for each other thread, the latest access that shows it.

Cost: nothing without atomics; with atomics, only ranges that meet another one are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import Evidence
from racepage.detect.lives import lives
from racepage.detect.overlaps import Spans, latest, meeting
from racepage.detect.places import classes, ranked
from racepage.detect.rows import extent, which
from racepage.events import Op
from racepage.order.history import History
from racepage.trace.columns import Trace

_WRITES: Final = (Op.STORE, Op.RMW)


def mixed_sizes(trace: Trace, history: History, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Every finding of this file; `rare` is what `rows.rare` chose."""
    columns = trace.columns
    events = which(columns, rare, Op.LOAD, Op.STORE, Op.RMW)
    events = events[columns.length[events] > 0]  # a cell has one size
    if not len(events):
        return
    space, start = lives(columns, rare, events), columns.offset[events]
    stop = start + columns.length[events]
    ranges = ranked(space, start, stop)
    _, one = np.unique(ranges, return_index=True)
    mixed = meeting(space[one], start[one], stop[one])[ranges]
    events = events[mixed]
    spans = Spans(
        event=events,
        space=space[mixed],
        start=start[mixed],
        stop=stop[mixed],
        lane=columns.thread[events].astype(np.int64),
        strong=np.isin(columns.op[events], _WRITES),
        sort=ranges[mixed],
        until=events,
    )
    for queries, items in latest(spans, spans):
        first, second = events[items], events[queries]
        unordered = ~history.each_before(first, second)
        first, second = first[unordered], second[unordered]
        for pair, times in zip(*classes(columns, first, second), strict=True):
            yield _evidence(trace, int(first[pair]), int(second[pair]), int(times))


def _evidence(trace: Trace, first: int, second: int, times: int) -> Evidence:
    (low, high), (start, stop) = (extent(trace.columns, event) for event in (first, second))
    return Evidence(
        "mixed-size-atomic",
        first,
        second,
        times,
        page=int(trace.columns.target[second]),
        overlap=(max(low, start), min(high, stop)),
    )
