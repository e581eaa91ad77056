"""What an order says of a batch of events: every event's clock, and how vectors changed.

An engine that wants thread t's vector clock at every event keeps one row per slot and applies the
changes as it passes them; it needs to know nothing of locks, threads or queues. So one engine
serves every order, and an order is written once.

Clocks are counted per *slot*. A slot belongs to one live thread at a time, and is handed on once
its thread's end happens before the start of the next one; the clock goes on counting, so that an
epoch `clock@slot` names one moment of one thread for ever. What people read is the thread's own
count, from 1: `clock - base`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from racepage.events import Target
from racepage.trace.columns import Columns


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """The stamps of n consecutive events.

    Attributes:
        clock: int64, shape (n,): the slot clock of the event's own thread, at the event.
        changed: int64, shape (k,), ascending: the events at which the thread's vector changed in
            components other than its own, numbered from the start of the batch. The change is in
            force *at* the event (an acquire knows what it acquired). A thread's first event lists
            its whole vector, where that is more than its own component.
        bounds: int64, shape (k + 1,): the changes of event `changed[j]` are the rows
            `bounds[j]:bounds[j + 1]` of the three columns below.
        component: int32, shape (m,): the slot whose component changed.
        value: int64, shape (m,): its new value, never smaller than before.
        known: int64, shape (m,): the same as an event, numbered from the start of the trace: of
            the slot's events, those up to this number have a clock of at most `value`, and the
            later ones a larger one. An engine that keeps event numbers needs no clocks.
        slot: int32, shape (threads,): the slot of every thread seen so far.
        base: int64, shape (threads,): the slot's clock before the thread's first event.
    """

    clock: NDArray[np.int64]
    changed: NDArray[np.int64]
    bounds: NDArray[np.int64]
    component: NDArray[np.int32]
    value: NDArray[np.int64]
    known: NDArray[np.int64]
    slot: NDArray[np.int32]
    base: NDArray[np.int64]


class Stamper(Protocol):
    """A partial order, as something that stamps the events of one trace batch by batch."""

    @property
    def name(self) -> str:
        """What reports call the order: `hb`."""

    def stamp(self, columns: Columns, threads: list[str], targets: list[Target]) -> Stamps:
        """Stamp the next events; the tables are only ever longer than at the last batch."""
