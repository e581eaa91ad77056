"""Recordings that were cut off, damaged, or made up."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from racepage.errors import TraceError
from racepage.order.hb import HappensBefore
from racepage.trace import arrows, text
from racepage.trace.arrows_frames import FramingError, walk
from racepage.trace.arrows_schema import SCHEMA
from racepage.trace.columns import Trace
from tests.trace.sameness import rows

SOURCE = """\
# racepage: program small
# racepage: label page:0 inbox
main  alloc   page:0 zero  @ a.py:1 f
main  start   t1
t1    map     page:0 as=P
t1    write   page:0[0:8] via=P slice=[0:8] old=00 new=01  @ b.py:2 g < "c d.py":3 <module>
t1    lock    lock:m try time=7
main  read    page:0[4:12]
main  copy_in page:0[0:64] from user:u[0:64] moved=3
t1    unlock  lock:m
t1    unmap   P
main  join    t1
main  free    page:0
"""

per_example = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def recorded(trace: Trace, batch: int) -> tuple[bytes, list[int]]:
    """The trace as a file in batches of so many rows, and the size at which each batch is whole."""
    file = BytesIO()
    writer = arrows.ArrowsWriter(file, program="small")
    whole = [len(file.getvalue())]
    order = HappensBefore()
    for columns in trace.columns.batches(batch):
        writer.write_batch(
            columns,
            order.stamp(columns, trace.threads, trace.targets),
            threads=trace.threads,
            targets=trace.targets,
            sites=trace.sites,
            page_sizes=trace.page_sizes,
            labels=trace.labels,
        )
        whole.append(len(file.getvalue()))
    writer.close()
    return file.getvalue(), whole


TRACE = text.parse(SOURCE)
FILE, WHOLE = recorded(TRACE, 3)
HEADER = len(SCHEMA.with_metadata(pa.ipc.open_stream(FILE).schema.metadata).serialize())


def read(raw: bytes, tmp_path: Path) -> Trace:
    path = tmp_path / "x.arrows"
    path.write_bytes(raw)
    return arrows.read(path)


def refusal(raw: bytes, tmp_path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        read(raw, tmp_path)
    assert caught.value.path == str(tmp_path / "x.arrows")
    assert "\n" not in str(caught.value)
    return f"{caught.value.place}: {caught.value.reason}"


# Cut off


def test_the_whole_file_is_complete(tmp_path: Path) -> None:
    trace = read(FILE, tmp_path)
    assert rows(trace) == rows(TRACE)
    assert (trace.origin.complete, trace.origin.lost_bytes) == (True, 0)
    assert trace.origin.program == "small"


def done(size: int) -> list[int]:
    """The ends of the batches that a file of that size holds."""
    return [end for end in WHOLE if end <= size]


def test_the_framing_of_a_file_that_was_cut_off_is_exact_at_every_byte() -> None:
    for size in range(HEADER, len(FILE)):
        framing = walk(BytesIO(FILE[:size]), size)
        assert len(framing.batches) == len(done(size)), size
        assert framing.end == (done(size) or [HEADER])[-1], size
        assert not framing.closed, size
    for size in range(HEADER):
        with pytest.raises(FramingError, match="ends within its header") as caught:
            walk(BytesIO(FILE[:size]), size)
        assert caught.value.byte == size


def near(ends: list[int]) -> list[int]:
    return sorted({size for end in ends for size in range(end - 9, end + 10)})


@pytest.mark.parametrize(
    "ends", [[end] for end in WHOLE] + [list(range(HEADER + 9, len(FILE), 97))]
)
def test_a_file_that_was_cut_off_reads_to_its_last_complete_batch(
    ends: list[int], tmp_path: Path
) -> None:
    for size in near(ends) if len(ends) == 1 else ends:
        if size >= len(FILE):
            continue
        trace = read(FILE[:size], tmp_path)
        events = max(len(done(size)) - 1, 0) * 3
        assert rows(trace) == rows(TRACE)[:events], size
        assert trace.origin.lost_bytes == size - (done(size) or [HEADER])[-1], size
        assert not trace.origin.complete, size


def test_a_file_that_is_cut_off_within_its_header_holds_nothing(tmp_path: Path) -> None:
    for size in (0, 3, 8, HEADER - 1):
        assert refusal(FILE[:size], tmp_path) == (
            f"byte {size}: the file ends within its header: nothing can be read"
        )


def test_what_was_lost_is_not_forgotten_by_a_conversion(tmp_path: Path) -> None:
    cut = read(FILE[:-12], tmp_path)
    lost = cut.origin.lost_bytes
    assert lost > 0
    arrows.write(text.parse(text.render(cut)), tmp_path / "y.arrows")
    origin = arrows.read(tmp_path / "y.arrows").origin
    assert (origin.complete, origin.lost_bytes) == (False, lost)


KILLED = """
import sys, time
from racepage.events import Kind, Op, Target
from racepage.trace.arrows import ArrowsWriter
from racepage.trace.columns import TraceBuilder
builder = TraceBuilder()
for number in range(100):
    builder.add("main", Op.READ, Target(Kind.PAGE, "0"), number, number + 8)
trace = builder.finish()
writer = ArrowsWriter(sys.argv[1])
while True:
    writer.write_batch(trace.columns, None, threads=trace.threads, targets=trace.targets,
                       sites=trace.sites, page_sizes=trace.page_sizes, labels={})
    print("batch", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_leaves_every_batch_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = sum(1 for _, line in zip(range(20), process.stdout, strict=False) if line)
        os.kill(process.pid, signal.SIGKILL)
    assert seen == 20
    trace = arrows.read(path)
    assert len(trace) >= 20 * 100
    assert len(trace) % 100 == 0
    assert not trace.origin.complete


# Foreign


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "byte 0: the file ends within its header"),
        (b"ARROW1\0\0" + bytes(64), "byte 0: this is an Arrow IPC file"),
        (b"main lock lock:0\n", "byte 0: this is no recorded trace"),
        (b"\x1f\x8b\x08" + bytes(64), "byte 0: this is no recorded trace"),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\x7f",
            "byte 4: a message's metadata cannot have 2147483647",
        ),
        (b"\xff\xff\xff\xff\x00\x00\x00\x00", "byte 4: a message's metadata cannot have 0"),
        (b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"\xff" * 16, "byte 8: the metadata of a message"),
    ],
)
def test_a_foreign_file_is_named_as_such(raw: bytes, message: str, tmp_path: Path) -> None:
    assert refusal(raw, tmp_path).startswith(message)


def stream(schema: Any, *batches: Any, options: Any = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    raw: bytes = sink.getvalue().to_pybytes()
    return raw


def remade(
    *, options: Any = None, metadata: dict[bytes, bytes] | None = None, **columns: Any
) -> bytes:
    """The small trace, written by plain Arrow with some columns replaced."""
    table = pa.ipc.open_stream(FILE).read_all().unify_dictionaries().combine_chunks()
    for name, column in columns.items():
        table = table.set_column(SCHEMA.names.index(name), SCHEMA.field(name), column)
    schema = SCHEMA.with_metadata({b"racepage.format": b"1"} if metadata is None else metadata)
    return stream(
        schema, *table.replace_schema_metadata(schema.metadata).to_batches(), options=options
    )


def test_a_stream_that_plain_arrow_wrote_is_as_good(tmp_path: Path) -> None:
    assert rows(read(remade(), tmp_path)) == rows(TRACE)


def test_another_arrow_stream_is_no_recorded_trace(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("x", pa.int64())])
    assert "it has no racepage.format" in refusal(stream(schema), tmp_path)
    said = schema.with_metadata({b"racepage.format": b"1"})
    assert "its columns are not those" in refusal(stream(said), tmp_path)


def test_another_version_names_both_and_the_mend(tmp_path: Path) -> None:
    message = refusal(remade(metadata={b"racepage.format": b"2"}), tmp_path)
    assert 'written in format "2"; this racepage reads format 1' in message


def test_a_compressed_stream_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    raw = remade(options=pa.ipc.IpcWriteOptions(compression="zstd"))
    assert "compressed batches have no place" in refusal(raw, tmp_path)


def column(name: str, values: list[Any]) -> Any:
    return pa.array(values + [None] * (len(TRACE) - len(values)), SCHEMA.field(name).type)


def filled(name: str, value: Any) -> Any:
    return pa.array([value] * len(TRACE), SCHEMA.field(name).type)


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        ({"op": filled("op", "raed")}, 'column op has "raed"'),
        ({"flags": filled("flags", "loud")}, 'column flags has "loud"'),
        ({"order": filled("order", "sc")}, 'column order has "sc"'),
        ({"target": filled("target", "heap:0")}, 'expected a target (kind:name), found "heap:0"'),
        ({"site": filled("site", "a.py f")}, "expected a call site (FILE:LINE FUNCTION < ...)"),
        ({"offset": filled("offset", -1)}, "offset -1 is outside of 0"),
        ({"length": filled("length", 2**62)}, "length 4611686018427387904 is outside of 0"),
        ({"time": filled("time", -1)}, "time -1 is outside of 0"),
        ({"length": filled("length", 1)}, "[0:1] reaches beyond thread:t1, which has 0 bytes"),
        ({"target": column("target", [])}, "alloc takes page, found none"),
        ({"flags": filled("flags", "try")}, "alloc takes no try"),
        ({"detail": filled("detail", [{"via": "page:0"}])}, "is no pointer"),
        ({"detail": filled("detail", [{"via": "P"}])}, "expected a target (kind:name)"),
        ({"detail": filled("detail", [{}, {}])}, "an event has two details"),
        ({"detail": filled("detail", [{"slice_start": 8, "slice_stop": 4}])}, "a slice cannot be"),
        ({"detail": filled("detail", [{"requested": 1}])}, "moved more than the 1 bytes asked for"),
    ],
)
def test_what_no_recorder_writes_is_refused(
    columns: dict[str, Any], part: str, tmp_path: Path
) -> None:
    assert part in refusal(remade(**columns), tmp_path)


def test_an_index_outside_of_its_dictionary_is_refused(tmp_path: Path) -> None:
    indices = pa.array([7] * len(TRACE), pa.int32())
    wild = pa.DictionaryArray.from_arrays(indices, pa.array(["main"]), safe=False)
    assert "column thread points outside of its dictionary" in refusal(
        remade(thread=wild), tmp_path
    )


# Damaged in the middle


def test_bytes_after_the_end_marker_are_refused(tmp_path: Path) -> None:
    assert refusal(FILE + b"x", tmp_path) == (
        f"byte {len(FILE)}: expected nothing after the end marker"
    )


def test_a_batch_that_is_damaged_is_named_by_its_byte(tmp_path: Path) -> None:
    raw = bytearray(FILE)
    raw[WHOLE[1] : WHOLE[1] + 4] = bytes(4)
    assert refusal(bytes(raw), tmp_path) == f"byte {WHOLE[1]}: expected an Arrow message"


def test_a_body_that_claims_more_than_its_buffers_is_no_cut_off_file(tmp_path: Path) -> None:
    # the last body's length, wherever it stands in the metadata, is made to reach beyond the file
    message = pa.ipc.read_message(pa.py_buffer(FILE[HEADER:]))
    length = struct.pack("<q", message.body.size)
    at = FILE.index(length, HEADER)
    raw = FILE[:at] + struct.pack("<q", 1 << 40) + FILE[at + 8 :]
    assert "a message's body cannot have 1099511627776 bytes" in refusal(raw, tmp_path)


@per_example
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_any_damage_is_a_trace_or_a_trace_error(
    changes: list[tuple[int, int]], tmp_path: Path
) -> None:
    raw = bytearray(FILE)
    for at, byte in changes:
        raw[at] = byte
    try:
        trace = read(bytes(raw), tmp_path)
    except TraceError as error:
        assert error.place is not None  # noqa: PT017  (both outcomes are fine)
    else:
        rows(trace)


@per_example
@given(
    at=st.integers(0, len(FILE) // 4 - 1),
    word=st.sampled_from([0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, len(FILE)]),
)
def test_any_damaged_length_is_a_trace_or_a_trace_error(at: int, word: int, tmp_path: Path) -> None:
    raw = FILE[: 4 * at] + struct.pack("<I", word) + FILE[4 * at + 4 :]
    try:
        trace = read(raw, tmp_path)
    except TraceError as error:
        assert error.place is not None  # noqa: PT017  (both outcomes are fine)
    else:
        rows(trace)
