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

Cost: a dictionary entry for each byte that hands something on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

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


class Sequences:
    """The release sequences of all bytes, by target and byte."""

    def __init__(self) -> None:
        self._heads: dict[int, dict[int, VectorClock]] = {}

    def targets(self) -> list[int]:
        """The targets that have a byte which hands something on."""
        return list(self._heads)

    def read(self, target: int, start: int, stop: int) -> VectorClock:
        """What the bytes [start, stop) hand on, together."""
        found = VectorClock()
        heads = self._heads.get(target)
        if heads:
            for byte in range(start, stop):
                if byte in heads:
                    found.join(heads[byte])
        return found

    def end(self, target: int, start: int, stop: int) -> None:
        """Bytes are written by what is no RMW."""
        heads = self._heads.get(target)
        if heads is None:
            return
        for byte in [byte for byte in heads if start <= byte < stop]:
            del heads[byte]
        if not heads:
            del self._heads[target]

    def head(self, target: int, start: int, stop: int, given: VectorClock) -> None:
        """A store that hands on `given`, which is not changed from here on; nothing if empty."""
        self.end(target, start, stop)
        if given:
            self._heads.setdefault(target, {}).update(dict.fromkeys(range(start, stop), given))

    def go_on(self, target: int, start: int, stop: int, given: VectorClock) -> None:
        """An RMW that adds `given`; nothing if empty."""
        if not given:
            return
        heads = self._heads.setdefault(target, {})
        for byte in range(start, stop):
            known = heads[byte].copy() if byte in heads else VectorClock()
            known.join(given)
            heads[byte] = known
