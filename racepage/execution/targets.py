"""Targets as numbers, before any recorder has given them names.

A number names a target for the life of the process; the low bits say of what kind it is. So a
primitive can be made at any time and live through several recordings, and an event holds a plain
integer. `racepage.execution.tables` makes `lock:mmap` of it, once for each recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from typing import Final

from racepage.events import Kind, LockKind
from racepage.trace.columns import whole_page

KIND_BITS: Final = 3
KIND_MASK: Final = (1 << KIND_BITS) - 1
NO_TARGET: Final = -1
SMALLEST_PAGE: Final = whole_page(0)

given: dict[int, str] = {}
"""target -> the name, or for a page the label, that people gave it."""

sizes: dict[int, int] = {}
"""page -> its size in bytes, for the pages that are not of the smallest size."""

lock_kinds: dict[int, LockKind] = {}
"""lock -> what it is, for the locks that are not PLAIN."""

_MOST_RESERVED: Final = 1 << 24  # of a kind; more would take for ever, and no program has them

_spare: list[int] = []
_numbers = tuple(count() for _ in Kind)


numbering: Callable[[Kind], int] | None = None
"""Who numbers what is made, instead of a count: a controlled execution."""


def fresh(kind: Kind) -> int:
    """The next number of that kind that nothing had yet."""
    return next(_numbers[kind]) << KIND_BITS | kind


def reserve(numbers: Iterable[int]) -> bool:
    """Give these away, which nothing has yet, and all below them; False where that cannot be."""
    wanted: dict[int, list[int]] = {}
    for number in numbers:
        wanted.setdefault(number & KIND_MASK, []).append(number)
    for kind, ones in wanted.items():
        if kind >= len(Kind) or max(ones) >> KIND_BITS > _MOST_RESERVED:
            return False
        next_one = fresh(Kind(kind))
        if next_one > min(ones):
            return False
        while next_one < max(ones):
            next_one = fresh(Kind(kind))
    return True


def new(kind: Kind) -> int:
    """The number of something of that kind that is being made."""
    return fresh(kind) if numbering is None else numbering(kind)


def _named(kind: Kind, name: str | None) -> int:
    number = new(kind)
    if name is not None:
        given[number] = name
    return number


def new_lock(name: str | None = None, kind: LockKind = LockKind.PLAIN) -> int:
    """A lock's number. It is `lock:NAME` in a trace, or `lock:N` without a name; names that clash
    get a `#2`, and anonymous targets are counted from 0 in each recording."""  # noqa: D205, D209
    number = _named(Kind.LOCK, name)
    if kind is not LockKind.PLAIN:
        lock_kinds[number] = kind
    return number


def new_sync(name: str | None = None) -> int:
    """A synchronisation object's number: `sync:NAME` or `sync:N`."""
    return _named(Kind.SYNC, name)


def one_shot() -> int:
    """A synchronisation object for one hand-over; give it back with `recycle` once taken."""
    if numbering is None and _spare:
        with suppress(IndexError):  # another thread may have been there first
            return _spare.pop()
    return new(Kind.SYNC)


def recycle(number: int) -> None:
    """Let another hand-over use this one-shot. Its `take`, if any, is logged already."""
    if numbering is None:
        _spare.append(number)


def new_page(size: int, label: str | None = None) -> int:
    """The number of a page of `size` bytes: always `page:N`; the label is for people."""
    number = _named(Kind.PAGE, label)
    if size != SMALLEST_PAGE:
        sizes[number] = size
    return number


def new_user(label: str | None = None) -> int:
    """The number of a piece of user memory: `user:N`."""
    return _named(Kind.USER, label)


def new_cell(name: str | None = None) -> int:
    """The number of an atomic cell of its own, outside of any page: `cell:NAME` or `cell:N`."""
    return _named(Kind.CELL, name)


def new_reason(text: str) -> int:
    """The number of a reason: `reason:TEXT`. It outlives controlled executions, too."""
    number = fresh(Kind.REASON)
    given[number] = text
    return number


def new_pointer() -> int:
    """The number of a pointer to a mapped page."""
    return new(Kind.POINTER)
