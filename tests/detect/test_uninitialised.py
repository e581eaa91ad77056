"""Which bytes nothing has written: against a mark for each byte, and what that takes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect.evidence import Evidence
from racepage.detect.rows import rare
from racepage.detect.uninitialised import uninitialised
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace.columns import Trace, TraceBuilder

SIZES = (1, 63, 64, 65, 512, 4096, 4097, 40_000)
LARGEST = 1 << 30
FILLS = (Op.WRITE, Op.ZERO, Op.COPY_IN, Op.STORE, Op.RMW, Op.BYTEWISE_WRITE)
READS = (Op.READ, Op.LOAD, Op.RMW, Op.BYTEWISE_READ)
Step = tuple[Op, int, int, int]


def page(number: int) -> Target:
    return Target(Kind.PAGE, str(number))


@st.composite
def step(draw: st.DrawFn, sizes: list[int]) -> Step:
    """An operation, a page and a range of it; borders of words and nodes are more likely."""
    number = draw(st.integers(0, len(sizes) - 1))
    border = st.sampled_from([0, 8, 64, 512, 4096, sizes[number]])
    place = (border | st.integers(0, sizes[number])).map(lambda at: min(at, sizes[number]))
    start, stop = sorted((draw(place), draw(place)))
    return draw(st.sampled_from((*FILLS, *READS, Op.ALLOC, Op.FREE))), number, start, stop


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[int], list[Step]]:
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    return sizes, draw(st.lists(step(sizes), max_size=60))


def judged(sizes: list[int], steps: list[Step]) -> tuple[Trace, list[Evidence]]:
    """The steps as a trace, every page raw at first; and what a mark for each byte says of it."""
    builder = TraceBuilder()
    unwritten: list[set[int]] = []
    alloc = []
    for number, size in enumerate(sizes):
        alloc.append(builder.add("main", Op.ALLOC, page(number), 0, size))
        unwritten.append(set(range(size)))
    expected = []
    for op, number, start, stop in steps:
        if op is Op.ALLOC:  # every other one zeroed
            builder.add("main", Op.FREE, page(number), 0, sizes[number])
            flags = Flag.ZEROED if start % 2 else Flag.NONE
            alloc[number] = builder.add("main", op, page(number), 0, sizes[number], flags=flags)
            unwritten[number] = set() if flags else set(range(sizes[number]))
        else:
            event = builder.add("main", op, page(number), start, stop)
            holes = unwritten[number].intersection(range(start, stop))
            if op in READS and holes:
                hull = min(holes), max(holes) + 1
                found = Evidence("uninitialised-read", alloc[number], event, overlap=hull)
                expected.append(found._replace(page=builder.target(page(number))))
            if op in FILLS:
                unwritten[number] -= holes
    return builder.finish(), expected


def said(trace: Trace) -> list[Evidence]:
    return list(uninitialised(trace, rare(trace.columns)))


@pytest.mark.parametrize("native_from", [0, 1 << 62], ids=["compiled", "as it stands"])
@settings(max_examples=settings().max_examples // 8)
@given(program=programs())
def test_reads_of_unwritten_bytes_are_those_that_marks_would_show(
    native_from: int, program: tuple[list[int], list[Step]]
) -> None:
    trace, expected = judged(*program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("racepage.detect.rows.NATIVE_FROM", native_from)
        assert said(trace) == expected


def test_reads_are_put_together_by_their_sites() -> None:
    """Millions of them are no more work for whoever makes findings of them."""
    builder = TraceBuilder()
    first = builder.add("main", Op.ALLOC, page(0), 0, 64, stack=(Frame("f.py", 1, "f"),))
    other = builder.add("main", Op.ALLOC, page(1), 0, 64, stack=(Frame("f.py", 2, "f"),))
    for number in (0, 0, 1, 0):
        builder.add("main", Op.READ, page(number), 8, 16, stack=(Frame("f.py", 3, "f"),))
    for _ in range(2):
        builder.add("main", Op.READ, page(0), 8, 16)  # without a site: each for itself
    assert sorted((one.first, one.second, one.times) for one in said(builder.finish())) == [
        (first, 2, 3),
        (first, 6, 1),
        (first, 7, 1),
        (other, 4, 1),
    ]


def most_bytes(work: Callable[[], object]) -> int:
    """What it takes at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_page_takes_what_was_written_of_it_in_pieces() -> None:
    builder = TraceBuilder()
    builder.add("main", Op.ALLOC, page(0), 0, LARGEST)
    for start in range(0, LARGEST, LARGEST // 100):
        builder.add("main", Op.WRITE, page(0), start, start + 8)
    read = builder.add("main", Op.READ, page(0), 0, LARGEST)
    builder.add("main", Op.WRITE, page(0), 8, LARGEST)
    builder.add("main", Op.READ, page(0), 0, LARGEST)
    trace = builder.finish()
    # A write of one word has eight nodes of 64 bytes at most; a pool that grows, three times that.
    assert most_bytes(lambda: said(trace)) < 100 * 8 * 64 * 3 + 32 * 1024
    assert [(one.second, one.overlap) for one in said(trace)] == [(read, (8, LARGEST))]


def test_what_is_written_whole_gives_back_what_its_pieces_took() -> None:
    def lives(count: int) -> Trace:
        builder = TraceBuilder()
        builder.add("main", Op.ALLOC, page(0), 0, 8)  # never written: the scan never rests
        for _ in range(count):
            builder.add("main", Op.ALLOC, page(1), 0, 4096)
            for start in range(0, 4096, 512):
                builder.add("main", Op.WRITE, page(1), start, start + 8)
            builder.add("main", Op.WRITE, page(1), 0, 4096)
            builder.add("main", Op.FREE, page(1), 0, 4096)
        return builder.finish()

    few, many = lives(10), lives(200)
    # Nine nodes a life would be more than 100,000 bytes, the numbers of the ALLOC rows are 1,600.
    assert most_bytes(lambda: said(many)) - most_bytes(lambda: said(few)) < 20_000
