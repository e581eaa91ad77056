"""The bytes that atomics meet on, cut into words: what compiled code needs to know of them.

A *word* is a run of bytes that every atomic, byte-wise access and write to it covers whole or not
at all, as far as the events up to here show. So release sequences, which belong to bytes
(`order/atomics.py`), are one for a word. Further events may cut a word into several, each of which
then has what it had.

Cost: a sort of the borders of such accesses. A batch without them costs one look at its operations.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import MemoryOrder, Op
from racepage.order.atomics import ACQUIRES, RELEASES
from racepage.trace.columns import Columns

Ints = NDArray[np.int64]

ACQUIRING, RELEASING, LOADING, STORING, GOING_ON, FENCING, ENDING = (1 << bit for bit in range(7))
"""What an event does to the words that it covers, in bits. GOING_ON is an RMW's storing."""

_OFFSET_BITS: Final = 31  # a page has at most 2**30 bytes

_ACTS: Final = np.zeros(256, dtype=np.uint8)
_ACTS[[Op.LOAD, Op.BYTEWISE_READ]] = LOADING
_ACTS[[Op.STORE, Op.BYTEWISE_WRITE]] = STORING
_ACTS[Op.RMW] = LOADING | STORING | GOING_ON
_ACTS[Op.FENCE] = FENCING
_HEEDED: Final = np.zeros(256, dtype=np.uint8)  # the orders that mean something
_HEEDED[Op.LOAD] = ACQUIRING
_HEEDED[[Op.STORE, Op.RMW, Op.FENCE]] = ACQUIRING | RELEASING
_ENDS: Final = np.zeros(256, dtype=np.uint8)
_ENDS[[Op.WRITE, Op.ZERO, Op.COPY_IN, Op.ALLOC, Op.FREE, Op.COLLECT]] = ENDING

_ORDERS: Final = np.zeros(256, dtype=np.uint8)
_ORDERS[list(ACQUIRES)] |= ACQUIRING
_ORDERS[list(RELEASES)] |= RELEASING
_ORDERS[MemoryOrder.NONE] = _ORDERS[MemoryOrder.SEQ_CST]


class Covered(NamedTuple):
    """What the events of a batch do to words: columns of one length.

    Attributes:
        act: uint8, bits; 0 for nothing.
        first, last: int32, the words from the first to before the last.
    """

    act: NDArray[np.uint8]
    first: NDArray[np.int32]
    last: NDArray[np.int32]


class Words:
    """The words of one trace.

    Attributes:
        borders: int64, ascending: where a word begins, or the last one of its target ends. A word's
            number is that of its border.
    """

    def __init__(self) -> None:
        self.borders: Ints = np.empty(0, dtype=np.int64)

    def cover(self, columns: Columns, no_edge: int, cells: list[bool]) -> Covered | None:
        """What the next events do to words, which are numbered anew; None where there are none.

        Args:
            columns: the events.
            no_edge: the flags with which atomics and fences do nothing.
            cells: target id -> whether it is a cell, which is one byte.
        """
        act = _ACTS[columns.op]
        marked = act != 0
        if not marked.any() and not len(self.borders):
            return None
        act[marked] |= _ORDERS[columns.order[marked]] & _HEEDED[columns.op[marked]]
        act[columns.flags & no_edge != 0] = 0
        on = np.append(np.array(cells, dtype=np.bool_), False)[columns.target]
        key = columns.target.astype(np.int64) << _OFFSET_BITS
        start = key + np.where(on, 0, columns.offset)
        stop = start + np.where(on, 1, columns.length)
        touching = act & (LOADING | STORING) != 0
        known = np.append(columns.target[touching], self.borders >> _OFFSET_BITS)
        ending = np.flatnonzero((_ENDS[columns.op] != 0) & np.isin(columns.target, known))
        act[ending] = ENDING
        covering = np.flatnonzero(touching | (act == ENDING))
        self.borders = np.unique(np.concatenate((self.borders, start[covering], stop[covering])))
        first = np.zeros(len(columns), dtype=np.int32)
        last = np.zeros(len(columns), dtype=np.int32)
        first[covering] = np.searchsorted(self.borders, start[covering])
        last[covering] = np.searchsorted(self.borders, stop[covering])
        return Covered(act, first, last)
