"""`Completion`: the k-th complete orders before the k-th wait, complete_all before all later."""

from __future__ import annotations

import pytest

from racepage import sync
from tests.sync.stage import Stage


def test_each_complete_lets_one_wait_return() -> None:
    completion = sync.Completion()
    assert completion.wait(0.001) is False
    completion.complete()
    completion.complete()
    assert completion.done()
    assert completion.wait() is True
    assert completion.try_wait() is True
    assert completion.try_wait() is False
    assert not completion.done()


def test_complete_all_lets_every_wait_return_until_reinit() -> None:
    completion = sync.Completion()
    completion.complete_all()
    assert [completion.wait() for _ in range(3)] == [True] * 3
    assert completion.done()
    completion.reinit()
    assert not completion.done()
    assert completion.try_wait() is False


def test_reinit_forgets_a_complete_that_nobody_waited_for() -> None:
    completion = sync.Completion()
    completion.complete()
    completion.reinit()
    assert completion.try_wait() is False


@pytest.mark.parametrize("call", ["complete", "complete_all"])
def test_a_thread_that_waits_is_woken(call: str, stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(completion.wait)
        t1.mark("a")
        t1.do(getattr(completion, call))
        t1.mark("after the complete")
        assert waiting.result(30) is True
        t2.mark("b")
    assert stage.ordered("a", "b")
    assert stage.unordered("after the complete", "b")


def test_the_kth_complete_orders_before_the_kth_wait_only(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        for task, mark in ((t1, "a"), (t2, "b")):
            task.mark(mark)
            task.do(completion.complete)
        for task, mark in ((t3, "c"), (t4, "d")):
            task.do(completion.wait)
            task.mark(mark)
    assert stage.rows == [
        "t1 release sync:c",
        "t2 release sync:c#2",
        "t3 take sync:c",
        "t4 take sync:c#2",
    ]
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "d")
    assert stage.unordered("a", "d")
    assert stage.unordered("b", "c")


def test_complete_all_orders_before_every_later_wait(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        for task, mark in ((t1, "a"), (t2, "b")):
            task.mark(mark)
            task.do(completion.complete_all)
        for task, mark in ((t3, "c"), (t4, "d")):
            task.do(completion.wait)
            task.mark(mark)
    assert stage.rows == [
        "t1 release sync:c.all",
        "t2 release_merge sync:c.all",
        "t3 acquire sync:c.all",
        "t4 acquire sync:c.all",
    ]
    for completed in ("a", "b"):
        for waited in ("c", "d"):
            assert stage.ordered(completed, waited)


def test_a_complete_before_complete_all_still_orders_before_its_wait(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.mark("a")
        t1.do(completion.complete)
        t2.do(completion.complete_all)
        for task, mark in ((t3, "c"), (t4, "d")):
            task.do(completion.wait)
            task.mark(mark)
    assert stage.ordered("a", "c")
    assert stage.unordered("a", "d")


def test_a_complete_after_complete_all_changes_and_orders_nothing(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(completion.complete_all)
        t2.mark("a")
        t2.do(completion.complete)
        t3.do(completion.wait)
        t3.mark("b")
    assert stage.rows == ["t1 release sync:c.all", "t3 acquire sync:c.all"]
    assert stage.unordered("a", "b")


def test_what_was_completed_before_reinit_orders_nothing(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(completion.complete)
        t1.do(completion.complete_all)
        t2.do(completion.reinit)
        t2.mark("b")
        t2.do(completion.complete)
        t2.do(completion.complete_all)
        t3.do(completion.wait)
        t3.mark("c")
    assert stage.unordered("a", "c")
    assert stage.ordered("b", "c")


def test_looks_and_failures_are_not_logged(stage: Stage) -> None:
    completion = sync.Completion()
    with stage.recording():
        completion.wait(0.001)
        completion.try_wait()
        completion.done()
        completion.reinit()
    assert stage.rows == []


def test_a_complete_that_was_not_recorded_is_matched_all_the_same(stage: Stage) -> None:
    completion = sync.Completion(name="c")
    completion.complete()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(completion.complete)
        for task, mark in ((t2, "b"), (t3, "c")):
            task.do(completion.wait)
            task.mark(mark)
    assert stage.unordered("a", "b")
    assert stage.ordered("a", "c")


def test_the_sites_are_the_lines_that_used_it(stage: Stage) -> None:
    completion = sync.Completion()
    with stage.recording():
        completion.complete()
        completion.wait()
        completion.complete_all()
        completion.try_wait()
    first = test_the_sites_are_the_lines_that_used_it.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4, 5, 6]


def test_repr_says_what_is_done() -> None:
    completion = sync.Completion(name="c")
    assert "sync.Completion 'c'" in repr(completion)
    completion.complete()
    assert "done=1" in repr(completion)
    completion.complete_all()
    assert "done=all" in repr(completion)
