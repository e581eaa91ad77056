"""Byte-wise atomic copies: data that other threads may be writing, and that may therefore be torn.

Each byte is read or written atomically, relaxed, and nothing is said of two together. So such a
copy races with plain accesses and with none of its kind or of atomic operations; whoever reads
checks afterwards whether what he read belongs together, as under a `SeqLock`.

Source: P1478, `atomic_load_per_byte_memcpy` and `atomic_store_per_byte_memcpy`; the kernel's
`READ_ONCE` and `WRITE_ONCE` in a loop.
"""

from __future__ import annotations

from _thread import RLock
from sys import _getframe
from typing import TYPE_CHECKING, Final, TypeAlias

from racepage.events import Op
from racepage.execution import current
from racepage.execution.frames import outside
from racepage.execution.step import READ, WRITE, Touch
from racepage.memory import buffers, values
from racepage.memory.kmap import PagePointer, PageSlice, point
from racepage.memory.layout import check_range

if TYPE_CHECKING:
    Readable: TypeAlias = buffers.Source | PagePointer | PageSlice
    Writable: TypeAlias = buffers.Destination | PagePointer | PageSlice

_READ: Final = int(Op.READ)
_WRITE: Final = int(Op.WRITE)
_BYTEWISE_READ: Final = int(Op.BYTEWISE_READ)
_BYTEWISE_WRITE: Final = int(Op.BYTEWISE_WRITE)


class BytewiseCopies:
    """The byte-wise copies of a page."""

    __slots__ = ()

    number: int
    _bytes: memoryview
    _section: RLock

    def bytewise_read(self, dst: Writable, offset: int, length: int) -> None:
        """As `read_raw`, byte-wise atomic: it does not race with atomic or byte-wise writes.

        A pointer or a slice of another page is written plainly, and logged so.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
            ValueError: `dst` is shorter than `length`, read-only or not contiguous; nothing is
                done.
        """
        offset, length = check_range(offset, length, len(self._bytes))
        frame = outside(_getframe(1))
        if isinstance(dst, PagePointer | PageSlice):
            there = point(dst, length)
            copy = there.mapping.span(there.offset, length)
        else:
            there = None
            copy = buffers.destination(dst, length)
        if current.mode >= current.CONTROLLED:
            copied = () if there is None else (there.touch(WRITE, length),)
            current.kernel.touching(Touch(self.number, offset, offset + length, READ), *copied)
        before = values.seen(copy)
        with self._section:
            copy[:] = self._bytes[offset : offset + length]
            found = values.seen(copy)
            if current.mode:
                current.log_access(_BYTEWISE_READ, self.number, offset, length, frame, old=found)
        if current.mode and there is not None:
            there.note(_WRITE, length, frame, values.detail(before, found))

    def bytewise_write(self, src: Readable, offset: int, length: int) -> None:
        """As `write_raw`, byte-wise atomic: it does not race with atomic or byte-wise accesses.

        A pointer or a slice of another page is read plainly, and logged so.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
            ValueError: `src` is shorter than `length` or not contiguous; nothing is done.
        """
        offset, length = check_range(offset, length, len(self._bytes))
        frame = outside(_getframe(1))
        if isinstance(src, PagePointer | PageSlice):
            there = point(src, length)
            data = there.mapping.span(there.offset, length)
        else:
            there = None
            data = buffers.source(src, length)
        if current.mode >= current.CONTROLLED:
            copied = () if there is None else (there.touch(READ, length),)
            current.kernel.touching(*copied, Touch(self.number, offset, offset + length, WRITE))
        given = values.seen(data)
        if current.mode and there is not None:
            there.note(_READ, length, frame, values.detail(given))
        here = self._bytes[offset : offset + length]
        with self._section:
            before = values.seen(here)
            here[:] = data
            if current.mode:
                current.log_access(
                    _BYTEWISE_WRITE, self.number, offset, length, frame, old=before, new=given
                )
