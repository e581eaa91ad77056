"""Walks the framing of an Arrow IPC stream, and says where its batches are.

Arrow's own reader believes what a stream says of its lengths. A file that was cut off, or that
somebody made, must be held against its size first; so the few numbers that say where a message ends
are read here, from the flatbuffers that hold them, and nothing else is.

A message is: 0xFFFFFFFF, the length of its metadata (int32), the metadata (a flatbuffer `Message`,
padded so that what follows stands at a multiple of 8), and its body. A length of 0 ends the stream.
Source: the Arrow columnar format, "Encapsulated message format" and format/Message.fbs.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final, NamedTuple

END: Final = 0
SCHEMA: Final = 1
DICTIONARY: Final = 2
BATCH: Final = 3

_CONTINUATION: Final = b"\xff\xff\xff\xff"
_PREFIX: Final = 8
_MAX_METADATA: Final = 1 << 24  # a damaged length rarely passes for one that is this small
_NUMBER: Final = 8  # bytes that every row takes at least: it has an offset
_PADDING: Final = 64  # at most what a writer aligns buffers to


class FramingError(ValueError):
    """What is wrong, and at which byte of the file."""

    def __init__(self, byte: int, reason: str) -> None:
        self.byte = byte
        super().__init__(reason)


class Framing(NamedTuple):
    """Where the batches of a stream are.

    Attributes:
        batches: the first byte of each complete batch, the dictionaries that it needs included.
        rows: how many rows it says it has; its body has room for as many numbers.
        end: the byte after the last complete batch.
        closed: whether the end marker follows it.
    """

    batches: list[int]
    rows: list[int]
    end: int
    closed: bool


class _Message(NamedTuple):
    kind: int
    end: int  # the byte after it
    rows: int = 0  # of a batch


def walk(file: BinaryIO, size: int) -> Framing:
    """Find the batches of a stream of `size` bytes, from the file's beginning.

    Raises:
        FramingError: for bytes that no writer leaves behind, however it ended.
    """
    at = schema_end = end = 0
    starts = [0]  # of each batch, and of what follows the last
    rows: list[int] = []
    closed = False
    while (message := _next(file, at, size)) is not None:
        at = message.end
        if message.kind == END:
            if at != size:
                raise FramingError(at, "expected nothing after the end marker")
            closed = True
            break
        if message.kind == SCHEMA:
            schema_end = at
        if message.kind != DICTIONARY:
            end = at
            starts.append(at)
        if message.kind == BATCH:
            rows.append(message.rows)
    if not schema_end:
        raise FramingError(size, "the file ends within its header: nothing can be read")
    return Framing(starts[1:-1], rows, end, closed)


def _next(file: BinaryIO, at: int, size: int) -> _Message | None:
    """The message that begins at a byte; None where the file ends before it does."""
    file.seek(at)
    prefix = file.read(_PREFIX)
    if not _CONTINUATION.startswith(prefix[:4]):
        raise FramingError(at, _foreign(prefix) if at == 0 else "expected an Arrow message")
    if len(prefix) < _PREFIX:
        return None
    length = int(struct.unpack("<i", prefix[4:])[0])
    begin = at + _PREFIX
    if length == 0 and at:
        return _Message(END, begin)
    if not 0 < length <= _MAX_METADATA or length % 8:
        raise FramingError(at + 4, f"a message's metadata cannot have {length} bytes")
    if begin + length > size:
        return None
    kind, body, rows = _kind_and_body(file.read(length), begin)
    if (kind == SCHEMA) is not (at == 0):
        raise FramingError(at, "expected a schema first, and then no other")
    end = begin + length + body
    return _Message(kind, end, rows) if end <= size else None


def _foreign(prefix: bytes) -> str:
    if prefix == b"ARROW1\0\0":
        return "this is an Arrow IPC file; a recorded trace is an Arrow IPC stream"
    return "this is no recorded trace: an Arrow IPC stream begins otherwise"


def _kind_and_body(metadata: bytes, place: int) -> tuple[int, int, int]:
    """What a message is, and the bytes and rows of its body, held against its buffers."""
    try:
        table = _Table(metadata, _offset(metadata, 0))
        kind = table.number("<B", 1)
        body = table.number("<q", 3)
        filled = rows = 0
        if kind in (DICTIONARY, BATCH):
            header = table.table(2) if kind == BATCH else table.table(2).table(1)
            filled, rows = header.filled(place), header.number("<q", 0)
    except (struct.error, _AbsentError):
        raise FramingError(place, "the metadata of a message is damaged") from None
    if kind not in (SCHEMA, DICTIONARY, BATCH):
        raise FramingError(place, f"a message of kind {kind} has no place in a recorded trace")
    if not filled <= body < filled + _PADDING:
        raise FramingError(
            place, f"a message's body cannot have {body} bytes when its buffers have {filled}"
        )
    if not 0 <= rows * _NUMBER <= body and kind == BATCH:
        raise FramingError(place, f"a batch of {body} bytes cannot have {rows} rows")
    return kind, body, rows


class _AbsentError(Exception):
    """A field that a message must have."""


class _Table:
    """A flatbuffer table: a position, and a vtable that says where its fields are."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._vtable = at - struct.unpack_from("<i", data, _checked(at))[0]
        self._size = struct.unpack_from("<H", data, _checked(self._vtable))[0]

    def _field(self, index: int) -> int | None:
        """Where a field is; None where it has its default."""
        slot = 4 + 2 * index
        if slot + 2 > self._size:
            return None
        offset = struct.unpack_from("<H", self._data, _checked(self._vtable + slot))[0]
        return self._at + offset if offset else None

    def number(self, form: str, index: int) -> int:
        """A number; 0 where it has its default."""
        at = self._field(index)
        return 0 if at is None else int(struct.unpack_from(form, self._data, _checked(at))[0])

    def table(self, index: int) -> _Table:
        """Another table."""
        at = self._field(index)
        if at is None:
            raise _AbsentError
        return _Table(self._data, _offset(self._data, at))

    def filled(self, place: int) -> int:
        """Of a `RecordBatch`: the bytes of its body up to the end of its last buffer."""
        if self._field(3) is not None:
            raise FramingError(place, "compressed batches have no place in a recorded trace")
        at = self._field(2)
        if at is None:
            return 0
        at = _offset(self._data, at)
        count = struct.unpack_from("<I", self._data, _checked(at))[0]
        if at + 4 + 16 * count > len(self._data):
            raise _AbsentError
        ends = [0]
        for offset, length in struct.iter_unpack("<qq", self._data[at + 4 : at + 4 + 16 * count]):
            if offset < 0 or length < 0:
                raise _AbsentError
            ends.append(offset + length)
        return max(ends)


def _offset(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, _checked(at))[0])


def _checked(at: int) -> int:
    """`struct` counts a negative position from the end; a file must not."""
    if at < 0:
        raise _AbsentError
    return at
