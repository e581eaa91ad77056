"""Vectors for the compiled orders: rows of components, and copies of rows that are shared.

A *row* is what a thread knows: for each slot up to the highest one that it knows of, the slot's
clock, and the event that ended that clock. A thread's own component stands beside its row, since it
changes all the time and the rest seldom does. Rows have powers of two of components, and lie in one
pool; those that are no longer used are kept in a list for each power of two.

A *copy* is a row that no longer changes. What a thread releases is a copy of its row, and as long
as it learns nothing, all that it releases is the same one: a million locks hold a million small
structs, not a million vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from racepage.jit import inlined, larger
from racepage.structs import I32, I64, number, pointer


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
    words: I64  # objects, by word (order/words.py)
    loaded: I64  # objects, by thread: what its relaxed loads read
    released: I64  # objects, by thread: what it knew at its last release fence
    # Addresses of the batch, and of its stamps.
    thread: I64
    op: I64
    target: I64
    flags: I64
    act: I64  # what it does to the words from `first` to before `last`; 0 if nothing does
    first: I64
    last: I64
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


@inlined
def lift(component: Component, other: Component) -> None:
    """Raise a component to another one of its slot, if that is higher."""
    if other.clock > component.clock:
        component.clock, component.event = other.clock, other.event


@inlined
def knows(memory: Memory, thread: Thread, slot: int, clock: int) -> bool:
    """Whether a thread's vector has at least `clock` for `slot`."""
    if slot == thread.slot:
        return True  # nobody has a larger one
    if slot < thread.width:
        return component_at(memory.pool, thread.start + slot).clock >= clock
    return clock == 0


@inlined
def learn(memory: Memory, thread: Thread, news: News) -> None:
    """Raise one component of a thread's vector, and say so, if that is news."""
    if knows(memory, thread, news.slot, news.clock):
        return
    if thread.width <= news.slot:
        widen(memory, thread, news.slot + 1)
    component = component_at(memory.pool, thread.start + news.slot)
    component.clock, component.event = news.clock, news.event
    if thread.copy:
        drop(memory, thread.copy)
        thread.copy = 0
    _tell(memory, news.slot, component)


@inlined
def learn_row(memory: Memory, thread: Thread, start: int, width: int) -> None:
    """Join a row into a thread's vector."""
    for slot in range(width):
        component = component_at(memory.pool, start + slot)
        learn(memory, thread, News(slot, component.clock, component.event))


@inlined
def _tell(memory: Memory, slot: int, component: Component) -> None:
    i32(memory.component, memory.learnt).value = slot
    i64(memory.value, memory.learnt).value = component.clock
    i64(memory.known, memory.learnt).value = component.event
    memory.learnt += 1


@inlined
def tell_all(memory: Memory, thread: Thread) -> None:
    """A thread's first event says all that it knows."""
    for slot in range(thread.width):
        component = component_at(memory.pool, thread.start + slot)
        if component.clock and slot != thread.slot:
            _tell(memory, slot, component)


@inlined
def copied(memory: Memory, thread: Thread) -> int:
    """A copy of a thread's row as it is now; 0 if that is empty."""
    if thread.copy == 0 and thread.width:
        number = new_copy(memory, thread.width)
        start = copy_at(memory.copies, number).start
        for slot in range(thread.width):
            component = component_at(memory.pool, start + slot)
            source = component_at(memory.pool, thread.start + slot)
            component.clock, component.event = source.clock, source.event
        thread.copy = number
    return thread.copy


@inlined
def new_copy(memory: Memory, width: int) -> int:
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
def drop(memory: Memory, number: int) -> None:
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
def widen(memory: Memory, thread: Thread, width: int) -> None:
    """Give a thread's row room for `width` components."""
    wide = _rounded(width)
    start = _new_row(memory, wide)
    for slot in range(wide):
        component = component_at(memory.pool, start + slot)
        component.clock = component.event = 0
        if slot < thread.width:
            lift(component, component_at(memory.pool, thread.start + slot))
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
