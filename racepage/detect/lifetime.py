"""A page's life: touched after it was freed, freed twice, or never freed.

A *life* begins at the beginning of the trace, or with an ALLOC of an id whose last life was ended,
and lasts until the next such ALLOC. Within it:

- `use-after-free`: an access that a FREE happens before, or any access after a COLLECT. The
  earliest such end of the page is named.
- `double-free`: the same, where the access is a FREE. (Two *unordered* frees are a race, and the
  race engines find them.)
- `page-leak`: a life that nothing ends.

Cost: beside the ends of pages, only what a page's log holds after its first end is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.rows import by_page, extent, on_page, which
from racepage.events import Op
from racepage.order.history import History
from racepage.trace.columns import Columns, Trace

_NEVER: Final = np.iinfo(np.int64).max
_ENDS: Final = [Op.FREE, Op.COLLECT]
_ENDING: Final = np.isin(np.arange(256), _ENDS)


class _Life(NamedTuple):
    page: int
    alloc: int  # event, or NONE for a page that exists from the beginning
    rows: NDArray[np.int64]  # the events on the page, ascending


def lifetime(trace: Trace, history: History, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Every finding of this file, not yet deduplicated; `rare` is what `rows.rare` chose."""
    columns = trace.columns
    if trace.origin.shows_leaks:
        yield from _leaks(columns, which(columns, rare, Op.ALLOC, *_ENDS))
    for life in _lives(columns, _rows_after_an_end(trace, which(columns, rare, *_ENDS))):
        yield from _after_the_end(columns, history, life)


def _rows_after_an_end(trace: Trace, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ends of pages, and whatever happens to a page after its first one; ascending."""
    columns = trace.columns
    if not len(ends):
        return ends
    first_end = np.full(len(trace.targets), _NEVER, dtype=np.int64)
    first_end[columns.target[ends[::-1]]] = ends[::-1]  # the last assignment stands: the earliest
    begin = int(ends[0])
    rows: NDArray[np.int64] = begin + np.flatnonzero(on_page(columns)[begin:])
    rows = rows[rows >= first_end[columns.target[rows]]]
    touched = np.zeros(len(trace.targets), dtype=np.bool_)  # pages to which anything happened then
    touched[columns.target[rows[rows > first_end[columns.target[rows]]]]] = True
    return rows[touched[columns.target[rows]]]


def _lives(columns: Columns, rows: NDArray[np.int64]) -> Iterator[_Life]:
    """The lives of pages, as far as these rows show them."""
    rows = by_page(columns, rows)
    if not len(rows):
        return
    for group in np.split(rows, np.flatnonzero(np.diff(columns.target[rows])) + 1):
        page = int(columns.target[group[0]])
        op = columns.op[group]
        allocs = np.flatnonzero(op == Op.ALLOC)
        ended = np.cumsum(np.isin(op, _ENDS))[allocs]
        again = allocs[np.diff(ended, prepend=0) > 0]
        for life in np.split(group, again):
            born = life[columns.op[life] == Op.ALLOC]
            yield _Life(page, int(born[0]) if len(born) else NONE, life)


def _after_the_end(columns: Columns, history: History, life: _Life) -> Iterator[Evidence]:
    op = columns.op[life.rows]
    ends = np.flatnonzero(np.isin(op, _ENDS)).tolist()
    if not ends:
        return
    for at in range(ends[0] + 1, len(life.rows)):
        event = int(life.rows[at])
        if op[at] == Op.COLLECT or columns.length[event] == 0:
            continue
        for end in ends:
            if end >= at:
                break
            gone = int(life.rows[end])
            if op[end] == Op.COLLECT or history.before(gone, event):
                kind = "double-free" if op[at] == Op.FREE else "use-after-free"
                yield Evidence(kind, gone, event, page=life.page, overlap=extent(columns, event))
                break


def _leaks(columns: Columns, rows: NDArray[np.int64]) -> Iterator[Evidence]:
    """The lives that begin and do not end; `rows` has the beginnings and ends of all."""
    ends = _ENDING[columns.op[rows]]
    last = np.full(int(columns.target[rows].max(initial=-1)) + 1, NONE, dtype=np.int64)
    last[columns.target[rows[ends]]] = rows[ends]  # the last assignment stands
    born = rows[~ends]
    left = born[born > last[columns.target[born]]]
    pages, firsts = np.unique(columns.target[left], return_index=True)
    for page, alloc in zip(pages.tolist(), left[firsts].tolist(), strict=True):
        yield Evidence("page-leak", alloc, NONE, page=page)
