"""`WaitGroup`: every done before a wait that returns after it; Go's rules for the count."""

from __future__ import annotations

import pytest

from racepage import sync
from tests.sync.stage import Stage


def test_it_waits_for_the_last_of_what_was_added(stage: Stage) -> None:
    group = sync.WaitGroup()
    group.add(2)
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(group.wait)
        group.done()
        assert not waiting.done()
        assert not group.wait(timeout=0)
        group.done()
        assert waiting.result(30)


def test_a_wait_for_nothing_returns_at_once() -> None:
    group = sync.WaitGroup()
    assert group.wait()
    group.add(3)
    group.add(-3)
    assert group.wait(0)


def test_a_count_below_zero_is_refused_and_changes_nothing(stage: Stage) -> None:
    group = sync.WaitGroup()
    group.add()
    with stage.recording(), pytest.raises(ValueError, match="negative count"):
        group.add(-2)
    assert stage.rows == []
    group.done()
    with pytest.raises(ValueError, match="more often than add"):
        group.done()
    assert group.wait(0)


def test_every_done_orders_before_the_wait_that_returns(stage: Stage) -> None:
    group = sync.WaitGroup(name="wg")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t3.do(group.add, 2)
        waiting = t3.begin(group.wait)
        for task, mark in ((t1, "a"), (t2, "b")):
            task.mark(mark)
            task.do(group.done)
            task.mark(f"after {mark}")
        assert waiting.result(30)
        t3.mark("c")
    assert stage.rows == [
        "t1 release_merge sync:wg",
        "t2 release_merge sync:wg",
        "t3 acquire sync:wg",
    ]
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")
    assert stage.unordered("after a", "c")
    assert stage.unordered("a", "b")
    assert stage.unordered("after a", "after b")


def test_a_done_that_brought_the_count_to_zero_too_early_still_counts(stage: Stage) -> None:
    """add, go, add, go: the first may be done before the second is added."""
    group = sync.WaitGroup()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t3.do(group.add)
        t1.mark("a")
        t1.do(group.done)
        t3.do(group.add)
        t2.mark("b")
        t2.do(group.done)
        t3.do(group.wait)
        t3.mark("c")
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")


def test_an_add_orders_nothing(stage: Stage) -> None:
    group = sync.WaitGroup()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(group.add)
        t2.do(group.done)
        t2.do(group.wait)
        t2.mark("b")
    assert stage.rows == ["t2 release_merge sync:0", "t2 acquire sync:0"]
    assert stage.unordered("a", "b")


def test_a_wait_that_ran_out_of_time_orders_nothing(stage: Stage) -> None:
    group = sync.WaitGroup()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(group.add, 2)
        t1.mark("a")
        t1.do(group.done)
        assert not t2.do(group.wait, 0.001)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_a_done_after_the_wait_is_not_known(stage: Stage) -> None:
    group = sync.WaitGroup()
    with stage.tasks("t1", "t2") as (t1, t2):
        t2.do(group.wait)
        t2.mark("b")
        t1.do(group.add)
        t1.mark("a")
        t1.do(group.done)
    assert stage.unordered("a", "b")


def test_a_group_that_is_used_again_before_the_wait_returned_is_misuse(stage: Stage) -> None:
    """The waiter is kept from returning by the mutex, until the group is in use again."""
    group = sync.WaitGroup(name="wg")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(group.add)
        waiting = t1.begin(group.wait)

        def reuse() -> None:
            with group._mutex:
                group._count, group._round = 1, group._round + 1
                group._none_left.notify_all()

        t2.do(reuse)
        with pytest.raises(RuntimeError, match="used again before a wait"):
            waiting.result(30)
    assert stage.rows == []


def test_a_group_may_serve_again_after_the_wait(stage: Stage) -> None:
    group = sync.WaitGroup()
    with stage.tasks("t1", "t2") as (t1, t2):
        for number in range(3):
            t2.do(group.add)
            waiting = t2.begin(group.wait)
            t1.mark(f"done {number}")
            t1.do(group.done)
            assert waiting.result(30)
            t2.mark(f"waited {number}")
    assert stage.ordered("done 1", "waited 1")
    assert stage.unordered("done 2", "waited 1")


def test_a_site_is_the_line_that_calls(stage: Stage) -> None:
    group = sync.WaitGroup()
    with stage.recording():
        group.add()
        group.done()
        group.wait()
    first = test_a_site_is_the_line_that_calls.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [4, 5]


def test_repr_says_how_many_are_left() -> None:
    group = sync.WaitGroup(name="wg")
    group.add(3)
    assert repr(group).startswith("<sync.WaitGroup 'wg' at ")
    assert repr(group).endswith(": count=3>")
