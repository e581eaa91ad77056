"""Happens-before, compiled: the same stamps as `order/hb.py`, which is the definition.

`order/hb.py` says which operation makes which edge; here is only what makes it fast.

*Vectors* are rows of (clock, event) pairs, one for each slot up to the highest that the thread
knows of, in one pool. A thread's own component stands beside its row, since it changes all the
time and the rest seldom does.

*What an object hands on* is a *copy* of a row, taken when a thread releases, and the releaser's own
component beside it. The copy is shared: as long as a thread learns nothing, all the objects that it
releases hold the same one. A million locks cost a million small structs, not a million vectors.

*Most acquires teach nothing.* A thread that knows the releaser's clock at its release knows all
that the releaser knew then: one comparison, and no join. Only what several threads released without
knowing each other (a barrier's arrivals, readers of a lock) has no such epoch, and is joined
component by component.

Cost: see `benchmarks/detect.py`; an access costs its store of a clock.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.errors import RacepageError
from racepage.events import Kind, Op, Target
from racepage.jit import compiled, inlined, larger
from racepage.order.hb import NO_EDGE
from racepage.order.stamps import Stamps
from racepage.structs import I32, I64, address, layout, number, pointer
from racepage.trace.columns import Columns

COMPONENTS, COPIES, CHANGES, LEARNT, UNKNOWN = range(5)
"""What `Memory.status` says that there is no room for; the last: a row names what no table has."""

MOST_BYTES: Final = 1 << 33
"""For all vectors together."""

_LOCK, _UNLOCK, _RLOCK, _RUNLOCK = int(Op.LOCK), int(Op.UNLOCK), int(Op.RLOCK), int(Op.RUNLOCK)
_ACQUIRE, _RELEASE, _MERGE = int(Op.ACQUIRE), int(Op.RELEASE), int(Op.RELEASE_MERGE)
_TAKE, _START, _JOIN = int(Op.TAKE), int(Op.START), int(Op.JOIN)
_NO_EDGE: Final = int(NO_EDGE)


class Component:
    """What is known of a slot: its clock, and the event that ended that clock. 0 is nothing."""

    clock: I64
    event: I64


class Thread:
    """A thread, by its number in the trace."""

    slot: I32  # -1 before its start or first event
    seen: I32  # has had an event
    joined: I64  # the event of the first JOIN + 1, or 0
    base: I64
    now: I64  # its own clock
    start: I64  # of its row
    width: I32
    copy: I32  # of its row as it is now, or 0


class Object:
    """What a lock or a synchronisation object hands on.

    That is the copy, and above it the releaser's own clock. `holder` is 0 where there is none:
    nothing was released, or the copy is the join of several releases and of this object alone.
    """

    holder: I32  # the releaser's slot + 1
    copy: I32
    clock: I64
    event: I64


class Copy:
    """A row that no longer changes, and how many threads and objects hold it. Copy 0 is empty."""

    start: I64
    width: I32
    holders: I32


class Ended:
    """A slot that may be handed on, by a thread that knows its last clock."""

    slot: I64
    last: I64


class Memory:
    """Where everything is, how much of it there is, and what is missing."""

    # Addresses of what is kept.
    threads: I64
    objects: I64  # by target id
    readers: I64  # by target id: what RUNLOCK released
    pool: I64
    free_rows: I64  # the first free row of each power of two, + 1
    copies: I64
    ended: I64
    started: I64  # target id -> number of the thread that it is, or -1
    # Addresses of the batch, and of its stamps.
    thread: I64
    op: I64
    target: I64
    flags: I64
    clock: I64
    changed: I64
    bounds: I64
    component: I64
    value: I64
    known: I64
    # What is missing, and how much of it.
    status: I64
    wanted: I64
    # Counts.
    events: I64  # of the batch
    fed: I64  # before the batch
    live_threads: I64
    targets: I64
    slots: I64
    live_ended: I64
    runlocks: I64
    widest: I64  # a width that no row exceeds
    next_component: I64
    room_components: I64
    free_copy: I64
    next_copy: I64
    room_copies: I64
    changes: I64  # events with a change, in this batch
    room_changes: I64
    learnt: I64  # changed components, in this batch
    room_learnt: I64


class News(NamedTuple):
    """What somebody says of a slot: see `Component`."""

    slot: int
    clock: int
    event: int


component_at = pointer(Component)
thread_at = pointer(Thread)
object_at = pointer(Object)
copy_at = pointer(Copy)
memory_at = pointer(Memory)
ended_at = pointer(Ended)
u8, i32, i64 = number(np.uint8), number(np.int32), number(np.int64)


@compiled
def _stamp(at: int, begin: int) -> int:  # noqa: C901  (the loop over all events)
    """Stamp the events from `begin` on; return the first that there was no room for, or the end.

    `at` is where the order's `Memory` is.
    """
    memory = memory_at(at, 0)
    threads, ops, clocks = memory.thread, memory.op, memory.clock
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
        if not edge and thread.seen:
            continue
        if not _has_room(memory):
            return row
        before = memory.learnt
        if not thread.seen:
            thread.seen = 1
            _tell_all(memory, thread)
        if edge:
            if not 0 <= i32(memory.target, row).value < memory.targets:
                memory.status = UNKNOWN
                return row
            _step(memory, thread, row)
        if memory.learnt > before:
            i64(memory.changed, memory.changes).value = row
            memory.changes += 1
            i64(memory.bounds, memory.changes).value = memory.learnt
    return memory.events


@inlined
def _has_room(memory: Memory) -> bool:
    """Whether there is room for whatever one event may need."""
    width = 2 * larger(8, larger(memory.widest, memory.slots + 1))  # rows have powers of two
    if memory.next_component + 4 * width > memory.room_components:
        memory.status, memory.wanted = COMPONENTS, 4 * width
    elif memory.next_copy + 2 > memory.room_copies:
        memory.status, memory.wanted = COPIES, 2
    elif memory.changes + 2 > memory.room_changes:
        memory.status, memory.wanted = CHANGES, 2
    elif memory.learnt + 3 * width > memory.room_learnt:
        memory.status, memory.wanted = LEARNT, 3 * width
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
        _acquire(memory, thread, mine)
        if memory.runlocks:
            _acquire(memory, thread, object_at(memory.readers, target))
    elif op in (_RLOCK, _ACQUIRE, _TAKE):
        _acquire(memory, thread, mine)
        if op == _TAKE:
            _drop(memory, mine.copy)
            mine.holder = mine.copy = 0
    elif op == _JOIN:
        _join(memory, thread, i32(memory.started, target).value, event)
    else:
        if op == _START:
            _start(memory, thread, i32(memory.started, target).value, event)
        elif op == _RUNLOCK:
            memory.runlocks += 1
            _release(memory, thread, object_at(memory.readers, target), event, True)
        else:
            _release(memory, thread, mine, event, op != _RELEASE)
        thread.now += 1


@inlined
def _acquire(memory: Memory, thread: Thread, source: Object) -> None:
    """Join what an object hands on into a thread's vector."""
    if source.holder and _knows(memory, thread, source.holder - 1, source.clock):
        return
    if source.holder:
        _learn(memory, thread, News(source.holder - 1, source.clock, source.event))
    copy = copy_at(memory.copies, source.copy)
    _learn_row(memory, thread, copy.start, copy.width)


@inlined
def _release(memory: Memory, thread: Thread, into: Object, event: int, merge: bool) -> None:
    """Let an object hand on a thread's vector, and, with `merge`, what it handed on before."""
    if merge and not _covers(memory, thread, into):
        _merge(memory, thread, into, event)
        return
    copy = _copied(memory, thread)
    copy_at(memory.copies, copy).holders += 1
    _drop(memory, into.copy)
    into.copy, into.holder = copy, thread.slot + 1
    into.clock, into.event = thread.now, event


@inlined
def _covers(memory: Memory, thread: Thread, what: Object) -> bool:
    """Whether a thread knows all that an object hands on."""
    if what.holder:
        return _knows(memory, thread, what.holder - 1, what.clock)
    copy = copy_at(memory.copies, what.copy)
    for slot in range(copy.width):
        if not _knows(memory, thread, slot, component_at(memory.pool, copy.start + slot).clock):
            return False
    return True


@inlined
def _merge(memory: Memory, thread: Thread, into: Object, event: int) -> None:
    """Make an object's copy the join of what it hands on and of a thread's vector."""
    old = copy_at(memory.copies, into.copy)
    width = larger(larger(old.width, into.holder), larger(thread.width, thread.slot + 1))
    number = _new_copy(memory, width)
    new = copy_at(memory.copies, number)
    for slot in range(new.width):
        component = component_at(memory.pool, new.start + slot)
        component.clock = component.event = 0
        if slot < old.width:
            _raise(component, component_at(memory.pool, old.start + slot))
        if slot < thread.width:
            _raise(component, component_at(memory.pool, thread.start + slot))
    if into.holder:
        theirs = component_at(memory.pool, new.start + into.holder - 1)
        theirs.clock, theirs.event = into.clock, into.event
    mine = component_at(memory.pool, new.start + thread.slot)
    mine.clock, mine.event = thread.now, event
    _drop(memory, into.copy)
    into.holder, into.copy = 0, number


@inlined
def _raise(component: Component, other: Component) -> None:
    if other.clock > component.clock:
        component.clock, component.event = other.clock, other.event


@inlined
def _start(memory: Memory, parent: Thread, number: int, event: int) -> None:
    """Begin a thread that knows what its parent knows, in a slot whose end the parent knows."""
    if number < 0:
        return
    slot, last = memory.slots, 0
    for place in range(memory.live_ended):
        ended = ended_at(memory.ended, place)
        if _knows(memory, parent, ended.slot, ended.last):
            slot, last = ended.slot, ended.last
            memory.live_ended -= 1
            for following in range(place, memory.live_ended):
                after = ended_at(memory.ended, following + 1)
                here = ended_at(memory.ended, following)
                here.slot, here.last = after.slot, after.last
            break
    child = thread_at(memory.threads, number)
    _begin(memory, child, slot, last)
    _widen(memory, child, larger(parent.width, parent.slot + 1))
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
    _learn(memory, thread, News(child.slot, child.now, child.joined - 1))
    _learn_row(memory, thread, child.start, child.width)


@inlined
def _knows(memory: Memory, thread: Thread, slot: int, clock: int) -> bool:
    if slot == thread.slot:
        return True  # nobody has a larger one
    if slot < thread.width:
        return component_at(memory.pool, thread.start + slot).clock >= clock
    return clock == 0


@inlined
def _learn(memory: Memory, thread: Thread, news: News) -> None:
    """Raise one component of a thread's vector, and say so, if that is news."""
    if _knows(memory, thread, news.slot, news.clock):
        return
    if thread.width <= news.slot:
        _widen(memory, thread, news.slot + 1)
    component = component_at(memory.pool, thread.start + news.slot)
    component.clock, component.event = news.clock, news.event
    if thread.copy:
        _drop(memory, thread.copy)
        thread.copy = 0
    _tell(memory, news.slot, component)


@inlined
def _learn_row(memory: Memory, thread: Thread, start: int, width: int) -> None:
    for slot in range(width):
        component = component_at(memory.pool, start + slot)
        _learn(memory, thread, News(slot, component.clock, component.event))


@inlined
def _tell(memory: Memory, slot: int, component: Component) -> None:
    i32(memory.component, memory.learnt).value = slot
    i64(memory.value, memory.learnt).value = component.clock
    i64(memory.known, memory.learnt).value = component.event
    memory.learnt += 1


@inlined
def _tell_all(memory: Memory, thread: Thread) -> None:
    """A thread's first event says all that it knows."""
    for slot in range(thread.width):
        component = component_at(memory.pool, thread.start + slot)
        if component.clock and slot != thread.slot:
            _tell(memory, slot, component)


@inlined
def _copied(memory: Memory, thread: Thread) -> int:
    """A copy of a thread's row as it is now; 0 if that is empty."""
    if thread.copy == 0 and thread.width:
        number = _new_copy(memory, thread.width)
        start = copy_at(memory.copies, number).start
        for slot in range(thread.width):
            component = component_at(memory.pool, start + slot)
            source = component_at(memory.pool, thread.start + slot)
            component.clock, component.event = source.clock, source.event
        thread.copy = number
    return thread.copy


@inlined
def _new_copy(memory: Memory, width: int) -> int:
    """A copy of at least that width, held once, its components not set yet."""
    number = memory.free_copy
    if number:
        memory.free_copy = copy_at(memory.copies, number).start
    else:
        number = memory.next_copy
        memory.next_copy = number + 1
    copy = copy_at(memory.copies, number)
    copy.width = _rounded(width)
    copy.start = _new_row(memory, copy.width)
    copy.holders = 1
    return number


@inlined
def _drop(memory: Memory, number: int) -> None:
    """One holder fewer of a copy."""
    if number == 0:
        return
    copy = copy_at(memory.copies, number)
    copy.holders -= 1
    if copy.holders == 0:
        _free_row(memory, copy.start, copy.width)
        copy.start = memory.free_copy
        memory.free_copy = number


@inlined
def _widen(memory: Memory, thread: Thread, width: int) -> None:
    """Give a thread's row room for `width` components."""
    wide = _rounded(width)
    start = _new_row(memory, wide)
    for slot in range(wide):
        component = component_at(memory.pool, start + slot)
        component.clock = component.event = 0
        if slot < thread.width:
            _raise(component, component_at(memory.pool, thread.start + slot))
    if thread.width:
        _free_row(memory, thread.start, thread.width)
    thread.start, thread.width = start, wide
    memory.widest = larger(memory.widest, wide)


@inlined
def _rounded(width: int) -> int:
    wide = 8
    while wide < width:
        wide *= 2
    return wide


@inlined
def _new_row(memory: Memory, width: int) -> int:
    """The place of `width` components, a power of two."""
    free = i64(memory.free_rows, _size(width))
    if free.value == 0:
        start = memory.next_component
        memory.next_component = start + width
    else:
        start = free.value - 1
        free.value = component_at(memory.pool, start).clock
    return start


@inlined
def _free_row(memory: Memory, start: int, width: int) -> None:
    free = i64(memory.free_rows, _size(width))
    component_at(memory.pool, start).clock = free.value
    free.value = start + 1


@inlined
def _size(width: int) -> int:
    size = 0
    while width > 1:
        width >>= 1
        size += 1
    return size


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
            "changed": np.zeros(count // 16 + 64, np.int64),
            "bounds": np.zeros(count // 16 + 64, np.int64),
            "component": np.zeros(count // 8 + 64, np.int32),
            "value": np.zeros(count // 8 + 64, np.int64),
            "known": np.zeros(count // 8 + 64, np.int64),
        }
        memory = self._memory[0]
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
        for thread in range(len(self._number_of), len(threads)):
            self._number_of[threads[thread]] = thread
        known = len(self._started)
        started = [
            self._number_of[target.name] if target.kind is Kind.THREAD else -1
            for target in targets[known:]
        ]
        self._started = np.concatenate([self._started, np.array(started, np.int32)])
        before = len(self._threads)
        self._threads = _longer(self._threads, len(threads))
        self._threads["slot"][before:] = -1
        self._ended = _longer(self._ended, len(threads))
        self._objects = _longer(self._objects, len(targets))
        self._readers = _longer(self._readers, len(targets))

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
    """Make a pool longer by a half, and by at least `more`, in place."""
    length = len(pool) + max(more, len(pool) // 2)
    if length * pool.itemsize > MOST_BYTES:
        raise RacepageError(
            f"the vector clocks of this trace need more than {MOST_BYTES >> 30} GiB: a thread is "
            "forgotten only when it was joined; join threads that have ended, or check the trace "
            "in parts"
        )
    pool.resize(length, refcheck=False)
