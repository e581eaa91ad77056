from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from racepage.events import Kind, Op, Target
from racepage.order.hb import HappensBefore
from racepage.order.stamps import Stamps
from racepage.trace import arrows, text
from racepage.trace.columns import Trace, TraceBuilder
from tests.trace.sameness import assert_same
from tests.trace.strategies import traces

tmp_per_example = settings(
    max_examples=settings().max_examples // 20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

HANDED_ON = """\
main  start  t1
t1    write  page:0[0:8]
t1    exit
main  join   t1
main  start  t2
t2    write  page:0[0:8]  @ b.py:2 g
main  join   t2
main  read   page:0[0:8]  @ a.py:1 f
"""


def stamped(trace: Trace) -> Stamps:
    return HappensBefore().stamp(trace.columns, trace.threads, trace.targets)


def plain(path: Path) -> list[dict[str, Any]]:
    """The rows as plain pyarrow reads them."""
    rows: list[dict[str, Any]] = pa.ipc.open_stream(path).read_all().to_pylist()
    return rows


@tmp_per_example
@given(trace=traces())
def test_what_is_written_reads_back_the_same(trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    arrows.write(trace, path)
    read = arrows.read(path)
    assert_same(read, trace)
    assert read.origin.expects == trace.origin.expects
    assert read.origin.form == "arrows"


def test_plain_pyarrow_reads_names_clocks_and_vectors(tmp_path: Path) -> None:
    trace = text.parse(HANDED_ON)
    arrows.write(trace, tmp_path / "x.arrows", stamped(trace))
    rows = plain(tmp_path / "x.arrows")
    assert [row["thread"] for row in rows] == [
        "main",
        "t1",
        "t1",
        "main",
        "main",
        "t2",
        "main",
        "main",
    ]
    assert [row["op"] for row in rows][:3] == ["start", "write", "exit"]
    assert [row["class"] for row in rows][:3] == ["none", "plain", "none"]
    assert [row["target"] for row in rows][:3] == ["thread:t1", "page:0", None]
    assert [row["site"] for row in rows][5:] == ["b.py:2 g", None, "a.py:1 f"]
    assert [(row["offset"], row["length"]) for row in rows][:2] == [(0, 0), (0, 8)]


def test_a_slot_that_is_handed_on_counts_for_the_thread_that_holds_it(tmp_path: Path) -> None:
    # main: 1 until it starts t1, 2 until it starts t2, then 3. t1 and t2 share a slot, and each
    # counts from 1; t2's first row knows main at 2, and joining t1 taught main t1 at 1.
    trace = text.parse(HANDED_ON)
    stamps = stamped(trace)
    assert stamps.slot.tolist() == [0, 1, 1]
    arrows.write(trace, tmp_path / "x.arrows", stamps)
    rows = plain(tmp_path / "x.arrows")
    assert [row["clock"] for row in rows] == [1, 1, 1, 2, 2, 1, 3, 3]
    changes = [
        None if row["vector"] is None else {each["thread"]: each["clock"] for each in row["vector"]}
        for row in rows
    ]
    assert changes[1] == {"main": 1}
    assert changes[3] == {"t1": 1}
    assert changes[5] is not None
    assert changes[5]["main"] == 2
    assert changes[6] == {"t2": 1}
    assert changes[0] is changes[2] is changes[4] is changes[7] is None


def test_without_stamps_clock_and_vector_are_null(tmp_path: Path) -> None:
    arrows.write(text.parse(HANDED_ON), tmp_path / "x.arrows")
    rows = plain(tmp_path / "x.arrows")
    assert {row["clock"] for row in rows} == {None}
    assert {row["vector"] for row in rows} == {None}


def test_the_schema_says_format_version_and_program(tmp_path: Path) -> None:
    trace = text.parse("# racepage: program binder\na exit\n")
    arrows.write(trace, tmp_path / "x.arrows")
    metadata = pa.ipc.open_stream(tmp_path / "x.arrows").schema.metadata
    assert metadata[b"racepage.format"] == b"1"
    assert b"racepage.version" in metadata
    assert metadata[b"racepage.program"] == b"binder"


def written_in(batches: int, path: Path, *, locks: int) -> Trace:
    """A trace whose lock table grows, written in so many batches of `locks` rows."""
    builder = TraceBuilder()
    with arrows.ArrowsWriter(path) as writer:
        before = 0
        for batch in range(batches):
            for number in range(batch * locks, (batch + 1) * locks):
                builder.add("main", Op.LOCK, Target(Kind.LOCK, str(number)))
            trace = builder.finish()
            writer.write_batch(
                list(trace.columns.batches(locks))[batch],
                None,
                threads=trace.threads,
                targets=trace.targets,
                sites=trace.sites,
                page_sizes=trace.page_sizes,
                labels=trace.labels,
            )
            before = len(trace)
    assert before == len(trace)
    return trace


def messages(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [message.type for message in pa.ipc.MessageReader.open_stream(file)]


def test_a_dictionary_is_sent_again_only_where_it_grew(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    written_in(3, path, locks=10)
    kinds = messages(path)
    assert kinds.count("record batch") == 1 + 3  # the header's is empty
    # the header: 4 of words, 4 of names; then names of targets and thread, then of targets twice
    assert kinds.count("dictionary") == 8 + 2 + 1 + 1
    targets = pa.ipc.open_stream(path).read_all().column("target")
    assert [len(chunk.dictionary) for chunk in targets.chunks] == [0, 10, 20, 30]


def test_a_dictionary_that_outgrew_its_batch_is_sent_in_part(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    trace = written_in(4, path, locks=600)
    targets = pa.ipc.open_stream(path).read_all().column("target")
    # whole up to 1,024 names or as many as the batch has rows, then those that the batch uses
    assert [len(chunk.dictionary) for chunk in targets.chunks] == [0, 600, 600, 600, 600]
    assert targets.to_pylist() == [f"lock:{number}" for number in range(2400)]
    assert arrows.read(path).targets == trace.targets


def test_labels_and_sizes_may_come_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    builder = TraceBuilder()
    inbox, big = Target(Kind.PAGE, "0"), Target(Kind.PAGE, "1")
    builder.add("main", Op.ALLOC, inbox, 0, 4096)
    builder.add("main", Op.READ, big, 0, 8)
    trace = builder.finish()
    tables = {"threads": trace.threads, "targets": trace.targets, "sites": trace.sites}
    first, second = trace.columns.batches(1)
    with arrows.ArrowsWriter(path) as writer:
        writer.write_batch(first, None, **tables, page_sizes={0: 4096}, labels={})  # type: ignore[arg-type]
        writer.write_batch(
            second,
            None,
            **tables,  # type: ignore[arg-type]
            page_sizes={0: 4096, 1: 8192},
            labels={0: "the\ninbox"},
        )
    read = arrows.read(path)
    assert read.labels == {0: "the\ninbox"}
    assert read.page_sizes == {0: 4096, 1: 8192}


def test_more_labels_than_one_batch_can_carry_are_all_there(tmp_path: Path) -> None:
    builder = TraceBuilder()
    for number in range(5_000):
        builder.label(Target(Kind.LOCK, str(number)), f"the lock that guards record {number}")
    trace = builder.finish()
    arrows.write(trace, tmp_path / "x.arrows")
    read = arrows.read(tmp_path / "x.arrows")
    assert len(read.labels) == 5_000
    assert {read.targets[target]: label for target, label in read.labels.items()} == {
        trace.targets[target]: label for target, label in trace.labels.items()
    }


def test_a_trace_of_several_batches_reads_back_the_same(tmp_path: Path) -> None:
    rows = arrows.BATCH + 3
    builder = TraceBuilder()
    page = Target(Kind.PAGE, "0")
    for row in range(rows):
        builder.add("main" if row % 3 else "other", Op.READ, page, row % 4000, row % 4000 + 8)
    trace = builder.finish()
    arrows.write(trace, tmp_path / "x.arrows", stamped(trace))
    read = arrows.read(tmp_path / "x.arrows")
    for name in ("op", "thread", "target", "offset", "length", "site", "flags", "time"):
        assert np.array_equal(getattr(read.columns, name), getattr(trace.columns, name))
    assert pa.ipc.open_stream(tmp_path / "x.arrows").read_all().num_rows == rows


def test_a_lone_surrogate_in_a_name_is_spelt_out(tmp_path: Path) -> None:
    builder = TraceBuilder()
    builder.add("\udcff", Op.LOCK, Target(Kind.LOCK, "\ud800"))
    builder.label(Target(Kind.LOCK, "\ud800"), "\udc80")
    arrows.write(builder.finish(), tmp_path / "x.arrows")
    read = arrows.read(tmp_path / "x.arrows")
    assert read.threads == ["\\udcff"]
    assert read.targets[0].name == "\\ud800"


def test_a_writer_that_was_left_by_an_exception_leaves_a_recording_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    with pytest.raises(KeyError), arrows.ArrowsWriter(path):
        raise KeyError
    assert not arrows.read(path).origin.complete


def test_a_path_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        arrows.ArrowsWriter(tmp_path / "no" / "x.arrows")


def test_a_writer_may_be_closed_twice_and_takes_an_open_file(tmp_path: Path) -> None:
    with (tmp_path / "x.arrows").open("wb") as file:
        writer = arrows.ArrowsWriter(file)
        writer.close()
        writer.close()
        assert not file.closed
    assert arrows.read(tmp_path / "x.arrows").origin.complete
