"""Where in a process's region the incoming buffers lie.

After `drivers/android/binder/range_alloc/array.rs`: the allocated ranges in a sorted list, a new
one behind the last if it fits there, else in the first gap that is large enough. The caller holds
the process's lock.

What matters to the pages is what `release` returns. Buffers are packed, so that one page may hold
the end of one and the start of the next; freeing a buffer makes those pages available that no other
buffer touches, and only those.
"""

from __future__ import annotations

from itertools import pairwise

from racepage.memory import PAGE_SIZE


class NoSpaceError(Exception):
    """ENOSPC: no gap in the region is large enough."""


class RangeAllocator:
    """The allocated ranges of a region of `size` bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._ranges: list[tuple[int, int]] = []  # (start, end), sorted, disjoint

    def reserve(self, size: int) -> int:
        """Allocate `size` bytes, at least 1, and return the offset."""
        end = self._ranges[-1][1] if self._ranges else 0
        if size <= self.size - end:
            self._ranges.append((end, end + size))
            return end
        borders = pairwise([(0, 0), *self._ranges])
        for at, ((_, gap), (gap_end, _)) in enumerate(borders):
            if size <= gap_end - gap:
                self._ranges.insert(at, (gap, gap + size))
                return gap
        raise NoSpaceError(f"{size} bytes do not fit between {len(self._ranges)} buffers")

    def release(self, offset: int) -> tuple[int, int]:
        """Free the range at `offset`; the half-open range of pages that nothing uses any more."""
        at = next(at for at, (start, _) in enumerate(self._ranges) if start == offset)
        start, end = self._ranges.pop(at)
        before = self._ranges[at - 1][1] if at else 0
        after = self._ranges[at][0] if at < len(self._ranges) else self.size
        first, last = -(-before // PAGE_SIZE), after // PAGE_SIZE
        # A page that is free on both sides of the range is not ours to hand out again.
        return max(first, start // PAGE_SIZE), min(last, -(-end // PAGE_SIZE))
