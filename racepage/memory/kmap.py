"""Mappings of a page, and what points into them.

A task maps a page for itself, uses the address, and unmaps it: mappings of a task are a stack of at
most 16 (`kmap_local_page`, Documentation/mm/highmem.rst). A pointer is good on the task that mapped
it, while it is mapped, within its bytes. Python cannot stop anybody from keeping one longer, from
handing it over or from counting past its end, and neither can the kernel; so misuse is not an error
here but an event that says through which pointer it came and what that pointer may reach. The
detector makes findings of it: `stale-pointer`, `foreign-pointer`, `out-of-slice`, `unmap-order`,
`map-depth`.

Two things do raise, because there is nothing to touch: an address outside the page altogether
(`BadAddress`, where a kernel would oops), and an index outside a `PageSlice` (`IndexError`: a slice
knows its length, as in Rust).

Races are keyed by page and byte, never by address: two mappings of one page have different
addresses, and are the same memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import index
from sys import _getframe
from types import FrameType
from typing import TYPE_CHECKING, Final, overload

from racepage.errors import BadAddress
from racepage.events import Op
from racepage.execution import current
from racepage.execution.frames import outside
from racepage.execution.step import READ, WRITE, Touch
from racepage.memory import buffers, values
from racepage.memory.atomics import PageWord
from racepage.memory.layout import MAX_ORDER, PAGE_SIZE
from racepage.trace.columns import NO_DETAIL, Detail

if TYPE_CHECKING:
    from racepage.memory.access import PageAccess

_UNMAP: Final = int(Op.UNMAP)
_READ: Final = int(Op.READ)
_WRITE: Final = int(Op.WRITE)

MAPPINGS: Final = 0xFFFF_C900_0000_0000
"""Where mappings lie: the kernel's vmalloc area on x86-64."""

_PLACES: Final = 1 << 22  # mappings until an address comes again: 16 TiB of the area's 32


class Mapping:
    """One mapping of one page.

    Attributes:
        page: kept alive by it.
        number: the mapping as a target, of which every pointer into it is a part.
        address: of the page's first byte.
        task: who mapped it.
    """

    __slots__ = ("address", "memory", "number", "page", "task")

    def __init__(self, page: PageAccess, memory: memoryview) -> None:
        self.page = page
        self.memory = memory
        self.number = current.new_pointer()
        place = (self.number >> current.KIND_BITS) % _PLACES
        self.address = MAPPINGS + place * (PAGE_SIZE << MAX_ORDER)
        self.task = current.task()

    def span(self, start: int, length: int) -> memoryview:
        """The bytes [start, start + length) of the page.

        Raises:
            BadAddress: some lie outside the page.
        """
        if start < 0 or length < 0 or start + length > self.page.size:
            raise BadAddress(
                f"a pointer to offset {start} and length {length} leaves its page of "
                f"{self.page.size} bytes: nothing is mapped there"
            )
        return self.memory[start : start + length]


Bound = tuple[int, int] | None
"""The bytes [start, stop) of the page that a pointer may reach; None is the whole page."""


class PagePointer:
    """A raw pointer into a mapped page: `*mut u8`.

    It counts in bytes: `pointer + 4`, `pointer[0]`, `pointer[-1]` (the byte before it),
    `pointer[2:6]`. Nothing stops it at the end of what it may reach.
    """

    __slots__ = ("_bound", "_mapping", "_offset")

    def __init__(self, mapping: Mapping, offset: int, bound: Bound) -> None:
        self._mapping = mapping
        self._offset = offset
        self._bound = bound

    @property
    def address(self) -> int:
        """Where it points."""
        return self._mapping.address + self._offset

    @property
    def mapping(self) -> Mapping:
        """The mapping that it points into."""
        return self._mapping

    @property
    def offset(self) -> int:
        """Where it points, in bytes from the beginning of its page."""
        return self._offset

    def note(self, op: int, length: int, frame: FrameType, detail: Detail = NO_DETAIL) -> None:
        """Log an access of `length` bytes from here; `current.mode` is on."""
        mapping = self._mapping
        # Whether it came before the UNMAP of another task is a matter of the moment.
        turn = 0 if mapping.task is current.task() else current.TURN
        detail = detail._replace(via=mapping.number, bound=self._bound)
        current.note_detail(
            op | turn, mapping.page.number, self._offset, length, frame, detail=detail
        )

    def touch(self, how: int, length: int) -> Touch:
        """What an access of `length` bytes from here touches."""
        return Touch(self._mapping.page.number, self._offset, self._offset + length, how)

    def atomic(self, size: int) -> PageWord:
        """The `size` bytes from here as a word for atomic operations: `AtomicU64::from_ptr`.

        Raises:
            BadAddress: some of them lie outside the page.
            InvalidArgument: a size other than 1, 2, 4 or 8, or a place that is no multiple of it.
        """
        self._mapping.span(self._offset, index(size))
        return PageWord(self._mapping.page, self._offset, size, self)

    def __int__(self) -> int:
        return self.address

    def __add__(self, count: int) -> PagePointer:
        return PagePointer(self._mapping, self._offset + index(count), self._bound)

    def __sub__(self, count: int) -> PagePointer:
        return self + -index(count)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PagePointer):
            return NotImplemented
        return self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<PagePointer {self.address:#x}>"

    def read(self, length: int) -> bytes:
        """The `length` bytes from here.

        Raises:
            BadAddress: some of them lie outside the page.
        """
        return _read(self, index(length), outside(_getframe(1)))

    def write(self, data: buffers.Source) -> None:
        """Put all bytes of `data` here.

        Raises:
            BadAddress: some of them would lie outside the page; nothing is written.
        """
        _write(self, data, outside(_getframe(1)))

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, length = _stretch(key)
            return _read(self + start, length, outside(_getframe(1)))
        return _read(self + key, 1, outside(_getframe(1)))[0]

    def __setitem__(self, key: int | slice, value: int | buffers.Source) -> None:
        if not isinstance(key, slice):
            _write(self + key, _byte(value), outside(_getframe(1)))
            return
        start, length = _stretch(key)
        if isinstance(value, int):
            raise TypeError("a range of bytes takes bytes, not an int")
        _write(self + start, _exactly(value, length), outside(_getframe(1)))


class PageSlice:
    """Bytes of a mapped page that know their length: `&mut [u8]`.

    `part[i]` is a byte, `part[a:b]` a slice of the slice (nothing is read), `bytes(part)` what is
    in it, `part[a:b] = data` writes. It reaches its own bytes and no other.
    """

    __slots__ = ("_mapping", "_start", "_stop")

    def __init__(self, mapping: Mapping, start: int, stop: int) -> None:
        self._mapping = mapping
        self._start = start
        self._stop = stop

    def __len__(self) -> int:
        return self._stop - self._start

    def as_ptr(self) -> PagePointer:
        """A pointer to the first byte, which may reach every byte of this slice."""
        return PagePointer(self._mapping, self._start, (self._start, self._stop))

    def __bytes__(self) -> bytes:
        return _read(self.as_ptr(), len(self), outside(_getframe(1)))

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> PageSlice: ...
    def __getitem__(self, key: int | slice) -> int | PageSlice:
        if isinstance(key, slice):
            return self._part(key)
        return _read(self._at(key), 1, outside(_getframe(1)))[0]

    def __setitem__(self, key: int | slice, value: int | buffers.Source) -> None:
        if not isinstance(key, slice):
            _write(self._at(key), _byte(value), outside(_getframe(1)))
            return
        part = self._part(key)
        if isinstance(value, int):
            raise TypeError("a range of bytes takes bytes, not an int")
        _write(part.as_ptr(), _exactly(value, len(part)), outside(_getframe(1)))

    def __iter__(self) -> Iterator[int]:
        return iter(_read(self.as_ptr(), len(self), outside(_getframe(1))))

    def _at(self, key: int) -> PagePointer:
        place = index(key)
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {place} is not in a slice of {len(self)} bytes")
        return self.as_ptr() + place % len(self)

    def _part(self, key: slice) -> PageSlice:
        start, stop, step = key.indices(len(self))
        if step != 1:
            raise ValueError(f"a step of {step}: a slice of a page is one run of bytes")
        return PageSlice(self._mapping, self._start + start, self._start + max(start, stop))


def _stretch(key: slice) -> tuple[int, int]:
    """Start and length of a range that is counted from a pointer."""
    if key.stop is None or key.step not in (None, 1):
        raise ValueError("a pointer knows no end: say pointer[start:stop]")
    start = 0 if key.start is None else index(key.start)
    return start, max(index(key.stop) - start, 0)


def _byte(value: int | buffers.Source) -> bytes:
    if not isinstance(value, int):
        raise TypeError(f"one byte takes an int, not {type(value).__name__}")
    return bytes([value])


def _exactly(data: buffers.Source, length: int) -> memoryview:
    given = buffers.view(data).nbytes
    if given != length:
        raise ValueError(f"{given} bytes of data for a range of {length}")
    return buffers.source(data, length)


def _read(pointer: PagePointer, length: int, frame: FrameType) -> bytes:
    span = pointer.mapping.span(pointer.offset, length)
    if current.mode >= current.CONTROLLED:
        current.kernel.touching(pointer.touch(READ, length))
    data = bytes(span)
    if current.mode:
        pointer.note(_READ, length, frame, values.detail(values.seen(memoryview(data))))
    return data


def _write(pointer: PagePointer, data: buffers.Source, frame: FrameType) -> None:
    source = buffers.source(data, buffers.view(data).nbytes)
    there = pointer.mapping.span(pointer.offset, len(source))
    if current.mode >= current.CONTROLLED:
        current.kernel.touching(pointer.touch(WRITE, len(source)))
    before, after = values.seen(there), values.seen(source)
    there[:] = source
    if current.mode:
        pointer.note(_WRITE, len(source), frame, values.detail(before, after))


def point(place: PagePointer | PageSlice, length: int) -> PagePointer:
    """A pointer to the first byte of `place`.

    Raises:
        ValueError: `place` is a slice of fewer than `length` bytes.
    """
    if isinstance(place, PagePointer):
        return place
    if len(place) < length:
        raise ValueError(f"the slice has {len(place)} bytes, fewer than the length {length}")
    return place.as_ptr()


# Mapping and unmapping


def kmap_local_page(page: PageAccess) -> PagePointer:
    """Map a page on the current task until `kunmap_local`; a task has at most 16 mappings."""
    return PagePointer(page.map_local(outside(_getframe(1))), 0, None)


def kunmap_local(pointer: PagePointer) -> None:
    """End the mapping that `pointer` points into: the one that the task made last."""
    unmap(pointer.mapping, outside(_getframe(1)))


def unmap(mapping: Mapping, frame: FrameType) -> None:
    """End a mapping, whoever asks and in whatever order, for the program's line `frame`."""
    if current.mode:
        current.log(_UNMAP, mapping.number, frame)
