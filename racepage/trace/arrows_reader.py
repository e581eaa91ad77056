"""Reads recorded traces: `racepage.trace.arrows` has the format.

The framing is walked first (`racepage.trace.arrows_frames`), so that Arrow reads whole messages of
known size only. Columns are then taken as numpy views of Arrow's memory; names are looked up once a
dictionary, and every index is held against its dictionary before it is used. The columns `class`,
`clock` and `vector` follow from the others and are for other readers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from racepage.errors import TraceError
from racepage.events import MemoryOrder, Op, Target
from racepage.trace import arrows_schema as form
from racepage.trace.arrows_frames import Framing, FramingError, walk
from racepage.trace.columns import NOTHING, Columns, Detail, Trace, TraceBuilder
from racepage.trace.directives import Directives
from racepage.trace.grammar import KINDS, MalformedError, read_stack, shown
from racepage.trace.room import in_memory
from racepage.trace.validate import validate

_WORDS: Final[dict[str, dict[str, int]]] = {
    "op": dict(zip(form.OP_NAMES, Op, strict=True)),
    "order": dict(zip(form.ORDER_NAMES, MemoryOrder, strict=True)),
    "flags": dict(zip(form.FLAG_NAMES, form.FLAGS, strict=True)),
}

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "thread": np.int32,
    "op": np.uint8,
    "target": np.int32,
    "offset": np.int64,
    "length": np.int64,
    "site": np.int32,
    "flags": np.uint8,
    "order": np.uint8,
    "time": np.int64,
}


Room = Callable[[int, type[np.generic]], NDArray[Any]]
"""Makes a column of so many rows."""


def read(path: str | Path, *, room: Room = in_memory) -> Trace:
    """Read a recorded trace, up to its last complete batch where it was cut off.

    Args:
        path: the file.
        room: where its columns go.

    Raises:
        TraceError: a file that cannot be opened, is of another format, is cut off within its
            header, or is damaged before its last batch; with the byte.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            trace = _Reader(walk(file, size), name, size, room).read(file)
    except FramingError as error:
        raise TraceError(str(error), path=name, place=f"byte {error.byte}") from None
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror or error}", path=name) from None
    validate(trace)
    return trace


class _Reader:
    """The trace so far."""

    def __init__(self, framing: Framing, path: str, size: int, room: Room) -> None:
        self._framing = framing
        self._path = path
        self._lost = size - framing.end
        self._builder = TraceBuilder()
        self._directives = Directives(self._builder)
        self._names = {
            "thread": _Names(self._builder.thread),
            "target": _Names(self._target),
            "site": _Names(lambda text: self._builder.site(read_stack(text))),
            **{name: _Names(_word(name, meanings)) for name, meanings in _WORDS.items()},
        }
        rows = sum(framing.rows)
        self._columns = {name: room(rows, dtype) for name, dtype in _DTYPES.items()}
        self._details: dict[int, Detail] = {}
        self._byte = 0  # where the batch that is being read begins

    def read(self, file: IO[bytes]) -> Trace:
        """Read every complete batch."""
        file.seek(0)
        try:
            stream = pa.ipc.open_stream(file)
            program = self._header(stream.schema)
            start = 0
            batches, rows_of = self._framing.batches, self._framing.rows
            for self._byte, rows in zip(batches, rows_of, strict=True):
                self._batch(stream, rows, start)
                start += rows
        except MalformedError as error:
            raise FramingError(self._byte, str(error)) from None
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            told = f"Arrow cannot read what begins here: {reason}"
            raise FramingError(self._byte, told) from None
        columns = Columns(**self._columns, details=self._details)
        origin = self._directives.origin(self._path, form="arrows")
        if not self._framing.closed:
            origin = replace(origin, complete=False, lost_bytes=origin.lost_bytes + self._lost)
        return self._builder.wrap(columns, replace(origin, program=program))

    def _header(self, schema: Any) -> str | None:
        """Check that this is a format that is known; the program's name."""
        metadata = schema.metadata or {}
        version = metadata.get(form.FORMAT_KEY)
        if version is None:
            raise MalformedError(
                "this Arrow stream is no recorded trace: it has no racepage.format"
            )
        if version != str(form.FORMAT).encode():
            raise MalformedError(
                f"written in format {shown(version.decode('utf-8', 'replace'))}; this racepage "
                f"reads format {form.FORMAT}: use the version that wrote it, or a later one"
            )
        if not schema.equals(form.SCHEMA):
            raise MalformedError("its columns are not those of a recorded trace")
        self._comments(metadata.get(form.COMMENTS_KEY))
        program = metadata.get(form.PROGRAM_KEY)
        return None if program is None else _text(program)

    def _comments(self, said: bytes | None) -> None:
        for comment in _text(said or b"").split("\n"):
            self._directives.read(comment, 0)

    def _batch(self, stream: Any, rows: int, start: int) -> None:
        """Take the next batch, of so many rows, whose first event is `start`."""
        batch, metadata = stream.read_next_batch_with_custom_metadata()
        batch.validate()
        if len(batch) != rows:
            raise MalformedError(f"a batch of {rows} rows has {len(batch)}")
        self._take(
            dict(zip(form.SCHEMA.names, batch.columns, strict=True)), slice(start, start + rows)
        )
        self._comments((metadata or {}).get(form.COMMENTS_KEY))

    def _take(self, batch: dict[str, Any], rows: slice) -> None:
        """Take the columns of one batch."""
        for name in ("offset", "length", "time"):
            self._columns[name][rows] = _numbers(batch[name], name, needed=name != "time")
        for name in ("thread", "op", "target", "site"):
            found = self._named(batch[name], name, needed=name in ("thread", "op"))
            self._columns[name][rows] = found
        for name in ("flags", "order"):
            self._columns[name][rows] = np.maximum(self._named(batch[name], name), 0)
        details = _details(batch["detail"], self._target)
        self._details |= {rows.start + row: detail for row, detail in details.items()}

    def _named(self, column: Any, name: str, *, needed: bool = False) -> NDArray[np.int32]:
        """What the names of a column stand for; NOTHING for null."""
        meanings = self._names[name].meanings(column.dictionary)
        indices = _view(column.indices, np.dtype(np.int8 if name in _WORDS else np.int32))
        valid = _valid(column, name, needed=needed)
        if valid is not None:
            indices = np.where(valid, indices, NOTHING)
            meanings = np.append(meanings, np.int32(NOTHING))  # what -1 finds
        least = 0 if valid is None else NOTHING
        limit = len(meanings) if valid is None else len(meanings) - 1
        if len(indices) and not least <= int(indices.min()) <= int(indices.max()) < limit:
            raise MalformedError(f"column {name} points outside of its dictionary")
        found: NDArray[np.int32] = meanings[indices]
        return found

    def _target(self, text: str) -> int:
        kind, colon, name = text.partition(":")
        if not colon or kind not in KINDS:
            raise MalformedError(f"expected a target (kind:name), found {shown(text)}")
        return self._builder.target(Target(KINDS[kind], name))


class _Names:
    """The dictionary of a column: what its names stand for, in the trace's tables."""

    def __init__(self, look_up: Callable[[str], int]) -> None:
        self._look_up = look_up
        self._dictionary: Any = pa.array([], pa.utf8())
        self._meanings = np.empty(0, dtype=np.int32)

    def meanings(self, dictionary: Any) -> NDArray[np.int32]:
        """The meaning of each name. A dictionary that only grew costs its new names."""
        known = len(self._dictionary)
        dictionary.validate(full=True)  # before anything looks at what it holds
        if len(dictionary) < known or not dictionary.slice(0, known).equals(self._dictionary):
            known = 0
        if len(dictionary) > known:
            new = dictionary.slice(known).to_pylist()
            found = [self._look_up(_named_once(name)) for name in new]
            old = self._meanings[:known]
            self._meanings = np.concatenate((old, np.array(found, dtype=np.int32)))
        self._dictionary = dictionary
        return self._meanings[: len(dictionary)]


def _named_once(name: str | None) -> str:
    if name is None:
        raise MalformedError("a dictionary has a null for a name")
    return name


def _word(column: str, meanings: dict[str, int]) -> Callable[[str], int]:
    def look_up(word: str) -> int:
        if word not in meanings:
            raise MalformedError(
                f"column {column} has {shown(word)}, which this racepage does not know"
            )
        return meanings[word]

    return look_up


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"text that is not UTF-8: {error.reason}") from None


def _view(array: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The values of an Arrow array, those of nulls included."""
    return np.frombuffer(
        array.buffers()[1] or b"", dtype, count=len(array), offset=array.offset * dtype.itemsize
    )


def _valid(column: Any, name: str, *, needed: bool) -> NDArray[np.bool_] | None:
    """Which rows of a column are not null; None where it has no nulls at all."""
    bitmap = column.buffers()[0]
    if bitmap is None:
        return None
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")
    valid = bits[column.offset : column.offset + len(column)].astype(np.bool_)
    if needed and not valid.all():
        raise MalformedError(f"column {name} has a null")
    return None if valid.all() else valid


def _numbers(column: Any, name: str, *, needed: bool) -> NDArray[np.int64]:
    """A column of numbers; 0 for null."""
    values = _view(column, np.dtype(np.int64))
    valid = _valid(column, name, needed=needed)
    return values if valid is None else np.where(valid, values, 0)


def _details(column: Any, target: Callable[[str], int]) -> dict[int, Detail]:
    """Row -> detail."""
    valid = _valid(column, "detail", needed=False)
    if not len(column) or (valid is not None and not valid.any()):
        return {}
    column.validate(full=True)
    # Arrow's own `flatten` aborts the process on offsets that it does not validate.
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1, 4 * column.offset)
    counts = np.diff(offsets)
    rows = np.flatnonzero(counts if valid is None else counts * valid)
    if len(rows) and int(counts[rows].max()) > 1:
        raise MalformedError("an event has two details")
    at = offsets[rows].tolist()
    children = [column.values.field(number).to_pylist() for number in range(len(form.DETAIL))]
    via, low, high, source, source_offset, requested, old, new = (
        [child[place] for place in at] for child in children
    )
    ids: dict[str | None, int] = {None: NOTHING}
    for name in dict.fromkeys((*via, *source)):
        if name is not None:
            ids[name] = target(name)
    bounds = (
        None if start is None or stop is None else (start, stop)
        for start, stop in zip(low, high, strict=True)
    )
    fields = zip(
        map(ids.__getitem__, via),
        bounds,
        map(ids.__getitem__, source),
        (start or 0 for start in source_offset),
        (NOTHING if asked is None else asked for asked in requested),
        old,
        new,
        strict=True,
    )
    return dict(zip(rows.tolist(), map(Detail._make, fields), strict=True))
