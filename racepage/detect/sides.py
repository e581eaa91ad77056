"""Dresses the events of findings for people: names, stacks, vectors, locks held, and why.

All of this is cold: it is done for the events that findings name, after the engines are through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.locks import held_locks
from racepage.detect.rows import extent, which
from racepage.events import CLASS_OF, Kind, Op
from racepage.finding import HeldLock, LastSync, PageInfo, Side, ThreadInfo, Why
from racepage.order.history import History
from racepage.trace.columns import NOTHING, Trace
from racepage.trace.std_reader import PAGE


class Sides:
    """Makes `Side`s of one trace's events.

    Args:
        trace, history: the events and what the order said of them.
        rare: the rows that `rows.rare` chose.
        evidence: what was found; locks held are worked out for the events that it names.
    """

    def __init__(
        self, trace: Trace, history: History, rare: NDArray[np.int64], evidence: Iterable[Evidence]
    ) -> None:
        self._trace = trace
        self._history = history
        self._rare = rare
        self._vectors = _Vectors(trace.threads, history)
        named = {event for one in evidence for event in self._named(one)}
        self._locks = held_locks(trace, sorted(named))
        self._made: dict[int, Side] = {}

    def _named(self, one: Evidence) -> Iterator[int]:
        yield from (event for event in (one.first, one.second) if event != NONE)
        yield from one.related
        alloc = self.allocation(one)
        if alloc is not None:
            yield alloc

    def side(self, event: int) -> Side:
        """The event, with its vector and the locks that its thread held."""
        if event not in self._made:
            self._made[event] = self._make(event, _Vector(self._vectors, event))
        return self._made[event]

    def _make(self, event: int, vector: Mapping[str, int]) -> Side:
        trace, columns = self._trace, self._trace.columns
        op = Op(columns.op[event])
        site = int(columns.site[event])
        target = int(columns.target[event])
        bytes_ = op <= Op.USER_WRITE or op in (Op.ASSERT_WRITER, Op.ASSERT_ACCESS)
        cell = bytes_ and trace.targets[target].kind is Kind.CELL  # it has no range
        return Side(
            event=event,
            thread=trace.threads[columns.thread[event]],
            op=op.name.lower(),
            range=extent(columns, event) if bytes_ and not cell else None,
            access=CLASS_OF[op].name.lower(),
            clock=self._history.own_count(event),
            vector=vector,
            stack=() if site == NOTHING else trace.sites[site],
            locks=tuple(
                HeldLock(name=trace.targets[lock].name, mode="write" if writes else "read")
                for lock, writes in self._locks.get(event, ())
            ),
            target=None if target == NOTHING else str(trace.targets[target]),
        )

    def ordered(self, first: int, second: int) -> bool:
        """Whether the earlier event happens before the later one."""
        return self._history.before(first, second)

    def why(self, first: int, second: int) -> Why:
        """How far each of two unordered events knows the other's thread."""
        return Why(
            last_of_first_known_to_second=self._last_known(first, second),
            last_of_second_known_to_first=self._last_known(second, first),
        )

    def _last_known(self, of: int, to: int) -> LastSync:
        """The last synchronisation of event `of`'s thread that event `to` knows."""
        trace, columns = self._trace, self._trace.columns
        thread = int(columns.thread[of])
        known = self._history.last_known(thread, to)
        if known is None:
            return LastSync(thread=trace.threads[thread], clock=0)
        event, count = known
        site, target = int(columns.site[event]), int(columns.target[event])
        return LastSync(
            thread=trace.threads[thread],
            clock=count,
            event=event,
            op=Op(columns.op[event]).name.lower(),
            target=None if target == NOTHING else str(trace.targets[target]),
            stack=() if site == NOTHING else trace.sites[site],
        )

    def threads(self) -> dict[str, ThreadInfo]:
        """Where every thread was started and how it ended, without vectors."""
        trace, columns = self._trace, self._trace.columns
        starts: dict[str, Side] = {}
        for event in which(columns, self._rare, Op.START).tolist():
            starts[trace.targets[columns.target[event]].name] = self._make(event, {})
        ends = {
            trace.threads[columns.thread[event]]: self._make(event, {})
            for event in which(columns, self._rare, Op.EXIT).tolist()
        }
        return {
            name: ThreadInfo(start=starts.get(name), end=ends.get(name)) for name in trace.threads
        }

    def pages(self) -> dict[str, PageInfo]:
        """Every page of the trace; where an id had several lives, the last one."""
        trace, columns = self._trace, self._trace.columns
        made: dict[int, Side] = {}
        gone: dict[int, Side] = {}
        for event in which(columns, self._rare, Op.ALLOC, Op.FREE, Op.COLLECT).tolist():
            page = int(columns.target[event])
            if columns.op[event] == Op.ALLOC:
                made[page] = self._make(event, {})
                gone.pop(page, None)
            else:
                gone.setdefault(page, self._make(event, {}))
        return {
            str(trace.targets[page]): PageInfo(
                size=size,
                label=trace.labels.get(page),
                alloc=made.get(page),
                free=gone.get(page),
                variables=trace.origin.variables if trace.targets[page] == PAGE else (),
            )
            for page, size in trace.page_sizes.items()
        }

    def allocation(self, one: Evidence) -> int | None:
        """The ALLOC of the life of the page that a finding is about, where there is one."""
        allocs = self._allocs.get(one.page)
        if allocs is None:
            return None
        at = int(np.searchsorted(allocs, max(one.first, one.second), side="right"))
        return int(allocs[at - 1]) if at else None

    @cached_property
    def _allocs(self) -> dict[int, NDArray[np.int64]]:
        columns = self._trace.columns
        rows = which(columns, self._rare, Op.ALLOC)
        pages = columns.target[rows]
        return {int(page): rows[pages == page] for page in np.unique(pages)}


class _Vectors:
    """The vectors of a trace's events; only the one that was asked for last is kept.

    Of thousands of threads and thousands of findings all vectors together are gigabytes, of which
    a report for people shows a few lines.
    """

    def __init__(self, threads: Sequence[str], history: History) -> None:
        self._threads = threads
        self._history = history
        self._last: tuple[int, dict[str, int]] = (NOTHING, {})

    def of(self, event: int) -> dict[str, int]:
        last, known = self._last
        if last != event:
            vector = self._history.vector(event)
            known = {self._threads[thread]: clock for thread, clock in sorted(vector.items())}
            self._last = (event, known)
        return known


class _Vector(Mapping[str, int]):
    """One event's vector, worked out when somebody looks at it."""

    __slots__ = ("_event", "_vectors")

    def __init__(self, vectors: _Vectors, event: int) -> None:
        self._vectors = vectors
        self._event = event

    def __getitem__(self, thread: str) -> int:
        return self._vectors.of(self._event)[thread]

    def __iter__(self) -> Iterator[str]:
        return iter(self._vectors.of(self._event))

    def __len__(self) -> int:
        return len(self._vectors.of(self._event))

    def __repr__(self) -> str:
        return repr(self._vectors.of(self._event))
