"""Vector clocks and epochs, and nothing else: no locks, no pages, no threads' names.

A vector clock maps a slot (a small number that stands for a thread) to how far that thread's past
is known; a slot that is absent counts as 0. An epoch `clock@slot` is one event's stamp: the event
happens before whatever knows at least `clock` of `slot`.

Source: Flanagan and Freund, FastTrack (PLDI 2009), section 3. Clocks are sparse dicts here, since
this is the type that is read and checked against; the native engine keeps its own dense rows.
"""

from __future__ import annotations

from typing import NamedTuple


class Epoch(NamedTuple):
    """The stamp `clock@slot` of one event."""

    clock: int
    slot: int

    def __str__(self) -> str:
        return f"{self.clock}@{self.slot}"


class VectorClock(dict[int, int]):
    """slot -> clock; every stored clock is positive, an absent slot is 0."""

    __slots__ = ()

    def __missing__(self, slot: int) -> int:
        return 0

    def knows(self, epoch: Epoch) -> bool:
        """Whether the event stamped `epoch` happens before what this clock stands for."""
        return self[epoch.slot] >= epoch.clock

    def join(self, other: VectorClock) -> list[Epoch]:
        """Raise every component to at least `other`'s, and return the components that changed."""
        changed = [Epoch(clock, slot) for slot, clock in other.items() if clock > self.get(slot, 0)]
        for clock, slot in changed:
            self[slot] = clock
        return changed

    def covers(self, other: VectorClock) -> bool:
        """Whether every component is at least `other`'s."""
        return all(self.get(slot, 0) >= clock for slot, clock in other.items())

    def copy(self) -> VectorClock:
        """A clock of its own with the same components."""
        return VectorClock(self)
