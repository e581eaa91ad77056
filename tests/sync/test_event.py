"""`Event`: every set since the last clear orders before a wait or a look that saw it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage


def test_it_is_set_until_cleared(lib: Any) -> None:
    event = lib.Event()
    assert event.is_set() is False
    event.set()
    assert event.is_set() is True
    assert event.wait() is True
    assert event.wait(0) is True
    event.clear()
    assert event.is_set() is False


def test_a_wait_that_runs_out_of_time_says_so(lib: Any) -> None:
    event = lib.Event()
    assert event.wait(0.001) is False
    assert event.wait(timeout=0) is False


def test_set_wakes_everyone(lib: Any) -> None:
    event = lib.Event()
    found: list[bool] = []
    threads = [lib.Thread(target=lambda: found.append(event.wait())) for _ in range(3)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join()
    assert found == [True, True, True]


def test_set_orders_before_a_wait_that_it_ends(stage: Stage) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(event.wait)
        t1.mark("a")
        t1.do(event.set)
        t1.mark("after the set")
        assert waiting.result(30) is True
        t2.mark("b")
    assert stage.rows == ["t1 release sync:e", "t2 acquire sync:e"]
    assert stage.ordered("a", "b")
    assert stage.unordered("after the set", "b")


@pytest.mark.parametrize("look", ["wait", "is_set"])
def test_every_set_since_the_last_clear_orders_before_a_look_that_saw_it(
    look: str, stage: Stage
) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(event.set)
        t2.mark("b")
        t2.do(event.set)
        assert t3.do(getattr(event, look)) is True
        t3.mark("c")
    assert stage.rows == ["t1 release sync:e", "t2 release_merge sync:e", "t3 acquire sync:e"]
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")
    assert stage.unordered("a", "b")


def test_a_set_before_the_last_clear_orders_nothing(stage: Stage) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(event.set)
        t2.do(event.clear)
        t2.mark("b")
        t2.do(event.set)
        t3.do(event.wait)
        t3.mark("c")
    assert stage.rows == ["t1 release sync:e", "t2 release sync:e", "t3 acquire sync:e"]
    assert stage.unordered("a", "c")
    assert stage.ordered("b", "c")


@pytest.mark.parametrize("look", [lambda event: event.wait(0.001), sync.Event.is_set])
def test_a_look_that_saw_nothing_orders_nothing(
    look: Callable[[sync.Event], bool], stage: Stage
) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(event.set)
        t1.do(event.clear)
        assert t2.do(look, event) is False
        t2.mark("b")
    assert stage.rows == ["t1 release sync:e"]
    assert stage.unordered("a", "b")


class Gate:
    """A mutex that lets a woken thread in only when told to."""

    def __init__(self, mutex: Any) -> None:
        self._mutex = mutex
        self.open = threading.Event()
        self.release = mutex.release
        self.touch = mutex.touch

    def enter_again(self, *, woken: bool) -> None:
        self.open.wait()
        self._mutex.enter_again(woken=woken)


def test_a_thread_that_was_woken_knows_the_set_that_woke_it_and_no_later_one(stage: Stage) -> None:
    """Between waking and returning, others may clear the flag and set it anew."""
    event = sync.Event(name="e")
    gate = event._changed._mutex = Gate(event._mutex)  # type: ignore[assignment]
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        waiting = t3.begin(event.wait)
        t1.mark("a")
        t1.do(event.set)
        t1.do(event.clear)
        t2.mark("b")
        t2.do(event.set)
        assert t4.do(event.is_set)
        t4.mark("d")
        gate.open.set()
        assert waiting.result(30) is True
        t3.mark("c")
    assert stage.rows == [
        "t1 release sync:e",
        "t2 release sync:e#2",
        "t4 acquire sync:e#2",
        "t3 acquire sync:e",
    ]
    assert stage.ordered("a", "c")
    assert stage.unordered("b", "c")
    assert stage.unordered("a", "d")
    assert stage.ordered("b", "d")


def test_an_object_that_a_woken_thread_let_go_serves_again(stage: Stage) -> None:
    event = sync.Event(name="e")
    gate = event._changed._mutex = Gate(event._mutex)  # type: ignore[assignment]
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(event.wait)
        t1.do(event.set)
        t1.do(event.clear)
        gate.open.set()
        waiting.result(30)
        gate.open.clear()
        waiting = t2.begin(event.wait)
        t1.do(event.set)
        t1.do(event.clear)
        t1.do(event.set)
        gate.open.set()
        waiting.result(30)
    assert [row.split()[-1] for row in stage.rows] == [
        "sync:e",
        "sync:e",
        "sync:e#2",
        "sync:e",
        "sync:e#2",
    ]


def test_clearing_what_is_not_set_changes_nothing_for_those_who_wait(stage: Stage) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(event.wait)
        t1.do(event.clear)
        t1.mark("a")
        t1.do(event.set)
        assert waiting.result(30) is True
        t2.mark("b")
    assert stage.ordered("a", "b")


def test_rounds_of_an_event_use_the_same_object_again(stage: Stage) -> None:
    event = sync.Event(name="e")
    with stage.tasks("t1", "t2") as (t1, t2):
        for _ in range(3):
            waiting = t2.begin(event.wait)
            t1.do(event.set)
            waiting.result(30)
            t1.do(event.clear)
    assert stage.rows == ["t1 release sync:e", "t2 acquire sync:e"] * 3


def test_the_sites_are_the_lines_that_used_the_event(stage: Stage) -> None:
    event = sync.Event()
    with stage.recording():
        event.set()
        event.is_set()
        event.wait()
    first = test_the_sites_are_the_lines_that_used_the_event.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4, 5]


def test_repr_says_the_state_and_the_name() -> None:
    event = sync.Event(name="e")
    assert repr(event).startswith("<sync.Event 'e' at ")
    assert repr(event).endswith(": unset>")
    event.set()
    assert repr(event).endswith(": set>")
