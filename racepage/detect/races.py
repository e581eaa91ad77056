"""What a race engine is, and what it hands back.

Two engines have this one interface: `reference` states the algorithm, `native` runs it fast. Both
take the events of a trace in batches, with the stamps that an order gave them, and keep state in
between; neither knows where the order came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns


class RacingPair(NamedTuple):
    """A class of races with one unordered pair of sites and one kind, and its first instance.

    `first` and `second` are event numbers; `times` is how many second events showed the pair. Two
    frees are never put together: each racing pair of them stands for itself.
    """

    first: int
    second: int
    times: int


class RacyRange(NamedTuple):
    """Bytes [start, stop) of a page (a target id) on which some pair of accesses races."""

    page: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Races:
    """Everything that an engine found.

    Attributes:
        events: int64, ascending: the events that are the second of a race (promise 2).
        ranges: disjoint, not adjacent, ascending by page and start.
        pairs: ascending by second, then first, event.
    """

    events: NDArray[np.int64]
    ranges: list[RacyRange]
    pairs: list[RacingPair]


class RaceEngine(Protocol):
    """Finds the races of one trace."""

    def feed(self, columns: Columns, stamps: Stamps) -> None:
        """Take the next events; event numbers go on from the last batch."""

    def races(self) -> Races:
        """What was found so far."""
