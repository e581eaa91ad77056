"""What can be done with the bytes of a page, whoever owns it.

These are the unsafe methods of the kernel's `Page`. What makes them unsafe is a promise that the
caller gives: no overlapping access of another thread that is not ordered with this one. Here the
promise is checked, so nothing is locked: each method copies, and then logs what it did.

Source: `rust/kernel/page.rs`.

The hot path is `read_raw` and `write_raw` between plain byte buffers; benchmarks/record.py measures
it. A slice of a memoryview is assigned by one memmove, and refuses what differs in length, type or
mutability; whatever it refuses is looked at again, slowly, and either refused with a reason or
copied after all.
"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable
from sys import _getframe
from types import FrameType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.execution import current
from racepage.execution.current import own
from racepage.execution.step import READ, WRITE, Touch
from racepage.memory import buffers, values
from racepage.memory.atomics import PageAtomics
from racepage.memory.bytewise import BytewiseCopies
from racepage.memory.kmap import Mapping, PagePointer, PageSlice, point, unmap
from racepage.memory.layout import check_range
from racepage.memory.view import PageView
from racepage.trace.columns import Detail

if TYPE_CHECKING:
    from racepage.memory.uaccess import UserSliceReader

    Readable: TypeAlias = buffers.Source | PagePointer | PageSlice
    Writable: TypeAlias = buffers.Destination | PagePointer | PageSlice

Result = TypeVar("Result")

_SITES: Final = current.SITES
_VALUES: Final = current.VALUES
_CONTROLLED: Final = current.CONTROLLED
_EXPLORED: Final = _CONTROLLED | _SITES

_READ: Final = int(Op.READ)
_WRITE: Final = int(Op.WRITE)
_ZERO: Final = int(Op.ZERO)
_MAP: Final = int(Op.MAP)

STRUCT_PAGES: Final = 0xFFFF_EA00_0000_0000
"""The kernel's array of `struct page` on x86-64 (Documentation/arch/x86/x86_64/mm.rst)."""

SIZEOF_STRUCT_PAGE: Final = 64


class PageAccess(PageAtomics, BytewiseCopies):
    """A page's bytes and its number; `Page` and `BorrowedPage` differ in who frees it.

    Attributes:
        number: the page as a target of `racepage.execution.current`.
    """

    __slots__ = ("__weakref__", "_array", "_bytes", "_section", "_size", "number")

    def __init__(self, array: NDArray[np.uint8], number: int, section: RLock) -> None:
        self._array = array
        self._bytes = array.data
        self._section = section  # of atomic operations: whoever names the page has the same one
        self._size = len(array)
        self.number = number

    @property
    def size(self) -> int:
        """Bytes in the page: `PAGE_SIZE << order`."""
        return self._size

    @property
    def label(self) -> str | None:
        """What reports call it. It may be given or changed at any time; the last one counts."""
        return current.given.get(self.number)

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise TypeError(f"a label is a string, not {type(label).__name__}")
        current.relabel(self.number, label)

    def as_ptr(self) -> int:
        """The address of the page's `struct page`: no other page ever has it."""
        return STRUCT_PAGES + (self.number >> current.KIND_BITS) * SIZEOF_STRUCT_PAGE

    def view(self) -> PageView:
        """The page as a numpy user would have it: `view[a:b]`, `view[a:b] = data`."""
        return PageView(self, self._array)

    # The four unsafe methods

    def read_raw(  # noqa: C901  (the hot path, from end to end)
        self, dst: Writable, offset: int, length: int
    ) -> None:
        """Copy `length` bytes from `offset` of the page to the beginning of `dst`.

        A pointer or a slice of another page is written as that page's bytes, and logged so.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
            ValueError: `dst` is shorter than `length`, read-only or not contiguous; nothing is
                done.
        """
        # Not chained: the interpreter is quicker to jump on one comparison.
        if offset >= 0 and length >= 0 and (end := offset + length) <= self._size:
            if (mode := current.mode) == _EXPLORED:
                if isinstance(dst, bytearray) and length <= len(dst):
                    kernel = current.kernel
                    if length:
                        kernel.point(READ, self.number, offset, end)
                    dst[:length] = self._bytes[offset:end]
                    at, extend = _getframe(1), kernel.extend
                    extend((_READ, self.number, offset, length, at.f_code, at.f_lasti))
                    return
            elif mode < _VALUES:
                try:
                    target = memoryview(dst)  # type: ignore[arg-type]  # a pointer has no buffer
                    if target.c_contiguous:
                        target[:length] = self._bytes[offset:end]
                        if mode == _SITES:
                            at = _getframe(1)
                            try:
                                extend = own.extend
                            except AttributeError:  # the thread's first event
                                extend = current.task().events.extend
                            extend((_READ, self.number, offset, length, at.f_code, at.f_lasti))
                        elif mode:
                            current.note(_READ, self.number, offset, length, _getframe(1))
                        return
                except (TypeError, ValueError, NotImplementedError):
                    pass
        self._read_slowly(dst, offset, length, _getframe(1))

    def write_raw(  # noqa: C901  (likewise)
        self, src: Readable, offset: int, length: int
    ) -> None:
        """Copy the first `length` bytes of `src` to `offset` of the page.

        A pointer or a slice of another page is read as that page's bytes, and logged so.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
            ValueError: `src` is shorter than `length` or not contiguous; nothing is done.
        """
        if offset >= 0 and length >= 0 and (end := offset + length) <= self._size:
            if (mode := current.mode) == _EXPLORED:
                if isinstance(src, bytes) and length <= len(src):
                    kernel = current.kernel
                    if length:
                        kernel.point(WRITE, self.number, offset, end)
                    self._bytes[offset:end] = src[:length]
                    at, extend = _getframe(1), kernel.extend
                    extend((_WRITE, self.number, offset, length, at.f_code, at.f_lasti))
                    return
            elif mode < _VALUES:
                try:
                    source = memoryview(src)  # type: ignore[arg-type]  # a pointer has no buffer
                    if source.c_contiguous:
                        self._bytes[offset:end] = source[:length]
                        if mode == _SITES:
                            at = _getframe(1)
                            try:
                                extend = own.extend
                            except AttributeError:  # the thread's first event
                                extend = current.task().events.extend
                            extend((_WRITE, self.number, offset, length, at.f_code, at.f_lasti))
                        elif mode:
                            current.note(_WRITE, self.number, offset, length, _getframe(1))
                        return
                except (TypeError, ValueError, NotImplementedError):
                    pass
        self._write_slowly(src, offset, length, _getframe(1))

    def fill_zero_raw(self, offset: int, length: int) -> None:
        """Write zeros to the `length` bytes from `offset`.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
        """
        offset, length = check_range(offset, length, self._size)
        if current.mode >= _CONTROLLED:
            current.kernel.touching(Touch(self.number, offset, offset + length, WRITE))
        before = values.seen(self._bytes[offset : offset + length])
        self._array[offset : offset + length] = 0
        if current.mode:
            zeros = before and bytes(len(before))
            values.note(_ZERO, self.number, offset, length, _getframe(1), before, zeros)

    def copy_from_user_slice_raw(self, reader: UserSliceReader, offset: int, length: int) -> None:
        """Copy the next `length` bytes of user memory to `offset` of the page.

        Raises:
            InvalidArgument: offset and length do not lie in the page; nothing is done.
            BadAddress: the reader has fewer bytes left, and nothing is done; or user memory faults
                on the way: what stands before the fault was written, and the reader stays.
        """
        offset, length = check_range(offset, length, self._size)
        if current.mode >= _CONTROLLED:
            written = Touch(self.number, offset, offset + length, WRITE)
            current.kernel.touching(reader.touch(READ, length), written)
        data = reader.fetch(length)
        here = self._bytes[offset : offset + len(data)]
        before, after = values.seen(here), values.seen(data)
        here[:] = data
        if current.mode:
            word, detail = reader.copied(len(data), length)
            detail = detail._replace(old=before, new=after)
            current.note_detail(word, self.number, offset, len(data), _getframe(1), detail=detail)
        reader.advance(len(data), length)

    # Mappings

    def with_page_mapped(self, f: Callable[[PagePointer], Result]) -> Result:
        """Map the page, call `f` with a pointer to its first byte, and unmap it however `f` ends.

        Returns:
            What `f` returned.
        """
        frame = _getframe(1)
        mapping = self.map_local(frame)
        try:
            return f(PagePointer(mapping, 0, None))
        finally:
            unmap(mapping, frame)

    def with_pointer_into_page(
        self, offset: int, length: int, f: Callable[[PagePointer], Result]
    ) -> Result:
        """As `with_page_mapped`, with a pointer to `offset` that may reach `length` bytes.

        Raises:
            InvalidArgument: offset and length do not lie in the page; `f` is not called.
        """
        offset, length = check_range(offset, length, self._size)
        frame = _getframe(1)
        mapping = self.map_local(frame)
        try:
            return f(PagePointer(mapping, offset, (offset, offset + length)))
        finally:
            unmap(mapping, frame)

    def with_slice_in_page(
        self, offset: int, length: int, f: Callable[[PageSlice], Result]
    ) -> Result:
        """As `with_pointer_into_page`, with a slice that knows its length.

        Raises:
            InvalidArgument: offset and length do not lie in the page; `f` is not called.
        """
        offset, length = check_range(offset, length, self._size)
        frame = _getframe(1)
        mapping = self.map_local(frame)
        try:
            return f(PageSlice(mapping, offset, offset + length))
        finally:
            unmap(mapping, frame)

    def map_local(self, frame: FrameType) -> Mapping:
        """Map the page on the current task, for the program's line `frame`."""
        made = Mapping(self, self._bytes)
        if current.mode:
            current.log_detail(_MAP, self.number, frame, Detail(via=made.number))
        return made

    # What the hot paths refuse: another look, and a reason

    def _read_slowly(self, dst: Writable, offset: int, length: int, frame: FrameType) -> None:
        offset, length = check_range(offset, length, self._size)
        if isinstance(dst, PagePointer | PageSlice):
            there = point(dst, length)
            copy = there.mapping.span(there.offset, length)
        else:
            there = None
            copy = buffers.destination(dst, length)
        if current.mode >= _CONTROLLED:
            copied = () if there is None else (there.touch(WRITE, length),)
            current.kernel.touching(Touch(self.number, offset, offset + length, READ), *copied)
        before = values.seen(copy)
        copy[:] = self._bytes[offset : offset + length]
        if current.mode:
            found = values.seen(copy)
            values.note(_READ, self.number, offset, length, frame, found)
            if there is not None:
                there.note(_WRITE, length, frame, values.detail(before, found))

    def _write_slowly(self, src: Readable, offset: int, length: int, frame: FrameType) -> None:
        offset, length = check_range(offset, length, self._size)
        if isinstance(src, PagePointer | PageSlice):
            there = point(src, length)
            data = there.mapping.span(there.offset, length)
        else:
            there = None
            data = buffers.source(src, length)
        here = self._bytes[offset : offset + length]
        if current.mode >= _CONTROLLED:
            copied = () if there is None else (there.touch(READ, length),)
            current.kernel.touching(*copied, Touch(self.number, offset, offset + length, WRITE))
        before, given = values.seen(here), values.seen(data)
        here[:] = data
        if current.mode:
            if there is not None:
                there.note(_READ, length, frame, values.detail(given))
            values.note(_WRITE, self.number, offset, length, frame, before, given)
