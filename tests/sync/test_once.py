"""`Once`: the end of the body orders before every call that returns after it."""

from __future__ import annotations

import threading

import pytest

from racepage import sync
from tests.sync.stage import Stage


def test_one_body_is_called_with_its_arguments() -> None:
    once = sync.Once()
    called: list[int] = []
    assert once.call(called.append, 1) is True
    assert once.call(called.append, 2) is False
    assert called == [1]


def test_a_body_that_raises_leaves_it_undone() -> None:
    once = sync.Once()
    called: list[int] = []
    with pytest.raises(ZeroDivisionError):
        once.call(divmod, 1, 0)
    assert once.call(called.append, 1) is True
    assert called == [1]


def test_a_call_from_within_the_body_raises_instead_of_waiting_for_itself() -> None:
    once = sync.Once(name="o")
    with pytest.raises(RuntimeError, match=r"'o'.*within its own body"):
        once.call(lambda: once.call(int))


def test_the_body_orders_before_every_call_that_returns_after_it(stage: Stage) -> None:
    once = sync.Once(name="o")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(once.call, stage.mark, "body")
        t1.mark("after the call")
        for task, mark in ((t2, "b"), (t3, "c")):
            task.mark(f"{mark} before")
            assert task.do(once.call, stage.mark, "never") is False
            task.mark(mark)
    assert stage.rows == ["t1 release sync:o", "t2 acquire sync:o", "t3 acquire sync:o"]
    assert stage.ordered("body", "b")
    assert stage.ordered("body", "c")
    assert stage.unordered("after the call", "b")
    assert stage.unordered("body", "b before")


def test_a_call_that_comes_while_the_body_runs_waits_for_its_end(stage: Stage) -> None:
    once, finish = sync.Once(name="o"), threading.Event()

    def body() -> None:
        finish.wait()
        stage.mark("body")

    with stage.tasks("t1", "t2") as (t1, t2):
        running = t1.begin(once.call, body, inside="body")
        waiting = t2.begin(once.call, body, inside="call")
        assert not waiting.done()
        finish.set()
        assert running.result(30) is True
        assert waiting.result(30) is False
        t2.mark("b")
    assert stage.rows == ["t1 release sync:o", "t2 acquire sync:o"]
    assert stage.ordered("body", "b")


def test_a_body_that_raised_orders_nothing(stage: Stage) -> None:
    once = sync.Once(name="o")

    def body() -> None:
        stage.mark("failed")
        raise KeyError

    with stage.tasks("t1", "t2") as (t1, t2):
        with pytest.raises(KeyError):
            t1.do(once.call, body)
        t2.do(once.call, stage.mark, "body")
    assert stage.rows == ["t2 release sync:o"]
    assert stage.unordered("failed", "body")


def test_a_site_is_the_line_that_calls(stage: Stage) -> None:
    once = sync.Once()
    with stage.recording():
        once.call(int)
        once.call(int)
    first = test_a_site_is_the_line_that_calls.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4]


def test_repr_says_whether_it_is_done() -> None:
    once = sync.Once(name="o")
    assert repr(once).startswith("<sync.Once 'o' at ")
    assert repr(once).endswith(": undone>")
    once.call(int)
    assert repr(once).endswith(": done>")
