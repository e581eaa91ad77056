"""Happens-before among some events of a trace: the same relation, in as few edges.

Where a page holds some of a trace's events only, the edges between those that it lacks would lead
nowhere. So whatever leads from one held event to another, through however many others, becomes one
edge, and again only those are kept that no other one implies.

A thread learns something at the events whose vectors change. Of two held events of a thread with
none of the thread between them, the later one's own changes are all that is new; where others lie
between them, the later one (a *gap*) is asked for its whole vector.

Cost: by the held events, and for each gap by the threads that live at a time; not by the trace.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.order.history import History
from racepage.report.arrows import Arrows, direct

_PAIRS: Final = 1 << 20  # of an event and a slot, asked at once

Ints = NDArray[np.int64]


def some_arrows(history: History, thread: NDArray[np.int32], rows: Ints) -> Arrows:
    """The direct edges among the events `rows`, as places in it.

    Args:
        history: of the whole trace.
        thread: of all its events.
        rows: the events, ascending, each once.
    """
    if not len(rows):
        return Arrows(rows, rows)
    slot = history.slot[thread[rows]].astype(np.int64)
    gap = _gaps(thread[rows], rows)
    pieces = [history.each_learnt(rows[~gap]), *_whole(history, rows[gap], slot[gap])]
    event, learnt, known = map(np.concatenate, zip(*pieces, strict=True))
    source, to = _held(rows, slot, event, learnt, known)
    before, after = _handed_on(thread[rows], slot)
    source, to = np.concatenate((source, before)), np.concatenate((to, after))
    new = _new(slot, source, to)
    source, to = source[new], to[new]
    order = np.lexsort((-source, to))
    found = direct(history, rows[source[order]], rows[to[order]])
    return Arrows(np.searchsorted(rows, found.source), np.searchsorted(rows, found.to))


def _gaps(thread: NDArray[np.int32], rows: Ints) -> NDArray[np.bool_]:
    """Which events' threads may have done something between the held event before and them."""
    order = np.argsort(thread, kind="stable")
    run = np.cumsum(np.diff(rows, prepend=rows[0]) > 1)
    there = np.ones(len(rows), dtype=np.bool_)
    same = (np.diff(thread[order]) == 0) & (np.diff(run[order]) == 0)
    there[order[1:]] = ~same
    return there


def _whole(history: History, rows: Ints, slot: Ints) -> list[tuple[Ints, Ints, Ints]]:
    """All that is known at some events: (event, slot, known), some at a time."""
    slots = int(history.slot.max(initial=-1)) + 1
    size = max(1, _PAIRS // slots)
    pieces = []
    for begin in range(0, len(rows), size):
        event = np.repeat(rows[begin : begin + size], slots)
        other = np.tile(np.arange(slots), len(event) // slots)
        known = history.each_known(event, other)
        some = (known >= 0) & (other != np.repeat(slot[begin : begin + size], slots))
        pieces.append((event[some], other[some], known[some]))
    return pieces


def _held(rows: Ints, slot: Ints, event: Ints, learnt: Ints, known: Ints) -> tuple[Ints, Ints]:
    """From what became known of slots to edges: the last held event of the slot up to there."""
    by_slot = np.argsort(slot, kind="stable")
    wide = int(rows[-1]) + 1
    keys = slot[by_slot] * wide + rows[by_slot]
    asked = learnt * wide
    at = np.searchsorted(keys, asked + np.minimum(known, wide - 1), side="right") - 1
    there = (at >= 0) & (keys[at] >= asked)
    return by_slot[at[there]], np.searchsorted(rows, event[there])


def _handed_on(thread: NDArray[np.int32], slot: Ints) -> tuple[Ints, Ints]:
    """From the last held event of each thread to the first of who took over its slot."""
    order = np.argsort(slot, kind="stable")
    other = (np.diff(slot[order]) == 0) & (np.diff(thread[order]) != 0)
    return order[:-1][other], order[1:][other]


def _new(slot: Ints, source: Ints, to: Ints) -> NDArray[np.bool_]:
    """Which edges tell a slot more of another one than it had been told before."""
    slots = int(slot.max(initial=-1)) + 1
    pair = slot[to] * slots + slot[source]
    order = np.lexsort((-source, to, pair))
    count = len(slot) + 1
    rank = np.cumsum(np.diff(pair[order], prepend=-1) != 0)
    most = np.maximum.accumulate(np.concatenate(([0], rank * count + source[order])))
    found = np.zeros(len(source), dtype=np.bool_)
    found[order] = rank * count + source[order] > most[:-1]
    # An earlier pair's most is below this one's least, but for a first edge from place 0.
    first = np.diff(rank, prepend=0) != 0
    found[order[first]] = True
    return found
