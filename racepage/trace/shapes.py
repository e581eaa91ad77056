"""What each operation takes: which targets, whether bytes, which flags, which details.

One table, asked by every reader, writer and by `validate`, so that no two of them disagree on what
a well-formed event is.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import Flag, Kind, Op

MAX_PAGE: Final = 1 << 30
"""The largest page, in bytes. Larger ones are refused: a shadow must never be a way to exhaust
memory, and an order-18 page is far beyond what a page allocator gives."""

MAX_NUMBER: Final = 10**18 - 1
"""The largest number that a trace may hold: 18 digits, safely inside int64 even when added."""

FLAG_WORDS: Final[dict[str, Flag]] = {
    "try": Flag.TRY,
    "tryfail": Flag.TRYFAIL,
    "begin": Flag.BEGIN,
    "end": Flag.END,
    "zero": Flag.ZEROED,
    "inner": Flag.INNER,
    "sleeps": Flag.SLEEPS,
    "refused": Flag.REFUSED,
}
"""The flags as files spell them."""


class Shape(NamedTuple):
    """What one operation takes.

    Attributes:
        kinds: what its target may be; empty where it has none.
        span: whether the target has a byte range; "page": a page must, a cell has none.
        flags: the flags it may carry.
        details: the `key=` options it may carry in a text trace, beside `time=`.
    """

    kinds: tuple[Kind, ...]
    span: Literal["must", "may", "none", "page"]
    flags: Flag = Flag.NONE
    details: frozenset[str] = frozenset()


_POINTER_USE: Final = frozenset({"via", "slice", "old", "new"})
_PLAIN: Final = Shape((Kind.PAGE,), "must", details=_POINTER_USE)
_ATOMIC: Final = Shape((Kind.PAGE, Kind.CELL), "page", details=_POINTER_USE | {"order"})
_USER: Final = Shape((Kind.USER,), "must", Flag.BEGIN, _POINTER_USE)
_LIFETIME: Final = Shape((Kind.PAGE,), "none", details=frozenset({"size"}))
_LOCK: Final = Shape(
    (Kind.LOCK,), "none", Flag.TRY | Flag.TRYFAIL | Flag.INNER | Flag.SLEEPS | Flag.REFUSED
)
_UNLOCK: Final = Shape((Kind.LOCK,), "none", Flag.INNER | Flag.REFUSED)
_SYNC: Final = Shape((Kind.SYNC,), "none", Flag.SLEEPS)
_THREAD: Final = Shape((Kind.THREAD,), "none")
_ASSERT: Final = Shape((Kind.PAGE, Kind.CELL), "page", Flag.BEGIN | Flag.END)

SHAPES: Final[dict[Op, Shape]] = {
    Op.READ: _PLAIN,
    Op.WRITE: _PLAIN,
    Op.ZERO: _PLAIN,
    Op.COPY_IN: _PLAIN._replace(flags=Flag.BEGIN, details=_POINTER_USE | {"moved", "from"}),
    Op.LOAD: _ATOMIC,
    Op.STORE: _ATOMIC,
    Op.RMW: _ATOMIC,
    Op.BYTEWISE_READ: _PLAIN,
    Op.BYTEWISE_WRITE: _PLAIN,
    Op.ALLOC: _LIFETIME._replace(flags=Flag.ZEROED | Flag.SLEEPS),
    Op.FREE: _LIFETIME,
    Op.COLLECT: _LIFETIME,
    Op.USER_READ: _USER,
    Op.USER_WRITE: _USER._replace(flags=Flag.NONE),
    Op.MAP: Shape((Kind.PAGE,), "may", details=frozenset({"as", "slice"})),
    Op.UNMAP: Shape((Kind.POINTER,), "none"),
    Op.LOCK: _LOCK,
    Op.UNLOCK: _UNLOCK,
    Op.RLOCK: _LOCK,
    Op.RUNLOCK: _UNLOCK,
    Op.ACQUIRE: _SYNC,
    Op.RELEASE: _SYNC,
    Op.RELEASE_MERGE: _SYNC,
    Op.TAKE: _SYNC,
    Op.START: _THREAD,
    Op.JOIN: _THREAD,
    Op.EXIT: Shape((), "none"),
    Op.FENCE: Shape((), "none", details=frozenset({"order"})),
    Op.BLOCK: Shape(tuple(Kind), "none", Flag.TRY),
    Op.WAKE: Shape((), "none", Flag.BEGIN | Flag.END),
    Op.ASSERT_WRITER: _ASSERT,
    Op.ASSERT_ACCESS: _ASSERT,
    Op.DESTROY: Shape((Kind.LOCK,), "none", Flag.REFUSED),
    Op.DETACH: _THREAD,
    Op.RACY_OK: Shape((Kind.REASON,), "none", Flag.BEGIN | Flag.END),
}

_CONTRADICTIONS: Final = (
    Flag.TRY | Flag.TRYFAIL,
    Flag.BEGIN | Flag.END,
    Flag.REFUSED | Flag.TRY,
    Flag.REFUSED | Flag.TRYFAIL,
    Flag.REFUSED | Flag.INNER,
)


def flags_fit(op: Op, flags: int) -> bool:
    """Whether `op` may carry `flags`, all of them together."""
    if flags & ~int(SHAPES[op].flags):
        return False
    return all(flags & both != both for both in _CONTRADICTIONS)


FLAGS_FIT: Final[NDArray[np.bool_]] = np.array(
    [[flags_fit(op, flags) for flags in range(256)] for op in Op]
)
"""`flags_fit` as a table, 256 wide, indexed by `Op` and flags."""

TAKES_ORDER: Final[NDArray[np.bool_]] = np.array(["order" in SHAPES[op].details for op in Op])
"""Which operations have a memory order, indexed by `Op`."""

KIND_FITS: Final[NDArray[np.bool_]] = np.array(
    [[not SHAPES[op].kinds, *(kind in SHAPES[op].kinds for kind in Kind)] for op in Op]
)
"""Indexed by `Op` and `kind + 1`; the first column is "no target"."""


def flag_text(flags: int) -> str:
    """The words of `flags`, in the order of their values: `try inner`."""
    return " ".join(word for word, flag in FLAG_WORDS.items() if flags & flag)
