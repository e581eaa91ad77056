"""A trace in memory: one row an event, one numpy array a column.

Everything downstream (orders, engines, reports) reads these arrays; every format is a reader that
makes them or a writer that takes them. Rows stand in an order that is consistent with the
execution: an event never stands before one that happens before it.

A row's number is the event's number, from 0. Threads, targets and sites are small integers into
the tables of the `Trace`; targets of every kind share one table, so that an engine indexes its
own per-page or per-lock arrays by them directly.

`ALLOC`, `FREE` and `COLLECT` rows carry offset 0 and the page's whole length. A `COPY_IN` row's
length is what was moved. What few rows have is kept beside the columns, in `details`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Kind, LockKind, MemoryOrder, Op, Stack, Target

NOTHING: Final = -1
"""The value of `target`, `site`, `via` and `source` where a row has none."""


class Detail(NamedTuple):
    """The rarely used part of an event; every field has the value that says "absent"."""

    via: int = NOTHING  # target id of the pointer that was used, or made (MAP)
    bound: tuple[int, int] | None = None  # the slice of the page that the pointer may reach
    source: int = NOTHING  # COPY_IN: target id of the user memory
    source_offset: int = 0  # COPY_IN: first byte read there
    requested: int = NOTHING  # COPY_IN: bytes asked for, where more than were moved
    old: bytes | None = None  # the bytes before, where values were recorded
    new: bytes | None = None  # the bytes after


NO_DETAIL: Final = Detail()


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The events, as arrays of one length n.

    Attributes:
        thread: int32, index into `Trace.threads`.
        op: uint8, an `Op`.
        target: int32, index into `Trace.targets`, or NOTHING (EXIT, FENCE, WAKE).
        offset: int64, first byte touched; 0 where no bytes are.
        length: int64, bytes touched; 0 where none are.
        site: int32, index into `Trace.sites`, or NOTHING.
        flags: uint8, a `Flag`.
        order: uint8, a `MemoryOrder`; NONE where the operation has none.
        time: int64, nanoseconds on the recording's clock; 0 where not known.
        details: event number -> `Detail`, for the events that have one.
    """

    thread: NDArray[np.int32]
    op: NDArray[np.uint8]
    target: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    site: NDArray[np.int32]
    flags: NDArray[np.uint8]
    order: NDArray[np.uint8]
    time: NDArray[np.int64]
    details: dict[int, Detail] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.op)

    def detail(self, event: int) -> Detail:
        """The event's detail, `NO_DETAIL` where it has none."""
        return self.details.get(event, NO_DETAIL)

    def rows(self, rows: NDArray[np.int64]) -> Columns:
        """Those rows, in that order."""
        details = self.details
        if details:
            number = dict(zip(rows.tolist(), range(len(rows)), strict=True))
            details = {number[row]: detail for row, detail in details.items() if row in number}
        return Columns(
            thread=self.thread[rows],
            op=self.op[rows],
            target=self.target[rows],
            offset=self.offset[rows],
            length=self.length[rows],
            site=self.site[rows],
            flags=self.flags[rows],
            order=self.order[rows],
            time=self.time[rows],
            details=details,
        )

    def batches(self, rows: int) -> Iterator[Columns]:
        """The same events in consecutive pieces of at most `rows`, details numbered in each.

        No events are one empty piece. The arrays are views.
        """
        details: dict[int, dict[int, Detail]] = {}
        for event, detail in self.details.items():
            details.setdefault(event // rows, {})[event % rows] = detail
        for piece, start in enumerate(range(0, max(len(self), 1), rows)):
            part = slice(start, start + rows)
            yield Columns(
                thread=self.thread[part],
                op=self.op[part],
                target=self.target[part],
                offset=self.offset[part],
                length=self.length[part],
                site=self.site[part],
                flags=self.flags[part],
                order=self.order[part],
                time=self.time[part],
                details=details.get(piece, {}),
            )


class Expectation(NamedTuple):
    """One `# expect:` line of a text trace: what there is to find.

    `overlap` is None where the line names no bytes.
    """

    kind: str
    events: tuple[int, ...]
    target: Target | None
    overlap: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a trace came from, and what may be asked of it.

    Attributes:
        path: the file, or None.
        form: `text`, `arrows`, `std` or `memory`.
        program: what was recorded, or None.
        judge_leaks: whether leaks and locks held at the end are findings: true for recorded
            programs and for text traces that say `# check: leaks`, never for imported ones.
        lost_bytes: bytes after the last complete batch of a file that was cut off.
        complete: False where the recording was not closed: killed between two batches, it may have
            lost events without losing a byte of the file. Always False where bytes are lost.
        expects: the `# expect:` lines; None where the file has none. An empty tuple is
            `# expect: clean`.
        variables: what an imported trace called the bytes [8k, 8k + 8) of its import page, by k.
    """

    path: str | None = None
    form: str = "memory"
    program: str | None = None
    judge_leaks: bool = False
    lost_bytes: int = 0
    complete: bool = True
    expects: tuple[Expectation, ...] | None = None
    variables: tuple[str, ...] = ()

    @property
    def shows_leaks(self) -> bool:
        """Whether what was left behind is a finding: never where the end itself is missing."""
        return self.judge_leaks and self.complete and not self.lost_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Events and the tables that their numbers point into.

    Attributes:
        columns: the events.
        threads: names, unique; the index is the thread's number.
        targets: unique; a thread that is started or joined is here too, as `Kind.THREAD`.
        sites: call stacks, innermost frame first.
        page_sizes: target id of a page -> its size in bytes. A page that no row allocates has the
            smallest `PAGE_SIZE << order` that holds every access to it.
        labels: target id -> the name that people gave it, where they gave one.
        lock_kinds: target id of a lock -> what it is, where that is known and not PLAIN.
        origin: where it came from.
    """

    columns: Columns
    threads: list[str]
    targets: list[Target]
    sites: list[Stack]
    page_sizes: dict[int, int]
    labels: dict[int, str] = field(default_factory=dict)
    lock_kinds: dict[int, LockKind] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)

    def __len__(self) -> int:
        return len(self.columns)


class TraceBuilder:
    """Makes a `Trace` row by row: for parsers, generators and tests, not for hot paths.

    A row costs 64 bytes until the trace is finished.
    """

    def __init__(self) -> None:
        self._threads: dict[str, int] = {}
        self._targets: dict[Target, int] = {}
        self._sites: dict[Stack, int] = {}
        self._rows = bytearray()
        self._details: dict[int, Detail] = {}
        self._labels: dict[int, str] = {}
        self._lock_kinds: dict[int, LockKind] = {}
        self._sizes: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows) // _ROW.size

    def thread(self, name: str) -> int:
        """The number of the thread called `name`."""
        return self._threads.setdefault(name, len(self._threads))

    def target(self, target: Target) -> int:
        """The id of `target`; a thread gets its number too."""
        if target.kind is Kind.THREAD:
            self.thread(target.name)
        return self._targets.setdefault(target, len(self._targets))

    def site(self, stack: Stack) -> int:
        """The id of a call stack; NOTHING for an empty one."""
        return self._sites.setdefault(stack, len(self._sites)) if stack else NOTHING

    def label(self, target: Target, text: str) -> None:
        """Give `target` a name for people."""
        self._labels[self.target(target)] = text

    def lock_kind(self, target: Target, kind: LockKind) -> None:
        """Say what a lock is."""
        self._lock_kinds[self.target(target)] = kind

    def resize(self, page: int, size: int) -> None:
        """Say how large a page (a target id) is from here on."""
        self._sizes[page] = size

    def size(self, page: int) -> int:
        """How large a page is now; 0 where nothing has said so."""
        return self._sizes.get(page, 0)

    def add(
        self,
        thread: str,
        op: Op,
        target: Target | None = None,
        start: int = 0,
        stop: int = 0,
        *,
        stack: Stack = (),
        flags: Flag = Flag.NONE,
        order: MemoryOrder = MemoryOrder.NONE,
        time: int = 0,
        detail: Detail = NO_DETAIL,
    ) -> int:
        """Append one event that touches [start, stop) of `target`; return its number.

        A FREE or COLLECT of a page whose ALLOC was added needs no range: it takes the page's.
        """
        number = len(self)
        who = self.thread(thread)
        where = NOTHING if target is None else self.target(target)
        if target is not None and target.kind is Kind.PAGE:
            if op is Op.ALLOC:
                self.resize(where, stop)
            elif op in (Op.FREE, Op.COLLECT):
                start, stop = 0, max(stop, self.size(where))
        self.append(who, op, where, start, stop - start, self.site(stack), flags, order, time)
        if detail != NO_DETAIL:
            self.detail(number, detail)
        return number

    def append(  # noqa: PLR0917  (a row, column by column, on the hot path of parsers)
        self,
        thread: int,
        op: int,
        target: int,
        offset: int,
        length: int,
        site: int,
        flags: int,
        order: int,
        time: int,
    ) -> None:
        """Append one row of numbers, as it will stand in the columns."""
        self._rows += _ROW.pack(thread, op, target, offset, length, site, flags, order, time)

    def detail(self, event: int, detail: Detail) -> None:
        """Give an event its rarely used part."""
        self._details[event] = detail

    def finish(self, origin: Origin | None = None) -> Trace:
        """The trace so far; sizes of pages that no row allocates are settled here."""
        table = np.frombuffer(self._rows, dtype=np.int64).reshape(-1, 9)
        columns = Columns(
            thread=table[:, 0].astype(np.int32),
            op=table[:, 1].astype(np.uint8),
            target=table[:, 2].astype(np.int32),
            offset=table[:, 3].copy(),
            length=table[:, 4].copy(),
            site=table[:, 5].astype(np.int32),
            flags=table[:, 6].astype(np.uint8),
            order=table[:, 7].astype(np.uint8),
            time=table[:, 8].copy(),
            details=dict(self._details),
        )
        return self.wrap(columns, origin)

    def wrap(self, columns: Columns, origin: Origin | None = None) -> Trace:
        """A trace of these events, whose numbers point into the tables of this builder.

        A FREE or COLLECT of length 0 is given its page's size, in place.
        """
        targets = list(self._targets)
        sizes = settle_sizes(columns, targets, self._sizes)
        freed = np.isin(columns.op, (Op.FREE, Op.COLLECT)) & (columns.length == 0)
        for row in np.flatnonzero(freed).tolist():
            columns.length[row] = sizes.get(int(columns.target[row]), 0)
        return Trace(
            columns=columns,
            threads=list(self._threads),
            targets=targets,
            sites=list(self._sites),
            page_sizes=sizes,
            labels=dict(self._labels),
            lock_kinds=dict(self._lock_kinds),
            origin=origin or Origin(),
        )


_ROW: Final = struct.Struct("=9q")


def settle_sizes(
    columns: Columns, targets: list[Target], known: Mapping[int, int]
) -> dict[int, int]:
    """The size of every page among `targets`: as known, or the least that holds its accesses."""
    ends = np.zeros(len(targets), dtype=np.int64)
    rows = (columns.op <= Op.FREE) & (columns.target >= 0)
    if known:
        open_size = np.ones(len(targets), dtype=np.bool_)
        open_size[list(known)] = False
        rows &= open_size[columns.target]
    np.maximum.at(ends, columns.target[rows], columns.offset[rows] + columns.length[rows])
    return {
        page: known[page] if page in known else whole_page(end)
        for page, (target, end) in enumerate(zip(targets, ends.tolist(), strict=True))
        if target.kind is Kind.PAGE
    }


def whole_page(extent: int) -> int:
    """The smallest page size, `4096 << order`, that holds `extent` bytes."""
    size = 4096
    while size < extent:
        size <<= 1
    return size
