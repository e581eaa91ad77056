"""What it means that two traces are the same: event by event, with names for numbers."""

from __future__ import annotations

from typing import Any

from racepage.trace.columns import NOTHING, Detail, Trace


def rows(trace: Trace) -> list[tuple[Any, ...]]:
    """Every event of the trace, with names for the numbers of its tables."""
    columns = trace.columns
    return [
        (
            trace.threads[columns.thread[event]],
            int(columns.op[event]),
            _target(trace, int(columns.target[event])),
            int(columns.offset[event]),
            int(columns.length[event]),
            () if columns.site[event] == NOTHING else trace.sites[columns.site[event]],
            int(columns.flags[event]),
            int(columns.order[event]),
            int(columns.time[event]),
            _detail(trace, columns.detail(event)),
        )
        for event in range(len(columns))
    ]


def tables(trace: Trace) -> tuple[Any, ...]:
    """What a trace says beside its events."""
    origin = trace.origin
    used = {int(target) for target in trace.columns.target}
    return (
        {str(trace.targets[page]): size for page, size in trace.page_sizes.items() if page in used},
        {str(trace.targets[target]): label for target, label in trace.labels.items()},
        {str(trace.targets[target]): kind for target, kind in trace.lock_kinds.items()},
        origin.program,
        origin.judge_leaks,
        origin.lost_bytes,
        origin.complete,
        origin.variables,
    )


def assert_same(found: Trace, expected: Trace) -> None:
    assert rows(found) == rows(expected)
    assert tables(found) == tables(expected)


def _target(trace: Trace, number: int) -> str | None:
    return None if number == NOTHING else str(trace.targets[number])


def _detail(trace: Trace, detail: Detail) -> tuple[Any, ...]:
    return (
        _target(trace, detail.via),
        _target(trace, detail.source),
        *detail._replace(via=0, source=0),
    )
