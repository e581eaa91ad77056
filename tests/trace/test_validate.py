from __future__ import annotations

import tracemalloc
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from racepage.errors import TraceError
from racepage.events import Flag, Kind, Op, Target
from racepage.trace import text
from racepage.trace.columns import Columns, Detail, Trace, TraceBuilder
from racepage.trace.validate import validate
from tests.oracle.strategies import traces as possible
from tests.trace.strategies import traces as arbitrary

PAGE = Target(Kind.PAGE, "0")


def refusal(trace: Trace) -> str:
    with pytest.raises(TraceError) as caught:
        validate(trace)
    return str(caught.value)


def said(source: str) -> str:
    """Why a text trace is refused."""
    with pytest.raises(TraceError) as caught:
        text.parse(source)
    return str(caught.value)


def changed(trace: Trace, **columns: Any) -> Trace:
    """The trace with some columns replaced."""
    return replace(trace, columns=replace(trace.columns, **columns))


@settings(max_examples=settings().max_examples // 20)
@given(possible())
def test_what_can_have_happened_is_accepted(trace: Trace) -> None:
    validate(trace)


@settings(max_examples=settings().max_examples // 20)
@given(arbitrary())
def test_misuse_is_no_matter_of_structure(trace: Trace) -> None:
    validate(trace)


@pytest.mark.parametrize(
    "source",
    [
        "a unlock lock:0\na unlock lock:0",
        "a alloc page:0\na free page:0\na free page:0\na read page:0[0:8]",
        "a alloc page:0\na collect page:0\na alloc page:0",
        "b write page:0[0:8]\na alloc page:0",
        "a take sync:0\na acquire sync:0",
        "a map page:0 as=P\nb unmap P\na unmap P\na read page:0[0:8] via=P",
        "a join t1\nb join t1",
        "a start t1\na join t1\nb join t1",
        "a start t1\nt1 exit\na join t1",
    ],
)
def test_what_a_program_can_do_wrong_is_accepted(source: str) -> None:
    validate(text.parse(source))


# Threads


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("t wake\na start t", "line 1: thread t acts before it is started, at line 2"),
        ("a start t\n#\na start t", "line 3: thread t is started again; it was, at line 1"),
        ("a start a", "line 1: thread a acts before it is started, at line 1"),
        ("a exit\nb wake\na wake", "line 3: thread a acts after it exited, at line 1"),
        ("t exit\nt exit", "line 2: thread t acts after it exited, at line 1"),
        ("a join t\nt wake\nt wake", "line 2: thread t acts after it was joined, at line 1"),
        ("a join a", "line 1: thread a joins itself"),
        ("a join t\na start t", "line 1: thread t is joined before it is started, at line 2"),
        ('"event 7" join "event 7"', 'line 1: thread "event 7" joins itself'),
        ('"\\n" exit\n"\\n" wake', 'line 2: thread "\\n" acts after it exited, at line 1'),
    ],
)
def test_threads_act_between_their_start_and_their_end(source: str, reason: str) -> None:
    assert said(source) == reason


def test_what_a_finalizer_frees_is_no_act_of_its_thread() -> None:
    validate(text.parse("a start t\nt wake\na join t\nt collect page:0"))
    assert "acts after it was joined" in said("a join t\nt collect page:0\nt wake")


# Pages


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a alloc page:0\na alloc page:0", "line 2: page:0 is allocated while it is live: free it"),
        (
            "a alloc page:1\na alloc page:0\nb free page:0\na alloc page:0\na alloc page:0",
            "line 5: page:0 is allocated while it is live",
        ),
        (
            "a alloc page:0 size=4096\na read page:0[4090:4097]",
            "line 2: [4090:4097] reaches beyond page:0, which has 4096 bytes",
        ),
        (
            "a read page:0[0:5000]\na alloc page:0 size=4096",
            "line 1: [0:5000] reaches beyond page:0, which has 4096 bytes",
        ),
        (
            "a alloc page:0 size=8192\na free page:0\na alloc page:0 size=16\na zero page:0[8:17]",
            "line 4: [8:17] reaches beyond page:0, which has 16 bytes",
        ),
        (
            "a alloc page:0 size=16\na write page:0[0:17]\na free page:0\na alloc page:0 size=64",
            "line 2: [0:17] reaches beyond page:0, which has 16 bytes",
        ),
        ("# racepage: size page:0 64\na read page:0[0:65]", "line 2: [0:65] reaches beyond page:0"),
    ],
)
def test_pages_hold_what_touches_them(source: str, reason: str) -> None:
    assert said(source).startswith(reason)


def test_every_life_of_a_page_has_its_own_size() -> None:
    validate(
        text.parse(
            "a alloc page:0 size=16\na write page:0[0:16]\na free page:0\n"
            "a alloc page:0 size=64\na write page:0[0:64]\na free page:0\n"
            "a alloc page:1 size=64\na write page:1[0:64]\n"
        )
    )


def test_a_page_is_freed_as_a_whole() -> None:
    builder = TraceBuilder()
    builder.add("a", Op.READ, PAGE, 0, 4096)
    builder.add("a", Op.FREE, PAGE)
    trace = builder.finish()
    shifted = changed(trace, offset=np.array([0, 8]), length=np.array([4096, 8]))
    assert refusal(shifted) == "event 1: a page is allocated and freed as a whole, from byte 0"


# Pointers


def test_a_pointer_of_a_text_trace_is_made_by_a_map() -> None:
    assert said("a read page:0[0:8] via=P") == (
        "line 1: no map makes the pointer P: write map page:ID as=P"
    )
    assert said("a map page:0 as=P\na unmap Q").startswith("line 2: no map makes the pointer Q")


def test_a_recording_may_begin_inside_a_mapping() -> None:
    trace = text.parse("a map page:0 as=P\na read page:0[0:8] via=P\na unmap P")
    columns = trace.columns
    begun = Columns(
        **{name: getattr(columns, name)[1:] for name in ARRAYS},
        details={0: columns.detail(1)},
    )
    origin = replace(trace.origin, form="arrows")
    validate(replace(trace, columns=begun, origin=origin))


# Numbers


ARRAYS = [each.name for each in fields(Columns) if each.name != "details"]
SMALL = text.parse("a lock lock:0 try @ f.py:1 g\nb write page:0[0:8]\n")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("op", 99, "operation 99 is outside of 0 to 34"),
        ("thread", 2, "thread 2 is outside of 0 to 1"),
        ("thread", -1, "thread -1 is outside of 0 to 1"),
        ("target", 2, "target 2 is outside of -1 to 1"),
        ("target", -2, "target -2 is outside of -1 to 1"),
        ("target", -1, "write takes page, found none"),
        ("target", 0, "write takes page, found lock:0"),
        ("site", 1, "site 1 is outside of -1 to 0"),
        ("offset", -8, "offset -8 is outside of 0"),
        ("length", -8, "length -8 is outside of 0"),
        ("length", 2**62, "length 4611686018427387904 is outside of 0"),
        ("time", -1, "time -1 is outside of 0"),
        ("flags", int(Flag.TRY), "write takes no try"),
        ("flags", 128, "write takes no refused"),
        ("order", 2, "write takes no order"),
        ("order", 9, "order 9 is outside of 0 to 5"),
    ],
)
def test_every_number_is_in_its_table(name: str, value: int, reason: str) -> None:
    column = getattr(SMALL.columns, name).copy()
    column[1] = value
    assert refusal(changed(SMALL, **{name: column})).startswith(f"event 1: {reason}")


def test_a_lock_has_no_bytes() -> None:
    assert refusal(changed(SMALL, length=np.array([8, 8]))) == (
        "event 0: [0:8] reaches beyond lock:0, which has 0 bytes"
    )


def test_a_thread_that_is_started_is_in_the_table_of_threads() -> None:
    trace = text.parse("a start t")
    assert refusal(replace(trace, threads=["a"])) == (
        "event 0: its thread is not in the table of threads"
    )


@pytest.mark.parametrize(
    ("event", "detail", "reason"),
    [
        (2, Detail(via=0), "a detail of an event that is not there"),
        (1, Detail(via=7), "target 7 is no pointer"),
        (1, Detail(via=1), "target 1 is no pointer"),
        (1, Detail(source=1), "target 1 is no user"),
        (1, Detail(bound=(8, 4)), "a slice cannot be [8, 4]"),
        (1, Detail(bound=(0, 2**40)), "a slice cannot be"),
        (1, Detail(source_offset=-1), "user memory has no byte -1"),
        (1, Detail(requested=7), "moved more than the 7 bytes asked for"),
    ],
)
def test_details_point_at_what_is_there(event: int, detail: Detail, reason: str) -> None:
    trace = replace(SMALL, origin=replace(SMALL.origin, form="arrows"))
    assert reason in refusal(changed(trace, details={event: detail}))


# Cost


def test_a_large_trace_is_checked_in_blocks() -> None:
    rows = 1 << 20
    trace = replace(
        SMALL,
        columns=Columns(
            thread=np.ones(rows, np.int32),
            op=np.full(rows, Op.WRITE, np.uint8),
            target=np.ones(rows, np.int32),
            offset=np.zeros(rows, np.int64),
            length=np.full(rows, 8, np.int64),
            site=np.full(rows, -1, np.int32),
            flags=np.zeros(rows, np.uint8),
            order=np.zeros(rows, np.uint8),
            time=np.zeros(rows, np.int64),
        ),
    )
    tracemalloc.start()
    validate(trace)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * rows  # a few masks, and no copy of a column
