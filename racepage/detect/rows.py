"""Choosing and grouping rows of a trace, for the checks that exist once, over columns."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from racepage.cache import is_kept
from racepage.events import Op
from racepage.trace.columns import Columns

KEPT_FROM: Final = 50_000
"""Rows from which compiled code is worth loading, where it is kept: `benchmarks/border.py`."""

LOADED_FROM: Final = 1_000
"""Rows from which it is worth using, where this process has loaded it before."""

NATIVE_FROM: Final = 100_000
"""Rows from which it is worth compiling: below, plain Python has long finished."""

_ENGINE: Final = tuple(
    Path(__file__).parents[1] / file for file in ("order/hb_native.py", "detect/native.py")
)

P = ParamSpec("P")
R = TypeVar("R")


def is_native(events: int) -> bool:
    """Whether a trace of so many events is one for the native engine."""
    return _worth(events, *_ENGINE)


def native_is_loaded() -> None:
    """Say that this process has the native engine: from now on smaller traces are for it, too."""
    _loaded.add(_ENGINE)


def at_size(function: Callable[P, R], rows: int) -> Callable[P, R]:
    """The function as it stands for few rows, compiled for many."""
    source = Path(inspect.getfile(function))
    if not _worth(rows, source):
        return function
    _loaded.add((source,))
    from racepage.jit import compiled  # noqa: PLC0415  (loads a compiler)

    fast: Callable[P, R] = compiled(function)
    return fast


@contextmanager
def following(rows: int) -> Iterator[None]:
    """Within, rows count as if so many others had come before: they all pay for one compiler."""
    global _before  # noqa: PLW0603  (handed through every check, it would be all that one sees)
    outside, _before = _before, _before + rows
    try:
        yield
    finally:
        _before = outside


_before = 0
_loaded: Final[set[tuple[Path, ...]]] = set()


def _worth(rows: int, *sources: Path) -> bool:
    """Whether so many rows are worth compiled code from these files."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return False
    if sources in _loaded:
        return rows >= LOADED_FROM
    rows += _before
    return rows >= NATIVE_FROM or (rows >= KEPT_FROM and all(map(is_kept, sources)))


_OFTEN: Final = (
    *(Op.READ, Op.WRITE, Op.ZERO, Op.COPY_IN, Op.USER_READ, Op.USER_WRITE),
    *(Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK),
    *(Op.ACQUIRE, Op.RELEASE, Op.RELEASE_MERGE, Op.TAKE),
)
_RARE: Final = np.ones(256, dtype=np.bool_)
_RARE[list(_OFTEN)] = False


def rare(columns: Columns) -> NDArray[np.int64]:
    """The rows of the operations that most events are not: what begins and ends things.

    One pass over the trace, so that each check looks at these alone for the few that it wants.
    """
    return np.flatnonzero(_RARE[columns.op])


def which(columns: Columns, rows: NDArray[np.int64], *ops: Op) -> NDArray[np.int64]:
    """Those of the rows that are one of these operations."""
    return rows[np.isin(columns.op[rows], ops)]


def extent(columns: Columns, event: int) -> tuple[int, int]:
    """The half-open byte range that an event touches."""
    start = int(columns.offset[event])
    return start, start + int(columns.length[event])


def on_page(columns: Columns) -> NDArray[np.bool_]:
    """Which rows touch a page or end its life."""
    touching: NDArray[np.bool_] = columns.op <= int(Op.FREE)
    touching |= columns.op == int(Op.COLLECT)  # numpy widens the column for what is no plain int
    return touching


def by_page(columns: Columns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows, which ascend, grouped by target; within a target they still ascend."""
    # two passes over 16-bit halves: numpy sorts those by radix, and wider keys far slower
    for shift in (0, 16):
        half = (columns.target[rows] >> shift).astype(np.uint16)
        rows = rows[np.argsort(half, kind="stable")]
    return rows
