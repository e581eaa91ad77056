"""Writes recorded traces: `racepage.trace.arrows` has the format.

Whole columns are handed to Arrow as they stand; Python sees a row only where it has a detail. Names
are turned into Arrow once, when they are new.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from racepage import __version__
from racepage.events import CLASS_OF, LockKind, MemoryOrder, Op, Stack, Target
from racepage.trace import arrows_schema as form
from racepage.trace.arrows_arrays import Names, Table, bitmap, lists, numbers
from racepage.trace.arrows_clocks import StampColumns, cut, holders
from racepage.trace.columns import NOTHING, Columns, Origin, Trace, TraceBuilder
from racepage.trace.directives import write_label, write_lock, write_origin, write_size
from racepage.trace.grammar import write_stack

BATCH: Final = 65_536
"""Rows a batch, at most, of a trace that is written in one go."""

_SAID: Final = 1 << 15  # bytes of comments that travel with one batch

_CLASSES: Final = np.array(CLASS_OF, dtype=np.int8)
_FLAG_INDEX: Final = np.full(256, NOTHING, dtype=np.int8)
_FLAG_INDEX[list(form.FLAGS)] = np.arange(len(form.FLAGS))


class ArrowsWriter:
    """Writes a recorded trace batch by batch. One thread at a time.

    Every method hands what it wrote to the operating system, as one write, before it returns.

    Args:
        where: a path, overwritten if it exists, or a binary file that is open for writing.
        program: the name of what is recorded.
        judge_leaks: whether leaks are findings: for a recorded program, yes.

    Raises:
        OSError: where the file cannot be written, here or in any method.
    """

    def __init__(
        self,
        where: str | os.PathLike[str] | IO[bytes],
        *,
        program: str | None = None,
        judge_leaks: bool = True,
    ) -> None:
        metadata = {form.FORMAT_KEY: str(form.FORMAT), form.VERSION_KEY: __version__}
        if program is not None:
            metadata[form.PROGRAM_KEY] = _plain(program)
        if judge_leaks:
            metadata[form.COMMENTS_KEY] = "\n".join(write_origin(Origin(judge_leaks=True)))
        self._threads = Table(_plain)
        self._targets: Table[Target] = Table(lambda target: _plain(str(target)))
        self._sites = Table(write_stack)
        self._names = {
            "thread": Names(self._threads),
            "target": Names(self._targets),
            "site": Names(self._sites),
            "vector": Names(self._threads),
        }
        self._words = {
            "op": pa.array(form.OP_NAMES, pa.utf8()),
            "class": pa.array(form.CLASS_NAMES, pa.utf8()),
            "order": pa.array(form.ORDER_NAMES, pa.utf8()),
            "flags": pa.array(form.FLAG_NAMES, pa.utf8()),
        }
        self._sized = 0  # page sizes that were looked at
        self._labelled = 0
        self._locks = 0  # whose kinds were said
        self._sink = _Sink(where)
        self._stream = pa.ipc.new_stream(
            pa.PythonFile(self._sink, "w"), form.SCHEMA.with_metadata(metadata)
        )
        self._write(TraceBuilder().finish().columns, None, [])

    def write_batch(
        self,
        columns: Columns,
        stamps: StampColumns | None,
        *,
        threads: Sequence[str],
        targets: Sequence[Target],
        sites: Sequence[Stack],
        page_sizes: Mapping[int, int],
        labels: Mapping[int, str],
        lock_kinds: Mapping[int, LockKind] = MappingProxyType({}),
        comments: Iterable[str] = (),
    ) -> None:
        """Append events.

        Args:
            columns: the next events; `details` is numbered from the start of this batch.
            stamps: their stamps; without them, `clock` and `vector` are null.
            threads: the trace's table, whole; only ever longer than at the last batch.
            targets: likewise.
            sites: likewise.
            page_sizes: target id -> bytes, likewise.
            labels: target id -> what people call it, likewise.
            lock_kinds: target id -> what a lock is, likewise.
            comments: lines of a text trace's header, without their `#`.
        """
        self._threads.grow(threads)
        self._targets.grow(targets)
        self._sites.grow(sites)
        said = [
            *self._new_sizes(columns, targets, page_sizes),
            *self._new_labels(targets, labels),
            *self._new_locks(targets, lock_kinds),
            *comments,
        ]
        self._write(columns, stamps, said)

    def close(self) -> None:
        """Write the end marker and, if it was opened here, close the file. Again: nothing."""
        if not self._sink.closed:
            self._stream.close()
            self._sink.flush()
            self._sink.close()

    def abandon(self) -> None:
        """Write nothing more: the file reads as one that was cut off."""
        self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def _write(self, columns: Columns, stamps: StampColumns | None, comments: list[str]) -> None:
        """Write a batch; comments that are too many for one travel with empty ones after it."""
        batch = pa.RecordBatch.from_arrays(self._arrays(columns, stamps), schema=form.SCHEMA)
        said = b"\n".join(comment.encode("utf-8", "backslashreplace") for comment in comments)
        first, *more = _pieces(said) or [b""]
        self._stream.write_batch(
            batch, custom_metadata={form.COMMENTS_KEY: first} if first else None
        )
        for piece in more:
            self._stream.write_batch(batch.slice(0, 0), custom_metadata={form.COMMENTS_KEY: piece})
        self._sink.flush()

    def _new_sizes(
        self, columns: Columns, targets: Sequence[Target], sizes: Mapping[int, int]
    ) -> list[str]:
        """The sizes of pages met since the last batch that this one does not allocate."""
        if len(sizes) == self._sized:
            return []
        allocated = set(columns.target[columns.op == Op.ALLOC].tolist())
        new = islice(sizes.items(), self._sized, None)
        self._sized = len(sizes)
        return [
            write_size(_named(targets[page]), size) for page, size in new if page not in allocated
        ]

    def _new_labels(self, targets: Sequence[Target], labels: Mapping[int, str]) -> list[str]:
        new = islice(labels.items(), self._labelled, None)
        self._labelled = len(labels)
        return [write_label(_named(targets[target]), label) for target, label in new]

    def _new_locks(self, targets: Sequence[Target], kinds: Mapping[int, LockKind]) -> list[str]:
        new = islice(kinds.items(), self._locks, None)
        self._locks = len(kinds)
        return [write_lock(_named(targets[target]), kind) for target, kind in new]

    def _arrays(self, columns: Columns, stamps: StampColumns | None) -> list[Any]:
        clock, vector = self._clocks(columns, stamps)
        return [
            self._names["thread"].encode(columns.thread),
            self._word("op", columns.op.astype(np.int8)),
            self._names["target"].encode(columns.target),
            numbers(columns.offset),
            numbers(columns.length),
            self._word("class", _CLASSES[columns.op]),
            self._word("order", columns.order.astype(np.int8), columns.order != MemoryOrder.NONE),
            self._names["site"].encode(columns.site),
            clock,
            vector,
            numbers(columns.time, columns.time != 0),
            self._word("flags", _FLAG_INDEX[columns.flags], columns.flags != 0),
            self._details(columns),
        ]

    def _word(
        self, name: str, index: NDArray[np.int8], valid: NDArray[np.bool_] | None = None
    ) -> Any:
        indices = pa.Array.from_buffers(
            pa.int8(), len(index), [bitmap(valid), pa.py_buffer(np.ascontiguousarray(index))]
        )
        return pa.DictionaryArray.from_arrays(indices, self._words[name], safe=False)

    def _clocks(self, columns: Columns, stamps: StampColumns | None) -> tuple[Any, Any]:
        """The columns `clock` and `vector`."""
        rows = len(columns)
        if stamps is None:
            return pa.nulls(rows, pa.int64()), pa.nulls(rows, pa.list_(form.CHANGE))
        counts = np.zeros(rows, dtype=np.int32)
        counts[stamps.changed] = np.diff(stamps.bounds)
        thread = holders(stamps.slot, stamps.base, stamps.component, stamps.value)
        changes = pa.StructArray.from_arrays(
            [
                self._names["vector"].encode(thread),
                numbers(stamps.value - stamps.base[thread]),
            ],
            fields=list(form.CHANGE),
        )
        return (
            numbers(stamps.clock - stamps.base[columns.thread]),
            lists(form.CHANGE, counts, changes),
        )

    def _details(self, columns: Columns) -> Any:
        rows = len(columns)
        details = columns.details
        events = sorted(details)
        if not events:
            return pa.nulls(rows, pa.list_(form.DETAIL))
        counts = np.zeros(rows, dtype=np.int32)
        counts[events] = 1
        via, bounds, source, source_offset, requested, old, new = zip(
            *(details[event] for event in events), strict=True
        )
        copies = np.array(source) != NOTHING
        asked = np.array(requested)
        values = pa.StructArray.from_arrays(
            [
                self._targets.take(np.array(via)),
                pa.array([None if bound is None else bound[0] for bound in bounds], pa.int64()),
                pa.array([None if bound is None else bound[1] for bound in bounds], pa.int64()),
                self._targets.take(np.array(source)),
                pa.array(np.array(source_offset), pa.int64(), mask=~copies),
                pa.array(asked, pa.int64(), mask=asked == NOTHING),
                pa.array(old, pa.binary()),
                pa.array(new, pa.binary()),
            ],
            fields=list(form.DETAIL),
        )
        return lists(form.DETAIL, counts, values)


class _Sink:
    """A file that takes what it is given as one write: a batch is there whole, or cut off."""

    def __init__(self, where: str | os.PathLike[str] | IO[bytes]) -> None:
        self._mine = isinstance(where, str | os.PathLike)
        self._file: IO[bytes] = (
            Path(where).open("wb")  # noqa: SIM115  (`close` closes it)
            if isinstance(where, str | os.PathLike)
            else where
        )
        self._waiting: list[bytes] = []
        self.closed = False

    def write(self, piece: bytes) -> int:
        """Take a piece, and keep it until `flush`."""
        self._waiting.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        waiting, self._waiting = self._waiting, []
        self._file.write(b"".join(waiting))
        self._file.flush()

    def close(self) -> None:
        """Forget what is waiting, and close the file if it was opened here."""
        self._waiting.clear()
        self.closed = True
        if self._mine:
            self._file.close()


def _pieces(said: bytes) -> list[bytes]:
    """Whole lines, together at most _SAID bytes a piece where lines are no longer."""
    pieces = []
    at = 0
    while at < len(said):
        end = len(said) if len(said) - at <= _SAID else said.rfind(b"\n", at, at + _SAID)
        if end < 0:
            end = said.find(b"\n", at)
        end = len(said) if end < 0 else end
        pieces.append(said[at:end])
        at = end + 1
    return pieces


def _named(target: Target) -> Target:
    """The target as the column `target` names it."""
    return Target(target.kind, _plain(target.name))


def _plain(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write(trace: Trace, path: str | Path, stamps: StampColumns | None = None) -> None:
    """Write a whole trace.

    Args:
        trace: the trace.
        path: the file, overwritten if it exists.
        stamps: of all its events, as one batch; without them, `clock` and `vector` are null.

    Raises:
        OSError: where the file cannot be written.
    """
    origin = trace.origin
    with ArrowsWriter(path, program=origin.program, judge_leaks=origin.judge_leaks) as writer:
        comments = list(write_origin(replace(origin, program=None, judge_leaks=False)))
        start = 0
        for columns in trace.columns.batches(BATCH):
            stop = start + len(columns)
            writer.write_batch(
                columns,
                None if stamps is None else cut(stamps, start, stop),
                threads=trace.threads,
                targets=trace.targets,
                sites=trace.sites,
                page_sizes=trace.page_sizes,
                labels=trace.labels,
                lock_kinds=trace.lock_kinds,
                comments=comments,
            )
            start, comments = stop, []
