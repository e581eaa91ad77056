"""Whether the rows of a trace can have happened, whatever file they came from.

What is refused here is what no execution does: a thread that acts before its start or after its
end, a live page that is allocated again, a lock that two threads hold, bytes outside a page, a
number that is in no table. What a program can do and should not (a second unlock, an access after a
free, a pointer that is stale) is a finding, and no concern of this file.

One life of a page does not begin until the last one ended, but an access may stand before the
`alloc`: nothing orders it, and that is what there is to find. Pointers may be unknown in a
recording that began inside a mapping; in a text trace an unknown one is a slip of the pen.

Cost: a few passes over the columns, a block at a time; Python sees rare rows only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from racepage.errors import TraceError
from racepage.events import Kind, MemoryOrder, Op
from racepage.trace.columns import NOTHING, Columns, Trace
from racepage.trace.grammar import write_name, write_target
from racepage.trace.holders import second_holder
from racepage.trace.shapes import (
    FLAGS_FIT,
    KIND_FITS,
    MAX_NUMBER,
    MAX_PAGE,
    SHAPES,
    TAKES_ORDER,
    flag_text,
)

Rows = NDArray[np.int64]

_BLOCK: Final = 1 << 16
_LIFETIME: Final = (int(Op.ALLOC), int(Op.FREE), int(Op.COLLECT))


def validate(trace: Trace, line_of: Sequence[int] | None = None) -> None:
    """Refuse a trace that no execution leaves behind.

    Args:
        trace: the trace.
        line_of: event -> the line that it stands on, for a trace that people see as lines.

    Raises:
        TraceError: with the first offending `event N`, or its line, of the first kind of offence.
    """
    try:
        _numbers(trace)
        _shapes(trace)
        _threads(trace)
        _pages(trace)
        _locks(trace)
        _details(trace)
        _pointers(trace)
    except _OffenceError as error:
        event, reason, other = error.args
        place, said = (
            f"event {each}" if line_of is None else f"line {line_of[each]}"
            for each in (event, event if other is None else other)
        )
        if other is not None:
            reason = f"{reason} {said}"
        raise TraceError(reason, path=trace.origin.path, place=place) from None


class _OffenceError(Exception):
    """An event, what is wrong with it, and the event that the reason ends with, or None."""


def _refuse(event: int, reason: str, other: int | None = None) -> NoReturn:
    raise _OffenceError(event, reason, other)


def _first(mask: NDArray[np.bool_]) -> int | None:
    """The first row that the mask marks."""
    return int(mask.argmax()) if mask.any() else None


def _numbers(trace: Trace) -> None:
    """Every number is within its table, and no quantity is negative."""
    columns = trace.columns
    for name, column, least, limit in (
        ("operation", columns.op, 0, len(Op)),
        ("thread", columns.thread, 0, len(trace.threads)),
        ("target", columns.target, NOTHING, len(trace.targets)),
        ("site", columns.site, NOTHING, len(trace.sites)),
        ("offset", columns.offset, 0, MAX_NUMBER + 1),
        ("length", columns.length, 0, MAX_NUMBER + 1),
        ("order", columns.order, 0, len(MemoryOrder)),
        ("time", columns.time, 0, MAX_NUMBER + 1),
    ):
        if len(column) and not least <= int(column.min()) <= int(column.max()) < limit:
            event = int(((column < least) | (column >= limit)).argmax())
            _refuse(event, f"{name} {column[event]} is outside of {least} to {limit - 1}")


def _shapes(trace: Trace) -> None:
    """Operations have the targets and flags that they take, and stay within their bytes."""
    columns = trace.columns
    kinds = np.array([*(target.kind + 1 for target in trace.targets), 0], dtype=np.uint8)
    limits = _limits(trace)
    for start in range(0, len(columns), _BLOCK):
        rows = slice(start, start + _BLOCK)
        op, target = columns.op[rows], columns.target[rows]
        fits = KIND_FITS.ravel().take(op.astype(np.uint16) * KIND_FITS.shape[1] + kinds[target])
        wrong = _first(~fits)
        if wrong is not None:
            _wrong_target(trace, start + wrong)
        flags = columns.flags[rows]
        if flags.any():
            wrong = _first(~FLAGS_FIT[op, flags])
            if wrong is not None:
                name = Op(op[wrong]).name.lower()
                _refuse(start + wrong, f"{name} takes no {flag_text(int(flags[wrong]))}")
        orders = columns.order[rows]
        if orders.any():
            wrong = _first((orders != MemoryOrder.NONE) & ~TAKES_ORDER[op])
            if wrong is not None:
                _refuse(start + wrong, f"{Op(op[wrong]).name.lower()} takes no order")
        wrong = _first(columns.offset[rows] + columns.length[rows] > limits[target])
        if wrong is not None:
            _out_of_bytes(trace, start + wrong, int(limits[target[wrong]]))
    _resized(trace)


def _wrong_target(trace: Trace, event: int) -> NoReturn:
    op, target = Op(trace.columns.op[event]), int(trace.columns.target[event])
    takes = " or ".join(kind.name.lower() for kind in SHAPES[op].kinds) or "no target"
    found = "none" if target == NOTHING else write_target(trace.targets[target])
    _refuse(event, f"{op.name.lower()} takes {takes}, found {found}")


def _out_of_bytes(trace: Trace, event: int, limit: int) -> NoReturn:
    columns = trace.columns
    start = int(columns.offset[event])
    target = int(columns.target[event])
    what = write_target(trace.targets[target]) if target != NOTHING else "nothing"
    _refuse(
        event,
        f"[{start}:{start + int(columns.length[event])}] reaches beyond {what}, which has {limit} "
        f"byte{'' if limit == 1 else 's'}",
    )


def _limits(trace: Trace) -> NDArray[np.int64]:
    """Target id -> the bytes that it has at most; the last entry is for no target."""
    limits = np.zeros(len(trace.targets) + 1, dtype=np.int64)
    for number, target in enumerate(trace.targets):
        if target.kind is Kind.USER:
            limits[number] = MAX_NUMBER
        elif target.kind is Kind.PAGE:
            limits[number] = min(trace.page_sizes.get(number, MAX_PAGE), MAX_PAGE)
    columns = trace.columns
    made = np.flatnonzero(columns.op == Op.ALLOC)
    pages = columns.target[made]
    limits[pages] = 0
    np.maximum.at(limits, pages, np.minimum(columns.length[made], MAX_PAGE))
    return limits


def _resized(trace: Trace) -> None:
    """Pages whose lives differ in size: every access is within the page of its own life."""
    columns = trace.columns
    made = np.flatnonzero(columns.op == Op.ALLOC)
    least = np.full(len(trace.targets) + 1, MAX_NUMBER)
    most = np.zeros(len(trace.targets) + 1, dtype=np.int64)
    np.minimum.at(least, columns.target[made], columns.length[made])
    np.maximum.at(most, columns.target[made], columns.length[made])
    differs = least < most
    if not differs.any():
        return
    rows = np.flatnonzero(differs[columns.target])
    rows = rows[np.argsort(columns.target[rows], kind="stable")]
    page = columns.target[rows]
    begins = np.where(columns.op[rows] == Op.ALLOC, np.arange(len(rows)), -1)
    life = np.maximum.accumulate(begins)  # the last alloc so far, if it is of this page
    known = (life >= 0) & (page[life] == page)
    size = columns.length[rows[life]]
    ends = columns.offset[rows] + columns.length[rows]
    wrong = rows[known & (ends > size)]
    if len(wrong):
        event = int(wrong.min())
        _out_of_bytes(trace, event, int(size[np.flatnonzero(rows == event)[0]]))


def _threads(trace: Trace) -> None:
    """Threads act between their start and their end."""
    columns = trace.columns
    starts = np.flatnonzero(columns.op == Op.START)
    joins = np.flatnonzero(columns.op == Op.JOIN)
    exits = np.flatnonzero(columns.op == Op.EXIT)
    if not len(starts) + len(joins) + len(exits):
        return
    number_of = {name: number for number, name in enumerate(trace.threads)}
    numbers = np.array(
        [number_of.get(name, -1) if kind is Kind.THREAD else -1 for kind, name in trace.targets],
        dtype=np.int64,
    )
    first, last = _lives(columns, len(trace.threads))
    named = np.concatenate((starts, joins, np.flatnonzero(columns.op == Op.DETACH)))
    unknown = named[numbers[columns.target[named]] < 0]
    if len(unknown):
        _refuse(int(unknown.min()), "its thread is not in the table of threads")
    started = _starts(trace, starts, numbers, first)
    for rows, threads, done in (
        (exits, columns.thread[exits], "exited"),
        (joins, numbers[columns.target[joins]], "was joined"),
    ):
        late = np.flatnonzero(last[threads] > rows)
        if len(late):
            thread, end = int(threads[late[0]]), int(rows[late[0]])
            alive = (columns.thread == thread) & (columns.op != Op.COLLECT)
            event = end + 1 + int(alive[end + 1 :].argmax())
            name = write_name(trace.threads[thread])
            _refuse(event, f"thread {name} acts after it {done}, at", end)
    joined = numbers[columns.target[joins]]
    early = np.flatnonzero((joins < started[joined]) | (joined == columns.thread[joins]))
    if len(early):
        event, thread = int(joins[early[0]]), int(joined[early[0]])
        name = write_name(trace.threads[thread])
        if thread == columns.thread[event]:
            _refuse(event, f"thread {name} joins itself")
        _refuse(event, f"thread {name} is joined before it is started, at", int(started[thread]))


def _lives(columns: Columns, threads: int) -> tuple[Rows, Rows]:
    """Every thread's first and last row; what a finalizer frees is no act of its thread."""
    first = np.full(threads + 1, len(columns), dtype=np.int64)
    last = np.full(threads + 1, -1, dtype=np.int64)
    who = columns.thread
    if (columns.op == Op.COLLECT).any():
        who = np.where(columns.op == Op.COLLECT, np.int32(threads), who)
    blocks = range(0, len(columns), _BLOCK)
    for start in blocks:  # of several values for one index, the last one stays
        block = who[start : start + _BLOCK]
        last[block] = np.arange(start, start + len(block))
    for start in reversed(blocks):
        block = who[start : start + _BLOCK][::-1]
        first[block] = np.arange(start + len(block) - 1, start - 1, -1)
    return first, last


def _starts(trace: Trace, starts: Rows, numbers: Rows, first: Rows) -> Rows:
    """Thread -> the row that starts it; -1 where none does."""
    columns = trace.columns
    children = numbers[columns.target[starts]]
    started = np.full(len(trace.threads) + 1, -1, dtype=np.int64)
    started[children[::-1]] = starts[::-1]
    again = np.flatnonzero(started[children] != starts)
    if len(again):
        event, child = int(starts[again[0]]), int(children[again[0]])
        name = write_name(trace.threads[child])
        _refuse(event, f"thread {name} is started again; it was, at", int(started[child]))
    early = np.flatnonzero(first[children] <= starts)
    if len(early):
        child = int(children[early[0]])
        name = write_name(trace.threads[child])
        reason = f"thread {name} acts before it is started, at"
        _refuse(int(first[child]), reason, int(started[child]))
    return started


def _pages(trace: Trace) -> None:
    """Pages are whole, of a size that can be, and freed before they are allocated again."""
    columns = trace.columns
    rows = np.flatnonzero(np.isin(columns.op, _LIFETIME))
    allocs = columns.op[rows] == Op.ALLOC
    bad = _first((columns.offset[rows] != 0) | (allocs & (columns.length[rows] == 0)))
    if bad is not None:
        _refuse(int(rows[bad]), "a page is allocated and freed as a whole, from byte 0")
    order = np.argsort(columns.target[rows], kind="stable")
    page, alloc = columns.target[rows][order], allocs[order]
    live = alloc[1:] & alloc[:-1] & (page[1:] == page[:-1])
    if live.any():
        event = int(rows[order[1:][live]].min())
        name = write_target(trace.targets[columns.target[event]])
        _refuse(event, f"{name} is allocated while it is live: free it first")


def _locks(trace: Trace) -> None:
    """A lock that lets one thread in has not let in two."""
    found = second_holder(trace)
    if found is None:
        return
    event, other = found
    columns = trace.columns
    name = write_target(trace.targets[columns.target[event]])
    holder = write_name(trace.threads[columns.thread[other]])
    _refuse(
        event, f"{name} is taken while {holder} holds it: unlock it first; it was locked at", other
    )


def _details(trace: Trace) -> None:
    """What the details point at is there, and of the right kind."""
    columns = trace.columns
    kinds = [target.kind for target in trace.targets]
    for event, detail in columns.details.items():
        if not 0 <= event < len(columns):
            _refuse(event, "a detail of an event that is not there")
        for number, kind in ((detail.via, Kind.POINTER), (detail.source, Kind.USER)):
            if number != NOTHING and not (0 <= number < len(kinds) and kinds[number] is kind):
                _refuse(event, f"target {number} is no {kind.name.lower()}")
        if detail.bound is not None and not 0 <= detail.bound[0] <= detail.bound[1] <= MAX_PAGE:
            _refuse(event, f"a slice cannot be {list(detail.bound)}")
        if not 0 <= detail.source_offset <= MAX_NUMBER:
            _refuse(event, f"user memory has no byte {detail.source_offset}")
        if detail.requested != NOTHING and detail.requested < columns.length[event]:
            _refuse(event, f"moved more than the {detail.requested} bytes asked for")


def _pointers(trace: Trace) -> None:
    """In a text trace, every pointer is made by some `map`."""
    if trace.origin.form != "text":
        return
    columns = trace.columns
    made = {NOTHING}
    made.update(columns.detail(row).via for row in np.flatnonzero(columns.op == Op.MAP).tolist())
    ends = np.flatnonzero(columns.op == Op.UNMAP)
    used = dict(zip(ends.tolist(), columns.target[ends].tolist(), strict=True))
    used |= {event: detail.via for event, detail in columns.details.items()}
    for event, pointer in sorted(used.items()):
        if pointer not in made:
            name = write_name(trace.targets[pointer].name)
            _refuse(event, f"no map makes the pointer {name}: write map page:ID as={name}")
