"""Atomic operations on the bytes of a page.

A word of 1, 2, 4 or 8 bytes at a multiple of its size is read and changed as a whole. Threads that
do nothing else to it never race there; a plain access of another thread does, unless both read.
`racepage.execution.atomics` has the operations.

Source: `rust/kernel/page.rs` and `AtomicU64::from_ptr`, of which `PagePointer.atomic` is the
counterpart; C++20's `std::atomic_ref`.
"""

from __future__ import annotations

from _thread import RLock
from operator import index
from types import FrameType
from typing import TYPE_CHECKING

from racepage.errors import InvalidArgument
from racepage.execution import current
from racepage.execution.atomics import SEQ_CST, SIZES, AtomicWord, Exchanged, Order
from racepage.trace.columns import NO_DETAIL, Detail

if TYPE_CHECKING:
    from racepage.memory.kmap import PagePointer


class PageWord(AtomicWord):
    """A word of a page: `page.atomic(offset, size)`, or `pointer.atomic(size)`."""

    __slots__ = ("_number", "_offset", "_pointer")

    def __init__(
        self, page: PageAtomics, offset: int, size: int, pointer: PagePointer | None = None
    ) -> None:
        offset, size = index(offset), index(size)
        if size not in SIZES:
            raise InvalidArgument(f"an atomic access of {size} bytes: it takes 1, 2, 4 or 8")
        if offset % size or not 0 <= offset <= len(page._bytes) - size:  # noqa: SLF001  (its words)
            raise InvalidArgument(
                f"an atomic access of {size} bytes at offset {offset} of a page of "
                f"{len(page._bytes)}: it lies in the page, at a multiple of its size"  # noqa: SLF001
            )
        super().__init__(page._bytes[offset : offset + size], page._section)  # noqa: SLF001
        self._number = page.number
        self._offset = offset
        self._pointer = pointer

    def _point(self, how: int) -> None:
        start = self._offset
        current.kernel.point(how, self._number, start, start + len(self._here))

    def _log(self, word: int, frame: FrameType, old: bytes, new: bytes | None) -> None:
        if self._pointer is None:
            size = len(self._here)
            current.log_access(word, self._number, self._offset, size, frame, old=old, new=new)
        else:
            wanted = current.mode & current.VALUES
            detail = Detail(old=old, new=new) if wanted else NO_DETAIL
            self._pointer.note(word | current.TURN, len(self._here), frame, detail)


class PageAtomics:
    """The atomic operations of a page.

    All take the offset and the size of a word: 1, 2, 4 or 8 bytes at a multiple of the size, an
    unsigned little-endian number that wraps around. `order` is a `MemoryOrder` or its name in lower
    case.

    Raises:
        InvalidArgument: there is no such word in the page; nothing is done.
        ValueError: the operation cannot have that order; nothing is done.
    """

    __slots__ = ()

    number: int
    _bytes: memoryview
    _section: RLock

    def atomic(self, offset: int, size: int) -> PageWord:
        """One word of the page, for those who use it more than once."""
        return PageWord(self, offset, size)

    def load(self, offset: int, size: int, order: Order = SEQ_CST) -> int:
        """The number, with the order relaxed, acquire or seq_cst."""
        return PageWord(self, offset, size).load(order)

    def store(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> None:
        """Write the number, with the order relaxed, release or seq_cst."""
        PageWord(self, offset, size).store(value, order)

    def exchange(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Write the number; return what was there before."""
        return PageWord(self, offset, size).exchange(value, order)

    def fetch_add(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Add to the number; return what was there before."""
        return PageWord(self, offset, size).fetch_add(value, order)

    def fetch_sub(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Subtract from the number; return what was there before."""
        return PageWord(self, offset, size).fetch_sub(value, order)

    def fetch_or(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Set bits; return what was there before."""
        return PageWord(self, offset, size).fetch_or(value, order)

    def fetch_and(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Keep bits; return what was there before."""
        return PageWord(self, offset, size).fetch_and(value, order)

    def fetch_xor(self, offset: int, size: int, value: int, order: Order = SEQ_CST) -> int:
        """Flip bits; return what was there before."""
        return PageWord(self, offset, size).fetch_xor(value, order)

    def compare_exchange(  # noqa: PLR0917  (the place, and then what `std::atomic_ref` takes)
        self,
        offset: int,
        size: int,
        expected: int,
        desired: int,
        order: Order = SEQ_CST,
        failure_order: Order | None = None,
    ) -> Exchanged:
        """Write `desired` if `expected` is there; one that fails is a load.

        Args:
            offset: of the word.
            size: of the word.
            expected: what to look for.
            desired: what to write.
            order: of the read-modify-write.
            failure_order: of the load: relaxed, acquire or seq_cst; None takes `order` without its
                release.

        Returns:
            `(ok, old)`: whether it was written, and what was there before; true where it is `ok`.
        """
        return PageWord(self, offset, size).compare_exchange(
            expected, desired, order, failure_order
        )
