"""The race engine as it is meant: short, and in the words of the definition.

An access races when an earlier, conflicting access to one of its bytes does not happen before it.
So each page keeps, for every run of bytes, the earlier accesses that can still matter; a new
access is compared with those of the runs that it touches, and then joins them.

Source: the shadow state of FastTrack (Flanagan and Freund, PLDI 2009), on runs of bytes instead
of fixed words. Deviations, all towards exactness:

- A run keeps every access that is not subsumed, not one write and the reads since. An older access
  is forgotten only when it happens before a newer one that conflicts with whatever it conflicts
  with (`events.SUBSUMES`): whoever races with the older then races with the newer as well. So
  races after a first race on the same bytes are found, and the latest of the racing accesses is
  always among those kept.
- Nothing is rounded to words, evicted, sampled or muted.

Promise: DESIGN.md section 5, promises 1 to 4. Cost: a Python step for each run that an access
touches; the native engine is for traces where that matters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from racepage.clock import VectorClock
from racepage.detect.evidence import NONE, place
from racepage.detect.races import Races, RacingPair, RacyRange
from racepage.events import CONFLICT, SUBSUMES, Op
from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns

_CONFLICT: list[list[bool]] = CONFLICT.tolist()
_SUBSUMES: list[list[bool]] = SUBSUMES.tolist()

Place = tuple[int, ...]


class _Access(NamedTuple):
    event: int
    op: int
    clock: int
    slot: int
    place: Place


@dataclass(slots=True)
class _Run:
    start: int
    stop: int
    accesses: list[_Access]


@dataclass(slots=True)
class _Page:
    """Disjoint runs, ascending; bytes between them were never touched."""

    runs: list[_Run] = field(default_factory=list)

    def touched(self, start: int, stop: int) -> list[_Run]:
        """The runs that make up exactly [start, stop), cut and made where they are missing."""
        self._cut(start)
        self._cut(stop)
        at = bisect_left(self.runs, start, key=lambda run: run.start)
        found: list[_Run] = []
        reached = start
        for run in self.runs[at:]:
            if run.start >= stop:
                break
            if reached < run.start:
                found.append(_Run(reached, run.start, []))
            found.append(run)
            reached = run.stop
        if reached < stop:
            found.append(_Run(reached, stop, []))
        until = bisect_left(self.runs, stop, key=lambda run: run.start)
        self.runs[at:until] = found
        return found

    def _cut(self, place: int) -> None:
        at = bisect_left(self.runs, place, key=lambda run: run.start) - 1
        if at >= 0 and self.runs[at].stop > place:
            run = self.runs[at]
            self.runs.insert(at + 1, _Run(place, run.stop, list(run.accesses)))
            run.stop = place


class Reference:
    """Finds the races of one trace, batch by batch. See `races.RaceEngine`."""

    def __init__(self, *, all_pairs: bool = False) -> None:
        self._all_pairs = all_pairs
        self._pages: defaultdict[int, _Page] = defaultdict(_Page)
        self._ended: set[int] = set()  # pages whose next ALLOC begins a new life
        self._vectors: defaultdict[int, VectorClock] = defaultdict(VectorClock)
        self._fed = 0
        self._racy: list[int] = []
        self._ranges: list[RacyRange] = []
        self._pairs: dict[tuple[Place, Place, int, int], RacingPair] = {}

    def feed(self, columns: Columns, stamps: Stamps) -> None:
        """Take the next events; event numbers go on from the last batch."""
        slots, clocks = stamps.slot[columns.thread].tolist(), stamps.clock.tolist()
        changes = {int(row): number for number, row in enumerate(stamps.changed)}
        touching = (columns.op <= Op.FREE) & (columns.length > 0) | (columns.op == Op.COLLECT)
        for row in np.union1d(np.flatnonzero(touching), stamps.changed).tolist():
            slot = slots[row]
            vector = self._vectors[slot]
            vector[slot] = clocks[row]
            if row in changes:
                rows = slice(*stamps.bounds[changes[row] : changes[row] + 2])
                vector.update(
                    zip(stamps.component[rows].tolist(), stamps.value[rows].tolist(), strict=True)
                )
            if touching[row]:
                self._touch(columns, row, slot, vector)
        self._fed += len(columns)

    def races(self) -> Races:
        """What was found so far."""
        return Races(
            events=np.array(self._racy, dtype=np.int64),
            ranges=list(_merged(sorted(self._ranges))),
            pairs=sorted(self._pairs.values(), key=lambda pair: (pair.second, pair.first)),
        )

    def _touch(self, columns: Columns, row: int, slot: int, vector: VectorClock) -> None:
        op, page = int(columns.op[row]), int(columns.target[row])
        if op == Op.COLLECT or (op == Op.ALLOC and page in self._ended):
            self._pages.pop(page, None)  # what comes now is compared with nothing before
            self._ended.discard(page)
        if op in (Op.FREE, Op.COLLECT):
            self._ended.add(page)
        if op == Op.COLLECT:
            return
        start, length = int(columns.offset[row]), int(columns.length[row])
        access = _Access(self._fed + row, op, vector[slot], slot, place(columns, row))
        raced: set[_Access] = set()
        for run in self._pages[page].touched(start, start + length):
            unordered = [
                older
                for older in run.accesses
                if _CONFLICT[older.op][op] and older.clock > vector[older.slot]
            ]
            if unordered:
                self._ranges.append(RacyRange(page, run.start, run.stop))
                raced.update(unordered if self._all_pairs else unordered[-1:])
            run.accesses = [older for older in run.accesses if self._keep(older, access, vector)]
            run.accesses.append(access)  # ascending by event: the latest is the last
        if raced:
            self._racy.append(access.event)
            self._count(raced, access)

    def _keep(self, older: _Access, newer: _Access, vector: VectorClock) -> bool:
        if self._all_pairs:  # only the last of each thread, site and operation says something new
            return (older.slot, older.place, older.op) != (newer.slot, newer.place, newer.op)
        return older.clock > vector[older.slot] or not _SUBSUMES[newer.op][older.op]

    def _count(self, raced: Iterable[_Access], second: _Access) -> None:
        """One more second event for each class of pairs; the latest first stands for its class.

        Two frees are a class of their own each time: what is one finding with them, and what was
        freed twice in good order, is for `analysis` to say.
        """
        counted = set()
        for first in sorted(raced, reverse=True):
            frees = (first.op == Op.FREE) + (second.op == Op.FREE)
            low, high = sorted((first.place, second.place))
            key = (low, high, frees, second.event if frees == 2 else NONE)
            if key in counted:
                continue
            counted.add(key)
            known = self._pairs.get(key, RacingPair(first.event, second.event, 0))
            self._pairs[key] = known._replace(times=known.times + 1)


def _merged(ranges: Iterable[RacyRange]) -> Iterable[RacyRange]:
    """Sorted ranges, with those that overlap or meet made one."""
    last: RacyRange | None = None
    for piece in ranges:
        if last is not None and last.page == piece.page and piece.start <= last.stop:
            last = last._replace(stop=max(last.stop, piece.stop))
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last
