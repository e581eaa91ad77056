"""Arrow arrays around numpy columns, and tables of names that grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from racepage.trace.columns import NOTHING

_FEW: Final = 1024  # names that are sent whole, however small the batch

Item = TypeVar("Item")


def bitmap(valid: NDArray[np.bool_] | None) -> Any:
    """An Arrow validity bitmap; None where everything is valid."""
    if valid is None or valid.all():
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def numbers(column: NDArray[np.int64], valid: NDArray[np.bool_] | None = None) -> Any:
    """A column of numbers, around the same memory."""
    buffer = pa.py_buffer(np.ascontiguousarray(column))
    return pa.Array.from_buffers(pa.int64(), len(column), [bitmap(valid), buffer])


def lists(of: Any, counts: NDArray[np.int32], values: Any) -> Any:
    """A list column with so many values a row; null where none."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.Array.from_buffers(
        pa.list_(of),
        len(counts),
        [bitmap(counts > 0), pa.py_buffer(offsets)],
        children=[values],
    )


class Table(Generic[Item]):
    """A table of the trace, as Arrow strings."""

    def __init__(self, spell: Callable[[Item], str]) -> None:
        self._spell = spell
        self.names = pa.array([], pa.utf8())

    def grow(self, items: Sequence[Item]) -> None:
        """Take the items that are new."""
        new = items[len(self.names) :]
        if new:
            spelt = pa.array([self._spell(item) for item in new], pa.utf8())
            self.names = pa.concat_arrays([self.names, spelt])

    def take(self, numbers: NDArray[np.int64]) -> Any:
        """The names of these items; null for NOTHING."""
        return self.names.take(pa.array(numbers, pa.int64(), mask=numbers == NOTHING))


class Names:
    """One column of names, and what its reader has of the table."""

    def __init__(self, table: Table[Any]) -> None:
        self._table = table
        self._sent: Any = None  # the dictionary that readers have, if it is the whole table

    def encode(self, numbers: NDArray[np.int32]) -> Any:
        """The column; null for NOTHING."""
        names = self._table.names
        rows = len(numbers)
        present = None
        if rows and numbers.min() < 0:
            present = numbers != NOTHING
            numbers = np.maximum(numbers, 0)
        if self._sent is not names:
            self._sent = names if len(names) <= max(rows, _FEW) else None
        if self._sent is None:
            numbers, names = _used(numbers, names)
        indices = pa.Array.from_buffers(
            pa.int32(), rows, [bitmap(present), pa.py_buffer(np.ascontiguousarray(numbers))]
        )
        return pa.DictionaryArray.from_arrays(indices, names, safe=False)


def _used(numbers: NDArray[np.int32], names: Any) -> tuple[NDArray[np.int32], Any]:
    """The same column over those names only that it uses."""
    uses = np.zeros(len(names), dtype=np.bool_)
    uses[numbers] = True
    used = np.flatnonzero(uses)
    place = np.zeros(len(names), dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return place[numbers], names.take(pa.array(used))
