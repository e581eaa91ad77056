"""Atomic operations on a few bytes: what the words of a page and free cells have in common.

An operation reads or changes its bytes as a whole and is logged in the same section, so that the
order of the log is the order of effect: a load reads from the last store before it in the log.
A finalizer or signal handler that uses a word in the midst of an operation on it loses nothing and
waits for nobody; but its event may stand before the operation's, which is one of the same thread.

Which order gives which edge is for `racepage.order.atomics` to say; here it is only checked that
the operation can have it, and written down.

Source: C++20, [atomics.types.operations]; the names are those of `std::atomic_ref`. Numbers are
unsigned and little endian, and wrap around; a compare-exchange is a strong one.
"""

from __future__ import annotations

import operator
from _thread import RLock
from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import index
from sys import _getframe
from types import FrameType
from typing import Final, NamedTuple, TypeAlias

from racepage.events import MemoryOrder, Op
from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.frames import outside
from racepage.execution.step import READ, WRITE

Order: TypeAlias = MemoryOrder | str
"""A memory order, or its name in lower case: `MemoryOrder.ACQUIRE` or `"acquire"`."""

SIZES: Final = (1, 2, 4, 8)
"""The bytes that an atomic operation can take as a whole."""

SEQ_CST: Final = MemoryOrder.SEQ_CST

_RELAXED: Final = MemoryOrder.RELAXED
_ACQUIRE: Final = MemoryOrder.ACQUIRE
_RELEASE: Final = MemoryOrder.RELEASE
_ACQ_REL: Final = MemoryOrder.ACQ_REL
_ALL_BYTES: Final = slice(None)


class Orders:
    """The memory orders that one operation can have, and the word that each is logged as."""

    def __init__(self, what: str, op: Op, *orders: MemoryOrder) -> None:
        self._what = what
        self._words: dict[object, int] = {}
        for order in orders:
            word = current.word(op, order=order)
            self._words |= {order: word, order.name.lower(): word}

    def word(self, order: object) -> int:
        """The word of the operation with that order.

        Raises:
            ValueError: it cannot have it, or there is none such.
        """
        # A plain number would be found too, and means another order in other languages.
        found = self._words.get(order) if isinstance(order, (MemoryOrder, str)) else None
        if found is None:
            raise ValueError(self._refusal(order))
        return found

    def _refusal(self, order: object) -> str:
        name = order.name.lower() if isinstance(order, MemoryOrder) else order
        *most, last = (str(one) for one in self._words if not isinstance(one, MemoryOrder))
        return f"{self._what} cannot have the order {name!r}: it takes {', '.join(most)} or {last}"


LOADS: Final = Orders("a load", Op.LOAD, _RELAXED, _ACQUIRE, SEQ_CST)
STORES: Final = Orders("a store", Op.STORE, _RELAXED, _RELEASE, SEQ_CST)
CHANGES: Final = Orders(
    "a read-modify-write", Op.RMW, _RELAXED, _ACQUIRE, _RELEASE, _ACQ_REL, SEQ_CST
)
FENCES: Final = Orders("a fence", Op.FENCE, _RELAXED, _ACQUIRE, _RELEASE, _ACQ_REL, SEQ_CST)
_FAILURES: Final = Orders("a compare-exchange that fails", Op.LOAD, _RELAXED, _ACQUIRE, SEQ_CST)

_ON_FAILURE: Final[dict[Order, MemoryOrder]] = {
    _RELEASE: _RELAXED,
    "release": _RELAXED,
    _ACQ_REL: _ACQUIRE,
    "acq_rel": _ACQUIRE,
}
"""The order of a failed compare-exchange where nothing is said: its own, without the release."""


class Exchanged(NamedTuple):
    """What a compare-exchange did: `ok, old = …`; it is true where it is `ok`.

    Attributes:
        ok: whether `desired` was written.
        old: what was there before; it is `expected` exactly if `ok`.
    """

    ok: bool
    old: int

    def __bool__(self) -> bool:
        return self.ok


class AtomicWord(ABC):
    """A number in memory that threads read and change as a whole, whatever they do meanwhile.

    It is unsigned, little endian, of 1, 2, 4 or 8 bytes, and wraps around: any integer will do as
    an operand. `order` is a `MemoryOrder` or its name in lower case; one that the operation cannot
    have is a ValueError, and nothing is done.
    """

    __slots__ = ("_here", "_limit", "_section")

    def __init__(self, here: memoryview, section: RLock) -> None:
        self._here = here
        self._section = section
        self._limit = 1 << 8 * len(here)

    @property
    def size(self) -> int:
        """Bytes in the word."""
        return len(self._here)

    def load(self, order: Order = SEQ_CST) -> int:
        """The number, with the order relaxed, acquire or seq_cst."""
        word = LOADS.word(order)
        if current.mode >= CONTROLLED:
            self._point(READ)
        with self._section:
            found = bytes(self._here)
            if current.mode:
                self._log(word, outside(_getframe(1)), found, None)
        return int.from_bytes(found, "little")

    def store(self, value: int, order: Order = SEQ_CST) -> None:
        """Write the number, with the order relaxed, release or seq_cst."""
        word = STORES.word(order)
        after = self._encoded(value)
        if current.mode >= CONTROLLED:
            self._point(WRITE)
        with self._section:
            before = bytes(self._here)
            self._here[:] = after
            if current.mode:
                self._log(word, outside(_getframe(1)), before, after)

    def exchange(self, value: int, order: Order = SEQ_CST) -> int:
        """Write the number; return what was there before."""
        return self._change(_second, value, order)

    def fetch_add(self, value: int, order: Order = SEQ_CST) -> int:
        """Add to the number; return what was there before."""
        return self._change(operator.add, value, order)

    def fetch_sub(self, value: int, order: Order = SEQ_CST) -> int:
        """Subtract from the number; return what was there before."""
        return self._change(operator.sub, value, order)

    def fetch_or(self, value: int, order: Order = SEQ_CST) -> int:
        """Set bits; return what was there before."""
        return self._change(operator.or_, value, order)

    def fetch_and(self, value: int, order: Order = SEQ_CST) -> int:
        """Keep bits; return what was there before."""
        return self._change(operator.and_, value, order)

    def fetch_xor(self, value: int, order: Order = SEQ_CST) -> int:
        """Flip bits; return what was there before."""
        return self._change(operator.xor, value, order)

    def compare_exchange(
        self,
        expected: int,
        desired: int,
        order: Order = SEQ_CST,
        failure_order: Order | None = None,
    ) -> Exchanged:
        """Write `desired` if `expected` is there.

        Args:
            expected: what to look for.
            desired: what to write.
            order: of the read-modify-write.
            failure_order: of the load that is left where something else is there: relaxed, acquire
                or seq_cst. None takes `order` without its release: acquire for acq_rel, relaxed for
                release.

        Returns:
            `(ok, old)`: whether it was written, and what was there before.
        """
        success = CHANGES.word(order)
        if failure_order is None:
            failure_order = _ON_FAILURE.get(order, order)
        failure = _FAILURES.word(failure_order)
        wanted, after = self._encoded(expected), self._encoded(desired)
        here = self._here
        if current.mode >= CONTROLLED:
            self._point(WRITE)
        with self._section:
            # From the comparison to the next line the interpreter runs nothing else (see _change).
            if ok := here == wanted:
                here[_ALL_BYTES] = after
                before = wanted
            else:
                before = bytes(here)
                if current.mode >= CONTROLLED:
                    current.kernel.only_read()
            if current.mode:
                frame = outside(_getframe(1))
                if ok:
                    self._log(success, frame, before, after)
                else:
                    self._log(failure, frame, before, None)
        return Exchanged(ok, int.from_bytes(before, "little"))

    def _change(self, change: Callable[[int, int], int], value: int, order: Order) -> int:
        word = CHANGES.word(order)
        value = index(value)
        here = self._here
        if current.mode >= CONTROLLED:
            self._point(WRITE)
        with self._section:
            while True:
                before = bytes(here)
                old = int.from_bytes(before, "little")
                after = self._encoded(change(old, value))
                # A finalizer or a signal handler may have come between, in this very thread. From
                # the comparison to the assignment nothing is called, so that none can come there.
                if here == before:
                    here[_ALL_BYTES] = after
                    break
            if current.mode:
                self._log(word, outside(_getframe(1)), before, after)
        return old

    def _encoded(self, value: int) -> bytes:
        """The word's bytes when it holds `value`."""
        return (index(value) % self._limit).to_bytes(len(self._here), "little")

    @abstractmethod
    def _point(self, how: int) -> None:
        """Stop before an operation; a kernel says who goes next."""

    @abstractmethod
    def _log(self, word: int, frame: FrameType, old: bytes, new: bytes | None) -> None:
        """Log an operation, in the section; `current.mode` is on."""


def _second(_: int, value: int) -> int:
    return value
