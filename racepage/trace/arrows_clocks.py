"""Stamps as the columns of a recorded trace need them: by thread, not by slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StampColumns(Protocol):
    """What an order says of a batch: `racepage.order.stamps.Stamps`, seen from below."""

    @property
    def clock(self) -> NDArray[np.int64]:
        """The slot clock of every event."""

    @property
    def changed(self) -> NDArray[np.int64]:
        """The events at which a vector changed."""

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Where the changes of each of them begin and end."""

    @property
    def component(self) -> NDArray[np.int32]:
        """The slots that changed."""

    @property
    def value(self) -> NDArray[np.int64]:
        """Their new values."""

    @property
    def slot(self) -> NDArray[np.int32]:
        """The slot of every thread."""

    @property
    def base(self) -> NDArray[np.int64]:
        """The slot's clock before the thread's first event."""


def holders(
    slot: NDArray[np.int32],
    base: NDArray[np.int64],
    component: NDArray[np.int32],
    value: NDArray[np.int64],
) -> NDArray[np.int32]:
    """The threads that the components of a vector clock stand for.

    A slot is handed from thread to thread and goes on counting, so that its value `v` belongs to
    the last holder whose `base` is below `v`.
    """
    order = np.lexsort((base, slot))
    bases = np.unique(base)  # ranked, so that slot and base make one sorted key
    wide = len(bases) + 1
    keys = slot[order].astype(np.int64) * wide + np.searchsorted(bases, base[order])
    sought = component.astype(np.int64) * wide + np.searchsorted(bases, value)
    return order[np.searchsorted(keys, sought) - 1].astype(np.int32)


@dataclass(frozen=True, slots=True)
class _Stamps:
    clock: NDArray[np.int64]
    changed: NDArray[np.int64]
    bounds: NDArray[np.int64]
    component: NDArray[np.int32]
    value: NDArray[np.int64]
    slot: NDArray[np.int32]
    base: NDArray[np.int64]


def cut(stamps: StampColumns, start: int, stop: int) -> StampColumns:
    """The stamps of the events [start, stop), as a batch of their own."""
    first, last = np.searchsorted(stamps.changed, (start, stop)).tolist()
    low, high = int(stamps.bounds[first]), int(stamps.bounds[last])
    return _Stamps(
        clock=stamps.clock[start:stop],
        changed=stamps.changed[first:last] - start,
        bounds=stamps.bounds[first : last + 1] - low,
        component=stamps.component[low:high],
        value=stamps.value[low:high],
        slot=stamps.slot,
        base=stamps.base,
    )
