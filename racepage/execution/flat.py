"""What an event is in its thread's list: six items, one after the other."""

from __future__ import annotations

from typing import Final

from racepage.events import Flag, MemoryOrder, Op

Event = tuple[int, int, int, int, object, int]
"""`(word, target, offset, length, code, lasti)`: what a thread's list has of an event, flat.

- `offset` is a time instead, and takes the turn, where `TAKES_TURN` has the operation or the word
  has the TURN bit;
- `length` is `offset << SPAN_BITS | length` where the word has the TURN bit and not the DETAIL bit;
- `code` is a stack of several frames, and `lasti` -1, where several frames are recorded;
- `code` is the tuple `(code, lasti, detail, offset)` where the word has the DETAIL bit.
"""

FIELDS: Final = 6

FLAG_SHIFT: Final = 8
DETAIL: Final = 1 << 16
TURN: Final = 1 << 17
"""In the word of an access that takes a turn all the same."""
SPAN_BITS: Final = 32
"""What a length takes next to an offset: a page has at most 2**30 bytes."""
ORDER_SHIFT: Final = 18

TAKES_TURN: Final[tuple[bool, ...]] = tuple(
    op in (Op.ALLOC, Op.FREE, Op.MAP, Op.UNMAP)
    or (op >= Op.LOCK and op not in (Op.ASSERT_WRITER, Op.ASSERT_ACCESS, Op.RACY_OK))
    for op in Op
)
"""Which operations stand in the global order, indexed by `Op`. The beginnings and ends of pages and
mappings do, since what uses them from another thread must not stand before them."""


def word(op: Op, flags: Flag = Flag.NONE, order: MemoryOrder = MemoryOrder.NONE) -> int:
    """An operation, its flags and its order in the one plain integer that events hold."""
    return int(op) | int(flags) << FLAG_SHIFT | int(order) << ORDER_SHIFT
