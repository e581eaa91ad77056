"""`lock-order`: locks that are taken in orders that form a cycle: a deadlock may come of it.

An *edge* A -> B stands for a thread that waited for B, or might have, while it held A. A cycle of
edges is a finding unless it cannot come about at one time: two of its edges cannot where both their
threads held a common lock, at least one of them for writing (a gate lock), or where a start or a
join keeps one thread's edge before the other's.

A lock that was tried has no edge into it, and edges out of it. Reading makes edges as writing does:
two readers deadlock where a writer waits between them. One thread's edges count with each other
although one thread alone cannot deadlock: it is the order that is wrong, and what one thread does
with the locks, two will do. So has it ThreadSanitizer's deadlock detector, and Linux's lockdep.
A trace in RAPID's format is not judged, since what it stands for is its races.

Cycles are sought in the strongly connected components of the graph, a shortest one through each
edge that no cycle went through yet; one finding for each set of locks. That is all of them where
two locks are taken in both orders, and an example of each where more are tangled. A cycle of more
than `_LONGEST` locks is not sought, nor is any more after `_PATIENCE` steps. Of more than
`_DEEPEST` locks held at a time those that were taken last count, and of more than `_MOST` edges the
first.

Cost: a number for each nested acquisition, and one look at each distinct edge. Only for the locks
of a component are the held locks asked for, and only once for what was held and taken alike.

Sources: Havelund, Using runtime analysis to guide model checking of Java programs (SPIN 2000), for
gate locks; Agarwal, Wang and Stoller, Detecting potential deadlocks with static analysis and
run-time monitoring (2005), for starts and joins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.components import components
from racepage.detect.evidence import NONE, Evidence
from racepage.detect.lock_replay import LockReplay
from racepage.detect.rows import which
from racepage.detect.waits import last_waits
from racepage.events import Flag, Kind, Op
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.trace.columns import Columns, Trace

Rows = NDArray[np.int64]

_LOCK: Final = int(Op.LOCK)  # numpy takes ten times as long to compare with what is no int
_BLOCK: Final = int(Op.BLOCK)

_PATIENCE: Final = 10_000_000
_LONGEST: Final = 64
_DEEPEST: Final = 48  # MAX_LOCK_DEPTH of Linux, include/linux/sched.h
_MOST: Final = 2_000_000  # edges of components
_DETOURS: Final = 4  # cycles through one edge that are looked at
_CHOICES: Final = 2_000  # choices of instances that are looked at for one cycle


class _Edge(NamedTuple):
    """An instance of an edge, which stands for all that are alike.

    Attributes:
        inner: the LOCK or RLOCK that waited, or might have; the BLOCK of one that waits for ever.
        outer: the one of the lock that was held.
        thread: whose it is.
        held: lock -> whether for writing, for all that was held.
    """

    inner: int
    outer: int
    thread: int
    held: dict[int, bool]


def lock_order(trace: Trace, replay: LockReplay, rare: Rows) -> Iterator[Evidence]:
    """Every cycle. first, second = the inner rows of its first and its last edge, by event."""
    if trace.origin.form == "std":
        return
    nested = replay.nested
    waits = _waits_for_ever(trace, replay, rare)
    if not len(nested) and not waits:
        return
    component = components(_adjacent(trace, nested, waits))
    if not component:
        return
    edges = _edges(trace, component, [*_acquisitions(trace, replay, rare, component), *waits])
    told: set[frozenset[int]] = set()
    for cycle in _Search(edges, _Apart(trace, rare, edges)).cycles():
        locks = frozenset(int(trace.columns.target[edge.inner]) for edge in cycle)
        if locks not in told:
            told.add(locks)
            yield _evidence(trace, cycle)


def _waits_for_ever(trace: Trace, replay: LockReplay, rare: Rows) -> list[tuple[int, list[int]]]:
    """(BLOCK, what its thread holds) of the threads whose last word is that they wait for a lock.

    They never took it, so that no other row says that they would have.
    """
    waits = sorted(
        (event, thread)
        for thread, event in last_waits(trace, rare).items()
        if trace.targets[trace.columns.target[event]].kind is Kind.LOCK
        and not trace.columns.flags[event] & Flag.TRY
    )
    return [
        (event, held)
        for (event, _), held in zip(waits, replay.held(waits, _DEEPEST), strict=True)
        if held
    ]


def _adjacent(
    trace: Trace, nested: Rows, waits: list[tuple[int, list[int]]]
) -> dict[int, list[int]]:
    """Lock -> the locks that were taken, or waited for, right after it, while it was held.

    What else was held when a lock was taken leads to it on a path of these: so the components of
    this graph are those of all edges.
    """
    target = trace.columns.target
    last = [(int(target[held[-1]]), int(target[event])) for event, held in waits]
    after: dict[int, list[int]] = defaultdict(list)
    for outer, inner in [*np.unique(nested[:, 1:3], axis=0).tolist(), *last]:
        if outer != inner:
            after[outer].append(inner)
    return after


def _acquisitions(
    trace: Trace, replay: LockReplay, rare: Rows, component: dict[int, int]
) -> list[tuple[int, list[int]]]:
    """(event, what its thread held), once for those that are alike, of the locks of components.

    Alike are those of one thread between two of its starts or joins, that took the same lock while
    they held the same.
    """
    columns = trace.columns
    nested = replay.nested
    rows = nested[(nested[:, 0] != NONE) & np.isin(nested[:, 2], list(component))]
    turns = which(columns, rare, Op.START, Op.JOIN)
    thread = columns.thread[rows[:, 0]].astype(np.int64)
    period = np.searchsorted(
        np.sort(columns.thread[turns] * len(columns) + turns),
        thread * len(columns) + rows[:, 0],
    )
    _, firsts = np.unique(np.column_stack((rows[:, 2:], thread, period)), axis=0, return_index=True)
    asked = sorted((int(rows[row, 0]), int(thread[row])) for row in firsts)
    return [
        (event, held) for (event, _), held in zip(asked, replay.held(asked, _DEEPEST), strict=True)
    ]


def _edges(
    trace: Trace, component: dict[int, int], acquisitions: Iterable[tuple[int, list[int]]]
) -> dict[tuple[int, int], list[_Edge]]:
    """(outer lock, inner lock) -> its instances, those that held least first."""
    columns = trace.columns
    edges: dict[tuple[int, int], list[_Edge]] = defaultdict(list)
    count = 0
    for inner, rows in acquisitions:
        if count > _MOST:
            break
        count += len(rows)
        lock, thread = int(columns.target[inner]), int(columns.thread[inner])
        outers = columns.target[rows].tolist()
        held: dict[int, bool] = {}
        for outer, writes in zip(outers, (columns.op[rows] == _LOCK).tolist(), strict=True):
            held[outer] = writes or held.get(outer, False)
        for outer, row in zip(outers, rows, strict=True):
            if outer != lock and component.get(outer) == component.get(lock, NONE):
                edges[outer, lock].append(_Edge(inner, row, thread, held))
    for instances in edges.values():
        instances.sort(key=lambda edge: len(edge.held))
    return edges


class _Apart:
    """Which instances starts and joins keep one before the other: locks do not count here."""

    def __init__(self, trace: Trace, rare: Rows, edges: dict[tuple[int, int], list[_Edge]]) -> None:
        self._trace = trace
        self._turns = which(trace.columns, rare, Op.START, Op.JOIN)
        self._edges = edges

    def __call__(self, one: _Edge, other: _Edge) -> bool:
        if one.thread == other.thread or not len(self._turns):
            return False
        rows, history = self._order
        first, second = np.searchsorted(rows, sorted((one.inner, other.inner)))
        return history.before(int(first), int(second))

    @cached_property
    def _order(self) -> tuple[Rows, History]:
        """The rows that matter, and their order if all others had not been."""
        trace, columns = self._trace, self._trace.columns
        inner = np.array([edge.inner for all_ in self._edges.values() for edge in all_])
        rows = np.union1d(self._turns, inner)
        op = np.where(np.isin(rows, self._turns), columns.op[rows], np.uint8(Op.WAKE))
        zeros = np.zeros(len(rows), dtype=np.int64)
        some = Columns(
            thread=columns.thread[rows],
            op=op,
            target=columns.target[rows],
            offset=zeros,
            length=zeros,
            site=columns.site[rows],
            flags=columns.flags[rows],
            order=columns.order[rows],
            time=zeros,
        )
        stamps = HappensBefore().stamp(some, trace.threads, trace.targets)
        return rows, History(some.thread, [stamps])


class _Search:
    """A search for cycles, with limited patience."""

    def __init__(self, edges: dict[tuple[int, int], list[_Edge]], apart: _Apart) -> None:
        self._edges = edges
        self._apart = apart
        self._after: dict[int, list[int]] = defaultdict(list)
        for outer, inner in edges:
            self._after[outer].append(inner)
        self._steps = 0

    def cycles(self) -> Iterator[list[_Edge]]:
        """Cycles that can come about; each has an edge between two locks that none had before."""
        covered: set[tuple[int, int]] = set()
        pairs = sorted(self._edges, key=lambda pair: min(self._edges[pair]).inner)
        for outer, inner in pairs:  # most cycles by far are of two locks
            if (outer, inner) not in covered and (inner, outer) in self._edges:
                cycle = [(outer, inner), (inner, outer)]
                found = self._choose([self._edges[pair] for pair in cycle])
                if found:
                    covered.update(cycle)
                    yield found
        for pair in pairs:
            closing = {pair[1]}  # locks from which the cycle did not close
            while pair not in covered and len(closing) <= _DETOURS:
                path = self._way_back(pair, closing)
                if not path:
                    break
                cycle = [pair, *pairwise(path)]
                found = self._choose([self._edges[each] for each in cycle])
                if found:
                    covered.update(cycle)
                    yield found
                closing.add(path[-2])

    def _way_back(self, pair: tuple[int, int], closing: set[int]) -> list[int]:
        """A shortest path from the second lock to the first, not by way of `closing` at its end."""
        goal, start = pair
        came = {start: start}
        level = [start]
        while level and self._steps < _PATIENCE:
            following = []
            for lock in level:
                self._steps += 1
                if lock not in closing and (lock, goal) in self._edges:
                    path = [goal, lock]
                    while path[-1] != start:
                        path.append(came[path[-1]])
                    return path[::-1] if len(path) <= _LONGEST else []
                self._steps += len(self._after[lock])
                for other in self._after[lock]:
                    if other != goal and other not in came:
                        came[other] = lock
                        following.append(other)
            level = following
        return []

    def _choose(self, ways: list[list[_Edge]]) -> list[_Edge]:
        """One instance of each edge of a cycle, so that all can come about at one time; or none.

        Those of different threads are preferred.
        """
        return self._complete([], ways, iter(range(_CHOICES)), alone=False) or self._complete(
            [], ways, iter(range(_CHOICES)), alone=True
        )

    def _complete(
        self, chosen: list[_Edge], ways: list[list[_Edge]], tries: Iterator[int], *, alone: bool
    ) -> list[_Edge]:
        """What is chosen, with one instance of each further edge that agrees with all others."""
        if len(chosen) == len(ways):
            return chosen
        for edge in ways[len(chosen)]:
            if next(tries, None) is None or self._steps > _PATIENCE:
                break
            if all(self._agree(edge, other, alone=alone) for other in chosen):
                found = self._complete([*chosen, edge], ways, tries, alone=alone)
                if found:
                    return found
        return []

    def _agree(self, one: _Edge, other: _Edge, *, alone: bool) -> bool:
        """Whether two instances can come about at one time; `alone`: or could, in two threads."""
        self._steps += 1
        if not alone and one.thread == other.thread:
            return False
        for lock in reversed(one.held):  # what was taken last tells soonest
            if lock in other.held and (one.held[lock] or other.held[lock]):
                return False
            self._steps += 1
        return not self._apart(one, other)


def _evidence(trace: Trace, cycle: list[_Edge]) -> Evidence:
    columns = trace.columns

    def lock(row: int) -> str:
        return str(trace.targets[columns.target[row]])

    start = cycle.index(min(cycle))
    cycle = [*cycle[start:], *cycle[:start]]
    told = [
        f"{trace.threads[edge.thread]} "
        f"{'waits for' if columns.op[edge.inner] == _BLOCK else 'takes'} {lock(edge.inner)} "
        f"while it holds {lock(edge.outer)}"
        for edge in cycle
    ]
    threads = len({edge.thread for edge in cycle})
    many = f"{len(cycle)} threads that do so at a time"
    who = "at the wrong moment they" if threads == len(cycle) else many
    return Evidence(
        "lock-order",
        min(edge.inner for edge in cycle),
        max(edge.inner for edge in cycle),
        related=tuple(row for edge in cycle for row in (edge.outer, edge.inner)),
        message=f"{', and '.join(told)}: {who} wait for each other for ever",
    )
