"""Cuts a trace into batches, as a recorder's flushes would, and stamps them."""

from __future__ import annotations

from typing import Protocol

from racepage.events import Target
from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns, Trace


class Order(Protocol):
    """A partial order, fed batch by batch."""

    def stamp(self, columns: Columns, threads: list[str], targets: list[Target]) -> Stamps:
        """Stamp the next events."""


def stamped(order: Order, trace: Trace, cuts: list[int]) -> list[tuple[Columns, Stamps]]:
    """The trace in batches that end at the events `cuts`, each with its stamps."""
    ends = [*sorted(cut for cut in cuts if cut < len(trace)), len(trace)]
    batches = []
    for start, stop in zip([0, *ends], ends, strict=False):
        columns = _rows(trace.columns, start, stop)
        batches.append((columns, order.stamp(columns, trace.threads, trace.targets)))
    return batches


def _rows(columns: Columns, start: int, stop: int) -> Columns:
    part = slice(start, stop)
    return Columns(
        thread=columns.thread[part],
        op=columns.op[part],
        target=columns.target[part],
        offset=columns.offset[part],
        length=columns.length[part],
        site=columns.site[part],
        flags=columns.flags[part],
        order=columns.order[part],
        time=columns.time[part],
    )
