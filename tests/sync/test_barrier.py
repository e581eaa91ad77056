"""`Barrier`: arrivals before the action before departures, generation by generation."""

from __future__ import annotations

from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage, until


def pass_all(lib: Any, barrier: Any, parties: int) -> list[Any]:
    """What `wait` returned or raised in each of so many threads."""
    found: list[Any] = []

    def wait() -> None:
        try:
            found.append(barrier.wait())
        except lib.BrokenBarrierError as error:
            found.append(error)

    threads = [lib.Thread(target=wait) for _ in range(parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_each_thread_gets_its_index_and_the_barrier_serves_again(lib: Any) -> None:
    barrier = lib.Barrier(3)
    assert barrier.parties == 3
    for _ in range(3):
        assert sorted(pass_all(lib, barrier, 3)) == [0, 1, 2]
    assert barrier.n_waiting == 0
    assert not barrier.broken


def test_the_action_is_called_once_a_generation(lib: Any) -> None:
    called: list[int] = []
    barrier = lib.Barrier(2, action=lambda: called.append(1))
    pass_all(lib, barrier, 2)
    pass_all(lib, barrier, 2)
    assert called == [1, 1]


def test_an_action_that_raises_breaks_the_barrier(lib: Any) -> None:
    def action() -> None:
        raise KeyError

    barrier = lib.Barrier(1, action)
    with pytest.raises(KeyError):
        barrier.wait()
    assert barrier.broken
    with pytest.raises(lib.BrokenBarrierError):
        barrier.wait()


@pytest.mark.parametrize("arguments", [{}, {"timeout": 0.001}])
def test_a_wait_that_runs_out_of_time_breaks_the_barrier_until_it_is_reset(
    lib: Any, arguments: dict[str, float]
) -> None:
    barrier = lib.Barrier(2, timeout=0.001)
    with pytest.raises(lib.BrokenBarrierError):
        barrier.wait(**arguments)
    assert barrier.broken
    barrier.reset()
    assert not barrier.broken


def test_abort_breaks_the_barrier_for_those_who_wait_and_those_who_come(lib: Any) -> None:
    barrier = lib.Barrier(3)
    failed: list[type[BaseException]] = []

    def wait() -> None:
        try:
            barrier.wait()
        except lib.BrokenBarrierError as error:
            failed.append(type(error))

    thread = lib.Thread(target=wait)
    thread.start()
    until(lambda: barrier.n_waiting == 1)
    barrier.abort()
    thread.join()
    assert failed == [lib.BrokenBarrierError]
    with pytest.raises(lib.BrokenBarrierError):
        barrier.wait()


def test_reset_throws_out_those_who_wait_and_leaves_the_barrier_whole(lib: Any) -> None:
    barrier = lib.Barrier(2)
    failed: list[bool] = []

    def wait() -> None:
        try:
            barrier.wait()
        except lib.BrokenBarrierError:
            failed.append(True)

    thread = lib.Thread(target=wait)
    thread.start()
    until(lambda: barrier.n_waiting == 1)
    barrier.reset()
    thread.join()
    assert failed == [True]
    assert not barrier.broken
    assert sorted(pass_all(lib, barrier, 2)) == [0, 1]


def test_there_is_at_least_one_party() -> None:
    with pytest.raises(ValueError, match="parties"):
        sync.Barrier(0)


def test_every_arrival_orders_before_every_departure(stage: Stage) -> None:
    barrier = sync.Barrier(3, name="b")
    with stage.tasks("t1", "t2", "t3") as tasks:
        t1, t2, t3 = tasks
        for task in tasks:
            task.mark(f"{task.thread.name} before")
        waiting = [t1.begin(barrier.wait), t2.begin(barrier.wait)]
        assert t3.do(barrier.wait) == 2
        assert [one.result(30) for one in waiting] == [0, 1]
        for task in tasks:
            task.mark(f"{task.thread.name} after")
    assert stage.rows[:4] == [
        "t1 release sync:b",
        "t2 release_merge sync:b",
        "t3 release_merge sync:b",
        "t3 acquire sync:b",
    ]
    assert sorted(row.split()[0] for row in stage.rows[4:]) == ["t1", "t2"]
    assert [row.split()[1] for row in stage.rows[4:]] == ["acquire", "take"]
    names = ["t1", "t2", "t3"]
    for one in names:
        for other in names:
            assert stage.ordered(f"{one} before", f"{other} after")
            assert one == other or stage.unordered(f"{one} before", f"{other} before")
            assert one == other or stage.unordered(f"{one} after", f"{other} after")


def test_the_action_stands_between_arrivals_and_departures(stage: Stage) -> None:
    barrier = sync.Barrier(2, lambda: stage.mark("action"), name="b")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        waiting = t1.begin(barrier.wait)
        t2.do(barrier.wait)
        waiting.result(30)
        t1.mark("b")
    assert stage.rows == [
        "t1 release sync:b",
        "t2 release_merge sync:b",
        "t2 acquire sync:b",
        "t2 release_merge sync:b",
        "t2 acquire sync:b",
        "t1 take sync:b",
    ]
    assert stage.ordered("a", "action")
    assert stage.ordered("action", "b")


def test_generations_do_not_order_each_other(stage: Stage) -> None:
    """What a thread of the second generation did orders nothing in the first, nor the reverse."""
    barrier = sync.Barrier(2, name="b")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.mark("first")
        waiting = t1.begin(barrier.wait)
        t2.do(barrier.wait)
        waiting.result(30)
        waiting = t3.begin(barrier.wait)
        t4.do(barrier.wait)
        waiting.result(30)
        t3.mark("second")
    assert stage.unordered("first", "second")
    assert stage.rows[4] == "t3 release sync:b"  # the object was taken, and serves again


def test_a_generation_that_begins_while_the_last_one_leaves_is_an_object_of_its_own(
    stage: Stage,
) -> None:
    barrier = sync.Barrier(2, name="b")
    with stage.tasks("t1", "t2") as (t1, t2):
        for _ in range(3):
            waiting = t1.begin(barrier.wait)
            t2.do(barrier.wait)
            waiting.result(30)
    assert [row.split()[1] for row in stage.rows] == [
        "release",
        "release_merge",
        "acquire",
        "take",
    ] * 3


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_a_barrier_that_breaks_or_is_reset_orders_nothing(end: str, stage: Stage) -> None:
    barrier = sync.Barrier(3, name="b")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        waiting = [t1.begin(barrier.wait), t2.begin(barrier.wait)]
        t3.mark("c")
        t3.do(getattr(barrier, end))
        for one in waiting:
            with pytest.raises(sync.BrokenBarrierError):
                one.result(30)
        t2.mark("b")
    assert stage.rows == ["t1 release sync:b", "t2 release_merge sync:b"]
    assert stage.unordered("a", "b")
    assert stage.unordered("c", "b")


def test_a_timeout_orders_nothing(stage: Stage) -> None:
    barrier = sync.Barrier(3, name="b")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        waiting = t1.begin(barrier.wait)
        with pytest.raises(sync.BrokenBarrierError):
            t2.do(barrier.wait, 0.001)
        with pytest.raises(sync.BrokenBarrierError):
            waiting.result(30)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_what_a_broken_generation_said_is_not_heard_after_a_reset(stage: Stage) -> None:
    barrier = sync.Barrier(2, name="b")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        with pytest.raises(sync.BrokenBarrierError):
            t1.do(barrier.wait, 0.001)
        t2.do(barrier.reset)
        waiting = t2.begin(barrier.wait)
        t3.do(barrier.wait)
        waiting.result(30)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_an_action_that_raises_knows_the_arrivals_and_lets_nobody_depart(stage: Stage) -> None:
    def action() -> None:
        stage.mark("action")
        raise KeyError

    barrier = sync.Barrier(2, action, name="b")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        waiting = t1.begin(barrier.wait)
        with pytest.raises(KeyError):
            t2.do(barrier.wait)
        with pytest.raises(sync.BrokenBarrierError):
            waiting.result(30)
        t1.mark("b")
    assert stage.rows == ["t1 release sync:b", "t2 release_merge sync:b", "t2 acquire sync:b"]
    assert stage.ordered("a", "action")
    assert stage.unordered("action", "b")


def test_a_site_is_the_line_that_waits(stage: Stage) -> None:
    barrier = sync.Barrier(1)
    with stage.recording():
        barrier.wait()
    first = test_a_site_is_the_line_that_waits.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 3]


def test_an_invisible_barrier_holds_threads_up_and_orders_nothing(stage: Stage) -> None:
    barrier = sync.invisible_barrier(2)
    with stage.tasks("t1", "t2") as (t1, t2):
        for mark in ("a", "b"):
            t1.mark(mark)
            waiting = t1.begin(barrier.wait)
            assert not waiting.done()
            t2.do(barrier.wait)
            waiting.result(30)
            t2.mark(f"{mark}2")
    assert stage.rows == []
    assert stage.unordered("a", "a2")
    assert stage.unordered("b", "b2")


def test_repr_says_who_waits() -> None:
    barrier = sync.Barrier(2, name="b")
    assert repr(barrier).startswith("<sync.Barrier 'b' at ")
    assert repr(barrier).endswith(": waiters=0/2>")
    barrier.abort()
    assert repr(barrier).endswith(": broken>")
