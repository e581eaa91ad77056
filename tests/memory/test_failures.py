from __future__ import annotations

import errno

import pytest

from racepage.errors import AllocError
from racepage.memory import GFP_KERNEL, Page, failing_allocations
from tests.execution.rows import recorded


def outcomes(count: int) -> list[bool]:
    found = []
    for _ in range(count):
        try:
            Page.alloc_page()
        except AllocError:
            found.append(False)
        else:
            found.append(True)
    return found


def test_the_nth_allocation_fails_and_no_other() -> None:
    with failing_allocations(nth=3):
        assert outcomes(5) == [True, True, False, True, True]


def test_a_failure_is_enomem_and_a_memory_error() -> None:
    with failing_allocations(nth=1), pytest.raises(MemoryError) as caught:
        Page.alloc_page()
    assert isinstance(caught.value, AllocError)
    assert caught.value.errno == errno.ENOMEM


def test_a_failed_allocation_logs_nothing() -> None:
    def body() -> None:
        with failing_allocations(nth=1), pytest.raises(AllocError):
            Page.alloc_page()

    assert recorded(body) == []


def test_a_seed_repeats_the_failures() -> None:
    runs = []
    for seed in (1, 1, 2):
        with failing_allocations(probability=0.5, seed=seed):
            runs.append(outcomes(64))
    assert runs[0] == runs[1] != runs[2]
    assert {True, False} == set(runs[0])


@pytest.mark.parametrize(("probability", "every"), [(0.0, True), (1.0, False)])
def test_the_extreme_probabilities(probability: float, every: bool) -> None:
    with failing_allocations(probability=probability):
        assert set(outcomes(32)) == {every}


def test_a_budget_counts_pages_that_are_not_freed() -> None:
    with failing_allocations(budget=4):
        four = Page.alloc_page(GFP_KERNEL, 2)
        with pytest.raises(AllocError, match="budget of 4"):
            Page.alloc_page()
        four.free()
        kept = [Page.alloc_page() for _ in range(4)]
        with pytest.raises(AllocError):
            Page.alloc_page()
        del kept[0]  # the garbage collector gives back as well
        Page.alloc_page()


def test_a_page_freed_twice_is_given_back_once() -> None:
    with failing_allocations(budget=1):
        page = Page.alloc_page()
        page.free()
        page.free()
        kept = Page.alloc_page()
        with pytest.raises(AllocError):
            Page.alloc_page()
        del kept


def test_a_refused_allocation_is_charged_to_nobody() -> None:
    with failing_allocations(budget=1), failing_allocations(nth=1):
        with pytest.raises(AllocError):
            Page.alloc_page()
        Page.alloc_page()


def test_failures_end_with_their_block() -> None:
    with failing_allocations(probability=1):
        pass
    assert outcomes(3) == [True] * 3


def test_unusable_plans_are_refused() -> None:
    for plan in ({"nth": 0}, {"probability": 1.5}, {"budget": -1}):
        with (
            pytest.raises(ValueError, match=r"nth|probability|budget"),
            failing_allocations(**plan),
        ):
            pass
