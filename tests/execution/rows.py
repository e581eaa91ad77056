"""A recorded trace as lines that a test can state: `main write page:0[0:8]`, without sites."""

from __future__ import annotations

from collections.abc import Callable

import racepage
from racepage.events import Flag, Op
from racepage.trace.columns import NOTHING, Trace


def rows(trace: Trace) -> list[str]:
    """One line an event: thread, operation, target, bytes where there are any, details, flags."""
    columns = trace.columns
    lines = []
    for event in range(len(columns)):
        op, target = Op(columns.op[event]), int(columns.target[event])
        line = f"{trace.threads[columns.thread[event]]} {op.name.lower()}"
        if target != NOTHING:
            line += f" {trace.targets[target]}"
        if op <= Op.USER_WRITE:
            start = int(columns.offset[event])
            line += f"[{start}:{start + int(columns.length[event])}]"
        detail = columns.detail(event)
        if detail.via != NOTHING:
            line += f" via {trace.targets[detail.via]}"
        if detail.bound is not None:
            line += f" bound {detail.bound}"
        if detail.source != NOTHING:
            line += f" from {trace.targets[detail.source]}+{detail.source_offset}"
        if detail.requested != NOTHING:
            line += f" of {detail.requested}"
        if columns.flags[event]:
            line += f" {Flag(int(columns.flags[event])).name}"
        lines.append(line)
    return lines


def recorded(body: Callable[[], object]) -> list[str]:
    """What `body` logs."""
    with racepage.record() as recording:
        body()
    return rows(recording.trace())
