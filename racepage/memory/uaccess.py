"""User memory: what another process may change, unmap or never have had.

Source: `rust/kernel/uaccess.rs`. A `UserSlice` is a range of addresses that nobody has checked:
what is there shows when it is copied. Reading or writing more than what is left of the slice is
EFAULT, and nothing moves. A fault in the middle of a copy is EFAULT as well, after what stood
before it has been moved; the reader or writer does not advance.

User memory races with everything and that is no finding: the kernel reads it once and checks what
it has read. To read it twice is one, `double-fetch`; so the trace tells slices apart. Each is a
target, which its readers, writers and their clones share, and what a thread reads first through a
slice says so. The number of a slice that is gone serves the next one of the same label: a million
transactions need as many targets as there were at one time.
"""

from __future__ import annotations

from operator import index
from sys import _getframe
from types import FrameType
from typing import Final

from racepage.errors import BadAddress, InvalidArgument
from racepage.events import Flag, Op
from racepage.execution import current
from racepage.execution.frames import outside
from racepage.execution.step import READ, WRITE, Touch
from racepage.memory import buffers, values
from racepage.memory.kmap import PagePointer, PageSlice, point
from racepage.trace.columns import NOTHING, Detail

_READ: Final = int(Op.READ)
_COPY_IN: Final = int(Op.COPY_IN)
_USER_READ: Final = int(Op.USER_READ)
_USER_WRITE: Final = int(Op.USER_WRITE)
_BEGIN: Final = current.word(Op(0), Flag.BEGIN)

_spare: Final[dict[str | None, list[int]]] = {}
"""label -> the numbers of slices that are gone."""


class UserMemory:
    """The memory of a process: a buffer, of which parts may be missing.

    What lies beyond the buffer's end is missing from the beginning.
    """

    def __init__(self, data: buffers.Source, *, label: str | None = None) -> None:
        """Make `data` a process's memory; no copy is taken.

        Raises:
            ValueError: `data` is not contiguous.
        """
        self._bytes = buffers.source(data, buffers.view(data).nbytes)
        self._missing: list[tuple[int, int]] = []
        self.label = label
        self._number = current.new_user()  # for whom it is one thing, whoever reads it

    def __len__(self) -> int:
        return len(self._bytes)

    def touch(self, how: int, start: int, length: int) -> Touch:
        """What an access of `length` bytes from `start` touches."""
        return Touch(self._number, start, start + length, how)

    def unmap(self, start: int, stop: int) -> None:
        """Let every copy that reaches a byte of [start, stop) fault there."""
        self._stop(start, stop)
        if start < stop:
            self._missing = [*self._missing, (index(start), index(stop))]

    def map(self, start: int, stop: int) -> None:
        """Bring [start, stop) back."""
        self._stop(start, stop)
        left = []
        for low, high in self._missing:
            left += [(low, min(high, start)), (max(low, stop), high)]
        self._missing = [(low, high) for low, high in left if low < high]

    def _stop(self, start: int, stop: int) -> None:
        """Stop before what can be read here is another; a kernel says who goes next."""
        if current.mode >= current.CONTROLLED:
            current.kernel.touching(self.touch(WRITE, index(start), index(stop) - index(start)))

    def readable(self, start: int, length: int) -> memoryview:
        """The bytes from `start`, up to `length` of them, that come before the first fault."""
        stop = min(start + length, len(self._bytes))
        for low, high in self._missing:
            if low < stop and start < high:
                stop = max(low, start)
        return self._bytes[start : max(start, stop)]

    def writable(self, start: int, length: int) -> memoryview:
        """As `readable`; nothing at all where the memory is read-only."""
        if self._bytes.readonly:
            return memoryview(bytearray())
        return self.readable(start, length)


class _Identity:
    """A slice as a target: it has a number from the first event on that says so."""

    __slots__ = ("_label", "_numbers", "_readers", "_spare")

    def __init__(self, label: str | None) -> None:
        self._label = label
        self._numbers: list[int] = []  # the first is it; two threads may have come for it at once
        self._readers: set[int] = set()  # threads, as targets
        # A controlled execution has its own numbers, and leaves none of them to anybody.
        controlled = current.mode >= current.CONTROLLED
        self._spare = [] if controlled else _spare.setdefault(label, [])

    @property
    def number(self) -> int:
        if not self._numbers:
            try:
                self._numbers.append(self._spare.pop())
            except IndexError:
                self._numbers.append(current.new_user(self._label))
        return self._numbers[0]

    def read(self, op: int) -> int:
        """The word of a read: it says whether it is the current thread's first of this slice."""
        reader = current.task().number
        if reader in self._readers:
            return op
        self._readers.add(reader)
        return op | _BEGIN

    def __del__(self) -> None:
        # A finalizer may run anywhere: it appends, and nothing else.
        self._spare += self._numbers


class UserSlice:
    """`length` bytes of user memory from `offset`, not looked at yet.

    Args:
        memory: a `UserMemory`, or any buffer, which then is a process's memory of its own.
        offset: where the slice begins; it may lie beyond what is there.
        length: how many bytes it has.

    Raises:
        InvalidArgument: `offset` or `length` is negative.
    """

    __slots__ = ("_identity", "length", "memory", "offset")

    def __init__(self, memory: UserMemory | buffers.Source, offset: int, length: int) -> None:
        self.memory = memory if isinstance(memory, UserMemory) else UserMemory(memory)
        self._identity = _Identity(self.memory.label)
        self.offset, self.length = index(offset), index(length)
        if self.offset < 0 or self.length < 0:
            raise InvalidArgument(
                f"user memory from offset {offset} with length {length}: neither can be negative"
            )

    def reader(self) -> UserSliceReader:
        """Read it, from its beginning."""
        return UserSliceReader(self.memory, self._identity, self.offset, self.length)

    def writer(self) -> UserSliceWriter:
        """Write it, from its beginning."""
        return UserSliceWriter(self.memory, self._identity, self.offset, self.length)

    def reader_writer(self) -> tuple[UserSliceReader, UserSliceWriter]:
        """Read and write it, each from its beginning and by itself."""
        return self.reader(), self.writer()


class _Cursor:
    """A place in a slice, and how much of the slice is left."""

    __slots__ = ("_identity", "_memory", "_remaining", "position")

    def __init__(
        self, memory: UserMemory, identity: _Identity, position: int, remaining: int
    ) -> None:
        self._memory = memory
        self._identity = identity
        self._remaining = remaining
        self.position = position

    def __len__(self) -> int:
        """Bytes left."""
        return self._remaining

    def is_empty(self) -> bool:
        """Whether no byte is left."""
        return not self._remaining

    def touch(self, how: int, length: int) -> Touch:
        """What an access of the next `length` bytes touches."""
        return self._memory.touch(how, self.position, length)

    def check(self, length: int) -> int:
        """`length`, if that much is left.

        Raises:
            BadAddress: it is not.
            InvalidArgument: it is negative.
        """
        length = index(length)
        if length < 0:
            raise InvalidArgument(f"a length of {length} bytes")
        if length > self._remaining:
            raise BadAddress(
                f"{length} bytes at offset {self.position} of user memory, where the slice has "
                f"{self._remaining} left"
            )
        return length

    def advance(self, moved: int, length: int) -> None:
        """Go on by `length`, if all of it was moved.

        Raises:
            BadAddress: it was not; the place stays.
        """
        if moved < length:
            raise BadAddress(
                f"user memory faults at offset {self.position + moved}, after {moved} of the "
                f"{length} bytes at offset {self.position}"
            )
        self.position += length
        self._remaining -= length


class UserSliceReader(_Cursor):
    """Reads a slice of user memory from its beginning to its end."""

    __slots__ = ()

    def read_raw(
        self, dst: buffers.Destination | PagePointer | PageSlice, length: int | None = None
    ) -> None:
        """Copy the next `length` bytes to the beginning of `dst`; None fills it.

        A pointer or slice of a page is written as that page's bytes, and logged so.

        Raises:
            BadAddress: fewer bytes are left, and nothing moves; or a fault on the way.
            ValueError: `dst` is shorter, read-only or not contiguous; nothing moves.
        """
        if length is None:
            length = _extent(dst)
        length = self.check(length)
        frame = outside(_getframe(1))
        if isinstance(dst, PagePointer | PageSlice):
            there = point(dst, length)
            self._stop(length, there.touch(WRITE, length))
            data = self.fetch(length)
            here = there.mapping.span(there.offset, length)[: len(data)]
            before, after = values.seen(here), values.seen(data)
            here[:] = data
            if current.mode:
                word, detail = self.copied(len(data), length)
                there.note(word, len(data), frame, detail._replace(old=before, new=after))
        else:
            copy = buffers.destination(dst, length)
            self._stop(length)
            data = self.fetch(length)
            copy[: len(data)] = data
            self._note(data, frame)
        self.advance(len(data), length)

    def read_all(self) -> bytes:
        """All that is left.

        Raises:
            BadAddress: a fault on the way.
        """
        length = self._remaining
        self._stop(length)
        data = bytes(self.fetch(length))
        self._note(memoryview(data), outside(_getframe(1)))
        self.advance(len(data), length)
        return data

    def skip(self, length: int) -> None:
        """Go on without reading.

        Raises:
            BadAddress: fewer bytes are left.
        """
        length = self.check(length)
        self.advance(length, length)

    def clone_reader(self) -> UserSliceReader:
        """Another reader at the same place: what both read is read twice, and may differ."""
        return UserSliceReader(self._memory, self._identity, self.position, self._remaining)

    def fetch(self, length: int) -> memoryview:
        """What can be read of the next `length` bytes; the reader stays where it is.

        Raises:
            BadAddress: fewer bytes are left.
        """
        return self._memory.readable(self.position, self.check(length))

    def copied(self, moved: int, length: int) -> tuple[int, Detail]:
        """The word and the detail of a copy of the next `length` bytes, of which `moved` moved."""
        return self._identity.read(_COPY_IN), Detail(
            source=self._identity.number,
            source_offset=self.position,
            requested=NOTHING if moved == length else length,
        )

    def _stop(self, length: int, *copied: Touch) -> None:
        """Stop before the next `length` bytes are read; a kernel says who goes next."""
        if current.mode >= current.CONTROLLED:
            current.kernel.touching(self.touch(READ, length), *copied)

    def _note(self, data: memoryview, frame: FrameType) -> None:
        if current.mode:
            word, number = self._identity.read(_USER_READ), self._identity.number
            values.note(word, number, self.position, len(data), frame, values.seen(data))


class UserSliceWriter(_Cursor):
    """Writes a slice of user memory from its beginning to its end."""

    __slots__ = ()

    def write_raw(
        self, src: buffers.Source | PagePointer | PageSlice, length: int | None = None
    ) -> None:
        """Copy the first `length` bytes of `src` to the next of the slice; None takes all.

        A pointer or slice of a page is read as that page's bytes, and logged so.

        Raises:
            BadAddress: fewer bytes are left, and nothing moves; or a fault on the way.
            ValueError: `src` is shorter or not contiguous; nothing moves.
        """
        if length is None:
            length = _extent(src)
        length = self.check(length)
        frame = outside(_getframe(1))
        if isinstance(src, PagePointer | PageSlice):
            there = point(src, length)
            data = there.mapping.span(there.offset, length)
        else:
            there = None
            data = buffers.source(src, length)
        if current.mode >= current.CONTROLLED:
            read = () if there is None else (there.touch(READ, length),)
            current.kernel.touching(*read, self.touch(WRITE, length))
        place = self._memory.writable(self.position, length)
        before, after = values.seen(place), values.seen(data[: len(place)])
        place[:] = data[: len(place)]
        if current.mode:
            number = self._identity.number
            if there is not None:
                there.note(_READ, len(place), frame, values.detail(after))
            values.note(_USER_WRITE, number, self.position, len(place), frame, before, after)
        self.advance(len(place), length)


def _extent(buffer: buffers.Source | PagePointer | PageSlice) -> int:
    if isinstance(buffer, PageSlice):
        return len(buffer)
    if isinstance(buffer, PagePointer):
        raise TypeError("a pointer knows no end: say the length")
    return buffers.view(buffer).nbytes
