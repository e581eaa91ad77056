"""Words of a page: what atomic operations do, what they refuse, what they log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import racepage
from racepage.errors import InvalidArgument
from racepage.events import MemoryOrder
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from tests.execution.rows import recorded, rows

RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST = list(MemoryOrder)[1:]

CHANGES: Final[dict[str, Callable[[int, int], int]]] = {
    "exchange": lambda _, new: new,
    "fetch_add": lambda old, new: old + new,
    "fetch_sub": lambda old, new: old - new,
    "fetch_or": lambda old, new: old | new,
    "fetch_and": lambda old, new: old & new,
    "fetch_xor": lambda old, new: old ^ new,
}
"""What each read-modify-write makes of the old value and its operand."""


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def bytes_of(page: Page, start: int, stop: int) -> bytes:
    return bytes(page.view()[start:stop])


# What they do


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_number_is_little_endian_and_of_its_size(size: int) -> None:
    page = zeroed()
    page.store(8, size, 0x8877665544332211)
    data = bytes([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88])[:size]
    assert bytes_of(page, 0, 24) == bytes(8) + data + bytes(16 - size)
    assert page.load(8, size) == int.from_bytes(data, "little")


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("change", CHANGES)
@given(old=st.integers(0, 2**64 - 1), operand=st.integers(-(2**65), 2**65))
@settings(max_examples=30)
def test_a_change_returns_the_old_number_and_wraps_around(
    change: str, size: int, old: int, operand: int
) -> None:
    page, limit = zeroed(), 1 << 8 * size
    page.store(64, size, old)
    assert getattr(page, change)(64, size, operand) == old % limit
    assert page.load(64, size) == CHANGES[change](old % limit, operand) % limit
    assert bytes_of(page, 56, 64) == bytes_of(page, 64 + size, 72 + size) == bytes(8)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_counting_passes_through_zero_in_both_directions(size: int) -> None:
    page, top = zeroed(), (1 << 8 * size) - 1
    assert page.fetch_sub(0, size, 1) == 0
    assert page.fetch_add(0, size, 2) == top
    assert page.load(0, size) == 1


def test_a_compare_exchange_that_succeeds_writes() -> None:
    page = zeroed()
    page.store(0, 4, 7)
    assert page.compare_exchange(0, 4, 7, 9) == (True, 7)
    assert page.load(0, 4) == 9


def test_a_compare_exchange_that_fails_says_what_is_there() -> None:
    page = zeroed()
    page.store(0, 4, 7)
    ok, old = page.compare_exchange(0, 4, 8, 9)
    assert (ok, old) == (False, 7)
    assert page.load(0, 4) == 7


def test_a_compare_exchange_is_true_where_it_succeeded() -> None:
    page = zeroed()
    assert page.compare_exchange(0, 4, 0, 1)
    assert not page.compare_exchange(0, 4, 0, 1)


def test_a_compare_exchange_compares_what_fits_into_the_word() -> None:
    page = zeroed()
    page.store(0, 1, -1)
    assert page.compare_exchange(0, 1, -1, 256) == (True, 255)
    assert page.load(0, 1) == 0


def test_a_compare_exchange_compares_every_byte_of_the_word_and_no_other() -> None:
    page = zeroed()
    page.store(0, 8, 1 << 63)
    assert not page.compare_exchange(0, 8, 0, 1)
    assert page.compare_exchange(0, 4, 0, 1)


@pytest.mark.parametrize("operation", ["store", *CHANGES])
def test_what_is_no_integer_is_refused(operation: str) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(TypeError):
            getattr(page, operation)(0, 8, 1.5)
        with pytest.raises(TypeError):
            page.compare_exchange(0, 8, 0, None)  # type: ignore[arg-type]

    assert recorded(body) == []
    assert page.load(0, 8) == 0


def test_the_last_word_of_a_large_page() -> None:
    with Page.alloc_page(GFP_KERNEL | GFP_ZERO, order=2) as page:
        assert page.fetch_or(4 * 4096 - 8, 8, 5) == 0
        assert page.load(4 * 4096 - 8, 8) == 5


def test_a_borrowed_page_is_the_same_words() -> None:
    page = zeroed()
    page.borrow().store(0, 8, 3)
    assert page.load(0, 8) == 3


def test_a_word_can_be_kept() -> None:
    page = zeroed()
    head = page.atomic(16, 4)
    assert head.fetch_add(3) == 0
    assert head.compare_exchange(3, 4) == (True, 3)
    assert (head.load(), head.size, page.load(16, 4)) == (4, 4, 4)


# What they refuse

OPERATIONS: Final[dict[str, Callable[[Page, int, int], object]]] = {
    "atomic": lambda page, offset, size: page.atomic(offset, size),
    "load": lambda page, offset, size: page.load(offset, size),
    "store": lambda page, offset, size: page.store(offset, size, 1),
    "compare_exchange": lambda page, offset, size: page.compare_exchange(offset, size, 0, 1),
} | {
    change: lambda page, offset, size, change=change: getattr(page, change)(offset, size, 1)
    for change in CHANGES
}


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (1, 2),
        (2, 4),
        (4, 8),
        (4095, 8),  # misaligned
        (4096, 1),
        (4096, 8),
        (-8, 8),
        (1 << 64, 8),  # out of the page
        (0, 0),
        (0, 3),
        (0, 16),
        (0, -8),  # no word has that size
    ],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_no_word_of_the_page_is_einval_with_nothing_done(
    operation: str, offset: int, size: int
) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(InvalidArgument, match="atomic access"):
            OPERATIONS[operation](page, offset, size)

    assert recorded(body) == []
    assert bytes_of(page, 0, 4096) == bytes(4096)


@pytest.mark.parametrize("order", [RELEASE, ACQ_REL, "release", "acq_rel"])
def test_a_load_with_a_release_order_says_which_fit(order: Any) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match=r"a load .* it takes relaxed, acquire or seq_cst"):
            page.load(0, 8, order)

    assert recorded(body) == []


@pytest.mark.parametrize("order", [ACQUIRE, ACQ_REL, "acquire", "acq_rel"])
def test_a_store_with_an_acquire_order_says_which_fit(order: Any) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match=r"a store .* it takes relaxed, release or seq_cst"):
            page.store(0, 8, 1, order)

    assert recorded(body) == []
    assert page.load(0, 8) == 0


@pytest.mark.parametrize("order", ["SEQ_CST", "sc", "", "none", MemoryOrder.NONE, 2, True, None])
@pytest.mark.parametrize("operation", ["load", "store", "fetch_add", "compare_exchange"])
def test_what_is_no_order_is_a_value_error(operation: str, order: Any) -> None:
    """A plain number too: C's `memory_order_acquire` is not the number of ours."""
    page = zeroed()
    operands = {"load": (), "compare_exchange": (0, 1)}.get(operation, (1,))

    def body() -> None:
        with pytest.raises(ValueError, match="cannot have the order"):
            getattr(page, operation)(0, 8, *operands, order)

    assert recorded(body) == []
    assert page.load(0, 8) == 0


@pytest.mark.parametrize("failure", [RELEASE, ACQ_REL, "release", "acq_rel"])
def test_a_failure_order_that_releases_is_a_value_error(failure: Any) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match=r"that fails .* relaxed, acquire or seq_cst"):
            page.compare_exchange(0, 8, 0, 1, ACQ_REL, failure)

    assert recorded(body) == []
    assert page.load(0, 8) == 0


# What they log


def test_each_is_logged_as_what_it_is() -> None:
    page = zeroed()

    def body() -> None:
        page.load(0, 8)
        page.store(8, 4, 1)
        for number, change in enumerate(CHANGES):
            getattr(page, change)(16 + number, 1, 1)
        page.compare_exchange(32, 2, 0, 1)
        page.compare_exchange(32, 2, 0, 1)

    assert recorded(body) == [
        "main load page:0[0:8] seq_cst",
        "main store page:0[8:12] seq_cst",
        *(f"main rmw page:0[{16 + number}:{17 + number}] seq_cst" for number in range(6)),
        "main rmw page:0[32:34] seq_cst",
        "main load page:0[32:34] seq_cst",
    ]


@pytest.mark.parametrize(
    ("operation", "orders"),
    [
        ("load", [RELAXED, ACQUIRE, SEQ_CST]),
        ("store", [RELAXED, RELEASE, SEQ_CST]),
        ("fetch_add", [RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST]),
        ("exchange", [RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST]),
    ],
)
def test_an_order_is_an_enum_or_its_name(operation: str, orders: list[MemoryOrder]) -> None:
    page = zeroed()
    operands = () if operation == "load" else (1,)

    def body() -> None:
        for order in orders:
            getattr(page, operation)(0, 8, *operands, order)
            getattr(page, operation)(0, 8, *operands, order=order.name.lower())

    found = [line.split()[-1] for line in recorded(body)]
    assert found == [order.name.lower() for order in orders for _ in range(2)]


@pytest.mark.parametrize(
    ("order", "failure"),  # [atomics.types.operations]: the order, with its release taken away
    [
        ("relaxed", "relaxed"),
        ("acquire", "acquire"),
        ("release", "relaxed"),
        ("acq_rel", "acquire"),
        ("seq_cst", "seq_cst"),
    ],
)
def test_a_failed_compare_exchange_is_a_load_with_the_failure_order(
    order: str, failure: str
) -> None:
    page = zeroed()

    def body() -> None:
        page.compare_exchange(0, 8, 1, 2, order)
        page.compare_exchange(0, 8, 1, 2, MemoryOrder[order.upper()])
        page.compare_exchange(0, 8, 1, 2, order, "acquire")
        page.compare_exchange(0, 8, 1, 2, order=order, failure_order=SEQ_CST)
        page.compare_exchange(0, 8, 0, 2, order, "relaxed")

    assert recorded(body) == [
        f"main load page:0[0:8] {failure}",
        f"main load page:0[0:8] {failure}",
        "main load page:0[0:8] acquire",
        "main load page:0[0:8] seq_cst",
        f"main rmw page:0[0:8] {order}",
    ]


def test_sites_are_the_lines_that_call() -> None:
    page = zeroed()
    with racepage.record() as recording:
        word = page.atomic(0, 8)
        page.load(0, 8)
        page.store(0, 8, 1)
        page.fetch_add(0, 8, 1)
        page.compare_exchange(0, 8, 0, 1)
        word.exchange(1)
        page.with_page_mapped(lambda pointer: pointer.atomic(8).load())
        page.bytewise_read(bytearray(8), 0, 8)
    trace = recording.trace()
    first = test_sites_are_the_lines_that_call.__code__.co_firstlineno
    lines = [trace.sites[site][0].line - first for site in trace.columns.site]
    assert lines == [4, 5, 6, 7, 8, 9, 9, 9, 10]


def test_a_stack_of_several_frames() -> None:
    page = zeroed()

    def inner() -> None:
        page.fetch_add(0, 8, 1, "relaxed")

    with racepage.record(depth=2) as recording:
        inner()
    trace = recording.trace()
    assert rows(trace) == ["main rmw page:0[0:8] relaxed"]
    assert [frame.function for frame in trace.sites[trace.columns.site[0]]] == [
        "inner",
        "test_a_stack_of_several_frames",
    ]


def test_nothing_is_logged_outside_a_recording() -> None:
    page = zeroed()
    page.fetch_add(0, 8, 1)
    assert recorded(lambda: page.load(0, 8)) == ["main load page:0[0:8] seq_cst"]


def test_a_page_that_was_not_zeroed_has_words_that_nobody_wrote() -> None:
    def body() -> None:
        with Page.alloc_page(GFP_KERNEL) as page:
            page.fetch_add(0, 8, 1)
            page.load(0, 8)
            page.load(8, 8)

    with racepage.record() as recording:
        body()
    found = racepage.analyse(recording.trace()).findings
    assert [(finding.kind, finding.overlap) for finding in found] == [
        ("uninitialised-read", (0, 8)),  # a read-modify-write reads first
        ("uninitialised-read", (8, 16)),
    ]
