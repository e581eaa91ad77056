"""What an order said of a whole trace, kept so that it can be asked again.

The engines ask for every event's vector in passing. A report asks for a few events' vectors
afterwards: the two sides of a race, the free that an access came after. This file answers from
the stamps alone, so it serves every order.

Cost: one sort of the vector changes, the first time a question needs it; then some binary
searches a question.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from racepage.order.stamps import Stamps


@dataclass(frozen=True, slots=True, eq=False)
class _Changes:
    """Every change of a component, grouped by (slot, component), ascending by event in a group.

    Attributes:
        group: int64, ascending: `slot * slots + component`.
        event, value, known: int64, the same length.
    """

    group: NDArray[np.int64]
    event: NDArray[np.int64]
    value: NDArray[np.int64]
    known: NDArray[np.int64]

    def last(self, group: int, event: int) -> int | None:
        """The row of the component's last change up to `event`; None before the first."""
        low, high = np.searchsorted(self.group, (group, group + 1))
        at = low + np.searchsorted(self.event[low:high], event, side="right")
        return int(at) - 1 if at > low else None

    def last_values(self, first: int, count: int, event: int) -> NDArray[np.int64]:
        """The values at `event` of the components whose groups begin at `first`; 0 before any."""
        low, high = np.searchsorted(self.group, (first, first + count))
        rows = low + np.flatnonzero(self.event[low:high] <= event)
        group = self.group[rows]
        last = rows[np.flatnonzero(np.diff(group, append=-1))]  # where the next is another's
        values = np.zeros(count, dtype=np.int64)
        values[self.group[last] - first] = self.value[last]
        return values


class History:
    """The stamps of a whole trace.

    Args:
        thread: int32, shape (n,): each event's thread.
        batches: the stamps of consecutive batches that make up the n events.
    """

    def __init__(self, thread: NDArray[np.int32], batches: list[Stamps]) -> None:
        self._thread = thread
        self._batches = batches
        self._begins = list(accumulate((len(stamps.clock) for stamps in batches), initial=0))
        self.slot = batches[-1].slot if batches else np.empty(0, dtype=np.int32)
        self.base = batches[-1].base if batches else np.empty(0, dtype=np.int64)
        self._slots = int(self.slot.max(initial=-1)) + 1

    def clock(self, event: int) -> int:
        """The slot clock of the event's own thread, at the event."""
        batch = bisect_right(self._begins, event) - 1
        return int(self._batches[batch].clock[event - self._begins[batch]])

    def own_count(self, event: int) -> int:
        """The thread's own count at `event`, from 1: what people read as its clock."""
        return self.clock(event) - int(self.base[self._thread[event]])

    def component(self, event: int, slot: int) -> int:
        """How much of `slot` is known at `event`, as a slot clock; 0 for nothing."""
        own = int(self.slot[self._thread[event]])
        if own == slot:
            return self.clock(event)
        row = self._changes.last(own * self._slots + slot, event)
        return 0 if row is None else int(self._changes.value[row])

    def before(self, first: int, second: int) -> bool:
        """Whether event `first` happens before the later event `second`, or is by its thread.

        Two threads that held one slot in turn are ordered: that is when a slot is handed on.
        """
        slot = int(self.slot[self._thread[first]])
        return self.component(second, slot) >= self.clock(first)

    def each_before(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        """`before`, asked of many pairs of events at once: two arrays of one length."""
        slot, own = self.slot[self._thread[first]], self.slot[self._thread[second]]
        known = self.clocks(second)
        others = np.flatnonzero(slot != own)
        group = own[others].astype(np.int64) * self._slots + slot[others]
        known[others] = self._components(group, second[others])
        return known >= self.clocks(first)

    def each_component(self, slot: int, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """`component`, asked of many events at once."""
        own = self.slot[self._thread[events]].astype(np.int64)
        known = self._components(own * self._slots + slot, events)
        mine = own == slot
        known[mine] = self.clocks(events[mine])
        return known

    def clocks(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """`clock`, asked of many events at once."""
        clocks = np.empty(len(events), dtype=np.int64)
        batch = np.searchsorted(self._begins, events, side="right") - 1
        for number in np.unique(batch).tolist():
            rows = np.flatnonzero(batch == number)
            clocks[rows] = self._batches[number].clock[events[rows] - self._begins[number]]
        return clocks

    def _components(self, group: NDArray[np.int64], event: NDArray[np.int64]) -> NDArray[np.int64]:
        """The value of each group's component at the event beside it; 0 before its first change."""
        values = np.zeros(len(group), dtype=np.int64)
        there, change = self._changed_last(group, event)
        values[there] = self._changes.value[change]
        return values

    def each_known(self, event: NDArray[np.int64], slot: NDArray[np.int64]) -> NDArray[np.int64]:
        """Up to which number the events of another slot are known at an event; -1 for none.

        The numbers bound the slot's events as `Stamps.known` does. Two arrays of one length.
        """
        known = np.full(len(event), -1, dtype=np.int64)
        own = self.slot[self._thread[event]].astype(np.int64)
        there, change = self._changed_last(own * self._slots + slot, event)
        known[there] = self._changes.known[change]
        return known

    def each_learnt(
        self, events: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """What became known at just these events, which ascend: event, slot, known; one length."""
        found: list[tuple[NDArray[np.int64], ...]] = []
        for begin, stamps in zip(self._begins, self._batches, strict=False):
            low, high = np.searchsorted(events, (begin, begin + len(stamps.clock)))
            asked = events[low:high] - begin
            at = np.searchsorted(stamps.changed, asked)
            there = at < len(stamps.changed)
            there[there] = stamps.changed[at[there]] == asked[there]
            first, counts = stamps.bounds[at[there]], np.diff(stamps.bounds)[at[there]]
            rows = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            found.append(
                (
                    np.repeat(asked[there] + begin, counts),
                    stamps.component[rows].astype(np.int64),
                    stamps.known[rows],
                )
            )
        nothing = (np.empty(0, dtype=np.int64),) * 3
        event, slot, known = map(np.concatenate, zip(*(found or [nothing]), strict=True))
        return event, slot, known

    def _changed_last(
        self, group: NDArray[np.int64], event: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the pairs have a change up to the event, and the row of its last one."""
        groups, keys = self._keys
        if not len(groups):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        rank = np.searchsorted(groups, group)
        there = np.flatnonzero(groups[np.minimum(rank, len(groups) - 1)] == group)
        begin = rank[there] * (self._begins[-1] + 1)
        last = np.searchsorted(keys, begin + event[there], side="right") - 1
        changed = (last >= 0) & (keys[last] >= begin)
        return there[changed], last[changed]

    def last_known(self, thread: int, event: int) -> tuple[int, int] | None:
        """The last event of another `thread` that hands its clock on and is known at `event`.

        With the thread's own count there; None if nothing of the thread is known.
        """
        own, slot = int(self.slot[self._thread[event]]), int(self.slot[thread])
        row = self._changes.last(own * self._slots + slot, event)
        if row is None or self._changes.value[row] <= self.base[thread]:
            return None
        return int(self._changes.known[row]), int(self._changes.value[row] - self.base[thread])

    def learnt(self, thread: int, of: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events at which `thread` came to know more of the thread `of`, ascending.

        And beside each, how far it knows it from there on: no event of `of` with a larger number.
        Nothing where the two held one slot in turn.
        """
        changes = self._changes
        group = int(self.slot[thread]) * self._slots + int(self.slot[of])
        low, high = np.searchsorted(changes.group, (group, group + 1))
        mine = self._thread[changes.event[low:high]] == thread
        rows = low + np.flatnonzero(mine & (changes.value[low:high] > self.base[of]))
        return changes.event[rows], changes.known[rows]

    def learnt_at(self, event: int) -> dict[int, int]:
        """The threads of which `event` knows more than its thread did before, as for `learnt`."""
        changes, group = self._changes, self._own_group(event)
        low, high = np.searchsorted(changes.group, (group, group + self._slots))
        rows = low + np.flatnonzero(changes.event[low:high] == event)
        return {
            self._holder(int(changes.group[row]) - group, int(changes.value[row])): int(
                changes.known[row]
            )
            for row in rows.tolist()
        }

    def vector(self, event: int) -> dict[int, int]:
        """Thread -> its own count, from 1, as known at `event`; threads not known are absent.

        Of the threads that held one slot in turn, the latest that is known stands for all: it
        started after the others ended, and knew it.
        """
        clocks = self._changes.last_values(self._own_group(event), self._slots, event)
        clocks[self.slot[self._thread[event]]] = self.clock(event)
        known = {}
        for slot in np.flatnonzero(clocks).tolist():
            clock = int(clocks[slot])
            thread = self._holder(slot, clock)
            known[thread] = clock - int(self.base[thread])
        return known

    def _own_group(self, event: int) -> int:
        return int(self.slot[self._thread[event]]) * self._slots

    def _holder(self, slot: int, clock: int) -> int:
        bases, threads = self._holders[slot]
        return threads[bisect_left(bases, clock) - 1]

    @cached_property
    def _holders(self) -> dict[int, tuple[list[int], list[int]]]:
        """Slot -> (bases, threads) of the threads that held it, in turn."""
        held: dict[int, tuple[list[int], list[int]]] = {}
        for thread in np.argsort(self.base, kind="stable").tolist():
            bases, threads = held.setdefault(int(self.slot[thread]), ([], []))
            bases.append(int(self.base[thread]))
            threads.append(thread)
        return held

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The groups of changes that there are, and one ascending number for each change: the rank
        of its group among them, and its event."""  # noqa: D205, D209
        changes = self._changes
        new = np.diff(changes.group, prepend=-1) != 0
        rank = np.cumsum(new) - 1
        return changes.group[new], rank * (self._begins[-1] + 1) + changes.event

    @cached_property
    def _changes(self) -> _Changes:
        event, group = [], []
        for begin, stamps in zip(self._begins, self._batches, strict=False):
            rows = np.repeat(stamps.changed + begin, np.diff(stamps.bounds))
            event.append(rows)
            group.append(
                self.slot[self._thread[rows]].astype(np.int64) * self._slots + stamps.component
            )
        nothing = [np.empty(0, dtype=np.int64)]
        groups = np.concatenate(group or nothing).astype(np.int64)
        # numpy sorts 16-bit keys by radix, an order of magnitude faster than wider ones
        keys = groups.astype(np.uint16) if self._slots**2 <= 1 << 16 else groups
        order = np.argsort(keys, kind="stable")
        return _Changes(
            group=groups[order],
            event=np.concatenate(event or nothing)[order],
            value=np.concatenate([stamps.value for stamps in self._batches] or nothing)[order],
            known=np.concatenate([stamps.known for stamps in self._batches] or nothing)[order],
        )
