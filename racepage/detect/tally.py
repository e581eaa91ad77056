"""What the native engine counts: racing pairs by their sites, and racy events.

A class of pairs is two sites, in either order, and how many of the two accesses are frees; two
frees are a class of their own each time, as in the reference engine. A *site* here is the trace's
site id, or, for an access that has none, a negative number that stands for all that is known of it
(`evidence.place`): equal places have equal numbers.

Both tables are open hash tables whose room is a power of two, and never more than half full; when
one is, `shadow.Memory.status` says so, and the access is taken up again once there is room.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from racepage.detect.ranges import note
from racepage.detect.shadow import (
    EVENT_BIT,
    NAMES,
    OP_MASK,
    PAIRS,
    By,
    Memory,
    Page,
    Past,
    Run,
    lack,
    u8,
)
from racepage.events import Op
from racepage.jit import compiled, inlined, larger, smaller
from racepage.structs import I32, I64, pointer

_FREE: Final = int(Op.FREE)


class Pair:
    """A class of racing pairs; `times` is 0 where the table has nothing."""

    low: I32
    high: I32
    frees: I64
    alone: I64
    first: I64
    second: I64
    latest: I64  # the last second event that was counted
    times: I64


class Name:
    """All that is known of an access without a site; `number` is 0 where the table has nothing."""

    number: I32
    thread: I32
    op: I32
    target: I32
    offset: I64
    length: I64


class Class(NamedTuple):
    """What makes a class of pairs; `alone` is the second event of two frees, 0 for other pairs."""

    low: int
    high: int
    frees: int
    alone: int


class Place(NamedTuple):
    """All that is known of an access without a site."""

    thread: int
    op: int
    target: int
    offset: int
    length: int


pair_at = pointer(Pair)
name_at = pointer(Name)


@inlined
def report(memory: Memory, by: By, page: Page, run: Run, past: Past) -> bool:
    """Count one race on the bytes of a run; False if there is no room for it."""
    if not note(memory, page, run) or not _count(memory, by, past):
        return False
    u8(memory.racy_rows, by.row).value = 1
    return True


@inlined
def _count(memory: Memory, by: By, past: Past) -> bool:
    if 2 * memory.live_pairs >= memory.room_pairs:
        return lack(memory, PAIRS, memory.live_pairs + 1)
    first, second = (past.access >> EVENT_BIT) - 1, (by.access >> EVENT_BIT) - 1
    frees = (past.access & OP_MASK == _FREE) + (by.access & OP_MASK == _FREE)
    key = Class(
        smaller(past.site, by.site), larger(past.site, by.site), frees, second if frees == 2 else 0
    )
    pair = _find_pair(memory.pairs, memory.room_pairs, key)
    if pair.times == 0:
        pair.low, pair.high, pair.frees, pair.alone = key
        pair.first, pair.second = first, second
        memory.live_pairs += 1
    elif pair.second == second:  # several firsts of one event: the latest stands for them
        pair.first = larger(pair.first, first)
    if pair.times == 0 or pair.latest != second:
        pair.latest = second
        pair.times += 1
    return True


@inlined
def _find_pair(pairs: int, room: int, key: Class) -> Pair:
    """Where a class is in a table, or would be."""
    at = _mixed(_mixed(key.low << 32 ^ key.high) ^ key.frees ^ key.alone << 2) & room - 1
    pair = pair_at(pairs, at)
    while pair.times and (
        pair.low != key.low
        or pair.high != key.high
        or pair.frees != key.frees
        or pair.alone != key.alone
    ):
        at = at + 1 & room - 1
        pair = pair_at(pairs, at)
    return pair


@compiled
def move_pairs(old: int, old_room: int, new: int, room: int) -> None:
    """Put the classes of one table into a larger one, which is empty."""
    for at in range(old_room):
        pair = pair_at(old, at)
        if pair.times:
            key = Class(pair.low, pair.high, pair.frees, pair.alone)
            copy = _find_pair(new, room, key)
            copy.low, copy.high, copy.frees, copy.alone = key
            copy.first, copy.second = pair.first, pair.second
            copy.latest, copy.times = pair.latest, pair.times


@inlined
def name(memory: Memory, place: Place) -> int:
    """The negative number of an access without a site; 0 if there is no room for it."""
    if 2 * memory.live_names >= memory.room_names:
        lack(memory, NAMES, memory.live_names + 1)
        return 0
    found = _find_name(memory.names, memory.room_names, place)
    if found.number == 0:
        memory.live_names += 1
        found.number = -memory.live_names - 1  # -1 is no site
        found.thread, found.op, found.target, found.offset, found.length = place
    return found.number


@inlined
def _find_name(names: int, room: int, place: Place) -> Name:
    """Where a name is in a table, or would be."""
    who = place.thread << 32 ^ place.target << 4 ^ place.op
    at = _mixed(_mixed(who) ^ place.offset << 24 ^ place.length) & room - 1
    found = name_at(names, at)
    while found.number and (
        found.thread != place.thread
        or found.op != place.op
        or found.target != place.target
        or found.offset != place.offset
        or found.length != place.length
    ):
        at = at + 1 & room - 1
        found = name_at(names, at)
    return found


@compiled
def move_names(old: int, old_room: int, new: int, room: int) -> None:
    """Put the names of one table into a larger one, which is empty."""
    for at in range(old_room):
        name = name_at(old, at)
        if name.number:
            place = Place(name.thread, name.op, name.target, name.offset, name.length)
            copy = _find_name(new, room, place)
            copy.number = name.number
            copy.thread, copy.op, copy.target, copy.offset, copy.length = place


@inlined
def _mixed(value: int) -> int:
    """A hash of 63 bits: the finaliser of MurmurHash3, with signed numbers."""
    value ^= value >> 33 & 0x7FFFFFFF
    value *= -0x00AE502812AA7333
    value ^= value >> 33 & 0x7FFFFFFF
    value *= -0x3B314601E57A13AD
    return (value ^ value >> 33) & 0x7FFFFFFFFFFFFFFF
