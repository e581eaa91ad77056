"""The bytes that a finding is about, before and after, where they were recorded.

They are the overlap's, as the second side changed them; if that only reads, as the first side did;
and if neither writes, what was read. A recording keeps the first bytes of a long access, so there
may be fewer of them than the overlap has, or none.
"""

from __future__ import annotations

from racepage.detect.evidence import NONE, Evidence
from racepage.events import WRITES
from racepage.finding import Values
from racepage.trace.columns import Columns


def values(columns: Columns, one: Evidence) -> Values | None:
    """What was recorded of the overlap; None where nothing was."""
    if one.overlap is None or not columns.details:
        return None
    sides = [event for event in (one.second, one.first) if event != NONE]
    for event in sorted(sides, key=lambda event: columns.op[event] not in WRITES):
        detail = columns.detail(event)
        start, stop = (place - int(columns.offset[event]) for place in one.overlap)
        if detail.old is None or columns.target[event] != one.page or start < 0:
            continue
        if old := detail.old[start:stop]:
            return Values(old=old, new=None if detail.new is None else detail.new[start:stop])
    return None
