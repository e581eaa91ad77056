"""The program that `benchmarks/detect.py` analyses: workers that share records in pages.

Eight workers (main only sets up and tears down) work on 64 pages that are cut into *records* of
1 to `largest` bytes, back to back. Up to four neighbouring records form a *cell*, which is what is
guarded as one, so that an access that crosses from a record into the next stays inside one guard.
A cell is of one of three kinds:

- *locked* (every other cell): touched only under the cell's lock. There are 1,000 locks.
- *owned* (three of eight): belongs to one worker at a time. Now and then its owner hands it over:
  a `release` of the cell's synchronisation object, which the new owner `take`s before it touches
  the cell. At the beginning main gives it away by starting the workers.
- *constant* (one of eight): written by main before the workers start, read by everybody after.

Main allocates the pages, half of them zeroed, and zeroes the others itself; in the end it joins the
workers and frees the pages. So everything is ordered, but for one access in 10,000, which goes to a
locked cell without its lock, and mostly races.

What an access does: nine of ten touch exactly one record, one of ten starts inside a record and
ends inside the next one of the cell; a quarter write. Accesses come in sections of 1 to 40 on one
cell (geometric; short, so that one event in five synchronises), half of the sections under the
cell's lock. A worker does a burst of 1 to 40 events before another one goes on, which also happens
in the middle of a section.

`uniform` makes another program: a cell is a whole page, and an access touches any 1 to 64 bytes of
it, aligned to nothing; guards, sections and bursts stay the same.
"""

# ruff: noqa: NPY002  (inside numba, numpy's legacy generator is the only one)
from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace.columns import NOTHING, Columns, Trace

PAGES: Final = 64
PAGE_SIZE: Final = 4096
WORKERS: Final = 8
LOCKS: Final = 1000
SITES: Final = 512  # the first half read, the second half write
SEED: Final = 20_240_601

SECTION: Final = 4.2  # accesses in a section, about, before the cut at 40
BURST: Final = 40
CROSSING: Final = 0.1
WRITING: Final = 0.25
CONSTANT_READS: Final = 0.125  # of all accesses; the others write more to make up for them
HANDING_OVER: Final = 0.1  # of the sections on an owned cell
UNGUARDED: Final = 1e-4

_LOCKED, _OWNED, _CONSTANT = 0, 1, 2
_READ, _WRITE, _LOCK, _UNLOCK = int(Op.READ), int(Op.WRITE), int(Op.LOCK), int(Op.UNLOCK)
_RELEASE, _TAKE, _EXIT = int(Op.RELEASE), int(Op.TAKE), int(Op.EXIT)
_NOWHERE: Final = int(NOTHING)


class Cells(NamedTuple):
    """The cells of all pages.

    Attributes:
        page, kind, guard: int32, shape (cells,); the guard is a lock's or an object's target id.
        first: int64, shape (cells + 1,): the borders of cell k are
            `borders[first[k]:first[k + 1]]`.
        borders: int64: where each record of the cell starts, and where the last one ends.
    """

    page: NDArray[np.int32]
    kind: NDArray[np.int32]
    guard: NDArray[np.int32]
    first: NDArray[np.int64]
    borders: NDArray[np.int64]


def program(
    events: int,
    *,
    largest: int = 64,
    uniform: bool = False,
    unguarded: float = UNGUARDED,
    seed: int = SEED,
) -> Trace:
    """A trace of about `events` events; equal arguments give equal traces."""
    cells = _cut(np.random.default_rng(seed), largest, whole=uniform)
    targets = [
        *(Target(Kind.PAGE, str(page)) for page in range(PAGES)),
        *(Target(Kind.LOCK, str(lock)) for lock in range(LOCKS)),
        *(Target(Kind.SYNC, str(cell)) for cell in range(len(cells.page))),
        *(Target(Kind.THREAD, f"w{worker}") for worker in range(WORKERS)),
    ]
    before, after = _frame(len(targets) - WORKERS)
    work = _work(events - before.shape[1] - after.shape[1], cells, uniform, unguarded, seed)
    rows = np.concatenate((before, work, after), axis=1)
    thread, op, target, offset, length, site, flags = rows
    columns = Columns(
        thread=thread.astype(np.int32),
        op=op.astype(np.uint8),
        target=target.astype(np.int32),
        offset=offset,
        length=length,
        site=site.astype(np.int32),
        flags=flags.astype(np.uint8),
        order=np.zeros(len(op), dtype=np.uint8),
        time=np.zeros(len(op), dtype=np.int64),
    )
    return Trace(
        columns=columns,
        threads=["main", *(f"w{worker}" for worker in range(WORKERS))],
        targets=targets,
        sites=[(Frame("records.py", line, f"step_{line % 37}"),) for line in range(SITES)],
        page_sizes=dict.fromkeys(range(PAGES), PAGE_SIZE),
    )


def _cut(random: np.random.Generator, largest: int, *, whole: bool) -> Cells:
    page_of: list[int] = []
    first = [0]
    borders: list[int] = []
    for page in range(PAGES):
        records = [0]
        while records[-1] < PAGE_SIZE:
            records.append(min(records[-1] + int(random.integers(1, largest + 1)), PAGE_SIZE))
        if whole:
            records = [0, PAGE_SIZE]
        for begin in range(0, len(records) - 1, 4):
            page_of.append(page)
            borders += records[begin : begin + 5]
            first.append(len(borders))
    number = np.arange(len(page_of))
    kind = np.array([_LOCKED, _OWNED, _LOCKED, _OWNED, _LOCKED, _OWNED, _LOCKED, _CONSTANT])
    locked = number % 2 == 0
    guard = np.where(locked, PAGES + number // 2 % LOCKS, PAGES + LOCKS + number)
    return Cells(
        page=np.array(page_of, dtype=np.int32),
        kind=kind[number % 8].astype(np.int32),
        guard=guard.astype(np.int32),
        first=np.array(first, dtype=np.int64),
        borders=np.array(borders, dtype=np.int64),
    )


def _frame(first_thread: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What main does before and after the workers' work: the seven columns of each."""
    before: list[tuple[int, ...]] = []
    for page in range(PAGES):
        flags = Flag.ZEROED if page % 2 == 0 else Flag.NONE
        before.append((0, Op.ALLOC, page, 0, PAGE_SIZE, 0, flags))
        if not flags:
            before.append((0, Op.ZERO, page, 0, PAGE_SIZE, 1, 0))
    after: list[tuple[int, ...]] = []
    for thread in range(first_thread, first_thread + WORKERS):
        before.append((0, Op.START, thread, 0, 0, 2, 0))
        after.append((0, Op.JOIN, thread, 0, 0, 3, 0))
    after += [(0, Op.FREE, page, 0, PAGE_SIZE, 4, 0) for page in range(PAGES)]
    return np.array(before).T, np.array(after).T


@numba.njit  # type: ignore[untyped-decorator]  # numba has no types
def _next_cell(worker: int, cells: Cells, owner: NDArray[np.int64], held: NDArray[np.bool_]) -> int:
    """Where the worker's next section is: a locked cell half of the time, if one is free."""
    count = len(cells.page)
    if np.random.random() < 0.5:
        for _ in range(100):
            cell = 2 * np.random.randint((count + 1) // 2)
            if not held[cells.guard[cell]]:
                return cell
    if np.random.random() < 1 - 2 * CONSTANT_READS:
        for _ in range(1000):
            cell = 2 * np.random.randint(count // 2) + 1
            if cells.kind[cell] == _OWNED and owner[cell] == worker:
                return cell
    while True:
        cell = 2 * np.random.randint(count // 2) + 1
        if cells.kind[cell] == _CONSTANT:
            return cell


@numba.njit  # type: ignore[untyped-decorator]  # numba has no types
def _range(cells: Cells, cell: int, uniform: bool) -> tuple[int, int]:
    """The bytes that one access touches."""
    if uniform:
        length = 1 + np.random.randint(64)
        start = np.random.randint(PAGE_SIZE - length + 1)
        return start, start + length
    first = cells.first[cell]
    records = cells.first[cell + 1] - first - 1
    record = first + np.random.randint(records)
    start, stop = cells.borders[record], cells.borders[record + 1]
    if records > 1 and np.random.random() < CROSSING * 4 / 3 and record > first:
        # A record of four is the first of its cell, hence 4 / 3: one access in ten crosses.
        start = np.random.randint(cells.borders[record - 1], start)
        stop = np.random.randint(cells.borders[record], stop) + 1
    return start, stop


@numba.njit  # type: ignore[untyped-decorator]  # numba has no types
def _work(  # noqa: C901, PLR0915  (numba compiles one function faster than many)
    events: int, cells: Cells, uniform: bool, unguarded: float, seed: int
) -> NDArray[np.int64]:
    """What the workers do, in about `events` events: the seven columns."""
    np.random.seed(seed)
    rows = np.zeros((7, events + 2 * WORKERS), dtype=np.int64)
    owner = np.arange(len(cells.page)) // 8 % WORKERS
    given = np.zeros(len(cells.page), dtype=np.bool_)  # handed over, and not taken yet
    held = np.zeros(cells.guard.max() + 1, dtype=np.bool_)
    cell = np.zeros(WORKERS, dtype=np.int64)
    left = np.zeros(WORKERS, dtype=np.int64)  # accesses of the section that are still to come
    locked = np.zeros(WORKERS, dtype=np.bool_)
    at = worker = until = 0
    while at < events:
        if at == until:
            worker, until = np.random.randint(WORKERS), at + 1 + np.random.randint(BURST)
        mine = cell[worker]
        start = stop = site = 0
        if left[worker] > 0:
            left[worker] -= 1
            if np.random.random() < unguarded:
                mine = 2 * np.random.randint((len(owner) + 1) // 2)
            writes = cells.kind[mine] != _CONSTANT
            writes = writes and np.random.random() < WRITING / (1 - CONSTANT_READS)
            op, target = _WRITE if writes else _READ, cells.page[mine]
            start, stop = _range(cells, mine, uniform)
            site = (mine * 31 + start) % (SITES // 2) + (SITES // 2 if writes else 0)
        elif locked[worker]:
            op, target = _UNLOCK, cells.guard[mine]
            held[target] = locked[worker] = False
        elif (
            cells.kind[mine] == _OWNED
            and owner[mine] == worker
            and np.random.random() < HANDING_OVER
        ):
            op, target = _RELEASE, cells.guard[mine]
            owner[mine], given[mine] = np.random.randint(WORKERS), True
            cell[worker] = 0
        else:
            mine = cell[worker] = _next_cell(worker, cells, owner, held)
            left[worker] = min(40, 1 + int(np.random.exponential(SECTION - 0.5)))
            target = cells.guard[mine]
            if cells.kind[mine] == _LOCKED:
                op = _LOCK
                held[target] = locked[worker] = True
            elif given[mine]:
                op = _TAKE
                given[mine] = False
            else:
                continue
        rows[0, at], rows[1, at], rows[2, at] = worker + 1, op, target
        rows[3, at], rows[4, at], rows[5, at] = start, stop - start, site
        at += 1
    for ending in range(WORKERS):
        if locked[ending]:
            rows[0, at], rows[1, at], rows[2, at] = ending + 1, _UNLOCK, cells.guard[cell[ending]]
            at += 1
        rows[0, at], rows[1, at], rows[2, at] = ending + 1, _EXIT, _NOWHERE
        at += 1
    return rows[:, :at]
