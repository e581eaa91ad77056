"""Races that the program says are meant."""

from __future__ import annotations

import jsonschema
import pytest

from racepage.detect import analyse
from racepage.detect.analysis import Engine
from racepage.events import Flag, Frame, Kind, MemoryOrder, Op, Target
from racepage.report.json import report, schema
from racepage.trace.columns import TraceBuilder

PAGE, USER = Target(Kind.PAGE, "0"), Target(Kind.USER, "0")
WRITE_SITE, READ_SITE = (Frame("p.py", 3, "fill"),), (Frame("p.py", 9, "look"),)
ENGINES: tuple[Engine, ...] = ("reference", "native")


@pytest.fixture
def build() -> TraceBuilder:
    """A page that t has written, beside main."""
    builder = TraceBuilder()
    builder.add("main", Op.START, Target(Kind.THREAD, "t"))
    builder.add("t", Op.WRITE, PAGE, 0, 16, stack=WRITE_SITE)
    return builder


def begin(builder: TraceBuilder, who: str, reason: str) -> None:
    builder.add(who, Op.RACY_OK, Target(Kind.REASON, reason), flags=Flag.BEGIN)


def end(builder: TraceBuilder, who: str, reason: str) -> None:
    builder.add(who, Op.RACY_OK, Target(Kind.REASON, reason), flags=Flag.END)


def read(builder: TraceBuilder) -> int:
    return builder.add("main", Op.READ, PAGE, 0, 8, stack=READ_SITE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_meant_race_has_its_reason_and_does_not_count(
    build: TraceBuilder, engine: Engine
) -> None:
    begin(build, "main", "a hint")
    second = read(build)
    end(build, "main", "a hint")
    analysis = analyse(build.finish(), engine=engine)
    [finding] = analysis.findings
    assert finding.suppressed == "a hint"
    assert finding.second is not None
    assert (finding.second.event, finding.second.stack) == (second, READ_SITE)
    assert analysis.verdict == "clean"


def test_what_is_meant_is_racy_all_the_same(build: TraceBuilder) -> None:
    begin(build, "main", "a hint")
    second = read(build)
    analysis = analyse(build.finish())
    assert analysis.racy_event_ids == (second,)
    assert analysis.racy_bytes == {"page:0": [(0, 8)]}


@pytest.mark.parametrize("engine", ENGINES)
def test_one_line_inside_and_outside_is_two_findings(build: TraceBuilder, engine: Engine) -> None:
    begin(build, "main", "a hint")
    read(build)
    read(build)
    end(build, "main", "a hint")
    outside = read(build)
    found = analyse(build.finish(), engine=engine).findings
    assert [(one.suppressed, one.count) for one in found] == [("a hint", 2), (None, 1)]
    assert found[1].second is not None
    assert found[1].second.event == outside


def test_two_reasons_at_one_line_are_two_findings(build: TraceBuilder) -> None:
    for reason in ("one", "other", "one"):
        begin(build, "main", reason)
        read(build)
        end(build, "main", reason)
    found = analyse(build.finish()).findings
    assert [(one.suppressed, one.count) for one in found] == [("one", 2), ("other", 1)]


def test_accesses_without_a_site_are_told_apart_too(build: TraceBuilder) -> None:
    begin(build, "main", "a hint")
    build.add("main", Op.READ, PAGE, 0, 8)
    end(build, "main", "a hint")
    build.add("main", Op.READ, PAGE, 0, 8)
    build.add("main", Op.READ, PAGE, 0, 4)
    found = analyse(build.finish()).findings
    assert [one.suppressed for one in found] == ["a hint", None, None]


def test_the_innermost_reason_counts(build: TraceBuilder) -> None:
    begin(build, "main", "outer")
    begin(build, "main", "inner")
    read(build)
    end(build, "main", "inner")
    read(build)
    found = analyse(build.finish()).findings
    assert [one.suppressed for one in found] == ["inner", "outer"]


def test_the_second_side_speaks_first(build: TraceBuilder) -> None:
    begin(build, "t", "of the writer")
    build.add("t", Op.WRITE, PAGE, 32, 40)
    begin(build, "main", "of the reader")
    build.add("main", Op.READ, PAGE, 32, 40)
    [finding] = analyse(build.finish()).findings
    assert finding.suppressed == "of the reader"


def test_an_end_without_a_begin_ends_nothing(build: TraceBuilder) -> None:
    end(build, "main", "a hint")
    read(build)
    [finding] = analyse(build.finish()).findings
    assert finding.suppressed is None


def test_a_free_is_not_meant(build: TraceBuilder) -> None:
    begin(build, "main", "a hint")
    build.add("main", Op.FREE, PAGE)
    [finding] = analyse(build.finish()).findings
    assert (finding.kind, finding.suppressed) == ("free-race", None)


def test_the_report_for_programs_keeps_its_schema(build: TraceBuilder) -> None:
    build.add("main", Op.ASSERT_WRITER, PAGE, 0, 8)
    build.add("main", Op.ASSERT_WRITER, Target(Kind.CELL, "0"))
    build.add("t", Op.STORE, Target(Kind.CELL, "0"))
    build.add("t", Op.STORE, PAGE, 0, 8, order=MemoryOrder.RELAXED)
    begin(build, "main", "a hint")
    build.add("main", Op.LOAD, PAGE, 0, 4, order=MemoryOrder.RELAXED)
    build.add("main", Op.USER_READ, USER, 0, 8)
    build.add("main", Op.USER_READ, USER, 0, 8)
    told = report(analyse(build.finish()))
    jsonschema.validate(told, schema())
    assert sorted((one["kind"], one["suppressed"]) for one in told["findings"]) == [
        ("data-race", "a hint"),
        ("double-fetch", "a hint"),
        *[("exclusive-violation", None)] * 3,
        ("mixed-size-atomic", "a hint"),
    ]
