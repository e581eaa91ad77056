"""A page's life: touched after it was freed, freed twice, read before it was written, never freed.

A *life* begins with an ALLOC, or at the beginning of the trace, and ends with the next ALLOC of the
same id. Within it:

- `use-after-free`: an access that a FREE happens before, or any access after a COLLECT. The
  earliest such end of the page is named.
- `double-free`: the same, where the access is a FREE. (Two *unordered* frees are a race, and the
  race engines find them.)
- `uninitialised-read`: a read of a byte that no row before it has written, in a life whose ALLOC
  did not zero. This follows the log, not the order: a read that is unordered with the write may be
  found here or not, and is a race either way.
- `page-leak`: a life that nothing ends.

Cost: rows are looked at only for pages that are freed, or allocated without zeroing. Uninitialised
reads cost a numpy slice for each *distinct* range that is read or written in such a life, not for
each access.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.events import CLASS_OF, WRITES, AccessClass, Flag, Op
from racepage.order.history import History
from racepage.trace.columns import Columns, Trace

_NEVER: Final = np.iinfo(np.int64).max
_FILLS: Final = [
    op for op in WRITES if CLASS_OF[op] not in (AccessClass.LIFETIME, AccessClass.USER)
]
_READS: Final = [Op.READ, Op.LOAD, Op.RMW, Op.BYTEWISE_READ]
_ENDS: Final = [Op.FREE, Op.COLLECT]


class _Life(NamedTuple):
    page: int
    alloc: int  # event, or NONE for a page that exists from the beginning
    rows: NDArray[np.int64]  # the events on the page, its ALLOC excluded


def lifetime(trace: Trace, history: History) -> Iterator[Evidence]:
    """Every finding of this file, not yet deduplicated."""
    columns = trace.columns
    if trace.origin.judge_leaks:
        for life in _lives(columns, np.isin(columns.op, [Op.ALLOC, *_ENDS])):
            yield from _leak(columns, life, trace.page_sizes[life.page])
    for life in _lives(columns, _rows_after_an_end(trace)):
        yield from _after_the_end(columns, history, life)
    for life in _lives(columns, _rows_of_raw_pages(trace)):
        if life.alloc != NONE and not columns.flags[life.alloc] & Flag.ZEROED:
            yield from _uninitialised(columns, life, trace.page_sizes[life.page])


def _rows_after_an_end(trace: Trace) -> NDArray[np.bool_]:
    """The ends of pages, and whatever happens to a page after its first one."""
    columns = trace.columns
    wanted: NDArray[np.bool_] = np.isin(columns.op, _ENDS)
    if not wanted.any():
        return wanted
    first_end = np.full(len(trace.targets), _NEVER, dtype=np.int64)
    rows = np.flatnonzero(wanted)[::-1]
    first_end[columns.target[rows]] = rows  # the last assignment stands: the earliest row
    np.greater_equal(np.arange(len(columns)), first_end[columns.target], out=wanted)
    wanted &= _on_page(columns)
    return wanted


def _rows_of_raw_pages(trace: Trace) -> NDArray[np.bool_]:
    """Every row on a page that was once allocated without zeroing."""
    columns = trace.columns
    allocs = (columns.op == Op.ALLOC) & (columns.flags & int(Flag.ZEROED) == 0)
    if not allocs.any():
        return allocs
    raw = np.zeros(len(trace.targets), dtype=np.bool_)
    raw[columns.target[allocs]] = True
    on_raw: NDArray[np.bool_] = raw[columns.target]
    on_raw &= _on_page(columns)
    return on_raw


def _on_page(columns: Columns) -> NDArray[np.bool_]:
    on_page: NDArray[np.bool_] = columns.op <= Op.FREE
    on_page |= columns.op == Op.COLLECT
    return on_page


def _lives(columns: Columns, wanted: NDArray[np.bool_]) -> Iterator[_Life]:
    """The lives of pages, as far as the wanted rows show them."""
    rows = np.flatnonzero(wanted)
    if not len(rows):
        return
    by_page = rows[np.argsort(columns.target[rows], kind="stable")]
    pages = columns.target[by_page]
    for group in np.split(by_page, np.flatnonzero(np.diff(pages)) + 1):
        page = int(columns.target[group[0]])
        allocs = np.flatnonzero(columns.op[group] == Op.ALLOC)
        for life in np.split(group, allocs):
            if len(life) and columns.op[life[0]] == Op.ALLOC:
                yield _Life(page, int(life[0]), life[1:])
            elif len(life):
                yield _Life(page, NONE, life)


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


def _uninitialised(columns: Columns, life: _Life, size: int) -> Iterator[Evidence]:
    op = columns.op[life.rows]
    written = np.full(size, _NEVER, dtype=np.int64)  # the event that first wrote each byte
    for start, stop, events in _by_range(columns, life.rows[np.isin(op, _FILLS)]):
        np.minimum(written[start:stop], events[0], out=written[start:stop])
    for start, stop, events in _by_range(columns, life.rows[np.isin(op, _READS)]):
        bytes_read = written[start:stop]
        # an RMW writes what it reads: its own event does not make its bytes written before it
        for event in events[: np.searchsorted(events, bytes_read.max(initial=NONE), "right")]:
            unwritten = np.flatnonzero(bytes_read >= event)
            if len(unwritten):
                overlap = (start + int(unwritten[0]), start + int(unwritten[-1]) + 1)
                yield Evidence(
                    "uninitialised-read", life.alloc, int(event), page=life.page, overlap=overlap
                )


def _by_range(
    columns: Columns, rows: NDArray[np.int64]
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Each distinct byte range among `rows`, with its events, ascending."""
    if not len(rows):
        return
    order = np.lexsort((rows, columns.length[rows], columns.offset[rows]))
    rows = rows[order]
    start, length = columns.offset[rows], columns.length[rows]
    border = np.flatnonzero((np.diff(start) != 0) | (np.diff(length) != 0)) + 1
    for group in np.split(rows, border):
        first = int(group[0])
        yield int(columns.offset[first]), int(columns.offset[first] + columns.length[first]), group


def _leak(columns: Columns, life: _Life, size: int) -> Iterator[Evidence]:
    if not np.isin(columns.op[life.rows], _ENDS).any():
        yield Evidence("page-leak", life.alloc, NONE, page=life.page, overlap=(0, size))


def extent(columns: Columns, event: int) -> tuple[int, int]:
    """The half-open byte range that an event touches."""
    start = int(columns.offset[event])
    return start, start + int(columns.length[event])
