from __future__ import annotations

import racepage
from racepage import sync
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
