"""Words of a page through pointers, which know what they may reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import racepage
from racepage import sync
from racepage.errors import BadAddress, InvalidArgument
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, PagePointer, PageSlice
from tests.execution.rows import recorded


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def test_a_pointer_s_word_is_where_it_points_and_logged_as_used_through_it() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        (pointer + 8).atomic(4).store(5, "release")
        assert (pointer + 8).atomic(4).compare_exchange(5, 6)
        assert not (pointer + 8).atomic(4).compare_exchange(5, 6)

    assert recorded(lambda: page.with_pointer_into_page(16, 16, body))[1:-1] == [
        "main store page:0[24:28] via pointer:0 bound (16, 32) release",
        "main rmw page:0[24:28] via pointer:0 bound (16, 32) seq_cst",
        "main load page:0[24:28] via pointer:0 bound (16, 32) seq_cst",
    ]
    assert page.load(24, 4) == 6


def test_a_pointer_has_no_word_where_it_is_misaligned() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        with pytest.raises(InvalidArgument):
            (pointer + 4).atomic(8)
        with pytest.raises(InvalidArgument):
            pointer.atomic(3)

    page.with_page_mapped(body)


def test_a_pointer_has_no_word_outside_its_page() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        for far in (pointer + 4096, pointer - 8):
            with pytest.raises(BadAddress):
                far.atomic(8)

    page.with_page_mapped(body)


def kinds(body: Callable[[], object]) -> list[str]:
    with racepage.record() as recording:
        body()
    return [finding.kind for finding in racepage.analyse(recording.trace()).findings]


def test_a_word_reaches_no_further_than_the_slice_of_its_pointer() -> None:
    page = zeroed()

    def outside(part: PageSlice) -> None:
        (part.as_ptr() + 8).atomic(8).load()

    def inside(part: PageSlice) -> None:
        part.as_ptr().atomic(8).load()

    assert kinds(lambda: page.with_slice_in_page(0, 8, inside)) == []
    assert kinds(lambda: page.with_slice_in_page(0, 8, outside)) == ["out-of-slice"]


def test_a_word_is_stale_when_its_mapping_has_ended() -> None:
    page = zeroed()
    kept = []

    def body() -> None:
        page.with_page_mapped(lambda pointer: kept.append(pointer.atomic(8)))
        kept[0].load()

    assert kinds(body) == ["stale-pointer"]


def test_a_word_of_a_pointer_is_the_mapping_task_s_own() -> None:
    page = zeroed()

    def body(pointer: PagePointer) -> None:
        thread = sync.Thread(target=pointer.atomic(8).load)
        thread.start()
        thread.join()

    assert kinds(lambda: page.with_page_mapped(body)) == ["foreign-pointer"]
