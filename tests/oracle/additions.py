"""Traces with rows that other checks look for, put between those of a generated trace.

A row is put just before an event of the trace, and is done by the same thread: so the thread is
there, whatever the trace does with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

import numpy as np
from hypothesis import strategies as st

from racepage.events import Flag, Kind, MemoryOrder, Op, Target
from racepage.trace.columns import NOTHING, Columns, Detail, Trace
from racepage.trace.shapes import SHAPES
from tests.oracle.strategies import traces


class Row(NamedTuple):
    """What is drawn; each number is taken modulo what there is to choose from."""

    before: int
    what: int
    flag: int
    target: int
    span: tuple[int, int]
    site: int
    order: int


ASSERTIONS: Final = (
    Op.ASSERT_WRITER,
    Op.ASSERT_ACCESS,
    Op.ASSERT_WRITER,
    Op.ASSERT_ACCESS,
    Op.WRITE,
    Op.READ,
)
ATOMICS: Final = (Op.STORE, Op.LOAD, Op.RMW, Op.STORE, Op.BYTEWISE_WRITE)
FETCHES: Final = (Op.USER_READ, Op.COPY_IN, Op.USER_READ)
INTENT: Final = (Op.RACY_OK, Op.RACY_OK, Op.WRITE, Op.USER_READ, Op.ASSERT_ACCESS, Op.STORE)

_PAGES: Final = tuple(Target(Kind.PAGE, name) for name in ("0", "0", "shared", "1"))
_USERS: Final = tuple(Target(Kind.USER, name) for name in ("8", "9"))
_REASONS: Final = tuple(Target(Kind.REASON, name) for name in ("a statistic", "a hint"))
_SPANS: Final = ((0, 8), (0, 4), (4, 8), (8, 16), (0, 1), (6, 12), (0, 64), (7, 7))
_ORDERS: Final = {
    Op.STORE: (MemoryOrder.RELAXED, MemoryOrder.RELAXED, MemoryOrder.RELEASE),
    Op.LOAD: (MemoryOrder.RELAXED, MemoryOrder.RELAXED, MemoryOrder.ACQUIRE),
    Op.RMW: (MemoryOrder.RELAXED, MemoryOrder.ACQ_REL),
}
_SCOPED: Final = (Flag.NONE, Flag.BEGIN, Flag.END)
_FLAGS: Final = {
    Op.ASSERT_WRITER: _SCOPED,
    Op.ASSERT_ACCESS: _SCOPED,
    Op.USER_READ: (Flag.NONE, Flag.NONE, Flag.BEGIN),
    Op.COPY_IN: (Flag.NONE, Flag.NONE, Flag.BEGIN),
    Op.RACY_OK: (Flag.BEGIN, Flag.END),
}

_COLUMNS: Final = ("thread", "op", "target", "offset", "length", "site", "flags", "order")

_small = st.integers(0, 11)
_rows = st.builds(
    Row,
    st.integers(0, 40),
    _small,
    _small,
    _small,
    st.one_of(
        st.sampled_from(_SPANS), st.tuples(_small, _small).map(lambda ab: (min(ab), max(ab)))
    ),
    st.integers(0, 3),
    _small,
)


def traces_with(ops: tuple[Op, ...], *, most: int = 16) -> st.SearchStrategy[Trace]:
    """Generated traces with up to `most` further rows of these operations."""
    some = st.lists(_rows, min_size=2, max_size=most)
    return st.builds(lambda trace, rows: added(trace, rows, ops), traces(24), some)


def added(trace: Trace, rows: list[Row], ops: tuple[Op, ...]) -> Trace:
    """The trace with these rows between its own."""
    if not len(trace):
        return trace
    columns = trace.columns
    targets = list(dict.fromkeys([*trace.targets, *_PAGES, *_USERS, *_REASONS]))
    rows = sorted(rows, key=lambda row: row.before % len(trace))
    places = [row.before % len(trace) for row in rows]
    details = {
        event + sum(place <= event for place in places): detail
        for event, detail in columns.details.items()
    }
    new: dict[str, list[int]] = {name: [] for name in _COLUMNS}
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        op = ops[row.what % len(ops)]
        start, stop = row.span if Kind.REASON not in SHAPES[op].kinds else (0, 0)
        values: tuple[int, ...] = (
            int(columns.thread[place]),
            op,
            targets.index(_of(_targets(op), row.target)),
            start,
            stop - start,
            row.site if row.site < len(trace.sites) else NOTHING,
            _of(_FLAGS.get(op, (Flag.NONE,)), row.flag),
            _of(_ORDERS.get(op, (MemoryOrder.NONE,)), row.order),
        )
        for name, value in zip(_COLUMNS, values, strict=True):
            new[name].append(value)
        if op is Op.COPY_IN:
            source = targets.index(_of(_USERS, row.flag))
            details[place + number] = Detail(source=source, source_offset=row.order)
    arrays = {name: np.insert(getattr(columns, name), places, new[name]) for name in _COLUMNS}
    sizes = {number: 4096 for number, target in enumerate(targets) if target.kind is Kind.PAGE}
    return replace(
        trace,
        targets=targets,
        columns=Columns(**arrays, time=np.zeros(len(arrays["op"]), np.int64), details=details),
        page_sizes=sizes | trace.page_sizes,
    )


T = TypeVar("T")


def _of(choices: tuple[T, ...], number: int) -> T:
    return choices[number % len(choices)]


def _targets(op: Op) -> tuple[Target, ...]:
    if op is Op.RACY_OK:
        return _REASONS
    return _USERS if op is Op.USER_READ else _PAGES
