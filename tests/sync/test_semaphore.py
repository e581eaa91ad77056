"""`Semaphore` and `BoundedSemaphore`: every release orders before every later acquire."""

from __future__ import annotations

from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage

KINDS = ["Semaphore", "BoundedSemaphore"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_counts_down_to_zero_and_not_below(lib: Any, kind: str) -> None:
    semaphore = getattr(lib, kind)(2)
    assert semaphore.acquire() is True
    assert semaphore.acquire(True, 1) is True
    assert semaphore.acquire(False) is False
    assert semaphore.acquire(timeout=0.001) is False
    semaphore.release()
    assert semaphore.acquire(blocking=False) is True


@pytest.mark.parametrize("kind", KINDS)
def test_with_counts_down_and_up(lib: Any, kind: str) -> None:
    semaphore = getattr(lib, kind)()
    with semaphore as entered:
        assert entered is True
        assert semaphore.acquire(blocking=False) is False
    with pytest.raises(ZeroDivisionError), semaphore:
        divmod(1, 0)
    assert semaphore.acquire(blocking=False) is True


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_that_make_no_sense_are_refused(lib: Any, kind: str) -> None:
    with pytest.raises(ValueError, match="initial value"):
        getattr(lib, kind)(-1)
    semaphore = getattr(lib, kind)()
    with pytest.raises(ValueError, match="timeout"):
        semaphore.acquire(False, timeout=1)
    with pytest.raises(ValueError, match="one or more"):
        semaphore.release(0)


def test_release_counts_several_up_and_wakes_as_many(lib: Any) -> None:
    semaphore = lib.Semaphore(0)
    found: list[bool] = []
    threads = [lib.Thread(target=lambda: found.append(semaphore.acquire())) for _ in range(3)]
    for thread in threads:
        thread.start()
    semaphore.release(3)
    for thread in threads:
        thread.join()
    assert found == [True, True, True]
    assert semaphore.acquire(False) is False


def test_a_bounded_semaphore_refuses_to_go_above_where_it_began(lib: Any) -> None:
    semaphore = lib.BoundedSemaphore(2)
    with pytest.raises(ValueError, match="too many times"):
        semaphore.release()
    semaphore.acquire()
    with pytest.raises(ValueError, match="too many times"):
        semaphore.release(2)
    semaphore.release()
    assert semaphore.acquire()
    assert semaphore.acquire()
    assert not semaphore.acquire(blocking=False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_release_orders_before_every_later_acquire(kind: str, stage: Stage) -> None:
    semaphore = getattr(sync, kind)(3, name="s")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        for _ in range(3):
            t4.do(semaphore.acquire)
        for task, mark in ((t1, "a"), (t2, "b")):
            task.mark(mark)
            task.do(semaphore.release)
        t1.mark("after the release")
        for task, mark in ((t3, "c"), (t4, "d")):
            task.do(semaphore.acquire)
            task.mark(mark)
    assert stage.rows[3:] == [
        "t1 release_merge sync:s",
        "t2 release_merge sync:s",
        "t3 acquire sync:s",
        "t4 acquire sync:s",
    ]
    for released in ("a", "b"):
        for acquired in ("c", "d"):
            assert stage.ordered(released, acquired)
    assert stage.unordered("a", "b")
    assert stage.unordered("after the release", "c")


def test_acquires_do_not_order_each_other(stage: Stage) -> None:
    semaphore = sync.Semaphore(2)
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(semaphore.acquire)
        t2.do(semaphore.acquire)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_a_release_of_many_is_one_row_and_wakes_a_thread_that_waits(stage: Stage) -> None:
    semaphore = sync.Semaphore(0, name="s")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        waiting = [t2.begin(semaphore.acquire), t3.begin(semaphore.acquire)]
        t1.mark("a")
        t1.do(semaphore.release, 2)
        for one in waiting:
            assert one.result(30) is True
        t2.mark("b")
        t3.mark("c")
    assert stage.rows[0] == "t1 release_merge sync:s"
    assert sorted(stage.rows[1:]) == ["t2 acquire sync:s", "t3 acquire sync:s"]
    assert stage.ordered("a", "b")
    assert stage.ordered("a", "c")


def test_an_acquire_that_ran_out_of_time_takes_no_release_from_others(stage: Stage) -> None:
    semaphore = sync.Semaphore(0)
    with stage.tasks("t1", "t2") as (t1, t2):
        assert t1.do(semaphore.acquire, timeout=0.001) is False
        waiting = t2.begin(semaphore.acquire)
        t1.do(semaphore.release)
        assert waiting.result(30) is True


@pytest.mark.parametrize("limit", [{"blocking": False}, {"timeout": 0.001}])
def test_an_acquire_that_failed_is_not_logged(limit: dict[str, Any], stage: Stage) -> None:
    semaphore = sync.Semaphore(1, name="s")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(semaphore.acquire)
        t1.mark("a")
        t1.do(semaphore.release)
        t1.do(semaphore.acquire)
        assert t2.do(semaphore.acquire, **limit) is False
        t2.mark("b")
    assert [row.split()[0] for row in stage.rows] == ["t1"] * 3
    assert stage.unordered("a", "b")


def test_a_release_that_was_refused_is_not_logged(stage: Stage) -> None:
    semaphore = sync.BoundedSemaphore(1)
    with stage.recording(), pytest.raises(ValueError, match="too many times"):
        semaphore.release()
    assert stage.rows == []


def test_the_sites_are_the_lines_that_used_the_semaphore(stage: Stage) -> None:
    semaphore = sync.Semaphore()
    with stage.recording():
        semaphore.acquire()
        semaphore.release()
        with semaphore:
            pass
    first = test_the_sites_are_the_lines_that_used_the_semaphore.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4, 5, 5]


def test_repr_says_the_value_and_the_name() -> None:
    assert repr(sync.Semaphore(2, name="s")).startswith("<sync.Semaphore 's' at ")
    assert repr(sync.Semaphore(2)).endswith(": value=2>")
    assert repr(sync.BoundedSemaphore(3)).endswith(": value=3/3>")
