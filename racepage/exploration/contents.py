"""What the bytes of a page are at some point of a trace, as far as its accesses say.

Accesses that were recorded with values say what they read, and what was there before and after they
wrote; of a long one only the first bytes. A page begins as its allocation says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from racepage.events import CLASS_OF, WRITES, AccessClass, Flag, Op
from racepage.memory.page import POISON
from racepage.trace.columns import Trace

UNKNOWN: Final = "??"

Contents = list[int | None]
"""A number for each byte, None where nothing says what it was."""


def contents(trace: Trace, page: int, start: int, stop: int, end: int) -> Contents:
    """The bytes [start, stop) of a page after the first `end` events.

    Args:
        trace: with values.
        page: as a target of the trace.
        start: of the bytes.
        stop: of the bytes.
        end: how many events there were.
    """
    columns = trace.columns
    size = stop - start
    found: Contents = [None] * size
    written: set[int] = set()  # since then
    for event in np.flatnonzero(columns.target == page).tolist():
        op = Op(int(columns.op[event]))
        if op == Op.ALLOC:
            if event >= end:
                break  # another life
            found = [0 if int(columns.flags[event]) & Flag.ZEROED else POISON] * size
        if CLASS_OF[op] in {AccessClass.NONE, AccessClass.LIFETIME}:
            continue
        begin = int(columns.offset[event]) - start
        touched = range(max(begin, 0), min(begin + int(columns.length[event]), size))
        old, new = columns.detail(event).old or b"", columns.detail(event).new or b""
        if op in WRITES and event < end:
            rest = 0 if op == Op.ZERO else None
            for place in touched:
                found[place] = new[place - begin] if place - begin < len(new) else rest
            continue
        for place in touched:
            if found[place] is None and place not in written and place - begin < len(old):
                found[place] = old[place - begin]
        if op in WRITES:
            written.update(touched)
    return found


def text(found: Sequence[int | None]) -> str:
    """The bytes in hexadecimal, `??` for one that is not known."""
    return "".join(UNKNOWN if byte is None else f"{byte:02x}" for byte in found)
