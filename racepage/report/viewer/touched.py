"""The bytes of the pages that race, counted over a whole trace: how often, and by which event last.

What `bytes.mjs` counts for a page whose every event it has. A page is 4,096 cells here, too; what
is counted is its last life, up to the trace's end. Allocating and freeing touch a page, and not its
bytes.

Cost: a pass over the trace for the counts; and one from its end backwards for who was last, that
looks at an access closer only while it may be the last on some cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.report.viewer.density import LIFE, SORT_OF
from racepage.trace.columns import Columns, Trace

CELLS: Final = 4_096

_BATCH: Final = 1 << 20
_LOOK: Final = 256  # accesses of a page that are looked at before the others are sieved again

_TOUCHES: Final = np.array([sort < LIFE for sort in SORT_OF])

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """What happened to some pages.

    Attributes:
        pages: their target ids.
        events: int64, one for each page: its accesses, its allocations and frees, in all its lives.
        heat: int64, shape (pages, CELLS): how many accesses touched a cell.
        last: int64, the same shape: the last one that did; -1 for none.
    """

    pages: list[int]
    events: Ints
    heat: Ints
    last: Ints

    def with_few(self, most: int) -> Touched:
        """The first pages, as many as have at most so many different last accesses."""
        different = np.cumsum([len(np.unique(each)) for each in self.last])
        count = int(np.searchsorted(different, most, side="right"))
        return Touched(
            self.pages[:count], self.events[:count], self.heat[:count], self.last[:count]
        )


def touched(trace: Trace, pages: list[int]) -> Touched:
    """Count the accesses to some pages (target ids) of a trace."""
    columns = trace.columns
    place = np.full(
        len(trace.targets) + 1, -1, dtype=np.int32
    )  # a row without a target asks for -1
    place[pages] = np.arange(len(pages))
    scale = np.array([_scale(trace.page_sizes[page]) for page in pages], dtype=np.int64)
    since = np.full(len(pages), -1, dtype=np.int64)
    events = np.zeros(len(pages), dtype=np.int64)
    for begin, part in _batches(columns):
        which = place[part.target]
        on = (which >= 0) & ((part.op <= Op.FREE) | (part.op == int(Op.COLLECT)))
        events += np.bincount(which[on], minlength=len(pages))
        lives = np.flatnonzero(on & (part.op == int(Op.ALLOC)))
        since[which[lives]] = lives + begin  # the last one stays
    heat = np.zeros((len(pages), CELLS + 1), dtype=np.int64)
    last = np.full((len(pages), CELLS), -1, dtype=np.int64)
    for begin, part in reversed(list(_batches(columns))):
        rows = np.flatnonzero(place[part.target] >= 0)
        rows = rows[_TOUCHES[part.op[rows]] & (part.length[rows] > 0)]
        which = place[part.target[rows]]
        alive = rows + begin > since[which]
        rows, which = rows[alive], which[alive]
        start = part.offset[rows] // scale[which]
        stop = np.minimum(-(-(part.offset[rows] + part.length[rows]) // scale[which]), CELLS)
        for edge, step in ((start, 1), (stop, -1)):
            cell = which.astype(np.int64) * (CELLS + 1) + edge
            heat += step * np.bincount(cell, minlength=heat.size).reshape(heat.shape)
        order = np.argsort(which, kind="stable")
        bounds = np.searchsorted(which[order], np.arange(len(pages) + 1))
        for page in range(len(pages)):
            some = order[bounds[page] : bounds[page + 1]]
            _paint(last[page], start[some], stop[some], rows[some] + begin)
    return Touched(pages, events, np.cumsum(heat, axis=1)[:, :CELLS], last)


def _batches(columns: Columns) -> Iterator[tuple[int, Columns]]:
    begin = 0
    for part in columns.batches(_BATCH):
        yield begin, part
        begin += len(part)


def _scale(size: int) -> int:
    return max(1, -(-size // CELLS))


def _paint(last: Ints, start: Ints, stop: Ints, events: Ints) -> None:
    """Give each cell that has none the last of these events that touched it; they ascend."""
    while len(events):
        free = np.concatenate(([0], np.cumsum(last < 0)))
        some = np.flatnonzero(free[stop] > free[start])
        start, stop, events = start[some], stop[some], events[some]
        for at in range(len(events) - 1, max(len(events) - _LOOK, 0) - 1, -1):
            cells = last[start[at] : stop[at]]
            cells[cells < 0] = events[at]
        start, stop, events = start[:-_LOOK], stop[:-_LOOK], events[:-_LOOK]
