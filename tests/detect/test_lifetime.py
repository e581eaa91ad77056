"""Lifetime and mapping findings, from the sentences of DESIGN.md section 3.3."""

import pytest

from racepage.detect import analyse
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace.columns import Detail, Origin, TraceBuilder

PAGE, OTHER = Target(Kind.PAGE, "0"), Target(Kind.PAGE, "1")
Found = list[tuple[str, int | None, int | None, tuple[int, int] | None]]


def pointer(name: str = "P") -> Target:
    return Target(Kind.POINTER, name)


def found(builder: TraceBuilder, *, leaks: bool = False) -> Found:
    return [
        (
            finding.kind,
            None if finding.first is None else finding.first.event,
            None if finding.second is None else finding.second.event,
            finding.overlap,
        )
        for finding in analyse(builder.finish(Origin(judge_leaks=leaks))).findings
    ]


@pytest.fixture
def build() -> TraceBuilder:
    """A zeroed page, allocated by main."""
    builder = TraceBuilder()
    builder.add("main", Op.ALLOC, PAGE, 0, 4096, flags=Flag.ZEROED)
    return builder


@pytest.fixture
def raw() -> TraceBuilder:
    """A page that was not zeroed."""
    builder = TraceBuilder()
    builder.add("main", Op.ALLOC, PAGE, 0, 4096)
    return builder


def test_an_access_after_the_free_is_use_after_free(build: TraceBuilder) -> None:
    free = build.add("main", Op.FREE, PAGE)
    read = build.add("main", Op.READ, PAGE, 8, 16)
    assert found(build) == [("use-after-free", free, read, (8, 16))]


def test_an_empty_access_after_the_free_touches_nothing(build: TraceBuilder) -> None:
    build.add("main", Op.FREE, PAGE)
    build.add("main", Op.READ, PAGE, 8, 8)
    assert found(build) == []


def test_a_free_unordered_with_an_earlier_access_is_a_free_race(build: TraceBuilder) -> None:
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    read = build.add("t", Op.READ, PAGE, 8, 16)
    free = build.add("main", Op.FREE, PAGE)
    assert found(build) == [("free-race", read, free, (8, 16))]


def test_a_free_unordered_with_a_later_access_is_a_free_race(build: TraceBuilder) -> None:
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    free = build.add("main", Op.FREE, PAGE)
    read = build.add("t", Op.READ, PAGE, 8, 16)
    assert found(build) == [("free-race", free, read, (8, 16))]


def test_a_second_free_is_a_double_free_ordered_or_not(build: TraceBuilder) -> None:
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    first = build.add("main", Op.FREE, PAGE)
    again = build.add("main", Op.FREE, PAGE)
    unordered = build.add("t", Op.FREE, PAGE)
    assert found(build) == [
        ("double-free", first, again, (0, 4096)),
        ("double-free", again, unordered, (0, 4096)),
    ]


def test_use_after_free_names_the_earliest_free_that_it_comes_after(build: TraceBuilder) -> None:
    first = build.add("main", Op.FREE, PAGE)
    build.add("main", Op.FREE, PAGE)
    read = build.add("main", Op.READ, PAGE, 0, 1)
    assert ("use-after-free", first, read, (0, 1)) in found(build)


def test_what_touches_a_collected_page_is_use_after_free_whatever_the_order(
    build: TraceBuilder,
) -> None:
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    gone = build.add("main", Op.COLLECT, PAGE)
    read = build.add("t", Op.READ, PAGE, 0, 1)
    assert found(build) == [("use-after-free", gone, read, (0, 1))]


def test_a_collection_races_with_nothing(build: TraceBuilder) -> None:
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    build.add("t", Op.WRITE, PAGE, 0, 1)
    build.add("main", Op.COLLECT, PAGE)
    assert found(build, leaks=True) == []


def test_a_new_life_does_not_remember_the_old_one(build: TraceBuilder) -> None:
    build.add("main", Op.FREE, PAGE)
    build.add("main", Op.ALLOC, PAGE, 0, 4096, flags=Flag.ZEROED)
    build.add("main", Op.READ, PAGE, 0, 8)
    assert found(build) == []


def test_an_access_logged_before_the_allocation_is_compared_with_it() -> None:
    """Where unordered accesses stand in the log says nothing: the pair races either way."""
    builder = TraceBuilder()
    builder.add("main", Op.START, Target(Kind.THREAD, "t"))
    write = builder.add("t", Op.WRITE, PAGE, 0, 8)
    alloc = builder.add("main", Op.ALLOC, PAGE, 0, 4096, flags=Flag.ZEROED)
    assert found(builder) == [("data-race", write, alloc, (0, 8))]


def test_double_frees_of_one_pair_of_sites_are_one_finding_ordered_or_not(
    build: TraceBuilder,
) -> None:
    here = (Frame("program.py", 1, "put"),)
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    first = build.add("main", Op.FREE, PAGE, stack=here)
    again = build.add("main", Op.FREE, PAGE, stack=here)
    build.add("t", Op.FREE, PAGE, stack=here)
    (finding,) = analyse(build.finish()).findings
    assert finding.first is not None
    assert finding.second is not None
    assert (finding.first.event, finding.second.event, finding.count) == (first, again, 2)


def test_an_access_unordered_with_the_allocation_is_a_data_race() -> None:
    builder = TraceBuilder()
    builder.add("main", Op.START, Target(Kind.THREAD, "t"))
    alloc = builder.add("main", Op.ALLOC, PAGE, 0, 4096, flags=Flag.ZEROED)
    write = builder.add("t", Op.WRITE, PAGE, 0, 8)
    assert found(builder) == [("data-race", alloc, write, (0, 8))]


def test_a_byte_read_before_it_is_written_is_uninitialised(raw: TraceBuilder) -> None:
    read = raw.add("main", Op.READ, PAGE, 0, 8)
    assert found(raw) == [("uninitialised-read", 0, read, (0, 8))]


def test_zeroed_and_written_bytes_are_initialised(raw: TraceBuilder) -> None:
    raw.add("main", Op.ZERO, PAGE, 0, 8)
    raw.add("main", Op.COPY_IN, PAGE, 8, 16)
    raw.add("main", Op.READ, PAGE, 0, 16)
    assert found(raw) == []


def test_the_uninitialised_part_of_a_read_is_named(raw: TraceBuilder) -> None:
    raw.add("main", Op.WRITE, PAGE, 0, 8)
    raw.add("main", Op.WRITE, PAGE, 12, 16)
    read = raw.add("main", Op.READ, PAGE, 4, 16)
    assert found(raw) == [("uninitialised-read", 0, read, (8, 12))]


def test_only_what_moved_of_a_copy_is_initialised(raw: TraceBuilder) -> None:
    raw.add("main", Op.COPY_IN, PAGE, 0, 4, detail=Detail(requested=8))
    read = raw.add("main", Op.READ, PAGE, 0, 8)
    assert found(raw) == [("uninitialised-read", 0, read, (4, 8))]


def test_a_write_after_the_read_does_not_initialise_it(raw: TraceBuilder) -> None:
    read = raw.add("main", Op.READ, PAGE, 0, 8)
    raw.add("main", Op.WRITE, PAGE, 0, 8)
    raw.add("main", Op.READ, PAGE, 0, 8)
    assert found(raw) == [("uninitialised-read", 0, read, (0, 8))]


def test_a_new_life_is_uninitialised_again(raw: TraceBuilder) -> None:
    raw.add("main", Op.WRITE, PAGE, 0, 8)
    raw.add("main", Op.FREE, PAGE)
    again = raw.add("main", Op.ALLOC, PAGE, 0, 4096)
    read = raw.add("main", Op.READ, PAGE, 0, 8)
    assert found(raw) == [("uninitialised-read", again, read, (0, 8))]


def test_a_page_that_is_allocated_smaller_again_keeps_its_marks_apart(raw: TraceBuilder) -> None:
    raw.add("main", Op.ALLOC, OTHER, 0, 8192)
    raw.add("main", Op.WRITE, OTHER, 0, 8192)
    raw.add("main", Op.FREE, OTHER)
    raw.add("main", Op.ALLOC, OTHER, 0, 4096, flags=Flag.ZEROED)
    read = raw.add("main", Op.READ, PAGE, 0, 8)
    assert found(raw) == [("uninitialised-read", 0, read, (0, 8))]


def test_pages_have_marks_of_their_own(raw: TraceBuilder) -> None:
    pages = [Target(Kind.PAGE, f"more{number}") for number in range(5)]
    for page in pages:
        raw.add("main", Op.ALLOC, page, 0, 4096)
        raw.add("main", Op.WRITE, page, 0, 8)
    expected = [
        ("uninitialised-read", 1 + 2 * number, raw.add("main", Op.READ, page, 0, 9), (8, 9))
        for number, page in enumerate(pages)
    ]
    assert found(raw) == expected


def test_a_page_that_no_row_allocates_is_initialised() -> None:
    builder = TraceBuilder()
    builder.add("main", Op.READ, PAGE, 0, 8)
    assert found(builder) == []


def test_leaks_are_judged_only_where_they_can_be(build: TraceBuilder) -> None:
    assert found(build) == []
    assert found(build, leaks=True) == [("page-leak", 0, None, None)]


def test_nothing_leaks_from_a_recording_whose_end_is_missing(build: TraceBuilder) -> None:
    """Promise 1: what was cut off may well have freed the page and ended the mapping."""
    map_page(build, "main", "P")
    for cut in (Origin(judge_leaks=True, complete=False), Origin(judge_leaks=True, lost_bytes=1)):
        assert analyse(build.finish(cut)).findings == ()


def test_a_freed_or_collected_page_does_not_leak(build: TraceBuilder) -> None:
    build.add("main", Op.ALLOC, OTHER, 0, 4096, flags=Flag.ZEROED)
    build.add("main", Op.FREE, PAGE)
    build.add("main", Op.COLLECT, OTHER)
    assert found(build, leaks=True) == []


def map_page(builder: TraceBuilder, who: str, name: str) -> int:
    where = builder.target(pointer(name))
    return builder.add(who, Op.MAP, PAGE, detail=Detail(via=where))


def use(
    builder: TraceBuilder, who: str, name: str, start: int, bound: tuple[int, int] | None = None
) -> int:
    detail = Detail(via=builder.target(pointer(name)), bound=bound)
    return builder.add(who, Op.READ, PAGE, start, start + 8, detail=detail)


def test_a_pointer_is_good_on_its_task_while_mapped_within_its_slice(build: TraceBuilder) -> None:
    map_page(build, "main", "P")
    use(build, "main", "P", 8, bound=(8, 16))
    build.add("main", Op.UNMAP, pointer("P"))
    assert found(build) == []


def test_a_pointer_used_after_its_mapping_ended_is_stale(build: TraceBuilder) -> None:
    map_page(build, "main", "P")
    unmap = build.add("main", Op.UNMAP, pointer("P"))
    read = use(build, "main", "P", 0)
    again = build.add("main", Op.UNMAP, pointer("P"))
    assert found(build) == [
        ("stale-pointer", unmap, read, (0, 8)),
        ("stale-pointer", unmap, again, None),
    ]


def test_a_pointer_used_on_another_task_is_foreign(build: TraceBuilder) -> None:
    mapped = map_page(build, "main", "P")
    build.add("main", Op.START, Target(Kind.THREAD, "t"))
    read = use(build, "t", "P", 0)
    assert found(build) == [("foreign-pointer", mapped, read, (0, 8))]


@pytest.mark.parametrize("start", [0, 15, 16, 100])
def test_a_pointer_that_leaves_its_slice_is_out_of_slice(build: TraceBuilder, start: int) -> None:
    mapped = map_page(build, "main", "P")
    read = use(build, "main", "P", start, bound=(8, 16))
    assert found(build) == [("out-of-slice", mapped, read, (start, start + 8))]


def test_mappings_end_last_in_first_out(build: TraceBuilder) -> None:
    map_page(build, "main", "P")
    inner = map_page(build, "main", "Q")
    unmap = build.add("main", Op.UNMAP, pointer("P"))
    build.add("main", Op.UNMAP, pointer("Q"))
    assert found(build) == [("unmap-order", inner, unmap, None)]


def test_sixteen_mappings_are_allowed_and_the_next_is_not(build: TraceBuilder) -> None:
    for number in range(16):
        map_page(build, "main", f"P{number}")
    assert found(build) == []
    too_many = map_page(build, "main", "P16")
    assert found(build) == [("map-depth", None, too_many, None)]


def test_each_task_has_mappings_of_its_own(build: TraceBuilder) -> None:
    for number in range(16):
        map_page(build, "main", f"P{number}")
        map_page(build, "t", f"Q{number}")
    assert [kind for kind, *_ in found(build)] == []


def test_a_mapping_left_behind_is_leaked(build: TraceBuilder) -> None:
    mapped = map_page(build, "t", "P")
    left = build.add("t", Op.EXIT)
    kept = map_page(build, "main", "Q")
    assert found(build) == []
    assert [finding for finding in found(build, leaks=True) if finding[0] != "page-leak"] == [
        ("leaked-mapping", mapped, left, None),
        ("leaked-mapping", kept, None, None),
    ]
