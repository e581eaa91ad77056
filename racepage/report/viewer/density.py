"""How many events lie where: the pyramid that a timeline draws from where it has no events.

The trace is cut into *buckets* of `2**shift` consecutive events. For every sort of event and every
thread the base of the pyramid has one count a bucket; a level above it has the sums of two, and so
on. A page gets the base alone: with counts that add up, any stretch of any level is the difference
of two of its sums (`density.mjs`).

Cost: one pass over threads and operations, in batches; memory for the counts and for one batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import CLASS_OF, WRITES, AccessClass, Op
from racepage.trace.columns import Columns

READ, WRITE, LIFE, SYNC, OTHER, MARKED = range(6)
"""The sorts of events, as `model.mjs` numbers them; the marked ones race, and are counted twice."""

PLANES: Final = 6

_BATCH: Final = 1 << 20

_SYNC: Final = frozenset(
    {
        *(Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK),
        *(Op.ACQUIRE, Op.RELEASE, Op.RELEASE_MERGE, Op.TAKE),
        *(Op.START, Op.JOIN, Op.FENCE),
    }
)


def _sort(op: Op) -> int:
    if CLASS_OF[op] is AccessClass.LIFETIME or op is Op.COLLECT:
        return LIFE
    if CLASS_OF[op] is not AccessClass.NONE:
        return WRITE if op in WRITES else READ
    return SYNC if op in _SYNC else OTHER


SORT_OF: Final[tuple[int, ...]] = tuple(map(_sort, Op))
"""The sort of each operation, indexed by `Op`."""

_SORTS: Final = np.array(SORT_OF, dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Counts of events, by sort, thread and bucket.

    Attributes:
        shift: a bucket has `1 << shift` events.
        counts: uint32, shape (PLANES, threads, buckets).
    """

    shift: int
    counts: NDArray[np.uint32]

    def tile(self, shift: int, begin: int, buckets: int) -> NDArray[np.uint32]:
        """Buckets of a level above the base (or of it), from number `begin` on: the sums.

        Shape (PLANES, threads, at most `buckets`): there are none beyond the trace's end.
        """
        step = 1 << (shift - self.shift)
        part = self.counts[:, :, begin * step : (begin + buckets) * step]
        whole = part.shape[2] // step
        split = part[:, :, : whole * step].reshape(*part.shape[:2], whole, step)
        level: NDArray[np.uint32] = split.sum(axis=3, dtype=np.uint32)
        if whole * step == part.shape[2]:
            return level
        rest = part[:, :, whole * step :].sum(axis=2, dtype=np.uint32, keepdims=True)
        return np.concatenate((level, rest), axis=2)


def shift_for(events: int, threads: int, *, most_buckets: int, most_cells: int) -> int:
    """The finest cut into at most so many buckets, and cells (threads times buckets)."""
    most = max(1, min(most_buckets, most_cells // max(threads, 1)))
    return (-(-max(events, 1) // most) - 1).bit_length()


def density(columns: Columns, threads: int, shift: int, marked: NDArray[np.int64]) -> Density:
    """Count a whole trace.

    Args:
        columns: its events.
        threads: how many threads it has.
        shift: the size of the buckets.
        marked: the events that race, each once.
    """
    return Density(shift, counted(columns, threads, shift, marked, range(len(columns))))


def counted(
    columns: Columns, threads: int, shift: int, marked: NDArray[np.int64], events: range
) -> NDArray[np.uint32]:
    """The counts of consecutive events, the first of which begins a bucket.

    Shape (PLANES, threads, buckets). The other arguments are those of `density`; `marked` ascends.
    """
    start, stop = events.start, events.stop
    counts = np.zeros((PLANES, threads, -(-len(events) // (1 << shift))), dtype=np.uint32)
    size = max(_BATCH >> shift, 1) << shift
    for begin in range(start, stop, size):
        part = slice(begin, min(begin + size, stop))
        _add(counts, (begin - start) >> shift, columns.thread[part], columns.op[part], shift)
    low, high = np.searchsorted(marked, (start, stop))
    few = marked[low:high]
    np.add.at(counts[MARKED], (columns.thread[few], (few - start) >> shift), 1)
    return counts


def _add(
    counts: NDArray[np.uint32], first: int, thread: NDArray[Any], op: NDArray[Any], shift: int
) -> None:
    """Count one batch, whose first event begins the bucket `first`."""
    threads = counts.shape[1]
    buckets = -(-len(op) // (1 << shift))
    # One bucket after the other, so that what is counted next stands near what was.
    cell = (np.arange(len(op)) >> shift) * (MARKED * threads)
    cell += _SORTS[op].astype(np.int64) * threads
    cell += thread
    found = np.bincount(cell, minlength=buckets * MARKED * threads)
    counts[:MARKED, :, first : first + buckets] += (
        found.reshape(buckets, MARKED, threads).transpose(1, 2, 0).astype(np.uint32)
    )
