"""What really happened: both orders of the accesses of a race, and what each comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from racepage import sync
from racepage.events import Kind
from racepage.execution.step import AWAIT, LOCK, READ, UNLOCK, WRITE, Step, Touch
from racepage.execution.targets import KIND_BITS
from racepage.exploration import again
from racepage.exploration.api import explore, explore_threads
from racepage.exploration.harm import Harm
from racepage.exploration.meeting import Meeting, meeting
from racepage.exploration.result import Exploration
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.report.harm import render_harm

Body = Callable[[Page], object]


def fresh() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def explored(*threads: Body, **options: Any) -> Exploration:
    return explore_threads(threads, setup=fresh, findings=None, seconds=None, **options)


def harm_of(*threads: Body, kind: str = "data-race") -> Harm:
    harms = [found.harm for found in explored(*threads).findings if found.finding.kind == kind]
    assert harms[0] is not None
    return harms[0]


def write(byte: int, offset: int = 0, length: int = 4) -> Body:
    return lambda page: page.write_raw(bytes([byte]) * length, offset, length)


def read(page: Page, offset: int = 0, length: int = 4) -> bytes:
    found = bytearray(length)
    page.read_raw(found, offset, length)
    return bytes(found)


# Which word


def test_a_write_that_another_one_overwrites_is_lost() -> None:
    found = harm_of(write(1), write(2))
    assert found.word == "lost"
    assert found.bytes == (0, 4)
    assert {order.threads[0]: order.after for order in found.orders} == {
        "t1": "02020202",
        "t2": "01010101",
    }


def test_a_write_inside_of_a_larger_one_is_lost_where_it_goes_first() -> None:
    found = harm_of(write(1), lambda page: page.fill_zero_raw(0, 8))
    assert found.word == "lost"
    assert "Where t1 goes first, it has written in vain" in found.sentence
    after = {order.threads[0]: order.after for order in found.orders}
    assert after == {"t1": "0000000000000000", "t2": "0101010100000000"}


def test_writes_that_share_some_bytes_are_torn() -> None:
    found = harm_of(write(1), write(3, 2))
    assert found.word == "torn"
    assert found.bytes == (0, 6)
    after = {order.threads[0]: order.after for order in found.orders}
    assert after == {"t1": "010103030303", "t2": "010101010303"}


def test_a_read_is_stale_where_it_goes_first() -> None:
    found = harm_of(write(1), read)
    assert found.word == "stale"
    got = {order.threads[0]: order.read[order.threads.index("t2")] for order in found.orders}
    assert got == {"t1": "01010101", "t2": "00000000"}
    assert "t2 reads 00000000 where it goes first, and 01010101 where t1 does." in found.sentence


def test_a_read_between_two_writes_is_torn() -> None:
    def halves(page: Page) -> None:
        write(1, 0, 2)(page)
        write(1, 2, 2)(page)

    found = harm_of(halves, read)
    assert found.word == "torn"
    got = {order.read[order.threads.index("t2")] for order in found.orders}
    assert got & {"01010000", "00000101"} or got == {"01010000", "00000000"}


def test_a_read_that_is_ordered_with_the_first_of_two_writes_is_stale() -> None:
    def setup() -> tuple[Page, sync.Lock]:
        return fresh(), sync.Lock()

    def halves(shared: tuple[Page, sync.Lock]) -> None:
        with shared[1]:
            write(1, 0, 2)(shared[0])
        write(1, 2, 2)(shared[0])

    def reader(shared: tuple[Page, sync.Lock]) -> None:
        with shared[1]:
            read(shared[0])

    found = explore_threads([halves, reader], setup=setup, findings=None, seconds=None).findings
    assert [one.finding.overlap for one in found] == [(2, 4)]
    assert found[0].harm is not None
    assert found[0].harm.word == "stale"


def test_writes_of_the_same_bytes_make_no_difference() -> None:
    found = harm_of(write(1), write(1))
    assert found.word == "same"
    assert found.orders[0].after == found.orders[1].after == "01010101"


def test_a_free_that_goes_first_leaves_the_page_to_others() -> None:
    found = harm_of(lambda page: page.free(), read, kind="free-race")
    assert found.word == "freed"
    assert "Where t1 goes first, t2 uses a page that was given back." in found.sentence


def test_atomics_of_different_sizes_are_shown_in_both_orders() -> None:
    found = harm_of(
        lambda page: page.store(0, 4, 7), lambda page: page.store(0, 2, 9), kind="mixed-size-atomic"
    )
    after = {order.threads[0]: order.after for order in found.orders}
    assert after == {"t1": "09000000", "t2": "07000000"}


def test_a_long_access_is_shown_where_both_touch_it() -> None:
    found = harm_of(write(1, 1000, 4), lambda page: page.fill_zero_raw(0, page.size))
    assert found.bytes == (1000, 1004)
    assert {order.after for order in found.orders} == {"01010101", "00000000"}


# How it ends


def test_an_order_in_which_the_program_fails_is_told() -> None:
    def sure(page: Page) -> None:
        assert read(page) == bytes(4), "somebody was faster"

    found = harm_of(write(1), sure)
    ends = {order.threads[0]: order.end for order in found.orders}
    assert ends["t2"] is None
    assert ends["t1"] is not None
    assert "somebody was faster" in ends["t1"]
    assert "Where t1 goes first, it ends with: AssertionError: somebody" in found.sentence


def test_the_end_is_looked_at_as_well_as_the_moment_after() -> None:
    def count(page: Page) -> None:
        page.write_raw(bytes([read(page, 0, 1)[0] + 1]), 0, 1)

    found = next(
        one.harm
        for one in explored(count, count).findings
        if one.harm is not None and one.harm.word == "stale"
    )
    assert {order.finally_ for order in found.orders} == {"01", "02"}  # an increment is lost


def test_another_finding_that_one_order_has_is_told() -> None:
    def setup() -> tuple[Page, Page]:
        return fresh(), fresh()

    def first(pages: tuple[Page, Page]) -> None:
        write(1)(pages[0])
        write(1)(pages[1])

    def second(pages: tuple[Page, Page]) -> None:
        if read(pages[0]) == bytes(4):
            return
        write(2)(pages[1])

    found = explore_threads([first, second], setup=setup, findings=None, seconds=None).findings
    shown = next(one.harm for one in found if one.finding.page == "page:0")
    assert shown is not None
    besides = {order.threads[0]: order.besides for order in shown.orders}
    assert [one.partition(":")[0] for one in besides["t1"]] == ["data-race"]
    assert besides["t2"] == ()


def test_an_order_that_a_branch_keeps_from_happening_is_told() -> None:
    # Relaxed accesses order nothing, and yet the reader does not read unless the flag is there.
    def publish(page: Page) -> None:
        write(5)(page)
        page.store(8, 1, 1, "relaxed")

    def take(page: Page) -> None:
        if page.load(8, 1, "relaxed"):
            read(page)

    found = harm_of(publish, take)
    assert found.word == "unknown"
    assert not found.orders
    assert "The other order cannot be had" in found.sentence


def test_a_third_thread_that_the_second_one_waits_for_comes_before_both() -> None:
    def program() -> None:
        page, gate = fresh(), sync.Lock()
        gate.acquire()

        def late() -> None:
            with gate:
                write(2)(page)

        threads = [sync.Thread(target=body) for body in (lambda: write(1)(page), late)]
        for thread in threads:
            thread.start()
        gate.release()
        for thread in threads:
            thread.join()

    (found,) = explore(program, findings=None, seconds=None).findings
    assert found.harm is not None
    assert found.harm.word == "lost"


# Where it is had


def test_a_replay_shows_it_too() -> None:
    def program() -> None:
        page = fresh()
        threads = [sync.Thread(target=write(byte), args=(page,)) for byte in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    (found,) = explore(program, findings=None, seconds=None).findings
    replayed = again.replay(program, found.schedule)
    assert replayed.harm == found.harm
    assert replayed.harm is not None
    assert again.replay(program, found.schedule, both_orders=False).harm is None


def test_what_is_no_race_has_none() -> None:
    def fails(_: Page) -> None:
        raise ValueError("no")

    (found,) = explored(fails, read).findings
    assert found.finding.kind == "program-error"
    assert found.harm is None


# Where two steps meet

PAGE, LOCKED, GATE = (1 << KIND_BITS | kind for kind in (Kind.PAGE, Kind.LOCK, Kind.SYNC))


def step(task: int, target: int, how: int, start: int = 0, stop: int = 1) -> Step:
    return Step(task, (Touch(target, start, stop, how),))


def test_what_follows_the_first_step_comes_after_both() -> None:
    steps = [step(0, PAGE, WRITE), step(0, PAGE, WRITE, 1, 2), step(1, PAGE, READ)]
    assert meeting(steps, 0, 2) == Meeting((), 0, 2, (1,))


def test_what_the_second_step_needs_comes_before_both() -> None:
    steps = [
        step(0, PAGE, WRITE),
        step(2, GATE, UNLOCK),
        step(1, GATE, AWAIT),
        step(3, PAGE, READ, 8, 9),
        step(1, PAGE, READ),
    ]
    assert meeting(steps, 0, 4) == Meeting((1, 2), 0, 4, (3,))


def test_a_section_that_the_first_thread_enables_comes_after_both() -> None:
    # t2's section follows t0's, which follows the first step; t1 reads what t2 wrote there, but
    # nothing orders that.
    steps = [
        step(0, LOCKED, LOCK),
        step(0, PAGE, WRITE),
        step(0, LOCKED, UNLOCK),
        step(2, LOCKED, LOCK),
        step(2, PAGE, WRITE, 4, 5),
        step(2, LOCKED, UNLOCK),
        step(1, PAGE, READ, 0, 8),
    ]
    assert meeting(steps, 1, 6) == Meeting((0,), 1, 6, (2, 3, 4, 5))


# How it is told


def test_lines_have_both_orders_side_by_side() -> None:
    lines = render_harm(harm_of(write(1), read))
    assert lines[0].startswith("stale: t2 reads")
    assert [line.split() for line in lines[1:]] == [
        ["bytes", "[0:4]", "t1", "first", "t2", "first"],
        ["t2", "reads", "01010101", "00000000"],
        ["then", "there", "is", "01010101", "01010101"],
    ]


def test_lines_of_one_order_are_one() -> None:
    told = Harm("unknown", "The other order cannot be had.", "page:0", (0, 4))
    assert render_harm(told) == ["unknown: The other order cannot be had."]


@pytest.mark.parametrize("name", ["\x1b[31m", "\u202e"])
def test_names_of_threads_are_escaped(name: str) -> None:
    told = harm_of(write(1), write(2))
    evil = replace(told, orders=tuple(replace(one, threads=(name, "t2")) for one in told.orders))
    assert not any(name in line for line in render_harm(evil))


def test_a_race_after_the_limit_of_steps_has_no_harm_to_show() -> None:
    def long(byte: int) -> Body:
        def body(page: Page) -> None:
            write(byte)(page)
            for _ in range(100):
                read(page, 64)

        return body

    found = explored(long(1), long(2), steps=50, executions=1, shrinks=0)
    assert {one.finding.kind: one.harm for one in found.findings} == {
        "data-race": None,
        "livelock": None,
    }
