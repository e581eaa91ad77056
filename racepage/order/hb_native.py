"""Happens-before, compiled: the same stamps as `order/hb.py`, which is the definition.

`order/hb.py` says which operation makes which edge; here is only what makes it fast.

*Vectors* are rows (`order/rows.py`). What an object hands on is a shared copy of the releaser's
row, and the releaser's own component beside it.

*Most acquires teach nothing.* A thread that knows the releaser's clock at its release knows all
that the releaser knew then: one comparison, and no join. Only what several threads released without
knowing each other (a barrier's arrivals, readers of a lock) has no such epoch, and is joined
component by component.

*Release sequences* are objects as well, one for each word (`order/words.py`).

Cost: see `benchmarks/detect.py`; an access costs its store of a clock.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from racepage.errors import RacepageError
from racepage.events import Kind, Op, Target
from racepage.jit import compiled, inlined, larger
from racepage.order.hb import NO_EDGE
from racepage.order.objects import acquire, mark, release
from racepage.order.rows import (
    Component,
    Copy,
    Ended,
    Memory,
    News,
    Object,
    Thread,
    component_at,
    drop,
    ended_at,
    i32,
    i64,
    knows,
    learn,
    learn_row,
    memory_at,
    object_at,
    tell_all,
    thread_at,
    u8,
    widen,
)
from racepage.order.stamps import Stamps
from racepage.order.words import Words
from racepage.structs import address, layout
from racepage.trace.columns import Columns

COMPONENTS, COPIES, CHANGES, LEARNT, UNKNOWN = range(5)
"""What `Memory.status` says that there is no room for; the last: a row names what no table has."""

_LEAST: Final = 2048
"""Items by which a pool grows."""

MOST_BYTES: Final = 1 << 31
"""For all vectors together."""

_LOCK, _UNLOCK, _RLOCK, _RUNLOCK = int(Op.LOCK), int(Op.UNLOCK), int(Op.RLOCK), int(Op.RUNLOCK)
_ACQUIRE, _RELEASE, _MERGE = int(Op.ACQUIRE), int(Op.RELEASE), int(Op.RELEASE_MERGE)
_TAKE, _START, _JOIN = int(Op.TAKE), int(Op.START), int(Op.JOIN)
_NO_EDGE: Final = int(NO_EDGE)


@compiled
def _stamp(at: int, begin: int) -> int:  # noqa: C901  (the loop over all events)
    """Stamp the events from `begin` on; return the first that there was no room for, or the end.

    `at` is where the order's `Memory` is.
    """
    memory = memory_at(at, 0)
    threads, ops, clocks, acts = memory.thread, memory.op, memory.clock, memory.act
    current = -1
    thread = thread_at(memory.threads, 0)
    for row in range(begin, memory.events):
        if i32(threads, row).value != current:
            current = i32(threads, row).value
            if not 0 <= current < memory.live_threads:
                memory.status = UNKNOWN
                return row
            thread = thread_at(memory.threads, current)
            if thread.slot < 0:  # nobody started it: a slot of its own, and no incoming edge
                _begin(memory, thread, memory.slots, 0)
        i64(clocks, row).value = thread.now
        op = u8(ops, row).value
        edge = _LOCK <= op <= _JOIN and u8(memory.flags, row).value & _NO_EDGE == 0
        act = u8(acts, row).value if acts else 0
        if not edge and act == 0 and thread.seen:
            continue
        words = i32(memory.last, row).value - i32(memory.first, row).value if act else 0
        if not _has_room(memory, words):
            return row
        before = memory.learnt
        if not thread.seen:
            thread.seen = 1
            tell_all(memory, thread)
        if edge:
            if not 0 <= i32(memory.target, row).value < memory.targets:
                memory.status = UNKNOWN
                return row
            _step(memory, thread, row)
        elif act:
            mark(memory, thread, current, row)
        if memory.learnt > before:
            i64(memory.changed, memory.changes).value = row
            memory.changes += 1
            i64(memory.bounds, memory.changes).value = memory.learnt
    return memory.events


@inlined
def _has_room(memory: Memory, words: int) -> bool:
    """Whether there is room for whatever one event may need that covers so many words."""
    width = 2 * larger(8, larger(memory.widest, memory.slots + 1))  # rows have powers of two
    rows = 4 + 2 * words
    if memory.next_component + rows * width > memory.room_components:
        memory.status, memory.wanted = COMPONENTS, rows * width
    elif memory.next_copy + rows > memory.room_copies:
        memory.status, memory.wanted = COPIES, rows
    elif memory.changes + 2 > memory.room_changes:
        memory.status, memory.wanted = CHANGES, 2
    elif memory.learnt + rows * width > memory.room_learnt:
        memory.status, memory.wanted = LEARNT, rows * width
    else:
        return True
    return False


@inlined
def _step(memory: Memory, thread: Thread, row: int) -> None:
    """Apply one edge: DESIGN.md section 4, as `order/hb.py` spells it."""
    op, target = u8(memory.op, row).value, i32(memory.target, row).value
    event = memory.fed + row
    mine = object_at(memory.objects, target)
    if op == _LOCK:
        acquire(memory, thread, mine)
        if memory.runlocks:
            acquire(memory, thread, object_at(memory.readers, target))
    elif op in (_RLOCK, _ACQUIRE, _TAKE):
        acquire(memory, thread, mine)
        if op == _TAKE:
            drop(memory, mine.copy)
            mine.holder = mine.copy = 0
    elif op == _JOIN:
        _join(memory, thread, i32(memory.started, target).value, event)
    else:
        if op == _START:
            _start(memory, thread, i32(memory.started, target).value, event)
        elif op == _RUNLOCK:
            memory.runlocks += 1
            release(memory, thread, object_at(memory.readers, target), event, True)
        else:
            release(memory, thread, mine, event, op != _RELEASE)
        thread.now += 1


@inlined
def _start(memory: Memory, parent: Thread, number: int, event: int) -> None:
    """Begin a thread that knows what its parent knows, in a slot whose end the parent knows."""
    if number < 0:
        return
    slot, last = memory.slots, 0
    for place in range(memory.live_ended):
        ended = ended_at(memory.ended, place)
        if knows(memory, parent, ended.slot, ended.last):
            slot, last = ended.slot, ended.last
            memory.live_ended -= 1
            for following in range(place, memory.live_ended):
                after = ended_at(memory.ended, following + 1)
                here = ended_at(memory.ended, following)
                here.slot, here.last = after.slot, after.last
            break
    child = thread_at(memory.threads, number)
    _begin(memory, child, slot, last)
    widen(memory, child, larger(parent.width, parent.slot + 1))
    for known in range(parent.width):
        component = component_at(memory.pool, child.start + known)
        source = component_at(memory.pool, parent.start + known)
        component.clock, component.event = source.clock, source.event
    own = component_at(memory.pool, child.start + parent.slot)
    own.clock, own.event = parent.now, event


@inlined
def _begin(memory: Memory, thread: Thread, slot: int, last: int) -> None:
    """A thread takes a slot whose clock stands at `last`, and knows nothing."""
    memory.slots = larger(memory.slots, slot + 1)
    thread.slot, thread.base, thread.now = slot, last, last + 1
    thread.seen = thread.joined = thread.width = thread.copy = 0


@inlined
def _join(memory: Memory, thread: Thread, number: int, event: int) -> None:
    if number < 0:
        return
    child = thread_at(memory.threads, number)
    if child.slot < 0:  # it never did anything, and nobody started it
        return
    if not child.joined:
        child.joined = event + 1
        ended = ended_at(memory.ended, memory.live_ended)
        ended.slot, ended.last = child.slot, child.now
        memory.live_ended += 1
    learn(memory, thread, News(child.slot, child.now, child.joined - 1))
    learn_row(memory, thread, child.start, child.width)


class NativeHappensBefore:
    """Stamps the events of one trace, batch by batch."""

    name = "hb"

    def __init__(self) -> None:
        self._fed = 0
        self._number_of: dict[str, int] = {}
        self._memory = np.zeros(1, layout(Memory))
        self._memory[0]["next_copy"] = 1  # copy 0 is the empty one
        self._started = np.zeros(0, np.int32)
        self._threads = np.zeros(0, layout(Thread))
        self._objects = np.zeros(0, layout(Object))
        self._readers = np.zeros(0, layout(Object))
        self._pool = np.zeros(256, layout(Component))
        self._free_rows = np.zeros(64, np.int64)
        self._copies = np.zeros(64, layout(Copy))
        self._ended = np.zeros(0, layout(Ended))
        self._cells: list[bool] = []  # target id -> whether it is one
        self._words = Words()
        self._sequences = np.zeros(0, layout(Object))  # of each word
        self._loaded = np.zeros(0, layout(Object))
        self._released = np.zeros(0, layout(Object))

    def stamp(self, columns: Columns, threads: list[str], targets: list[Target]) -> Stamps:
        """Stamp the next events; see `hb.HappensBefore.stamp`.

        Raises:
            RacepageError: the vector clocks need too much memory.
        """
        self._read_tables(threads, targets)
        count = len(columns)
        batch: dict[str, NDArray[Any]] = {
            "thread": np.ascontiguousarray(columns.thread, np.int32),
            "op": np.ascontiguousarray(columns.op, np.uint8),
            "target": np.ascontiguousarray(columns.target, np.int32),
            "flags": np.ascontiguousarray(columns.flags, np.uint8),
            "clock": np.empty(count, np.int64),
            # What is not touched takes no memory yet.
            "changed": np.zeros(count // 4 + 64, np.int64),
            "bounds": np.zeros(count // 4 + 64, np.int64),
            "component": np.zeros(count // 2 + 64, np.int32),
            "value": np.zeros(count // 2 + 64, np.int64),
            "known": np.zeros(count // 2 + 64, np.int64),
        }
        memory = self._memory[0]
        memory["act"] = 0
        before = self._words.borders
        covered = self._words.cover(columns, _NO_EDGE, self._cells)
        if covered is not None:
            batch |= covered._asdict()
            self._cut_words(before)
        memory["events"], memory["fed"] = count, self._fed
        memory["changes"] = memory["learnt"] = row = 0
        while True:
            self._tell_places(batch)
            row = _stamp(address(self._memory), row)
            if row == count:
                break
            self._make_room(batch, row)
        self._fed += count
        changes, learnt = int(memory["changes"]), int(memory["learnt"])
        return Stamps(
            clock=batch["clock"],
            changed=batch["changed"][:changes],
            bounds=batch["bounds"][: changes + 1],
            component=batch["component"][:learnt],
            value=batch["value"][:learnt],
            known=batch["known"][:learnt],
            slot=self._threads["slot"][: len(threads)].copy(),
            base=self._threads["base"][: len(threads)].copy(),
        )

    def _read_tables(self, threads: list[str], targets: list[Target]) -> None:
        known = len(self._number_of)
        self._number_of.update(zip(threads[known:], range(known, len(threads)), strict=True))
        a_thread, number_of = Kind.THREAD, self._number_of  # looked up once, not for each target
        started = [
            number_of[name] if kind is a_thread else -1
            for kind, name in targets[len(self._started) :]
        ]
        self._started = np.concatenate([self._started, np.array(started, np.int32)])
        before = len(self._threads)
        self._threads = _longer(self._threads, len(threads))
        self._threads["slot"][before:] = -1
        self._ended = _longer(self._ended, len(threads))
        self._objects = _longer(self._objects, len(targets))
        self._readers = _longer(self._readers, len(targets))
        self._loaded = _longer(self._loaded, len(threads))
        self._released = _longer(self._released, len(threads))
        a_cell = Kind.CELL
        self._cells += [kind is a_cell for kind, _ in targets[len(self._cells) :]]

    def _cut_words(self, before: NDArray[np.int64]) -> None:
        """Give each word what the one that it is cut from had."""
        origin = np.searchsorted(before, self._words.borders, side="right") - 1
        cut = np.zeros(len(origin), layout(Object))
        cut[origin >= 0] = self._sequences[origin[origin >= 0]]
        holders, count = self._copies["holders"], len(self._copies)
        holders += np.bincount(cut["copy"], minlength=count).astype(holders.dtype)
        holders -= np.bincount(self._sequences["copy"], minlength=count).astype(holders.dtype)
        self._sequences = cut

    def _tell_places(self, batch: dict[str, NDArray[Any]]) -> None:
        """Say where everything is and how long: it may have grown, and moved."""
        kept = {
            "started": self._started,
            "threads": self._threads,
            "objects": self._objects,
            "readers": self._readers,
            "pool": self._pool,
            "free_rows": self._free_rows,
            "copies": self._copies,
            "ended": self._ended,
            "words": self._sequences,
            "loaded": self._loaded,
            "released": self._released,
        }
        memory = self._memory[0]
        for field, array in (kept | batch).items():
            memory[field] = address(array)
        memory["live_threads"], memory["targets"] = len(self._threads), len(self._started)
        memory["room_components"], memory["room_copies"] = len(self._pool), len(self._copies)
        memory["room_changes"], memory["room_learnt"] = len(batch["changed"]), len(batch["value"])

    def _make_room(self, batch: dict[str, NDArray[Any]], row: int) -> None:
        """Give the event at `row` what it lacks."""
        status, wanted = self._memory[0][["status", "wanted"]].tolist()
        lacking = {
            COMPONENTS: [self._pool],
            COPIES: [self._copies],
            CHANGES: [batch["changed"], batch["bounds"]],
            LEARNT: [batch["component"], batch["value"], batch["known"]],
        }
        if status not in lacking:
            raise RacepageError(
                f"event {self._fed + row} names a thread or a target that is in no table; "
                "the trace was not validated"
            )
        for pool in lacking[status]:
            _grow(pool, wanted)


def _longer(table: NDArray[Any], length: int) -> NDArray[Any]:
    """At least that many items; a new table that has not been touched takes no memory yet."""
    if length <= len(table):
        return table
    longer = np.zeros(max(length, len(table) + len(table) // 2), table.dtype)
    longer[: len(table)] = table
    return longer


def _grow(pool: NDArray[Any], more: int) -> None:
    """Make a pool longer by a half, and by at least `more` and a few pages of memory, in place."""
    length = len(pool) + max(more, len(pool) // 2, _LEAST)
    if length * pool.itemsize > MOST_BYTES:
        raise RacepageError(
            f"the vector clocks of this trace need more than {MOST_BYTES >> 30} GiB: a thread is "
            "forgotten only when it was joined; join threads that have ended, or check the trace "
            "in parts"
        )
    pool.resize(length, refcheck=False)
