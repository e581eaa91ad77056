"""Choosing and grouping rows of a trace, for the checks that exist once, over columns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.trace.columns import Columns

NATIVE_FROM: Final = 100_000
"""Rows from which compiled code is worth loading: below, plain Python has long finished."""

P = ParamSpec("P")
R = TypeVar("R")


def at_size(function: Callable[P, R], rows: int) -> Callable[P, R]:
    """The function as it stands for few rows, compiled for many."""
    if rows < NATIVE_FROM:
        return function
    from racepage.jit import compiled  # noqa: PLC0415  (loads a compiler)

    fast: Callable[P, R] = compiled(function)
    return fast


def which(columns: Columns, ops: Collection[Op]) -> NDArray[np.bool_]:
    """Which rows are one of these operations: one table lookup a row, where isin takes three."""
    table = np.zeros(256, dtype=np.bool_)
    table[list(ops)] = True
    chosen: NDArray[np.bool_] = table[columns.op]
    return chosen


def extent(columns: Columns, event: int) -> tuple[int, int]:
    """The half-open byte range that an event touches."""
    start = int(columns.offset[event])
    return start, start + int(columns.length[event])


def on_page(columns: Columns) -> NDArray[np.bool_]:
    """Which rows touch a page or end its life."""
    touching: NDArray[np.bool_] = columns.op <= Op.FREE
    touching |= columns.op == Op.COLLECT
    return touching


def by_page(columns: Columns, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The wanted rows, grouped by target, ascending within a target."""
    rows: NDArray[np.int64] = np.flatnonzero(wanted)
    # two passes over 16-bit halves: numpy sorts those by radix, and wider keys far slower
    for shift in (0, 16):
        half = (columns.target[rows] >> shift).astype(np.uint16)
        rows = rows[np.argsort(half, kind="stable")]
    return rows
