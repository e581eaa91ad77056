"""Writes STD: `racepage.trace.std` has the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NoReturn
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from racepage.errors import TraceError
from racepage.events import Flag, Op
from racepage.trace.columns import NOTHING, Columns, Trace
from racepage.trace.grammar import write_target
from racepage.trace.std_reader import LOCATION, PAGE, VARIABLE

Rows = NDArray[np.int64]

_WORDS: Final = {
    Op.READ: "r",
    Op.WRITE: "w",
    Op.ZERO: "w",
    Op.COPY_IN: "w",
    Op.ALLOC: "w",
    Op.FREE: "w",
    Op.LOCK: "acq",
    Op.UNLOCK: "rel",
    Op.START: "fork",
    Op.JOIN: "join",
}
_ACCESSES: Final = (Op.READ, Op.WRITE, Op.ZERO, Op.COPY_IN, Op.ALLOC, Op.FREE)
_NO_EDGE: Final = (Op.MAP, Op.UNMAP, Op.USER_READ, Op.USER_WRITE, Op.COLLECT, Op.EXIT, Op.BLOCK)
_SAFE: Final = "".join(chr(code) for code in range(33, 127) if chr(code) not in "%|()")
_TIMES_LONGER: Final = 100
_SPARED: Final = 1_000_000  # lines; a trace that makes fewer is not asked how much longer it got


def write_lines(trace: Trace) -> Iterator[str]:
    """The lines of the trace in STD, each with its end.

    Raises:
        TraceError: at once, with the first event that STD cannot say, or where cutting the pages
            into variables would make the trace more than 100 times as long.
    """
    silent = _silent(trace.columns)
    _refuse_what_cannot_be_said(trace, silent)
    return _lines(trace, silent, _Variables(trace))


def left_out(trace: Trace) -> dict[str, int]:
    """Operation -> how many of its events have no line of their own: no race depends on them."""
    columns = trace.columns
    counts = Counter(columns.op[_silent(columns)].tolist())
    return {Op(op).name.lower(): count for op, count in sorted(counts.items())}


def _silent(columns: Columns) -> NDArray[np.bool_]:
    """The rows that no order and no race depends on."""
    marks = columns.flags & (Flag.BEGIN | Flag.END) != 0
    silent = np.isin(columns.op, _NO_EDGE)
    silent |= columns.flags & Flag.TRYFAIL != 0
    silent |= (columns.op == Op.WAKE) & ~marks
    silent |= np.isin(columns.op, _ACCESSES) & (columns.length == 0)
    return silent


def _refuse_what_cannot_be_said(trace: Trace, silent: NDArray[np.bool_]) -> None:
    columns = trace.columns
    strange = np.flatnonzero(~(silent | np.isin(columns.op, [*_WORDS, Op.WAKE])))
    if len(strange):
        event = int(strange[0])
        _refuse(trace, event, "STD has threads, locks, reads and writes only")
    held: dict[int, tuple[int, int]] = {}  # lock -> its holder, and how often
    for event in np.flatnonzero(np.isin(columns.op, (Op.LOCK, Op.UNLOCK)) & ~silent).tolist():
        thread, lock = int(columns.thread[event]), int(columns.target[event])
        holder, levels = held.get(lock, (thread, 0))
        inner = bool(columns.flags[event] & Flag.INNER)
        step = 1 if columns.op[event] == Op.LOCK else -1
        outermost = levels == 0 if step == 1 else levels == 1
        if holder != thread or levels + step < 0 or inner is outermost:
            _refuse(trace, event, "in STD a thread takes a lock that is free and gives it back")
        held[lock] = (thread, levels + step)
        if not levels + step:
            del held[lock]


def _refuse(trace: Trace, event: int, reason: str) -> NoReturn:
    columns = trace.columns
    what = Op(columns.op[event]).name.lower()
    if columns.target[event] != NOTHING:
        what += f" {write_target(trace.targets[columns.target[event]])}"
    raise TraceError(
        f"{what} cannot be said in STD: {reason}; write .trace or .arrows instead",
        path=trace.origin.path,
        place=f"event {event}",
    )


class _Variables:
    """The pages of a trace, cut where accesses begin or end.

    Attributes:
        rows: the accesses.
        first, last: each touches the variables `names[first:last]`.
    """

    def __init__(self, trace: Trace) -> None:
        columns = trace.columns
        self.rows = np.flatnonzero(np.isin(columns.op, _ACCESSES) & (columns.length > 0))
        life = _lives(columns, len(trace.targets))[self.rows]
        start = columns.offset[self.rows]
        stop = start + columns.length[self.rows]
        wide = int(stop.max(initial=0)) + 1
        bounds = np.unique(np.concatenate((life * wide + start, life * wide + stop)))
        self.first = np.searchsorted(bounds, life * wide + start)
        self.last = np.searchsorted(bounds, life * wide + stop)
        count = int((self.last - self.first).sum())
        if count > _SPARED and count > _TIMES_LONGER * len(columns):
            raise TraceError(
                f"{len(self.rows)} accesses overlap in so many ways that STD would need {count} "
                "lines; write .trace or .arrows instead",
                path=trace.origin.path,
            )
        covered = np.zeros(len(bounds) + 1, dtype=np.int64)
        np.add.at(covered, self.first, 1)
        np.add.at(covered, self.last, -1)
        used = np.flatnonzero(np.cumsum(covered))
        page = np.zeros(int(life.max(initial=-1)) + 1, dtype=np.int64)
        page[life] = columns.target[self.rows]
        self.names = [""] * len(bounds)
        names = _names(
            trace, bounds[used] // wide, bounds[used] % wide, bounds[used + 1] % wide, page
        )
        for number, name in zip(used.tolist(), names, strict=True):
            self.names[number] = name


def _lives(columns: Columns, targets: int) -> Rows:
    """Row -> the life of the page that it touches: the page for its first, then from `targets` on.

    A page is born again by an ALLOC after a FREE or COLLECT; and by a COLLECT, since nothing that
    stands after it is compared with what stands before it.
    """
    target = columns.target.astype(np.int64)
    rows = np.flatnonzero(np.isin(columns.op, (Op.ALLOC, Op.FREE, Op.COLLECT)))
    rows = rows[np.argsort(target[rows], kind="stable")]
    page, op = target[rows], columns.op[rows]
    again = op == Op.COLLECT
    again[1:] |= (op[1:] == Op.ALLOC) & (op[:-1] != Op.ALLOC) & (page[1:] == page[:-1])
    born = rows[again]
    # Births are sorted by page and then row; a row belongs to the last one that is not after it.
    wide = len(columns) + 1
    births = np.concatenate(([-1], target[born] * wide + born))
    place = np.searchsorted(births, target * wide + np.arange(len(columns)), side="right") - 1
    return np.where(births[place] // wide == target, targets - 1 + place, target)


def _names(trace: Trace, life: Rows, start: Rows, stop: Rows, page: Rows) -> list[str]:
    """The names of variables, given the bytes that they are and the page of every life."""
    names, targets = trace.origin.variables, trace.targets
    if (
        len(set(names)) == len(names)
        and all(targets[number] == PAGE for number in np.unique(page[life]).tolist())
        and (start % VARIABLE == 0).all()
        and (stop - start == VARIABLE).all()
        and int(stop.max(initial=0)) <= VARIABLE * len(names)
    ):
        return [_safe(names[byte // VARIABLE]) for byte in start.tolist()]
    pages = [_safe(str(target)).replace("~", "%7E") for target in targets]
    return [
        f"{pages[page[each]]}{'' if each < len(targets) else f'~{each}'}[{low}:{high}]"
        for each, low, high in zip(life.tolist(), start.tolist(), stop.tolist(), strict=True)
    ]


def _locations(trace: Trace) -> Rows:
    """Event -> its location; one of its own where it has no site."""
    columns, sites = trace.columns, trace.sites
    numbers = np.arange(len(sites) + 1, dtype=np.int64)
    if all(len(stack) == 1 and stack[0][::2] == (LOCATION, "") for stack in sites):
        numbers[:-1] = [stack[0].line for stack in sites]
    own = int(numbers.max()) + 1 + np.arange(len(columns))
    return np.where(columns.site == NOTHING, own, numbers[columns.site])


def _lines(trace: Trace, silent: NDArray[np.bool_], variables: _Variables) -> Iterator[str]:
    columns = trace.columns
    threads = [_safe(name) for name in trace.threads]
    operands = [_safe(target.name) for target in trace.targets]
    words = [_WORDS.get(op, "") for op in Op]
    first = np.zeros(len(columns), dtype=np.int64)
    last = np.full(len(columns), -1, dtype=np.int64)
    first[variables.rows], last[variables.rows] = variables.first, variables.last
    said = np.flatnonzero(~silent)
    for thread, op, target, flags, low, high, location in zip(
        columns.thread[said].tolist(),
        columns.op[said].tolist(),
        columns.target[said].tolist(),
        columns.flags[said].tolist(),
        first[said].tolist(),
        last[said].tolist(),
        _locations(trace)[said].tolist(),
        strict=True,
    ):
        who, word = threads[thread], words[op]
        if high >= 0:
            for name in variables.names[low:high]:
                yield f"{who}|{word}({name})|{location}\n"
        elif op == Op.WAKE:
            yield f"{who}|{'begin' if flags & Flag.BEGIN else 'end'}(0)|{location}\n"
        else:
            yield f"{who}|{word}({operands[target]})|{location}\n"


def _safe(name: str) -> str:
    """The name without what would break a line; `%` alone is the empty one."""
    return quote(name, safe=_SAFE, errors="surrogatepass") or "%"
