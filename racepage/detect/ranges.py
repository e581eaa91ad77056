"""Racy bytes, as a list of the ranges that races were found on.

Every race notes the bytes of its run. A range that meets the one noted before makes that longer;
others stand in the order in which they were found, until the list is full: then those that overlap
or meet are made one. So memory follows the number of separate ranges, and neither how long they are
nor how often they are raced on.

Bytes of all pages lie on one line, on which no two pages meet: a byte's place there is
`target << 32 | byte`.

Cost: a comparison for each race; and for each time the list is full, at least half of which was
noted since the last time, a sort.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.races import RacyRange
from racepage.detect.shadow import RANGES, Memory, Page, Run, lack
from racepage.jit import inlined, larger
from racepage.structs import I64, layout, pointer

_TARGET_BIT: Final = 32


class Range:
    """Places [start, stop) of the line. Range 0 is before them all."""

    start: I64
    stop: I64


range_at = pointer(Range)


def no_ranges(room: int) -> NDArray[Any]:
    """A list with nothing but range 0 in it."""
    ranges = np.zeros(room, layout(Range))
    ranges[0] = (-2, -1)
    return ranges


@inlined
def note(memory: Memory, page: Page, run: Run) -> bool:
    """Add the bytes of a run; False if there is no room for them."""
    line = page.target << _TARGET_BIT
    start, stop = line + run.start, line + run.stop
    last = range_at(memory.ranges, memory.live_ranges)
    if last.start <= start <= last.stop:
        last.stop = larger(last.stop, stop)
        return True
    if memory.live_ranges + 1 >= memory.room_ranges:
        # For all that one access can add: it begins anew when there is room.
        return lack(memory, RANGES, page.runs)
    memory.live_ranges += 1
    new = range_at(memory.ranges, memory.live_ranges)
    new.start, new.stop = start, stop
    return True


def joined(ranges: NDArray[Any]) -> NDArray[Any]:
    """A list that has range 0, sorted, with ranges that overlap or meet made one."""
    start, stop = np.sort(ranges["start"]), np.sort(ranges["stop"])
    # As many ranges have ended as have begun: a gap begins after the last of them.
    gap = start[1:] > stop[:-1]
    made = np.empty(1 + np.count_nonzero(gap), layout(Range))
    made["start"], made["stop"] = start[np.append(True, gap)], stop[np.append(gap, True)]
    return made


def racy_ranges(ranges: NDArray[Any]) -> list[RacyRange]:
    """What a list says, by page."""
    found = joined(ranges)[1:]
    line = 1 << _TARGET_BIT
    page, start, stop = found["start"] // line, found["start"] % line, found["stop"] % line
    return [
        RacyRange(*piece)
        for piece in zip(page.tolist(), start.tolist(), stop.tolist(), strict=True)
    ]
