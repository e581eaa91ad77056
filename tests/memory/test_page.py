"""A page's life: allocated, owned, borrowed, freed."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

import racepage
from racepage import sync
from racepage.errors import InvalidArgument
from racepage.events import Flag
from racepage.memory import (
    GFP_ATOMIC,
    GFP_KERNEL,
    GFP_NOWAIT,
    GFP_ZERO,
    BorrowedPage,
    Flags,
    Page,
)
from tests.execution.rows import recorded, rows


def test_a_page_has_4096_bytes_by_default() -> None:
    assert Page.alloc_page(GFP_KERNEL).size == 4096


@pytest.mark.parametrize("order", [0, 1, 3, 10])
def test_an_order_doubles_the_size_that_often(order: int) -> None:
    page = Page.alloc_page(GFP_KERNEL, order)
    assert page.size == 4096 << order
    assert len(page.view()) == page.size


@pytest.mark.parametrize("order", [-1, 11])
def test_an_order_that_no_allocator_has_is_einval(order: int) -> None:
    with pytest.raises(InvalidArgument, match=f"order {order}"):
        Page.alloc_page(GFP_KERNEL, order)


def test_flags_are_flags() -> None:
    with pytest.raises(TypeError, match="GFP_KERNEL"):
        Page.alloc_page(0xCC0)  # type: ignore[arg-type]


def test_zeroed_bytes_are_zero() -> None:
    assert bytes(Page.alloc_page(GFP_KERNEL | GFP_ZERO).view()) == bytes(4096)


def test_uninitialised_bytes_are_poison() -> None:
    # include/linux/poison.h: PAGE_POISON
    assert bytes(Page.alloc_page(GFP_ATOMIC).view()) == b"\xaa" * 4096


def test_an_allocation_says_whether_bytes_are_initialised() -> None:
    def body() -> None:
        Page.alloc_page(GFP_KERNEL).free()
        Page.alloc_page(GFP_KERNEL | GFP_ZERO, 1).free()

    assert recorded(body) == [
        "main alloc page:0[0:4096]",
        "main free page:0[0:4096]",
        "main alloc page:1[0:8192] ZEROED",
        "main free page:1[0:8192]",
    ]


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(
    ("flags", "sleeps"), [(GFP_KERNEL, True), (GFP_ATOMIC, False), (GFP_NOWAIT, False)]
)
def test_an_allocation_says_whether_it_may_sleep(flags: Flags, *, sleeps: bool, zero: bool) -> None:
    with racepage.record() as recording:
        page = Page.alloc_page(flags | GFP_ZERO if zero else flags)
    expected = Flag.SLEEPS * sleeps | Flag.ZEROED * zero
    assert recording.trace().columns.flags.tolist() == [expected]
    page.free()


def test_every_page_has_an_address_of_its_own() -> None:
    addresses = {Page.alloc_page().as_ptr() for _ in range(100)}
    assert len(addresses) == 100
    assert all(0 < address < 2**64 for address in addresses)


def test_a_label_is_what_reports_call_it() -> None:
    with racepage.record() as recording:
        page = Page.alloc_page(label="server[0]")
        page.free()
    trace = recording.trace()
    assert [str(trace.targets[target]) for target in trace.labels] == ["page:0"]
    assert list(trace.labels.values()) == ["server[0]"]


def test_a_page_older_than_the_recording_keeps_its_size_and_label() -> None:
    page = Page.alloc_page(GFP_KERNEL, 2, label="old")
    with racepage.record() as recording:
        page.fill_zero_raw(0, 1)
    trace = recording.trace()
    assert list(trace.page_sizes.values()) == [16384]
    assert list(trace.labels.values()) == ["old"]


def test_the_end_of_with_frees() -> None:
    def body() -> None:
        with Page.alloc_page() as page:
            page.fill_zero_raw(0, 8)

    assert recorded(body)[-1] == "main free page:0[0:4096]"


def test_the_end_of_with_frees_on_the_way_out_of_an_error() -> None:
    def body() -> None:
        with pytest.raises(ZeroDivisionError), Page.alloc_page():
            raise ZeroDivisionError

    assert recorded(body)[-1] == "main free page:0[0:4096]"


def test_with_does_not_free_again_what_its_own_thread_freed() -> None:
    def body() -> None:
        with Page.alloc_page() as page:
            page.free()

    assert recorded(body).count("main free page:0[0:4096]") == 1


def test_with_frees_again_what_another_thread_freed() -> None:
    def body() -> None:
        with Page.alloc_page() as page:
            thread = sync.Thread(target=page.free, name="t")
            thread.start()
            thread.join()

    found = recorded(body)
    assert "t free page:0[0:4096]" in found
    assert found[-1] == "main free page:0[0:4096]"


def test_the_garbage_collector_frees_after_the_last_access() -> None:
    def body() -> None:
        page = Page.alloc_page()
        page.fill_zero_raw(0, 8)

    assert recorded(body) == [
        "main alloc page:0[0:4096]",
        "main zero page:0[0:8]",
        "main collect page:0[0:4096]",
    ]


def test_a_page_in_a_cycle_is_collected_too() -> None:
    def body() -> None:
        cycle: list[object] = [Page.alloc_page()]
        cycle.append(cycle)
        del cycle
        gc.collect()

    assert recorded(body)[-1] == "main collect page:0[0:4096]"


def test_a_freed_page_is_not_collected_as_well() -> None:
    assert recorded(lambda: Page.alloc_page().free()) == [
        "main alloc page:0[0:4096]",
        "main free page:0[0:4096]",
    ]


def test_a_collection_stands_after_every_thread_s_access() -> None:
    pages = [Page.alloc_page()]

    def body() -> None:
        thread = sync.Thread(target=pages[0].fill_zero_raw, args=(0, 8), name="t")
        thread.start()
        thread.join()
        del thread
        pages.clear()

    found = recorded(body)
    assert found[-1] == "main collect page:0[0:4096]"
    assert "t zero page:0[0:8]" in found


def test_a_collected_page_that_the_recording_never_saw_is_not_mentioned() -> None:
    pages = [Page.alloc_page()]
    assert recorded(pages.clear) == []


def test_touching_a_freed_page_is_logged_and_harmless() -> None:
    def body() -> None:
        page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
        page.free()
        data = np.ones(8, np.uint8)
        page.write_raw(data, 0, 8)
        page.read_raw(data, 8, 8)
        assert not data.any()

    assert recorded(body)[1:] == [
        "main free page:0[0:4096]",
        "main write page:0[0:8]",
        "main read page:0[8:16]",
    ]


def test_a_second_free_is_logged() -> None:
    def body() -> None:
        page = Page.alloc_page()
        page.free()
        page.free()

    assert recorded(body)[1:] == ["main free page:0[0:4096]"] * 2


def test_a_borrowed_page_is_the_same_memory() -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    borrowed = page.borrow()
    borrowed.write_raw(b"abc", 5, 3)
    assert bytes(page.view()[5:8]) == b"abc"
    assert borrowed.as_ptr() == page.as_ptr()
    assert borrowed.size == page.size


def test_a_borrowed_page_does_not_free() -> None:
    page = Page.alloc_page()

    def body() -> None:
        borrowed = BorrowedPage(page)
        borrowed.fill_zero_raw(0, 1)
        del borrowed
        gc.collect()

    assert recorded(body) == ["main zero page:0[0:1]"]
    assert not hasattr(BorrowedPage, "free")


def test_a_borrowed_page_keeps_its_owner_from_being_collected() -> None:
    def body() -> None:
        borrowed = Page.alloc_page().borrow()
        gc.collect()
        borrowed.fill_zero_raw(0, 1)

    assert recorded(body) == [
        "main alloc page:0[0:4096]",
        "main zero page:0[0:1]",
        "main collect page:0[0:4096]",
    ]


def test_a_page_that_lives_until_the_interpreter_ends_ends_quietly() -> None:
    program = (
        "import racepage; from racepage.memory import Page\n"
        "page = Page.alloc_page(label='last')\n"
        "with racepage.record(): page.fill_zero_raw(0, 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_pages_are_named_anew_in_each_recording() -> None:
    for _ in range(2):
        with racepage.record() as recording:
            Page.alloc_page().free()
        assert rows(recording.trace())[0] == "main alloc page:0[0:4096]"
