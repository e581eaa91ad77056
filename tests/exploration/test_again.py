from __future__ import annotations

import pytest

import racepage
from racepage import sync
from racepage.errors import NondeterminismError, RacepageError
from racepage.exploration.again import replay
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page


def writes_and_then_looks_elsewhere() -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)

    def body() -> None:
        page.write_raw(b"ab", 0, 2)
        for _ in range(40):
            page.read_raw(bytearray(1), 8, 1)

    threads = [sync.Thread(target=body) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_race_that_shows_after_the_limit_of_steps_comes_back() -> None:
    """The schedule ends there, and threads take turns as they did."""
    done = racepage.explore(writes_and_then_looks_elsewhere, steps=30, findings=None, executions=3)
    [race] = [found for found in done.findings if found.finding.kind == "data-race"]
    again = replay(writes_and_then_looks_elsewhere, race.schedule)
    assert again.found is not None
    assert again.difference is None


def test_a_program_that_goes_on_where_its_schedule_ends_differs() -> None:
    done = racepage.explore(writes_and_then_looks_elsewhere)
    schedule = done.findings[0].schedule

    def longer() -> None:
        writes_and_then_looks_elsewhere()
        sync.yield_now()

    again = replay(longer, schedule)
    assert again.found is not None
    assert again.difference is not None
    assert again.told.outcome == "limit"


def test_a_program_that_is_over_too_early_says_what_it_died_of() -> None:
    schedule = racepage.explore(writes_and_then_looks_elsewhere).findings[0].schedule

    def broken() -> None:
        raise ValueError("no")

    told = r"over: ValueError: no \(in thread main, test_again.py:\d+ in broken\); replay it with"
    with pytest.raises(RacepageError, match=told):
        replay(broken, schedule)


def test_what_an_earlier_execution_left_is_told_from_what_a_later_one_died_of() -> None:
    left: list[int] = []

    def program() -> None:
        if left:
            raise FileExistsError("result.txt")
        sync.Atomic(0).store(1)
        left.append(1)

    told = r"step 0, the schedule goes on, but the program is over: FileExistsError: result.txt"
    with pytest.raises(NondeterminismError, match=told):
        racepage.explore(program)
