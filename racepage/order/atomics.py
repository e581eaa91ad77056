"""What an acquire takes from bytes that atomics wrote: release sequences, byte by byte.

Source: C++20, [intro.races] and [atomics.fences]. In its words, and in ours:

- a release store *heads* a release sequence: the bytes it wrote hand on what its thread knew;
- an RMW by any thread *continues* the sequence of the bytes it changes, and if it releases, adds
  what its own thread knew;
- any other write to a byte *ends* its sequence: a relaxed store, by the same thread too (C++20 has
  dropped C++11's exception), a byte-wise or plain write, a zeroing, an allocation, a free;
- a load reads from the last write in the log; an acquire takes what those bytes hand on, and a
  relaxed load leaves it for a later acquire fence of its thread;
- after a release fence, the relaxed stores of its thread hand on what it knew at the fence.

Sequential consistency orders as acquire and release do. Deviation: a sequence belongs to a byte,
not to an object, so that accesses of several sizes to common bytes mean what one expects.

Cost: an entry for each run of bytes that hands the same on, found by bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

from racepage.clock import VectorClock
from racepage.events import MemoryOrder

ACQUIRES: Final = frozenset({MemoryOrder.ACQUIRE, MemoryOrder.ACQ_REL, MemoryOrder.SEQ_CST})
RELEASES: Final = frozenset({MemoryOrder.RELEASE, MemoryOrder.ACQ_REL, MemoryOrder.SEQ_CST})


@dataclass(slots=True)
class Fences:
    """What one thread's fences make of its relaxed accesses.

    Attributes:
        released: what it knew at its last release fence; empty before the first.
        loaded: what its relaxed loads read, for its next acquire fence.
    """

    released: VectorClock = field(default_factory=VectorClock)
    loaded: VectorClock = field(default_factory=VectorClock)


class _Run(NamedTuple):
    """Bytes [start, stop) that hand on `given`, which is never changed."""

    start: int
    stop: int
    given: VectorClock


_START: Final = attrgetter("start")
_STOP: Final = attrgetter("stop")


class Sequences:
    """The release sequences of all bytes: target -> its runs, ascending and apart."""

    def __init__(self) -> None:
        self._heads: dict[int, list[_Run]] = {}

    def targets(self) -> list[int]:
        """The targets that have a byte which hands something on."""
        return list(self._heads)

    def read(self, target: int, start: int, stop: int) -> VectorClock:
        """What the bytes [start, stop) hand on, together."""
        found = VectorClock()
        for run in self._between(target, start, stop):
            found.join(run.given)
        return found

    def end(self, target: int, start: int, stop: int) -> None:
        """Bytes are written by what is no RMW."""
        if target in self._heads:
            self._replace(target, start, stop, [])

    def head(self, target: int, start: int, stop: int, given: VectorClock) -> None:
        """A store that hands on `given`, which is not changed from here on; nothing if empty."""
        if given:
            self._replace(target, start, stop, [_Run(start, stop, given)])
        else:
            self.end(target, start, stop)

    def go_on(self, target: int, start: int, stop: int, given: VectorClock) -> None:
        """An RMW that adds `given`; nothing if empty."""
        if not given:
            return
        longer = []
        at = start
        for run in self._between(target, start, stop):
            if at < run.start:
                longer.append(_Run(at, run.start, given))
            known = run.given.copy()
            known.join(given)
            longer.append(_Run(run.start, run.stop, known))
            at = run.stop
        if at < stop:
            longer.append(_Run(at, stop, given))
        self._replace(target, start, stop, longer)

    def _between(self, target: int, start: int, stop: int) -> list[_Run]:
        """The parts of the runs that lie within [start, stop)."""
        runs = self._heads.get(target, []) if start < stop else []
        first = bisect_right(runs, start, key=_STOP)
        last = bisect_left(runs, stop, key=_START)
        return [
            _Run(max(run.start, start), min(run.stop, stop), run.given) for run in runs[first:last]
        ]

    def _replace(self, target: int, start: int, stop: int, new: list[_Run]) -> None:
        """Put `new` in place of what the bytes [start, stop) handed on."""
        if start == stop:
            return
        runs = self._heads.setdefault(target, [])
        first = bisect_right(runs, start, key=_STOP)
        last = bisect_left(runs, stop, key=_START)
        cut = runs[first:last]
        if cut and cut[0].start < start:
            new = [cut[0]._replace(stop=start), *new]
        if cut and cut[-1].stop > stop:
            new = [*new, cut[-1]._replace(start=stop)]
        runs[first:last] = new
        if not runs:
            del self._heads[target]
