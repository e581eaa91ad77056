"""Assertions of exclusivity, as a program makes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import racepage
from racepage.errors import InvalidArgument
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, assert_exclusive_access
from racepage.memory import assert_exclusive_writer as assert_writer
from racepage.memory.exclusive import Assertion
from racepage.sync import Lock, Thread, invisible_barrier
from tests.execution.rows import recorded


@pytest.fixture
def page() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def test_an_assertion_is_logged_where_it_is_made(page: Page) -> None:
    def body() -> None:
        assert_writer(page, 8, 16)
        assert_exclusive_access(page, 0, 64)

    assert recorded(body) == ["main assert_writer page:0[8:16]", "main assert_access page:0[0:64]"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (assert_writer, "[0:4096]"),
        (lambda page: assert_writer(page, 64), "[64:4096]"),
        (lambda page: assert_writer(page, stop=64), "[0:64]"),
        (lambda page: assert_writer(page, slice(8, 16)), "[8:16]"),
        (lambda page: assert_writer(page, slice(8, None)), "[8:4096]"),
        (lambda page: assert_writer(page, range(8, 16)), "[8:16]"),
        (lambda page: assert_writer(page, 4096, 4096), "[4096:4096]"),
        (lambda page: assert_writer(page.borrow(), 0, 1), "[0:1]"),
    ],
)
def test_bytes_may_be_said_in_many_ways(
    page: Page, make: Callable[[Page], object], said: str
) -> None:
    assert recorded(lambda: make(page)) == [f"main assert_writer page:0{said}"]


def test_a_slice_of_a_page_says_its_own_bytes(page: Page) -> None:
    def body() -> None:
        page.with_slice_in_page(100, 50, assert_writer)
        page.with_slice_in_page(100, 50, lambda part: assert_writer(part[8:], 2, 4))

    found = [line for line in recorded(body) if "assert" in line]
    assert found == ["main assert_writer page:0[100:150]", "main assert_writer page:0[110:112]"]


@pytest.mark.parametrize(("start", "stop"), [(0, 4097), (-1, 8), (8, 4), (5000, None), (0, -1)])
def test_bytes_outside_the_page_are_refused(page: Page, start: int, stop: int | None) -> None:
    with pytest.raises(InvalidArgument):
        assert_writer(page, start, stop)


def test_bytes_outside_the_slice_are_refused(page: Page) -> None:
    with pytest.raises(InvalidArgument):
        page.with_slice_in_page(0, 8, lambda part: assert_writer(part, 0, 9))


def test_a_range_with_a_step_is_refused(page: Page) -> None:
    with pytest.raises(ValueError, match="step of 2"):
        assert_writer(page, range(0, 8, 2))


def test_a_range_says_where_it_stops(page: Page) -> None:
    with pytest.raises(TypeError, match="stop=9"):
        assert_writer(page, slice(0, 8), 9)


def test_what_is_no_page_is_refused() -> None:
    with pytest.raises(TypeError, match="not ndarray"):
        assert_writer(np.zeros(8))  # type: ignore[arg-type]


def test_a_block_is_a_scope_even_if_it_raises(page: Page) -> None:
    def body() -> None:
        with pytest.raises(KeyError), assert_exclusive_access(page, 0, 8):
            raise KeyError

    assert recorded(body) == [
        "main assert_access page:0[0:8]",
        "main assert_access page:0[0:8] BEGIN",
        "main assert_access page:0[0:8] END",
    ]


def test_nothing_is_logged_while_nothing_records(page: Page) -> None:
    with assert_writer(page) as made:
        assert isinstance(made, Assertion)


def findings(body: Callable[[], None]) -> list[tuple[str, int]]:
    with racepage.record() as recording:
        body()
    found = racepage.analyse(recording.trace()).findings
    return [(one.kind, one.count) for one in found]


def beside(action: Callable[[], object], *, before: bool) -> tuple[Thread, Callable[[], None]]:
    """A thread that does something, and what lets it: forced in time, ordered by nothing."""
    barrier = invisible_barrier(2)

    def meet() -> None:
        barrier.wait()

    def body() -> None:
        if not before:
            meet()
        action()
        if before:
            meet()

    return Thread(target=body), meet


@pytest.mark.parametrize("before", [True, False])
def test_a_marked_access_beside_an_assertion_violates_it(page: Page, before: bool) -> None:
    def body() -> None:
        thread, meet = beside(lambda: page.store(0, 8, 1, "relaxed"), before=before)
        thread.start()
        if before:
            meet()
        racepage.assert_exclusive_writer(page, 0, 64)
        if not before:
            meet()
        thread.join()

    assert findings(body) == [("exclusive-violation", 1)]


def test_a_scope_is_violated_once_by_one_access(page: Page) -> None:
    def body() -> None:
        thread, meet = beside(lambda: page.load(0, 8, "relaxed"), before=True)
        thread.start()
        meet()
        with racepage.assert_exclusive_access(page):
            page.store(0, 8, 1, "relaxed")
        thread.join()

    assert findings(body) == [("exclusive-violation", 1)]


def test_what_a_lock_orders_around_a_scope_is_no_violation(page: Page) -> None:
    lock = Lock()

    def work() -> None:
        with lock, assert_exclusive_access(page, 0, 8):
            page.view()[0:8] = b"12345678"

    def body() -> None:
        threads = [Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert findings(body) == []


def test_handing_out_inside_the_scope_is_a_violation(page: Page) -> None:
    """The child's write is after the scope's begin and before its end."""

    def body() -> None:
        with assert_writer(page, 0, 8):
            thread = Thread(target=lambda: page.view().__setitem__(0, 1))
            thread.start()
            thread.join()

    assert findings(body) == [("exclusive-violation", 1)]
