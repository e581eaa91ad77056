"""The happens-before edges between threads that a picture needs: the direct ones.

An event whose thread learns of others says how far it knows each of them (`order.stamps`). Most of
that came through somebody else: who takes a lock learns of its last holder, and through that one of
all that it knew. Only the edges that no other one implies are kept, so that every happens-before
between two threads is a path of kept edges and of steps within threads.

Cost: a sort of the vector changes, and as many rounds as an event has direct edges.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import is_native
from racepage.events import Op
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.order.stamps import Stamper, Stamps
from racepage.trace.columns import Trace

_BATCH: Final = 1 << 20
_MARKED: Final = (
    *(Op.LOAD, Op.STORE, Op.RMW),
    *(Op.BYTEWISE_READ, Op.BYTEWISE_WRITE, Op.FENCE),
)


class Arrows(NamedTuple):
    """Edges between events of two threads, ascending by `to`; int64, one length."""

    source: NDArray[np.int64]
    to: NDArray[np.int64]


def arrows(trace: Trace, batches: list[Stamps] | None = None) -> Arrows:
    """The direct edges of happens-before between the threads of a trace.

    Args:
        trace: the trace.
        batches: its stamps, where somebody has them.
    """
    batches = stamped(trace) if batches is None else batches
    history = History(trace.columns.thread, batches)
    source, to = _learnt(trace, history, batches)
    # What a thread's first event knows of the slot it took over is its own past, not another's.
    other = trace.columns.thread[source] != trace.columns.thread[to]
    return direct(history, source[other], to[other])


def stamped(trace: Trace) -> list[Stamps]:
    """The stamps of happens-before, in consecutive batches that make up the whole trace."""
    stamper: Stamper = HappensBefore()
    if is_native(len(trace)) and not np.isin(trace.columns.op, _MARKED).any():
        # Imported here, since it loads a compiler.
        from racepage.order.hb_native import NativeHappensBefore  # noqa: PLC0415

        stamper = NativeHappensBefore()
    return [
        stamper.stamp(batch, trace.threads, trace.targets)
        for batch in trace.columns.batches(_BATCH)
    ]


def _learnt(
    trace: Trace, history: History, batches: list[Stamps]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every (event that became known, event that knows it), latest known first for each.

    The stamps bound what is known of a slot by any event's number (of a thread that ended, by that
    of the join); here it becomes the slot's last event up to there.
    """
    count = len(trace)
    begin, known, component, to = 0, [], [], []
    for stamps in batches:
        to.append(np.repeat(stamps.changed + begin, np.diff(stamps.bounds)))
        known.append(stamps.known)
        component.append(stamps.component.astype(np.int64))
        begin += len(stamps.clock)
    if not begin:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    slot = history.slot[trace.columns.thread].astype(np.int64)
    by_slot = np.argsort(slot, kind="stable")
    keys = slot[by_slot] * count + by_slot
    asked = np.concatenate(component) * count
    rows = np.searchsorted(keys, asked + np.concatenate(known), side="right") - 1
    there = (rows >= 0) & (keys[rows] >= asked)
    source, knows = by_slot[rows[there]], np.concatenate(to)[there]
    order = np.lexsort((-source, knows))
    return source[order], knows[order]


def direct(history: History, source: NDArray[np.int64], to: NDArray[np.int64]) -> Arrows:
    """Of the edges into each event, in turn the latest, without those that happen before it.

    The edges stand ascending by `to`, and descending by `source` within one.
    """
    kept_source, kept_to = [], []
    while len(to):
        first = np.diff(to, prepend=-1) != 0
        kept_source.append(source[first])
        kept_to.append(to[first])
        leader = source[first][np.cumsum(first) - 1]
        rest = np.flatnonzero(~first)
        rest = rest[~history.each_before(source[rest], leader[rest])]
        source, to = source[rest], to[rest]
    nothing = [np.empty(0, dtype=np.int64)]
    found, into = np.concatenate(kept_source or nothing), np.concatenate(kept_to or nothing)
    order = np.lexsort((found, into))
    return Arrows(found[order], into[order])
