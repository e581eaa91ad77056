"""The vocabulary: operations, targets, access classes, the conflict table, sites.

Everything that racepage records, orders or reports is an *event*: one operation of one thread on
one target. This file says what operations there are, which of them touch the bytes of a page, and
which pairs of them conflict; nothing else in racepage decides that.

The numbers of `Op` are internal (files carry names), but their order is relied upon: every
operation up to and including `FREE` touches bytes of a page, so that an engine asks
`op <= Op.FREE` and nothing more.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Op(IntEnum):
    """One kind of event. The text form is the name in lower case."""

    # Bytes of a page: offset and length say which.
    READ = 0
    WRITE = 1
    ZERO = 2
    COPY_IN = 3  # user memory -> page; length is what was moved
    LOAD = 4  # a failed compare-exchange is a LOAD
    STORE = 5
    RMW = 6
    BYTEWISE_READ = 7
    BYTEWISE_WRITE = 8
    # A page's lifetime: offset 0, length the whole page.
    ALLOC = 9
    FREE = 10
    COLLECT = 11  # freed by the garbage collector: ordered after everything, checked for nothing
    # User memory.
    USER_READ = 12
    USER_WRITE = 13
    # Mappings.
    MAP = 14
    UNMAP = 15
    # Locks.
    LOCK = 16
    UNLOCK = 17
    RLOCK = 18
    RUNLOCK = 19
    # Synchronisation objects.
    ACQUIRE = 20
    RELEASE = 21  # replaces the object's clock
    RELEASE_MERGE = 22  # joins into the object's clock
    TAKE = 23  # acquires, and forgets the object
    # Threads.
    START = 24
    JOIN = 25
    EXIT = 26
    FENCE = 27
    # Waiting, for deadlocks.
    BLOCK = 28
    WAKE = 29
    # Assertions: of a range, at one point or over a scope.
    ASSERT_WRITER = 30
    ASSERT_ACCESS = 31
    # The end of a lock, and of anybody's duty to join a thread.
    DESTROY = 32
    DETACH = 33
    # A scope whose races are meant; the target says why.
    RACY_OK = 34


class AccessClass(IntEnum):
    """How an access touches bytes, which decides what it conflicts with."""

    NONE = 0  # not an access
    PLAIN = 1
    ATOMIC = 2
    BYTEWISE = 3
    USER = 4
    LIFETIME = 5


class MemoryOrder(IntEnum):
    """The C++20 memory orders."""

    NONE = 0
    RELAXED = 1
    ACQUIRE = 2
    RELEASE = 3
    ACQ_REL = 4
    SEQ_CST = 5


class Flag(IntFlag):
    """What an event says beside its operation."""

    NONE = 0
    TRY = 1  # a lock that was tried, and taken
    TRYFAIL = 2  # a lock that was tried, and not taken: no edge
    BEGIN = 4  # a scope opens; of a read of user memory: its thread's first of a new slice
    END = 8  # a scope closes
    ZEROED = 16  # an ALLOC whose bytes are initialised
    INNER = 32  # an inner level of a re-entrant lock: no edge
    SLEEPS = 64  # may sleep, whether it did or not
    REFUSED = 128  # the primitive raised instead of doing this: no edge, no effect


class Kind(IntEnum):
    """What a target is. The text form is the name in lower case, a colon, and the target's name.

    Threads and pointers stand bare in text traces, where the operation tells what is meant.
    """

    PAGE = 0
    USER = 1
    CELL = 2
    SYNC = 3
    LOCK = 4
    THREAD = 5
    POINTER = 6
    REASON = 7  # why a race is meant


class LockKind(IntEnum):
    """What a lock promises, which decides what is a misuse of it. The text form is in lower case.

    All but PLAIN belong to who took them. A holder of a SPIN lock may not sleep.
    """

    PLAIN = 0  # `threading.Lock`: any thread may release it
    MUTEX = 1
    SPIN = 2
    RECURSIVE = 3
    RW = 4


class Target(NamedTuple):
    """What an event acts on: `Target(Kind.PAGE, "0")` is `page:0`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name.lower()}:{self.name}"


class Frame(NamedTuple):
    """One line of a call stack."""

    file: str
    line: int
    function: str


Stack = tuple[Frame, ...]
"""A call site, innermost frame first; never empty."""

CLASS_OF: Final[tuple[AccessClass, ...]] = tuple(
    {
        Op.READ: AccessClass.PLAIN,
        Op.WRITE: AccessClass.PLAIN,
        Op.ZERO: AccessClass.PLAIN,
        Op.COPY_IN: AccessClass.PLAIN,
        Op.LOAD: AccessClass.ATOMIC,
        Op.STORE: AccessClass.ATOMIC,
        Op.RMW: AccessClass.ATOMIC,
        Op.BYTEWISE_READ: AccessClass.BYTEWISE,
        Op.BYTEWISE_WRITE: AccessClass.BYTEWISE,
        Op.ALLOC: AccessClass.LIFETIME,
        Op.FREE: AccessClass.LIFETIME,
        Op.USER_READ: AccessClass.USER,
        Op.USER_WRITE: AccessClass.USER,
    }.get(op, AccessClass.NONE)
    for op in Op
)
"""The access class of each operation, indexed by `Op`."""

WRITES: Final[frozenset[Op]] = frozenset(
    {
        Op.WRITE,
        Op.ZERO,
        Op.COPY_IN,
        Op.STORE,
        Op.RMW,
        Op.BYTEWISE_WRITE,
        Op.ALLOC,
        Op.FREE,
        Op.USER_WRITE,
    }
)
"""The operations that change bytes (lifetime acts as a write of the whole page)."""

_ATOMIC = (AccessClass.ATOMIC, AccessClass.BYTEWISE)


def conflicts(first: Op, second: Op) -> bool:
    """Whether two overlapping accesses by different threads conflict: DESIGN.md section 3.2.

    Both are accesses, at least one writes, not both are atomic or bytewise, and neither touches
    user memory. Symmetric.
    """
    classes = (CLASS_OF[first], CLASS_OF[second])
    if AccessClass.NONE in classes or AccessClass.USER in classes:
        return False
    if first not in WRITES and second not in WRITES:
        return False
    return not (classes[0] in _ATOMIC and classes[1] in _ATOMIC)


CONFLICT: Final[NDArray[np.bool_]] = np.array(
    [[conflicts(first, second) for second in Op] for first in Op]
)
"""`conflicts` as a table, square, indexed by two `Op`s: the one conflict table."""

SUBSUMES: Final[NDArray[np.bool_]] = np.array(
    [[bool((CONFLICT[older] <= CONFLICT[newer]).all()) for older in Op] for newer in Op]
)
"""Indexed by (newer, older): whatever conflicts with the older access conflicts with the newer.

A detector may then forget an older access that happens before a newer one: whoever races with the
older one races with the newer one too. A plain or lifetime write subsumes everything, an atomic
write only atomic accesses, a plain read every read, an atomic read only atomic reads.
"""


def overlap(a_start: int, a_stop: int, b_start: int, b_stop: int) -> bool:
    """Whether the half-open ranges [a_start, a_stop) and [b_start, b_stop) share a byte.

    An empty range shares nothing.
    """
    return max(a_start, b_start) < min(a_stop, b_stop)
