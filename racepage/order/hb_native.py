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

THREADS, OBJECTS, COMPONENTS, COPIES, CHANGES, LEARNT, UNKNOWN = range(7)
"""What `State.status` says that there is no room for; the last: a row names what no table has."""

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


class State:
    """How much there is of everything, and what is missing."""

    status: I64
    wanted: I64
    slots: I64
    ended: I64  # slots whose thread was joined, that nobody took over yet
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


class Ended:
    """A slot that may be handed on, by a thread that knows its last clock."""

    slot: I64
    last: I64


class Memory(NamedTuple):
    """The addresses of all state; `free_rows` has the first free row of each power of two, + 1."""

    state: int
    threads: int
    objects: int  # by target id
    readers: int  # by target id: what RUNLOCK released
    pool: int
    free_rows: int
    copies: int
    ended: int


class Batch(NamedTuple):
    """The addresses of the events and of their stamps, and the sizes of the tables."""

    thread: int
    op: int
    target: int
    flags: int
    started: int  # target id -> number of the thread that it is, or -1
    events: int  # how many
    fed: int  # events before this batch
    threads: int
    targets: int
    clock: int
    changed: int
    bounds: int
    component: int
    value: int
    known: int


class News(NamedTuple):
    """What somebody says of a slot: see `Component`."""

    slot: int
    clock: int
    event: int


component_at = pointer(Component)
thread_at = pointer(Thread)
object_at = pointer(Object)
copy_at = pointer(Copy)
state_at = pointer(State)
ended_at = pointer(Ended)
u8, i32, i64 = number(np.uint8), number(np.int32), number(np.int64)


@compiled
def _stamp(  # noqa: C901  (the loop over all events)
    batch: Batch, memory: Memory, begin: int
) -> int:
    """Stamp the events from `begin` on; return the first that there was no room for, or the end."""
    state = state_at(memory.state, 0)
    current = -1
    thread = thread_at(memory.threads, 0)
    for row in range(begin, batch.events):
        if i32(batch.thread, row).value != current:
            current = i32(batch.thread, row).value
            if not 0 <= current < batch.threads:
                state.status = UNKNOWN
                return row
            thread = thread_at(memory.threads, current)
            if thread.slot < 0:  # nobody started it: a slot of its own, and no incoming edge
                _begin(memory, thread, state.slots, 0)
        i64(batch.clock, row).value = thread.now
        op = int(u8(batch.op, row).value)
        edge = _LOCK <= op <= _JOIN and u8(batch.flags, row).value & _NO_EDGE == 0
        if not edge and thread.seen:
            continue
        if not _has_room(state):
            return row
        before = state.learnt
        if not thread.seen:
            thread.seen = 1
            _tell_all(batch, memory, thread)
        if edge:
            if not 0 <= i32(batch.target, row).value < batch.targets:
                state.status = UNKNOWN
                return row
            _step(batch, memory, thread, row)
        if state.learnt > before:
            i64(batch.changed, state.changes).value = row
            state.changes += 1
            i64(batch.bounds, state.changes).value = state.learnt
    return batch.events


@inlined
def _has_room(state: State) -> bool:
    """Whether there is room for whatever one event may need."""
    width = 2 * larger(8, larger(state.widest, state.slots + 1))  # rows have powers of two
    if state.next_component + 4 * width > state.room_components:
        state.status, state.wanted = COMPONENTS, 4 * width
    elif state.next_copy + 2 > state.room_copies:
        state.status, state.wanted = COPIES, 2
    elif state.changes + 2 > state.room_changes:
        state.status, state.wanted = CHANGES, 2
    elif state.learnt + 3 * width > state.room_learnt:
        state.status, state.wanted = LEARNT, 3 * width
    else:
        return True
    return False


@inlined
def _step(batch: Batch, memory: Memory, thread: Thread, row: int) -> None:
    """Apply one edge: DESIGN.md section 4, as `order/hb.py` spells it."""
    op, target = u8(batch.op, row).value, i32(batch.target, row).value
    event = batch.fed + row
    mine = object_at(memory.objects, target)
    if op == _LOCK:
        _acquire(batch, memory, thread, mine)
        _acquire(batch, memory, thread, object_at(memory.readers, target))
    elif op in (_RLOCK, _ACQUIRE, _TAKE):
        _acquire(batch, memory, thread, mine)
        if op == _TAKE:
            _drop(memory, mine.copy)
            mine.holder = mine.copy = 0
    elif op == _JOIN:
        _join(batch, memory, thread, i32(batch.started, target).value, event)
    else:
        if op == _START:
            _start(memory, thread, i32(batch.started, target).value, event)
        elif op == _RUNLOCK:
            _release(memory, thread, object_at(memory.readers, target), event, True)
        else:
            _release(memory, thread, mine, event, op != _RELEASE)
        thread.now += 1


@inlined
def _acquire(batch: Batch, memory: Memory, thread: Thread, source: Object) -> None:
    """Join what an object hands on into a thread's vector."""
    if source.holder and _knows(memory, thread, source.holder - 1, source.clock):
        return
    if source.holder:
        _learn(batch, memory, thread, News(source.holder - 1, source.clock, source.event))
    copy = copy_at(memory.copies, source.copy)
    _learn_row(batch, memory, thread, copy.start, copy.width)


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
    state = state_at(memory.state, 0)
    slot, last = state.slots, 0
    for place in range(state.ended):
        ended = ended_at(memory.ended, place)
        if _knows(memory, parent, ended.slot, ended.last):
            slot, last = ended.slot, ended.last
            state.ended -= 1
            for following in range(place, state.ended):
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
    state = state_at(memory.state, 0)
    state.slots = larger(state.slots, slot + 1)
    thread.slot, thread.base, thread.now = slot, last, last + 1
    thread.seen = thread.joined = thread.width = thread.copy = 0


@inlined
def _join(batch: Batch, memory: Memory, thread: Thread, number: int, event: int) -> None:
    if number < 0:
        return
    child = thread_at(memory.threads, number)
    if child.slot < 0:  # it never did anything, and nobody started it
        return
    state = state_at(memory.state, 0)
    if not child.joined:
        child.joined = event + 1
        ended = ended_at(memory.ended, state.ended)
        ended.slot, ended.last = child.slot, child.now
        state.ended += 1
    _learn(batch, memory, thread, News(child.slot, child.now, child.joined - 1))
    _learn_row(batch, memory, thread, child.start, child.width)


@inlined
def _knows(memory: Memory, thread: Thread, slot: int, clock: int) -> bool:
    if slot == thread.slot:
        return True  # nobody has a larger one
    if slot < thread.width:
        return component_at(memory.pool, thread.start + slot).clock >= clock
    return clock == 0


@inlined
def _learn(batch: Batch, memory: Memory, thread: Thread, news: News) -> None:
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
    _tell(batch, memory, news.slot, component)


@inlined
def _learn_row(batch: Batch, memory: Memory, thread: Thread, start: int, width: int) -> None:
    for slot in range(width):
        component = component_at(memory.pool, start + slot)
        _learn(batch, memory, thread, News(slot, component.clock, component.event))


@inlined
def _tell(batch: Batch, memory: Memory, slot: int, component: Component) -> None:
    state = state_at(memory.state, 0)
    i32(batch.component, state.learnt).value = slot
    i64(batch.value, state.learnt).value = component.clock
    i64(batch.known, state.learnt).value = component.event
    state.learnt += 1


@inlined
def _tell_all(batch: Batch, memory: Memory, thread: Thread) -> None:
    """A thread's first event says all that it knows."""
    for slot in range(thread.width):
        component = component_at(memory.pool, thread.start + slot)
        if component.clock and slot != thread.slot:
            _tell(batch, memory, slot, component)


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
    state = state_at(memory.state, 0)
    number = state.free_copy
    if number:
        state.free_copy = copy_at(memory.copies, number).start
    else:
        number = state.next_copy
        state.next_copy = number + 1
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
    state = state_at(memory.state, 0)
    copy = copy_at(memory.copies, number)
    copy.holders -= 1
    if copy.holders == 0:
        _free_row(memory, copy.start, copy.width)
        copy.start = state.free_copy
        state.free_copy = number


@inlined
def _widen(memory: Memory, thread: Thread, width: int) -> None:
    """Give a thread's row room for `width` components."""
    state = state_at(memory.state, 0)
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
    state.widest = larger(state.widest, wide)


@inlined
def _rounded(width: int) -> int:
    wide = 8
    while wide < width:
        wide *= 2
    return wide


@inlined
def _new_row(memory: Memory, width: int) -> int:
    """The place of `width` components, a power of two."""
    state = state_at(memory.state, 0)
    free = i64(memory.free_rows, _size(width))
    if free.value == 0:
        start = state.next_component
        state.next_component = start + width
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
        self._started = np.zeros(0, np.int32)
        self._state = np.zeros(1, layout(State))
        self._state[0]["next_copy"] = 1  # copy 0 is the empty one
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
        events: dict[str, NDArray[Any]] = {
            "thread": np.ascontiguousarray(columns.thread, np.int32),
            "op": np.ascontiguousarray(columns.op, np.uint8),
            "target": np.ascontiguousarray(columns.target, np.int32),
            "flags": np.ascontiguousarray(columns.flags, np.uint8),
            "started": self._started,
            "clock": np.empty(count, np.int64),
        }
        changes = {name: np.zeros(count // 16 + 64, np.int64) for name in ("changed", "bounds")}
        learnt: dict[str, NDArray[Any]] = {
            "component": np.zeros(count // 8 + 64, np.int32),
            "value": np.zeros(count // 8 + 64, np.int64),
            "known": np.zeros(count // 8 + 64, np.int64),
        }
        state = self._state[0]
        state["changes"] = state["learnt"] = row = 0
        while True:
            self._tell_rooms(len(changes["changed"]), len(learnt["value"]))
            batch = Batch(
                **{name: address(array) for name, array in (events | changes | learnt).items()},
                events=count,
                fed=self._fed,
                threads=len(self._threads),
                targets=len(self._started),
            )
            row = _stamp(batch, self._memory(), row)
            if row == count:
                break
            self._make_room(row, changes, learnt)
        self._fed += count
        ends = int(state["changes"]), int(state["learnt"])
        slot = self._threads["slot"][: len(threads)].copy()
        return Stamps(
            clock=events["clock"],
            changed=changes["changed"][: ends[0]],
            bounds=changes["bounds"][: ends[0] + 1],
            component=learnt["component"][: ends[1]],
            value=learnt["value"][: ends[1]],
            known=learnt["known"][: ends[1]],
            slot=slot,
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

    def _memory(self) -> Memory:
        return Memory(
            state=address(self._state),
            threads=address(self._threads),
            objects=address(self._objects),
            readers=address(self._readers),
            pool=address(self._pool),
            free_rows=address(self._free_rows),
            copies=address(self._copies),
            ended=address(self._ended),
        )

    def _tell_rooms(self, changes: int, learnt: int) -> None:
        state = self._state[0]
        state["room_components"], state["room_copies"] = len(self._pool), len(self._copies)
        state["room_changes"], state["room_learnt"] = changes, learnt

    def _make_room(
        self, row: int, changes: dict[str, NDArray[Any]], learnt: dict[str, NDArray[Any]]
    ) -> None:
        """Give the event at `row` what it lacks."""
        state = self._state[0]
        wanted = int(state["wanted"])
        match int(state["status"]):
            case status if status == COMPONENTS:
                _grow(self._pool, wanted)
            case status if status == COPIES:
                _grow(self._copies, wanted)
            case status if status == CHANGES:
                for column in changes.values():
                    _grow(column, wanted)
            case status if status == LEARNT:
                for column in learnt.values():
                    _grow(column, wanted)
            case _:
                raise RacepageError(
                    f"event {self._fed + row} names a thread or a target that is in no table; "
                    "the trace was not validated"
                )


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
