from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from racepage.errors import TraceError
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace import std, text
from racepage.trace.columns import Columns, Trace
from tests.oracle import brute
from tests.oracle.strategies import traces
from tests.trace.sameness import rows

CONFORMANCE = Path(__file__).parents[1] / "conformance" / "std"
COLUMNS = ("thread", "op", "target", "offset", "length", "site", "flags", "order", "time")
CASES = json.loads((CONFORMANCE / "expected.json").read_text())


def refusal(source: str) -> str:
    with pytest.raises(TraceError) as caught:
        std.parse(source, "x.std")
    assert caught.value.path == "x.std"
    return f"{caught.value.place}: {caught.value.reason}"


def written(source: str) -> list[str]:
    """The lines in STD of a text trace."""
    return std.render(text.parse(source)).splitlines()


def unsaid(source: str) -> str:
    with pytest.raises(TraceError) as caught:
        std.render(text.parse(source))
    return f"{caught.value.place}: {caught.value.reason}"


# What is read


def test_a_variable_is_eight_bytes_of_its_own_in_a_page_that_exists() -> None:
    trace = std.parse("T1|r(x)|1\nT1|w(y)|2\nT2|w(x)|3\n")
    assert trace.targets == [Target(Kind.PAGE, "std")]
    assert trace.columns.op.tolist() == [Op.READ, Op.WRITE, Op.WRITE]
    assert trace.columns.offset.tolist() == [0, 8, 0]
    assert trace.columns.length.tolist() == [8, 8, 8]
    assert trace.page_sizes == {0: 4096}
    assert trace.origin.variables == ("x", "y")
    assert trace.origin.form == "std"
    assert not trace.origin.judge_leaks


def test_the_page_grows_with_the_variables() -> None:
    trace = std.parse("".join(f"T|w(V{number})|1\n" for number in range(513)))
    assert trace.page_sizes == {0: 8192}


def test_every_line_is_an_event() -> None:
    trace = std.parse("T1|fork(T2)|1\n\nT2|begin(a)|2\r\nT2|end(a)|3\nT1|join(T2)|4")
    assert trace.columns.op.tolist() == [Op.START, Op.WAKE, Op.WAKE, Op.JOIN]
    assert trace.columns.flags.tolist() == [0, Flag.BEGIN, Flag.END, 0]
    assert trace.threads == ["T1", "T2"]


def test_inner_levels_of_a_lock_are_marked() -> None:
    trace = std.parse(
        "T|acq(L)|1\nT|acq(L)|1\nT|acq(L)|1\nT|rel(L)|1\nT|rel(L)|1\nT|rel(L)|1\nT|acq(L)|1\n"
    )
    inner = int(Flag.INNER)
    assert trace.columns.flags.tolist() == [0, inner, inner, inner, inner, 0, 0]


def test_a_location_is_a_site() -> None:
    trace = std.parse("T|r(x)|12\nT|r(x)|a.py:7\nT|r(x)|Foo.bar\nT|r(x)|12\n")
    assert [stack[0] for stack in trace.sites] == [
        Frame("location", 12, ""),
        Frame("a.py", 7, ""),
        Frame("Foo.bar", 0, ""),
    ]
    assert trace.columns.site.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith(".std")])
def test_a_litmus_trace_has_its_events_and_reads_back_as_it_stands(name: str) -> None:
    source = (CONFORMANCE / name).read_text()
    trace = std.parse(source)
    assert len(trace) == CASES[name]["events"]
    assert std.render(trace) == source
    assert rows(text.parse(text.render(trace))) == rows(trace)


# What is refused


@pytest.mark.parametrize(
    ("source", "place", "part"),
    [
        ("T1|r(x)|1\nT1 r x", "line 2", "expected thread|operation(operand)|location"),
        ("T1|r(x)", "line 1", "expected thread|operation(operand)|location"),
        ("T1|r(x)|1|2", "line 1", "expected thread|operation(operand)|location"),
        ("|r(x)|1", "line 1", "expected a thread"),
        ("T 1|r(x)|1", "line 1", "expected a thread"),
        ("T1|r(x)|", "line 1", "expected a location"),
        ("T1|r x|1", "line 1", "expected operation(operand)"),
        ("T1|r()|1", "line 1", "expected a variable"),
        ("T1|acq()|1", "line 1", "expected a lock"),
        ("T1|read(x)|1", "line 1", "expected an operation (r w acq rel fork join begin end)"),
        ("# a comment", "line 1", "expected thread|operation(operand)|location"),
        ("T1|rel(L)|1", "line 1", "releases a lock that T1 does not hold"),
        ("T1|acq(L)|1\nT2|rel(L)|1", "line 2", "T2 does not hold; T1 holds it"),
        ("T1|acq(L)|1\n\nT2|acq(L)|1", "line 3", "acquires a lock that T1 holds"),
        ("T1|fork(T1)|1", "line 1", "T1 acts before it is started, at line 1"),
        ("T2|r(x)|1\nT1|fork(T2)|1", "line 1", "T2 acts before it is started, at line 2"),
        ("T1|fork(T2)|1\nT1|fork(T2)|1", "line 2", "T2 is started again; it was, at line 1"),
        ("T1|join(T2)|1\n\nT2|r(x)|1", "line 3", "T2 acts after it was joined, at line 1"),
        ("T1|join(T1)|1", "line 1", "T1 joins itself"),
        ("T1|join(T2)|1\nT1|fork(T2)|1", "line 1", "T2 is joined before it is started, at line 2"),
    ],
)
def test_what_the_format_does_not_say_is_named(source: str, place: str, part: str) -> None:
    message = refusal(source)
    assert message.startswith(f"{place}: ")
    assert part in message
    assert message.isprintable()


# What is written


def test_pages_are_cut_where_accesses_begin_or_end() -> None:
    assert written(
        "a read page:0[0:8] @ x.py:1\na write page:0[4:12] @ x.py:2\nb zero page:1[0:4] @ x.py:1\n"
    ) == [
        "a|r(page:0[0:4])|0",
        "a|r(page:0[4:8])|0",
        "a|w(page:0[4:8])|1",
        "a|w(page:0[8:12])|1",
        "b|w(page:1[0:4])|0",
    ]


def test_alloc_and_free_write_the_page_and_a_new_life_has_new_variables() -> None:
    lines = written(
        "a alloc page:0\na write page:0[0:4096]\na free page:0\n"
        "a alloc page:0\na read page:0[0:1]\n"
    )
    first, second = {line.split("|")[1] for line in lines[:3]}, lines[3:]
    assert first == {"w(page:0[0:4096])"}
    assert [line.split("|")[1] for line in second] == [
        "w(page:0~1[0:1])",
        "w(page:0~1[1:4096])",
        "r(page:0~1[0:1])",
    ]


def test_an_access_before_the_alloc_is_in_the_same_life() -> None:
    lines = written("b write page:0[0:4096]\na alloc page:0\n")
    assert [line.split("|")[1] for line in lines] == ["w(page:0[0:4096])"] * 2


def test_an_event_without_a_site_has_a_location_of_its_own() -> None:
    lines = written("a lock lock:0\na read page:0[0:8]\na unlock lock:0\n")
    assert len({line.split("|")[2] for line in lines}) == 3


def test_names_that_would_break_a_line_are_encoded() -> None:
    lines = written('"Thread-1 (worker)" lock lock:"a|b"\n"Thread-1 (worker)" unlock lock:"a|b"\n')
    assert lines[0].startswith("Thread-1%20%28worker%29|acq(a%7Cb)|")
    assert len(std.parse("\n".join(lines))) == 2


def test_what_no_race_depends_on_is_left_out_and_counted() -> None:
    source = (
        "a map page:0 as=P\na unmap P\na user_read user:0[0:8]\na lock lock:0 tryfail\n"
        "a block lock:0\na wake\na read page:0[0:0]\na collect page:1\na exit\n"
    )
    assert written(source) == []
    assert sum(std.left_out(text.parse(source)).values()) == 9
    assert std.left_out(text.parse("a lock lock:0\n")) == {}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("a wake\na rlock lock:0", "event 1: rlock lock:0 cannot be said in STD"),
        ("a release sync:0", "event 0: release sync:0 cannot be said in STD"),
        ("a fence order=seq_cst", "event 0: fence cannot be said in STD"),
        ("a store page:0[0:8] order=release", "event 0: store page:0 cannot be said in STD"),
        ("a lock lock:0\nb unlock lock:0", "event 1: unlock lock:0 cannot be said in STD"),
        ("a unlock lock:0", "event 0: unlock lock:0 cannot be said in STD"),
        ("a lock lock:0\na lock lock:0", "event 1: lock lock:0 cannot be said in STD"),
        ("a lock lock:0 inner", "event 0: lock lock:0 cannot be said in STD"),
    ],
)
def test_the_first_event_that_std_cannot_say_is_named(source: str, part: str) -> None:
    assert part in unsaid(source)


def test_a_trace_that_would_grow_out_of_hand_is_refused() -> None:
    source = "".join(f"a read page:0[{4000 - at}:{4000 + at}]\n" for at in range(1, 1500))
    assert "lines; write .trace or .arrows instead" in unsaid(source)


def sayable(trace: Trace) -> Trace:
    """The rows of a trace that STD can say, without their sites."""
    columns = trace.columns
    holder: dict[int, int] = {}
    keep = []
    for event, (thread, op, target, flags) in enumerate(
        zip(
            *(getattr(columns, name).tolist() for name in ("thread", "op", "target", "flags")),
            strict=True,
        )
    ):
        if flags & Flag.TRYFAIL or op < Op.LOCK or op in (Op.START, Op.JOIN, Op.EXIT):
            keep.append(event)
        elif flags & Flag.INNER:  # generated at random; STD's levels must add up
            continue
        elif op == Op.LOCK and target not in holder:
            holder[target] = thread
            keep.append(event)
        elif op == Op.UNLOCK and holder.get(target) == thread:
            del holder[target]
            keep.append(event)
    said = {name: getattr(columns, name)[keep] for name in COLUMNS}
    said["site"] = np.full(len(keep), -1, dtype=np.int32)
    return replace(trace, columns=Columns(**said), sites=[])


def racing(trace: Trace) -> set[tuple[int, int]]:
    events = brute.events_of(trace)
    return {(pair.first, pair.second) for pair in brute.races(events, brute.order(events))}


@settings(max_examples=settings().max_examples // 8)
@given(traces())
def test_the_races_of_a_trace_are_the_same_in_std(trace: Trace) -> None:
    # Without sites, the location of every line is one more than the number of its event.
    trace = sayable(trace)
    again = std.parse(std.render(trace))
    event = [stack[0].line - 1 for stack in again.sites]
    found = {
        (event[again.columns.site[first]], event[again.columns.site[second]])
        for first, second in racing(again)
    }
    assert found == racing(trace)
