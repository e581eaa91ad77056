"""When each event of a long trace was: what `timesOf` of `model.mjs` works out where all are held.

Only some events have a time. The others lie evenly between those of their thread, and a thread's
times never go back.

Cost: a pass that finds the events with a time, and one that gives every event its own; memory for
those that have one, and for a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.report.viewer.density import MARKED, PLANES, SORT_OF
from racepage.report.viewer.pack import LARGEST
from racepage.trace.columns import Columns

_BATCH: Final = 1 << 20
_SORTS: Final = np.array(SORT_OF, dtype=np.int64)

Ints = NDArray[np.int64]


class Times:
    """The times of a trace's events, in nanoseconds from the first.

    Args:
        columns: all its events.
        threads: how many threads it has.

    Attributes:
        last: the latest time; None where no event has one.
    """

    def __init__(self, columns: Columns, threads: int) -> None:
        self._columns = columns
        self._threads = threads
        self._wide = len(columns) + 1
        self._before: dict[int, Ints] = {}  # a batch's first event -> events of each thread so far
        keys, times = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for part, place in self._places():
            timed = np.flatnonzero(columns.time[part])
            keys.append(place[timed])
            times.append(columns.time[part][timed].clip(-LARGEST, LARGEST))
        key, time = np.concatenate(keys), np.concatenate(times)
        order = np.argsort(key, kind="stable")
        self._key = key[order]
        self._time = _never_back(self._key // self._wide, time[order] - time.min(initial=1 << 62))
        self.last = int(self._time.max()) if len(self._time) else None

    def of(self, rows: Ints) -> NDArray[np.float64]:
        """The times of some events, which ascend; the batches that have none are not looked at."""
        found = np.empty(len(rows), dtype=np.float64)
        for begin in (np.unique(rows // _BATCH) * _BATCH).tolist():
            low, high = np.searchsorted(rows, (begin, begin + _BATCH))
            place = self._place(begin)
            found[low:high] = self._at(place[rows[low:high] - begin])
        return found

    def density(self, buckets: int, marked: Ints) -> NDArray[np.uint32]:
        """How many events lie where between the beginning and the end.

        Shape (PLANES, threads, buckets), as `density.counted` has it; buckets of equal length make
        up the time from 0 to just after `last`. `marked` ascends.
        """
        counts = np.zeros(PLANES * self._threads * buckets, dtype=np.uint32)
        scale = buckets / ((self.last or 0) + 1)
        for part, place in self._places():
            thread = self._columns.thread[part].astype(np.int64)
            bucket = np.minimum((self._at(place) * scale).astype(np.int64), buckets - 1)
            cell = (_SORTS[self._columns.op[part]] * self._threads + thread) * buckets + bucket
            low, high = np.searchsorted(marked, (part.start, part.stop))
            few = marked[low:high] - part.start
            also = (MARKED * self._threads + thread[few]) * buckets + bucket[few]
            found, times = np.unique(np.concatenate((cell, also)), return_counts=True)
            counts[found] += times.astype(np.uint32)
        return counts.reshape(PLANES, self._threads, buckets)

    def _places(self) -> Iterator[tuple[slice, Ints]]:
        """All batches: which events, and `_place` of them."""
        before = np.zeros(self._threads, dtype=np.int64)
        for begin in range(0, len(self._columns), _BATCH):
            if begin not in self._before:
                self._before[begin] = before
            place = self._place(begin)
            part = slice(begin, begin + len(place))
            before = before + np.bincount(self._columns.thread[part], minlength=self._threads)
            yield part, place

    def _place(self, begin: int) -> Ints:
        """Of each event of a batch its thread, and how many of the thread are before it: as one."""
        thread = self._columns.thread[begin : begin + _BATCH]
        # numpy sorts 16-bit keys by radix, an order of magnitude faster than wider ones
        key = thread.astype(np.uint16) if self._threads <= 1 << 16 else thread
        order = np.argsort(key, kind="stable")
        counts = np.bincount(thread, minlength=self._threads)
        base = self._before[begin] - np.cumsum(counts) + counts
        base += np.arange(self._threads) * self._wide
        place = np.empty(len(thread), dtype=np.int64)
        place[order] = np.arange(len(thread)) + base[thread[order]]
        return place

    def _at(self, place: Ints) -> NDArray[np.float64]:
        """The time at a place among the events of a thread."""
        if self.last is None:
            return np.zeros(len(place))
        after = np.searchsorted(self._key, place)
        thread = place // self._wide
        later = np.minimum(after, len(self._key) - 1)
        sooner = np.maximum(after - 1, 0)
        has_later = (after < len(self._key)) & (self._key[later] // self._wide == thread)
        has_sooner = (after > 0) & (self._key[sooner] // self._wide == thread)
        low = np.where(has_sooner, sooner, later)
        high = np.where(has_later, later, sooner)
        far = np.maximum(self._key[high] - self._key[low], 1)
        share = np.where(has_sooner & has_later, (place - self._key[low]) / far, 0)
        time = self._time[low] + (self._time[high] - self._time[low]) * share
        return np.where(has_sooner | has_later, time, 0.0)


def _never_back(thread: Ints, time: Ints) -> Ints:
    """Each time, or the latest before it of its thread, whichever is later; threads ascend."""
    if not len(time):
        return time
    wide = int(time.max()) + 1
    if wide * (int(thread[-1]) + 1) < 1 << 62:
        return np.maximum.accumulate(thread * wide + time) - thread * wide
    edges = np.flatnonzero(np.diff(thread)) + 1
    return np.concatenate([np.maximum.accumulate(part) for part in np.split(time, edges)])
