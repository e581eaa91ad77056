"""What threads hand on, compiled: by locks, by synchronisation objects, and by words of atomics.

An *object* is a shared copy of the row of whoever released it, and the releaser's own component
beside that. Compiled code joins it into a thread's row, or into another object.
"""

from __future__ import annotations

from racepage.jit import inlined, larger
from racepage.order.rows import (
    Memory,
    News,
    Object,
    Thread,
    component_at,
    copied,
    copy_at,
    drop,
    i32,
    knows,
    learn,
    learn_row,
    lift,
    new_copy,
    object_at,
    u8,
)
from racepage.order.words import ACQUIRING, ENDING, FENCING, GOING_ON, LOADING, RELEASING, STORING


@inlined
def acquire(memory: Memory, thread: Thread, source: Object) -> None:
    """Join what an object hands on into a thread's vector."""
    if source.holder and knows(memory, thread, source.holder - 1, source.clock):
        return
    if source.holder:
        learn(memory, thread, News(source.holder - 1, source.clock, source.event))
    copy = copy_at(memory.copies, source.copy)
    learn_row(memory, thread, copy.start, copy.width)


@inlined
def release(memory: Memory, thread: Thread, into: Object, event: int, merge: bool) -> None:
    """Let an object hand on a thread's vector, and, with `merge`, what it handed on before."""
    if merge and not _covers(memory, thread, into):
        _merge(memory, thread, into, event)
        return
    copy = copied(memory, thread)
    copy_at(memory.copies, copy).holders += 1
    drop(memory, into.copy)
    into.copy, into.holder = copy, thread.slot + 1
    into.clock, into.event = thread.now, event


@inlined
def _covers(memory: Memory, thread: Thread, what: Object) -> bool:
    """Whether a thread knows all that an object hands on."""
    if what.holder:
        return knows(memory, thread, what.holder - 1, what.clock)
    copy = copy_at(memory.copies, what.copy)
    for slot in range(copy.width):
        if not knows(memory, thread, slot, component_at(memory.pool, copy.start + slot).clock):
            return False
    return True


@inlined
def _merge(memory: Memory, thread: Thread, into: Object, event: int) -> None:
    """Make an object's copy the join of what it hands on and of a thread's vector."""
    old = copy_at(memory.copies, into.copy)
    width = larger(larger(old.width, into.holder), larger(thread.width, thread.slot + 1))
    number = new_copy(memory, width)
    new = copy_at(memory.copies, number)
    for slot in range(new.width):
        component = component_at(memory.pool, new.start + slot)
        component.clock = component.event = 0
        if slot < old.width:
            lift(component, component_at(memory.pool, old.start + slot))
        if slot < thread.width:
            lift(component, component_at(memory.pool, thread.start + slot))
    if into.holder:
        theirs = component_at(memory.pool, new.start + into.holder - 1)
        theirs.clock, theirs.event = into.clock, into.event
    mine = component_at(memory.pool, new.start + thread.slot)
    mine.clock, mine.event = thread.now, event
    drop(memory, into.copy)
    into.holder, into.copy = 0, number


@inlined
def clear(memory: Memory, what: Object) -> None:
    """Let an object hand on nothing any more."""
    drop(memory, what.copy)
    what.holder = what.copy = 0


@inlined
def share(memory: Memory, into: Object, source: Object) -> None:
    """Let an object hand on what another one does."""
    if source.copy:
        copy_at(memory.copies, source.copy).holders += 1
    drop(memory, into.copy)
    into.copy, into.holder = source.copy, source.holder
    into.clock, into.event = source.clock, source.event


@inlined
def add(memory: Memory, into: Object, source: Object) -> None:
    """Let an object hand on what another one does, and what it handed on before."""
    if source.holder == 0 and source.copy == 0:
        return
    if into.holder == 0 and into.copy == 0:
        share(memory, into, source)
        return
    old, other = copy_at(memory.copies, into.copy), copy_at(memory.copies, source.copy)
    width = larger(larger(old.width, into.holder), larger(other.width, source.holder))
    number = new_copy(memory, width)
    new = copy_at(memory.copies, number)
    for slot in range(new.width):
        component = component_at(memory.pool, new.start + slot)
        component.clock = component.event = 0
        if slot < old.width:
            lift(component, component_at(memory.pool, old.start + slot))
        if slot < other.width:
            lift(component, component_at(memory.pool, other.start + slot))
    _lift_own(memory, new.start, into)
    _lift_own(memory, new.start, source)
    drop(memory, into.copy)
    into.holder, into.copy = 0, number


@inlined
def _lift_own(memory: Memory, start: int, what: Object) -> None:
    """Raise the component of an object's releaser in a row to what the object says of it."""
    if what.holder:
        component = component_at(memory.pool, start + what.holder - 1)
        if what.clock > component.clock:
            component.clock, component.event = what.clock, what.event


@inlined
def mark(memory: Memory, thread: Thread, number: int, row: int) -> None:
    """Apply an atomic or byte-wise access, a fence, or a write that ends release sequences.

    `order/atomics.py` says what it means.
    """
    act = u8(memory.act, row).value
    if act & FENCING:
        if act & ACQUIRING:
            acquire(memory, thread, object_at(memory.loaded, number))
        if act & RELEASING:
            release(memory, thread, object_at(memory.released, number), memory.fed + row, False)
    words = range(i32(memory.first, row).value, i32(memory.last, row).value)
    if act & LOADING:
        for word in words:
            if act & ACQUIRING:
                acquire(memory, thread, object_at(memory.words, word))
            else:
                add(memory, object_at(memory.loaded, number), object_at(memory.words, word))
    if act & (STORING | ENDING):
        for word in words:
            _write(memory, thread, number, row, object_at(memory.words, word))
    if act & RELEASING:
        thread.now += 1


@inlined
def _write(memory: Memory, thread: Thread, number: int, row: int, word: Object) -> None:
    """Let a word hand on what a write to it does."""
    act = u8(memory.act, row).value
    if act & ENDING:
        clear(memory, word)
    elif act & RELEASING:
        release(memory, thread, word, memory.fed + row, act & GOING_ON != 0)
    elif act & GOING_ON:
        add(memory, word, object_at(memory.released, number))
    else:
        share(memory, word, object_at(memory.released, number))
