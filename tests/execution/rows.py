"""A recorded trace as lines that a test can state: `main write page:0[0:8]`, without sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import racepage
from racepage.events import Flag, Kind, MemoryOrder, Op
from racepage.trace.columns import NOTHING, Trace


def rows(trace: Trace) -> list[str]:
    """One line an event: thread, operation, target, bytes, and whatever else it says.

    Without the waits: whether a thread had to wait depends on who came first. And not whether the
    operation may sleep, which has tests of its own.
    """
    events = np.flatnonzero(~np.isin(trace.columns.op, (Op.BLOCK, Op.WAKE))).tolist()
    return [" ".join(_words(trace, event)) for event in events]


def _words(trace: Trace, event: int) -> Iterator[str]:
    columns = trace.columns
    op, target = Op(columns.op[event]), int(columns.target[event])
    yield trace.threads[columns.thread[event]]
    yield op.name.lower()
    if target != NOTHING:
        start = int(columns.offset[event])
        span = f"[{start}:{start + int(columns.length[event])}]"
        ranged = op <= Op.USER_WRITE or op in (Op.ASSERT_WRITER, Op.ASSERT_ACCESS)
        ranged &= trace.targets[target].kind is not Kind.CELL
        yield f"{trace.targets[target]}{span if ranged else ''}"
    yield from _details(trace, event)
    if columns.order[event]:
        yield MemoryOrder(columns.order[event]).name.lower()
    for name in ("old", "new"):
        data = getattr(columns.detail(event), name)
        if data is not None:
            yield f"{name} {data.hex()}"
    flags = Flag(int(columns.flags[event])) & ~Flag.SLEEPS
    if flags:
        yield str(flags.name)


def _details(trace: Trace, event: int) -> Iterator[str]:
    detail = trace.columns.detail(event)
    if detail.via != NOTHING:
        yield f"via {trace.targets[detail.via]}"
    if detail.bound is not None:
        yield f"bound {detail.bound}"
    if detail.source != NOTHING:
        yield f"from {trace.targets[detail.source]}+{detail.source_offset}"
    if detail.requested != NOTHING:
        yield f"of {detail.requested}"


def recorded(body: Callable[[], object]) -> list[str]:
    """What `body` logs."""
    with racepage.record() as recording:
        body()
    return rows(recording.trace())
