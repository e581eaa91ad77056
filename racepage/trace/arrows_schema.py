"""The columns of a recorded trace as Arrow types: `racepage.trace.arrows` says what they mean."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from racepage.events import AccessClass, MemoryOrder, Op
from racepage.trace.shapes import SHAPES, flag_text, flags_fit

FORMAT: Final = 1

FORMAT_KEY: Final = b"racepage.format"
VERSION_KEY: Final = b"racepage.version"
PROGRAM_KEY: Final = b"racepage.program"
COMMENTS_KEY: Final = b"racepage.comments"

_NAME: Final = pa.dictionary(pa.int32(), pa.utf8())
_WORD: Final = pa.dictionary(pa.int8(), pa.utf8())

CHANGE: Final = pa.struct([pa.field("thread", _NAME), pa.field("clock", pa.int64())])
"""One component of a vector clock that changed."""

DETAIL: Final = pa.struct(
    [
        pa.field("via", pa.utf8()),
        pa.field("slice_start", pa.int64()),
        pa.field("slice_stop", pa.int64()),
        pa.field("source", pa.utf8()),
        pa.field("source_offset", pa.int64()),
        pa.field("requested", pa.int64()),
        pa.field("old", pa.binary()),
        pa.field("new", pa.binary()),
    ]
)

SCHEMA: Final = pa.schema(
    [
        pa.field("thread", _NAME, nullable=False),
        pa.field("op", _WORD, nullable=False),
        pa.field("target", _NAME),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("class", _WORD, nullable=False),
        pa.field("order", _WORD),
        pa.field("site", _NAME),
        pa.field("clock", pa.int64()),
        pa.field("vector", pa.list_(CHANGE)),
        pa.field("time", pa.int64()),
        pa.field("flags", _WORD),
        pa.field("detail", pa.list_(DETAIL)),
    ]
)

OP_NAMES: Final[tuple[str, ...]] = tuple(op.name.lower() for op in Op)
CLASS_NAMES: Final[tuple[str, ...]] = tuple(each.name.lower() for each in AccessClass)
ORDER_NAMES: Final[tuple[str, ...]] = tuple(order.name.lower() for order in MemoryOrder)
FLAGS: Final[tuple[int, ...]] = tuple(
    flags for flags in range(256) if any(flags_fit(op, flags) for op in SHAPES)
)
"""Every combination of flags that some operation may carry; the first is none."""
FLAG_NAMES: Final[tuple[str, ...]] = tuple(flag_text(flags) for flags in FLAGS)
