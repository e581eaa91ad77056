"""Mappings, pointers and slices: what they reach, and what of their misuse is in the trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import racepage
from racepage import sync
from racepage.errors import BadAddress
from racepage.memory import (
    GFP_KERNEL,
    GFP_ZERO,
    Page,
    PagePointer,
    PageSlice,
    kmap_local_page,
    kunmap_local,
)
from tests.execution.rows import recorded


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def found(body: Callable[[], object]) -> list[str]:
    """The kinds of finding in what `body` does, a page older than the recording being no leak."""
    with racepage.record() as recording:
        body()
    return [finding.kind for finding in racepage.analyse(recording.trace()).findings]


def in_thread(body: Callable[[], object]) -> None:
    thread = sync.Thread(target=body, name="t")
    thread.start()
    thread.join()


# Pointers


def test_a_mapping_is_logged_around_what_is_done_in_it() -> None:
    page = zeroed()

    def body() -> None:
        page.with_page_mapped(lambda pointer: pointer[8])

    assert recorded(body) == [
        "main map page:0 via pointer:0",
        "main read page:0[8:9] via pointer:0",
        "main unmap pointer:0",
    ]


def test_a_mapping_ends_on_the_way_out_of_an_error() -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ZeroDivisionError):
            page.with_page_mapped(lambda _: 1 // 0)

    assert recorded(body)[-1] == "main unmap pointer:0"


def test_what_the_closure_returns_is_handed_on() -> None:
    page = zeroed()
    page.write_raw(b"abcd", 4, 4)
    assert page.with_page_mapped(lambda pointer: pointer[4:8]) == b"abcd"
    assert page.with_pointer_into_page(4, 4, lambda pointer: pointer.read(4)) == b"abcd"
    assert page.with_slice_in_page(4, 4, bytes) == b"abcd"


def test_a_pointer_counts_from_where_it_points() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        pointer[0] = 1
        pointer[-1] = 2
        (pointer + 4)[0:2] = b"xy"
        (pointer - 8).write(b"z")
        assert pointer[0:6] == b"\1\0\0\0xy"

    page.with_pointer_into_page(100, 8, body)
    assert bytes(page.view()[92:106]) == b"z" + bytes(6) + b"\2\1\0\0\0xy"


def test_two_mappings_have_different_addresses_and_are_the_same_memory() -> None:
    page = zeroed()

    def both(one: PagePointer) -> None:
        def inner(two: PagePointer) -> None:
            one[0] = 7
            assert two[0] == 7
            assert one.address != two.address
            assert one != two

        page.with_page_mapped(inner)

    page.with_page_mapped(both)


def test_addresses_follow_the_offset() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        assert int(pointer) == pointer.address
        assert (pointer + 5).address == pointer.address + 5
        assert pointer + 5 - 5 == pointer
        assert hash(pointer + 5 - 5) == hash(pointer)
        assert pointer.address % 4096 == 64

    page.with_pointer_into_page(64, 8, body)


def test_outside_the_page_there_is_nothing() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        for place in (-1, 4096):
            with pytest.raises(BadAddress, match="4096 bytes"):
                _ = pointer[place]
        with pytest.raises(BadAddress):
            (pointer + 4090).write(bytes(7))

    assert recorded(lambda: page.with_page_mapped(body)) == [
        "main map page:0 via pointer:0",
        "main unmap pointer:0",
    ]


def test_a_pointer_range_needs_an_end() -> None:
    def body(pointer: PagePointer) -> None:
        with pytest.raises(ValueError, match="end"):
            _ = pointer[0:]
        with pytest.raises(ValueError, match="2 bytes of data for a range of 3"):
            pointer[0:3] = b"ab"
        with pytest.raises(TypeError):
            pointer[0:3] = 1
        with pytest.raises(TypeError):
            pointer[0] = b"a"

    zeroed().with_page_mapped(body)


# Slices


def test_a_slice_reads_and_writes_its_bytes() -> None:
    page = zeroed()

    def body(part: PageSlice) -> None:
        part[0] = 1
        part[-1] = 2
        part[2:4] = b"ab"
        assert part[0] == 1
        assert bytes(part) == b"\1\0ab\0\0\0\2"
        assert list(part[1:4]) == [0, 97, 98]
        assert len(part) == 8

    page.with_slice_in_page(16, 8, body)
    assert bytes(page.view()[15:25]) == b"\0\1\0ab\0\0\0\2\0"


def test_a_sub_slice_reads_nothing_until_it_is_asked() -> None:
    page = zeroed()

    def body() -> None:
        page.with_slice_in_page(16, 8, lambda part: bytes(part[2:6][1:3]))

    assert recorded(body)[1:-1] == ["main read page:0[19:21] via pointer:0 bound (19, 21)"]


@pytest.mark.parametrize("place", [8, -9, 4096])
def test_a_slice_knows_its_end(place: int) -> None:
    def body(part: PageSlice) -> None:
        with pytest.raises(IndexError, match="8 bytes"):
            _ = part[place]
        with pytest.raises(IndexError):
            part[place] = 0

    page = zeroed()
    assert len(recorded(lambda: page.with_slice_in_page(16, 8, body))) == 2


def test_a_slice_is_one_run_of_bytes() -> None:
    def body(part: PageSlice) -> None:
        with pytest.raises(ValueError, match="step"):
            _ = part[::2]

    zeroed().with_slice_in_page(0, 8, body)


def test_as_ptr_may_reach_the_whole_slice() -> None:
    page = zeroed()

    def body(part: PageSlice) -> None:
        pointer = part.as_ptr()
        pointer[7] = 1  # the last byte of the slice

    assert found(lambda: page.with_slice_in_page(16, 8, body)) == []
    assert page.view()[23] == 1


# Misuse


def test_past_the_end_of_a_slice_is_out_of_slice() -> None:
    page = zeroed()

    def body() -> None:
        page.with_slice_in_page(16, 8, lambda part: part.as_ptr()[8])

    assert found(body) == ["out-of-slice"]


def test_before_a_pointer_into_the_page_is_out_of_slice() -> None:
    page = zeroed()
    assert found(lambda: page.with_pointer_into_page(16, 8, lambda p: p[-1])) == ["out-of-slice"]


def test_a_sub_slice_has_the_provenance_of_its_own_bytes() -> None:
    page = zeroed()

    def body() -> None:
        page.with_slice_in_page(16, 8, lambda part: part[0:4].as_ptr()[4])

    assert found(body) == ["out-of-slice"]


def test_a_pointer_that_outlives_its_mapping_is_stale() -> None:
    page = zeroed()

    def body() -> None:
        kept = page.with_page_mapped(lambda pointer: pointer)
        assert kept[0] == 0

    assert found(body) == ["stale-pointer"]


def test_a_pointer_in_another_task_is_foreign() -> None:
    page = zeroed()

    def body() -> None:
        page.with_page_mapped(lambda pointer: in_thread(lambda: pointer[0]))

    assert found(body) == ["foreign-pointer"]


def test_a_foreign_use_is_told_from_a_stale_one_by_when_it_was() -> None:
    # The child uses the pointer while it is mapped, and does nothing that orders it before the
    # unmap; the main thread waits for it where no edge is made.
    page = zeroed()
    both = sync.invisible_barrier(2)

    def use(pointer: PagePointer) -> None:
        _ = pointer[0]
        both.wait()

    def body() -> None:
        threads = []

        def mapped(pointer: PagePointer) -> None:
            threads.append(sync.Thread(target=use, args=(pointer,), name="t"))
            threads[0].start()
            both.wait()

        page.with_page_mapped(mapped)
        threads[0].join()

    assert found(body) == ["foreign-pointer"]


def test_unmapping_in_another_order_is_found() -> None:
    page = zeroed()

    def body() -> None:
        one, two = kmap_local_page(page), kmap_local_page(page)
        kunmap_local(one)
        kunmap_local(two)

    assert found(body) == ["unmap-order"]


@pytest.mark.parametrize(("depth", "kinds"), [(16, []), (17, ["map-depth"])])
def test_a_task_has_at_most_16_mappings(depth: int, kinds: list[str]) -> None:
    page = zeroed()

    def body() -> None:
        pointers = [kmap_local_page(page) for _ in range(depth)]
        for pointer in reversed(pointers):
            kunmap_local(pointer)

    assert found(body) == kinds


def test_each_task_has_a_stack_of_its_own() -> None:
    page = zeroed()

    def sixteen() -> None:
        pointers = [kmap_local_page(page) for _ in range(16)]
        for pointer in reversed(pointers):
            kunmap_local(pointer)

    def body() -> None:
        outer = [kmap_local_page(page) for _ in range(16)]
        in_thread(sixteen)
        for pointer in reversed(outer):
            kunmap_local(pointer)

    assert found(body) == []


def test_a_mapping_that_is_never_undone_is_leaked() -> None:
    page = zeroed()
    assert found(lambda: kmap_local_page(page)) == ["leaked-mapping"]


def test_unmapping_twice_is_stale() -> None:
    page = zeroed()

    def body() -> None:
        pointer = kmap_local_page(page)
        kunmap_local(pointer)
        kunmap_local(pointer)

    assert found(body) == ["stale-pointer"]
