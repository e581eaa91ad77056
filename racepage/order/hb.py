"""Happens-before: program order and the edges of synchronisation, nothing else.

Source: Lamport's relation (CACM 1978) over vector clocks, as in Flanagan and Freund, FastTrack
(PLDI 2009): a release hands its thread's vector to the object and then counts the thread's own
clock up, an acquire joins the object's vector into its thread's. Which operation makes which edge
is the table of DESIGN.md section 4; here are its rows, as the trace spells them:

    LOCK              <- every earlier UNLOCK and RUNLOCK of the lock
    RLOCK             <- every earlier UNLOCK of the lock
    ACQUIRE, TAKE     <- the last RELEASE of the object and every RELEASE_MERGE after it
    first of a thread <- its START
    JOIN              <- the last event of the thread that is joined
    atomics, fences   <- release sequences: order/atomics.py

An unlock *joins* into the lock's clock: the releaser of a plain lock need not be its holder, and
must not erase what the holder's past release said. `TAKE` forgets the object, so that its id can
serve again. Tries that failed, and the inner levels of a re-entrant lock, order nothing.

Deviation: clocks belong to slots, not to threads (order/stamps.py says why). A slot is handed on
at a START whose thread knows the end of the slot's last holder, that is, after a JOIN: only a JOIN
tells anybody of a thread's last event. A dead thread that nobody joined keeps its slot.

Cost: accesses are stamped in a few numpy passes over the batch; each synchronising event costs a
copy or a join of one sparse clock.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.clock import Epoch, VectorClock
from racepage.events import Flag, Kind, MemoryOrder, Op, Target
from racepage.order.atomics import ACQUIRES, RELEASES, Fences, Sequences
from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns

ADVANCES: Final = frozenset({Op.UNLOCK, Op.RUNLOCK, Op.RELEASE, Op.RELEASE_MERGE, Op.START})
"""After these, the thread's own clock counts up: what follows is not what was released."""

EDGES: Final = ADVANCES | {Op.LOCK, Op.RLOCK, Op.ACQUIRE, Op.TAKE, Op.JOIN}
"""The operations that give or take an edge."""

NO_EDGE: Final = Flag.TRYFAIL | Flag.INNER | Flag.REFUSED
"""An event with one of these flags gives and takes no edge, whatever its operation."""

_STORES: Final = frozenset({Op.STORE, Op.RMW, Op.BYTEWISE_WRITE})
_LOADS: Final = frozenset({Op.LOAD, Op.RMW, Op.BYTEWISE_READ})
_BYTEWISE: Final = frozenset({Op.BYTEWISE_READ, Op.BYTEWISE_WRITE})
_MARKED: Final = _STORES | _LOADS | {Op.FENCE}
# Plain numbers: to look a member up in its enumeration takes longer than all that is done with it.
_LOAD, _RMW, _FENCE = int(Op.LOAD), int(Op.RMW), int(Op.FENCE)
_RELAXED, _SEQ_CST = int(MemoryOrder.RELAXED), int(MemoryOrder.SEQ_CST)
_ENDS: Final = frozenset({Op.WRITE, Op.ZERO, Op.COPY_IN, Op.ALLOC, Op.FREE, Op.COLLECT})
"""What writes bytes without a mark, and so ends their release sequences."""


def _table(members: Collection[int]) -> NDArray[np.bool_]:
    return np.isin(np.arange(256), list(members))


_ADVANCES: Final = _table(ADVANCES)
_MAY_RELEASE: Final = _table({Op.STORE, Op.RMW, Op.FENCE})
_RELEASES: Final = _table(RELEASES)
_STEPS: Final = _table(EDGES | _MARKED)
_STORING: Final = _table(_STORES)
_ENDING: Final = _table(_ENDS)


@dataclass(slots=True)
class _Thread:
    slot: int
    base: int  # the slot's clock before this thread's first event
    vector: VectorClock  # at its next event; its own component is the largest anybody has
    seen: bool = False  # has had an event
    joined: bool = False
    fences: Fences = field(default_factory=Fences)

    @property
    def now(self) -> int:
        return self.vector[self.slot]


@dataclass(slots=True)
class _Object:
    """What a lock or a synchronisation object hands on."""

    clock: VectorClock = field(default_factory=VectorClock)
    readers: VectorClock = field(default_factory=VectorClock)  # RUNLOCKs; for writers only


class HappensBefore:
    """Stamps the events of one trace, batch by batch."""

    name = "hb"

    def __init__(self) -> None:
        self._threads: dict[int, _Thread] = {}
        self._objects: dict[int, _Object] = {}
        self._sequences = Sequences()
        self._fed = 0
        self._closed: list[array[int]] = []  # slot -> the event that ended each of its clocks
        self._ended: dict[int, int] = {}  # slot -> last clock of a joined thread: may be handed on
        self._number_of: dict[str, int] = {}  # thread name -> number, as far as the tables are read
        self._started: list[int] = []  # target id -> number of the thread that it is, or -1
        self._cells: list[bool] = []  # target id -> whether it is a cell: one byte, to an atomic

    def stamp(self, columns: Columns, threads: list[str], targets: list[Target]) -> Stamps:
        """Stamp the next events.

        Args:
            columns: the events, in an order that is consistent with the execution.
            threads: the trace's thread names; only ever longer than at the last batch.
            targets: the trace's targets, likewise.
        """
        self._read_tables(threads, targets)
        progress, firsts = _own_progress(columns)
        begin: dict[int, int] = {}  # thread number -> slot clock at its first event of the batch
        changes: list[list[Epoch]] = []
        changed: list[int] = []
        rows = self._rows_to_step(columns)
        steps = np.union1d(rows, firsts)
        for row, number, code, target, edge in zip(
            steps.tolist(),
            columns.thread[steps].tolist(),
            columns.op[steps].tolist(),
            columns.target[steps].tolist(),
            np.isin(steps, rows, assume_unique=True).tolist(),
            strict=True,
        ):
            thread = self._threads.get(number) or self._introduce(number)
            begin.setdefault(number, thread.now)
            learnt = []
            if not thread.seen:
                thread.seen = True
                whole = thread.vector.items()
                learnt = [Epoch(clock, slot) for slot, clock in whole if slot != thread.slot]
            if edge and code in _MARKED:
                learnt += self._mark(thread, columns, row)
            elif edge and code in _ENDS:
                self._sequences.end(target, *_span(columns, row))
            elif edge:
                learnt += self._step(thread, Op(code), target, self._fed + row)
            if learnt:
                changed.append(row)
                changes.append(learnt)
        self._fed += len(columns)
        return self._stamps(columns, progress, begin, changed, changes)

    def _step(self, thread: _Thread, op: Op, target: int, event: int) -> list[Epoch]:
        """Apply one edge; return the components of the thread's vector that changed."""
        if op is Op.START:
            self._start(thread, self._started[target])
        elif op is Op.JOIN:
            return self._join(thread, self._started[target], event)
        elif op is Op.TAKE:
            gone = self._objects.pop(target, None)
            return [] if gone is None else thread.vector.join(gone.clock)
        else:
            held = self._objects.setdefault(target, _Object())
            if op is Op.LOCK:
                return thread.vector.join(held.clock) + thread.vector.join(held.readers)
            if op in (Op.RLOCK, Op.ACQUIRE):
                return thread.vector.join(held.clock)
            if op is Op.RELEASE:
                held.clock = thread.vector.copy()
            elif op is Op.RUNLOCK:
                held.readers.join(thread.vector)
            else:  # UNLOCK, RELEASE_MERGE
                held.clock.join(thread.vector)
        self._advance(thread, event)
        return []

    def _mark(self, thread: _Thread, columns: Columns, row: int) -> list[Epoch]:
        """Apply an atomic or byte-wise access, or a fence; return the components that changed."""
        op, target = int(columns.op[row]), int(columns.target[row])
        order = _RELAXED if op in _BYTEWISE else int(columns.order[row]) or _SEQ_CST
        span = (0, 1) if op != _FENCE and self._cells[target] else _span(columns, row)
        learnt: list[Epoch] = []
        if op == _FENCE and order in ACQUIRES:
            learnt = thread.vector.join(thread.fences.loaded)
        elif op in _LOADS:
            read = self._sequences.read(target, *span)
            if order in ACQUIRES:
                learnt = thread.vector.join(read)
            else:
                thread.fences.loaded.join(read)
        releases = order in RELEASES and op != _LOAD
        if op == _FENCE and releases:
            thread.fences.released = thread.vector.copy()
        elif op in _STORES:
            given = thread.vector.copy() if releases else thread.fences.released
            write = self._sequences.go_on if op == _RMW else self._sequences.head
            write(target, *span, given)
        if releases:
            self._advance(thread, self._fed + row)
        return learnt

    def _advance(self, thread: _Thread, event: int) -> None:
        """Count the thread's own clock up: what follows is not what `event` handed on."""
        self._closed[thread.slot].append(event)
        thread.vector[thread.slot] += 1

    def _rows_to_step(self, columns: Columns) -> NDArray[np.int64]:
        """The rows that give or take an edge, and the writes that may end a release sequence."""
        steps = _STEPS[columns.op] & (columns.flags & int(NO_EDGE) == 0)
        marked = [*self._sequences.targets(), *columns.target[_STORING[columns.op]].tolist()]
        if marked:
            steps |= _ENDING[columns.op] & np.isin(columns.target, marked)
        return np.flatnonzero(steps)

    def _introduce(self, number: int) -> _Thread:
        """A thread that nobody started: a slot of its own, and no incoming edge."""
        slot = self._new_slot()
        thread = _Thread(slot=slot, base=0, vector=VectorClock({slot: 1}))
        self._threads[number] = thread
        return thread

    def _start(self, parent: _Thread, number: int) -> None:
        vector = parent.vector.copy()
        for slot, last in self._ended.items():
            if vector[slot] >= last:
                del self._ended[slot]
                break
        else:
            slot, last = self._new_slot(), 0
        vector[slot] = last + 1
        self._threads[number] = _Thread(slot=slot, base=last, vector=vector)

    def _new_slot(self) -> int:
        self._closed.append(array("q"))
        return len(self._closed) - 1

    def _join(self, thread: _Thread, number: int, event: int) -> list[Epoch]:
        child = self._threads.get(number)
        if child is None:  # it never did anything, and nobody started it
            return []
        if not child.joined:
            child.joined = True
            self._ended[child.slot] = child.now
            self._closed[child.slot].append(event)
        return thread.vector.join(child.vector)

    def _read_tables(self, threads: list[str], targets: list[Target]) -> None:
        for number in range(len(self._number_of), len(threads)):
            self._number_of[threads[number]] = number
        for target in targets[len(self._started) :]:
            known = target.kind is Kind.THREAD
            self._started.append(self._number_of[target.name] if known else -1)
            self._cells.append(target.kind is Kind.CELL)

    def _stamps(
        self,
        columns: Columns,
        progress: NDArray[np.int64],
        begin: dict[int, int],
        changed: list[int],
        changes: list[list[Epoch]],
    ) -> Stamps:
        count = len(self._number_of)
        slot = np.full(count, -1, dtype=np.int32)
        base = np.zeros(count, dtype=np.int64)
        start = np.zeros(count, dtype=np.int64)
        for number, thread in self._threads.items():
            slot[number], base[number] = thread.slot, thread.base
            start[number] = begin.get(number, thread.now)
        flat = [epoch for learnt in changes for epoch in learnt]
        return Stamps(
            clock=start[columns.thread] + progress,
            changed=np.array(changed, dtype=np.int64),
            bounds=np.cumsum([0, *map(len, changes)], dtype=np.int64),
            component=np.array([epoch.slot for epoch in flat], dtype=np.int32),
            value=np.array([epoch.clock for epoch in flat], dtype=np.int64),
            known=np.array(
                [self._closed[epoch.slot][epoch.clock - 1] for epoch in flat], dtype=np.int64
            ),
            slot=slot,
            base=base,
        )


def _orders(columns: Columns) -> NDArray[np.uint8]:
    """The memory orders, with C++'s default where none is given."""
    return np.where(columns.order == MemoryOrder.NONE, MemoryOrder.SEQ_CST, columns.order)


def _span(columns: Columns, row: int) -> tuple[int, int]:
    """The bytes of a page that an access touches."""
    start, length = int(columns.offset[row]), int(columns.length[row])
    return start, start + length


def _own_progress(columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each event's thread has counted up since the batch began, before the event.

    Also the first row of every thread in the batch. Both without a Python step an event: rows are
    grouped by thread, and within a group the count is a running sum.
    """
    advances = _ADVANCES[columns.op] & (columns.flags & int(NO_EDGE) == 0)
    advances |= _MAY_RELEASE[columns.op] & _RELEASES[_orders(columns)]
    grouped = np.argsort(columns.thread, kind="stable")
    threads = columns.thread[grouped]
    counted = advances[grouped].astype(np.int64)
    before = np.cumsum(counted) - counted
    new_group = np.flatnonzero(np.diff(threads, prepend=-1))
    sizes = np.diff(new_group, append=len(threads))
    progress = np.empty(len(threads), dtype=np.int64)
    progress[grouped] = before - np.repeat(before[new_group], sizes)
    return progress, grouped[new_group]
