"""Assertions, atomics of mixed sizes and double fetches: what the golden traces do not show."""

from __future__ import annotations

import numpy as np
import pytest

from racepage.detect import analyse
from racepage.events import Flag, Frame, Kind, MemoryOrder, Op, Target
from racepage.finding import Finding
from racepage.trace.columns import Detail, TraceBuilder

PAGE, USER = Target(Kind.PAGE, "0"), Target(Kind.USER, "0")
HERE, THERE = (Frame("p.py", 3, "mine"),), (Frame("p.py", 9, "theirs"),)


@pytest.fixture
def build() -> TraceBuilder:
    """Two threads beside main."""
    builder = TraceBuilder()
    for name in ("t", "u"):
        builder.add("main", Op.START, Target(Kind.THREAD, name))
    return builder


def only(builder: TraceBuilder) -> Finding:
    [finding] = analyse(builder.finish()).findings
    return finding


def numbers(finding: Finding) -> tuple[int | None, int | None, int]:
    first, second = finding.first, finding.second
    return (first and first.event, second and second.event, finding.count)  # type: ignore[return-value]  # an event or None


def scope(builder: TraceBuilder, who: str, start: int, stop: int, flag: Flag = Flag.NONE) -> int:
    return builder.add(who, Op.ASSERT_ACCESS, PAGE, start, stop, flags=flag, stack=HERE)


def load(builder: TraceBuilder, who: str, start: int, stop: int) -> int:
    return builder.add(who, Op.LOAD, PAGE, start, stop, order=MemoryOrder.RELAXED, stack=THERE)


def test_a_violation_says_who_asserts_what_and_where_it_ends(build: TraceBuilder) -> None:
    begin = scope(build, "main", 0, 64, Flag.BEGIN)
    access = load(build, "t", 8, 16)
    end = scope(build, "main", 0, 64, Flag.END)
    finding = only(build)
    assert numbers(finding) == (begin, access, 1)
    assert finding.message == (
        "t loads page:0[8:16] while main asserts that nobody else touches it"
    )
    assert [side.event for side in finding.related] == [end]
    assert finding.first is not None
    assert finding.first.range == (0, 64)


def test_a_violation_after_the_begin_needs_no_reason_why_the_two_are_unordered(
    build: TraceBuilder,
) -> None:
    scope(build, "main", 0, 8, Flag.BEGIN)
    build.add("main", Op.RELEASE, Target(Kind.SYNC, "0"))
    build.add("t", Op.ACQUIRE, Target(Kind.SYNC, "0"))
    load(build, "t", 0, 8)
    assert only(build).why is None


def test_an_end_without_a_begin_says_nothing(build: TraceBuilder) -> None:
    load(build, "t", 0, 8)
    scope(build, "main", 0, 8, Flag.END)
    assert analyse(build.finish()).findings == ()


def test_an_end_goes_with_the_last_begin_of_the_same_bytes(build: TraceBuilder) -> None:
    """The outer scope ends only after t was let go, the inner one before."""
    outer = scope(build, "main", 0, 8, Flag.BEGIN)
    scope(build, "main", 0, 8, Flag.BEGIN)
    scope(build, "main", 0, 8, Flag.END)
    build.add("main", Op.RELEASE, Target(Kind.SYNC, "0"))
    scope(build, "main", 0, 8, Flag.END)
    build.add("t", Op.ACQUIRE, Target(Kind.SYNC, "0"))
    access = load(build, "t", 0, 8)
    assert numbers(only(build)) == (outer, access, 1)


def test_a_begin_that_comes_later_is_an_assertion_of_its_own(build: TraceBuilder) -> None:
    """In between, t's access was handed over."""
    scope(build, "main", 0, 8)
    load(build, "t", 0, 8)
    build.add("t", Op.RELEASE, Target(Kind.SYNC, "0"))
    build.add("main", Op.ACQUIRE, Target(Kind.SYNC, "0"))
    begin = scope(build, "main", 0, 8, Flag.BEGIN)
    build.add("u", Op.LOAD, PAGE, 0, 8, stack=(Frame("p.py", 20, "others"),))
    scope(build, "main", 0, 8, Flag.END)
    found = [numbers(one) for one in analyse(build.finish()).findings]
    assert found == [(2, 3, 1), (begin, begin + 1, 1)]


def test_each_violating_access_counts_once(build: TraceBuilder) -> None:
    before = load(build, "t", 0, 8)
    scope(build, "main", 0, 8)
    begin = scope(build, "main", 0, 8)
    load(build, "t", 0, 8)
    load(build, "u", 4, 12)
    # the two assertions, with the access before them, and two accesses after them
    assert numbers(only(build)) == (before, begin - 1, 4)


def test_what_comes_after_a_collection_is_no_violation(build: TraceBuilder) -> None:
    """It is something worse."""
    scope(build, "t", 0, 8)
    gone = build.add("main", Op.COLLECT, PAGE, 0, 4096)
    access = load(build, "u", 0, 8)
    finding = only(build)
    assert finding.kind == "use-after-free"
    assert numbers(finding) == (gone, access, 1)


def test_an_empty_assertion_holds(build: TraceBuilder) -> None:
    scope(build, "main", 8, 8)
    load(build, "t", 0, 64)
    assert analyse(build.finish()).findings == ()


def test_a_hundred_thousand_assertions_are_compared_with_as_many_accesses() -> None:
    """All of one page, all unordered: ten thousand million pairs, and one finding."""
    count = 100_000
    builder = TraceBuilder()
    here, there = builder.site(HERE), builder.site(THERE)
    main, other, page = builder.thread("main"), builder.thread("t"), builder.target(PAGE)
    for number in range(count):
        start = number % 512 * 8
        builder.append(main, Op.ASSERT_WRITER, page, start, 8, here, 0, 0, 0)
        builder.append(other, Op.STORE, page, start, 8, there, 0, MemoryOrder.RELAXED, 0)
    [finding] = analyse(builder.finish()).findings
    # every store has the assertion before it; an assertion has a store of its bytes before it
    # from the second time round
    assert numbers(finding) == (0, 1, count + count - 512)


def test_mixed_sizes_are_told_once_for_each_pair_of_lines(build: TraceBuilder) -> None:
    word = build.add("t", Op.STORE, PAGE, 0, 8, order=MemoryOrder.RELAXED, stack=HERE)
    halves = [load(build, "u", start, start + 4) for start in (0, 4)]
    finding = only(build)
    assert numbers(finding) == (word, halves[0], 2)
    assert finding.message == (
        "t stores to and u loads page:0[0:4] in different sizes, and nothing orders the two"
    )
    assert finding.why is not None


def test_a_fetch_into_a_page_is_told_in_bytes_of_user_memory(build: TraceBuilder) -> None:
    read = build.add("main", Op.USER_READ, USER, 100, 108, flags=Flag.BEGIN)
    detail = Detail(source=build.target(USER), source_offset=104)
    copy = build.add("main", Op.COPY_IN, PAGE, 0, 64, detail=detail)
    finding = only(build)
    assert numbers(finding) == (read, copy, 1)
    assert (finding.page, finding.overlap) == ("user:0", (104, 108))
    assert finding.second is not None
    assert (finding.second.target, finding.second.range) == ("user:0", (104, 168))
    assert finding.message == (
        "main reads user:0[104:108] twice, and it may have changed in between"
    )


def test_other_user_memory_is_another_slice(build: TraceBuilder) -> None:
    for name in ("0", "1"):
        build.add("main", Op.USER_READ, Target(Kind.USER, name), 0, 8)
    assert analyse(build.finish()).findings == ()


def test_a_copy_from_nowhere_known_is_no_fetch(build: TraceBuilder) -> None:
    for _ in range(2):
        build.add("main", Op.COPY_IN, PAGE, 0, 64)
    assert analyse(build.finish()).findings == ()


def test_a_hundred_thousand_slices_that_are_read_twice_are_one_finding() -> None:
    count = 100_000
    builder = TraceBuilder()
    here, there = builder.site(HERE), builder.site(THERE)
    main, user = builder.thread("main"), builder.target(USER)
    for _ in range(count):
        builder.append(main, Op.USER_READ, user, 0, 8, here, Flag.BEGIN, 0, 0)
        builder.append(main, Op.USER_READ, user, 0, 64, there, 0, 0, 0)
    trace = builder.finish()
    [finding] = analyse(trace).findings
    assert numbers(finding) == (0, 1, count)
    assert np.count_nonzero(trace.columns.flags) == count
