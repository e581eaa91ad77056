"""`ThreadPool`: as `ThreadPoolExecutor`, with submit before task before whoever sees its end."""

from __future__ import annotations

import gc
import inspect
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage, until


@pytest.mark.real_threads
def test_it_calls_what_is_submitted(lib: Any) -> None:
    with lib.ThreadPoolExecutor(2) as pool:
        future = pool.submit(pow, 2, exp=5)
        failing = pool.submit(divmod, 1, 0)
        assert future.result(30) == 32
        with pytest.raises(ZeroDivisionError):
            failing.result(30)


def test_map_yields_results_in_order_and_stops_at_the_shortest(lib: Any) -> None:
    with lib.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(pow, range(10), [2] * 8)) == [n * n for n in range(8)]
        results = pool.map(divmod, [4, 1], [2, 0])
        assert next(results) == (2, 0)
        with pytest.raises(ZeroDivisionError):
            next(results)


@pytest.mark.real_threads
def test_map_runs_out_of_time(lib: Any) -> None:
    go = threading.Event()
    with lib.ThreadPoolExecutor(1) as pool:
        results = pool.map(go.wait, [30], timeout=0.001)
        with pytest.raises(TimeoutError):
            next(results)
        go.set()


@pytest.mark.real_threads
def test_there_are_as_many_workers_as_are_needed_and_allowed(lib: Any) -> None:
    seen: list[str] = []
    meet = threading.Barrier(2, timeout=30)

    def work() -> None:
        seen.append(threading.current_thread().name)
        meet.wait()

    with lib.ThreadPoolExecutor(2, thread_name_prefix="w") as pool:
        for _ in range(4):
            pool.submit(work)
    assert sorted(seen) == ["w_0", "w_0", "w_1", "w_1"]


def test_an_idle_worker_is_used_before_another_is_started() -> None:
    with sync.ThreadPool(4) as pool:
        for _ in range(4):
            pool.submit(int).result(30)
            until(lambda: pool._crew.idle == 1)
        assert len(pool._crew.workers) == 1


def test_arguments_are_checked(lib: Any) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        lib.ThreadPoolExecutor(0)
    with pytest.raises(TypeError, match="initializer must be a callable"):
        lib.ThreadPoolExecutor(initializer=3)


@pytest.mark.parametrize("name", ["__init__", "submit", "map", "shutdown"])
def test_it_takes_the_original_s_arguments(name: str) -> None:
    original = inspect.signature(getattr(ThreadPoolExecutor, name)).parameters
    ours = inspect.signature(getattr(sync.ThreadPool, name)).parameters
    later = {"buffersize", "ctxkwargs"}  # of a Python that is not supported yet
    assert set(original) - later <= set(ours)


def test_after_shutdown_it_takes_nothing(lib: Any) -> None:
    pool = lib.ThreadPoolExecutor(1)
    future = pool.submit(int)
    pool.shutdown()
    assert future.done()
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


@pytest.mark.real_threads
def test_shutdown_lets_what_was_submitted_end(lib: Any) -> None:
    go = threading.Event()
    pool = lib.ThreadPoolExecutor(1)
    futures = [pool.submit(go.wait, 30) for _ in range(3)]
    pool.shutdown(wait=False)
    go.set()
    assert [future.result(30) for future in futures] == [True] * 3


@pytest.mark.real_threads
def test_shutdown_cancels_what_has_not_begun(lib: Any) -> None:
    go, begun = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go.wait(30)

    pool = lib.ThreadPoolExecutor(1)
    first, second = pool.submit(work), pool.submit(work)
    begun.wait(30)
    pool.shutdown(wait=False, cancel_futures=True)
    go.set()
    assert first.result(30)
    assert second.cancelled()
    pool.shutdown()


@pytest.mark.real_threads
def test_a_cancelled_future_is_not_begun(lib: Any) -> None:
    called: list[int] = []
    go = threading.Event()
    with lib.ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait, 30)
        future = pool.submit(called.append, 1)
        assert future.cancel()
        go.set()
    assert called == []


def test_each_worker_is_initialised_first(lib: Any) -> None:
    local = threading.local()

    def initialise(value: int) -> None:
        local.value = value

    with lib.ThreadPoolExecutor(2, initializer=initialise, initargs=(7,)) as pool:
        assert list(pool.map(lambda _: local.value, range(8))) == [7] * 8


@pytest.mark.real_threads
def test_an_initializer_that_raises_breaks_the_pool(
    lib: Any, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()

    def initialise() -> None:
        go.wait(30)
        raise KeyError

    with (
        caplog.at_level(logging.CRITICAL, "concurrent.futures"),
        lib.ThreadPoolExecutor(1, initializer=initialise) as pool,
    ):
        futures = [pool.submit(int) for _ in range(3)]
        go.set()
        for future in futures:
            with pytest.raises(lib.BrokenExecutor):
                future.result(30)
        with pytest.raises(lib.BrokenExecutor):
            pool.submit(int)
    assert "Exception in initializer" in caplog.text


def test_a_pool_that_nobody_knows_lets_its_workers_go() -> None:
    pool = sync.ThreadPool(1)
    pool.submit(int).result(30)
    worker = pool._crew.workers[0]
    del pool
    gc.collect()
    worker.join(30)
    assert not worker.is_alive()


def test_a_pool_does_not_hold_what_its_tasks_returned() -> None:
    class Thing:
        alive = 0

        def __init__(self) -> None:
            Thing.alive += 1

        def __del__(self) -> None:
            Thing.alive -= 1

    with sync.ThreadPool(1) as pool:
        for _ in range(2):  # the first task comes with the worker, the second by the queue
            assert isinstance(pool.submit(Thing).result(30), Thing)
            until(lambda: not Thing.alive)


def test_a_program_that_forgets_its_pool_ends_after_its_tasks() -> None:
    program = (
        "from racepage import sync; import threading; go = threading.Event();"
        "pool = sync.ThreadPool(1); pool.submit(go.wait);"
        "pool.submit(print, 'done'); go.set()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "done\n"


# Edges


def test_submit_orders_before_the_task_and_its_end_before_the_result(stage: Stage) -> None:
    with stage.tasks("t1", "t2") as (t1, t2):
        pool = sync.ThreadPool(1, "w", name="p")
        t1.mark("submit")
        future = t1.do(pool.submit, stage.mark, "task")
        t1.mark("after the submit")
        until(lambda: future._state == "finished")  # so that nobody has to wait for it
        t2.do(future.result, 30)
        t2.mark("result")
        pool.shutdown()
    assert stage.all_rows[2:-4] == [
        "t1 start thread:w_0",
        "w_0 release sync:p",
        "t2 acquire sync:p sleeps",
        "w_0 exit",
        "main join thread:w_0",
    ]
    assert stage.ordered("submit", "task")
    assert stage.unordered("after the submit", "task")
    assert stage.ordered("task", "result")


def test_a_task_by_the_queue_is_ordered_after_its_submit_alone(stage: Stage) -> None:
    """Two workers wait; a task that one of them gets knows of its own submit, not of others."""
    meet = threading.Barrier(3, timeout=30)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        pool = sync.ThreadPool(2, "w")
        for _ in range(2):
            t1.do(pool.submit, meet.wait)
        meet.wait()
        until(lambda: pool._crew.idle == 2)
        t2.mark("submit")
        t3.mark("other submit")
        go = threading.Event()

        def other() -> None:
            go.wait(30)
            stage.mark("other task")

        future = t3.do(pool.submit, other)
        second = t2.do(pool.submit, stage.mark, "task")
        second.result(30)
        go.set()
        future.result(30)
        t2.mark("after")
        pool.shutdown()
    assert len({row.split()[0] for row in stage.rows if row.startswith("w_")}) == 2
    assert stage.ordered("submit", "task")
    assert stage.ordered("other submit", "other task")
    assert stage.unordered("other submit", "task")
    assert stage.unordered("task", "other task")
    assert stage.unordered("other task", "after")


def test_the_start_of_a_worker_orders_no_more_than_its_submit(stage: Stage) -> None:
    """There is no other row: the task comes with the worker, and not by the queue."""
    go = threading.Event()
    with stage.tasks("t1", "t2") as (t1, t2):
        pool = sync.ThreadPool(2, "w")
        t1.do(pool.submit, go.wait, 30)
        t2.mark("submit")
        future = t2.do(pool.submit, stage.mark, "task")
        future.result(30)
        go.set()
        pool.shutdown()
    assert stage.all_rows[2:4] == ["t1 start thread:w_0", "t2 start thread:w_1"]
    assert [row.split()[1] for row in stage.rows] == ["release", "acquire", "release"]
    assert stage.ordered("submit", "task")


def test_shutdown_that_waits_knows_of_the_end_of_every_task(stage: Stage) -> None:
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        pool = sync.ThreadPool(1)
        t1.do(pool.submit, stage.mark, "task")
        t2.do(pool.shutdown, False)
        t2.mark("did not wait")
        t3.do(pool.shutdown)
        t3.mark("waited")
    assert stage.ordered("task", "waited")
    assert stage.unordered("task", "did not wait")


def test_map_orders_each_end_before_its_own_result(stage: Stage) -> None:
    meet = threading.Barrier(2, timeout=30)

    def work(name: str) -> None:
        stage.mark(name)
        meet.wait()

    with stage.tasks("t1") as (t1,):
        pool = sync.ThreadPool(2)
        t1.mark("before")
        results = t1.do(pool.map, work, ["one", "other"])
        t1.do(next, results)
        t1.mark("after one")
        t1.do(next, results)
        t1.mark("after other")
        pool.shutdown()
    assert stage.ordered("before", "one")
    assert stage.ordered("before", "other")
    assert stage.unordered("one", "other")
    assert stage.ordered("one", "after one")
    assert stage.unordered("other", "after one")
    assert stage.ordered("other", "after other")


def test_making_the_pool_orders_before_its_initializer(stage: Stage) -> None:
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("made")
        pool = t1.do(sync.ThreadPool, 1, initializer=lambda: stage.mark("initialised"), name="p")
        t1.mark("after")
        t2.do(pool.submit, stage.mark, "task").result(30)
        pool.shutdown()
    assert stage.rows[:2] == ["t1 release sync:p.initializer", "p_0 acquire sync:p.initializer"]
    assert stage.ordered("made", "initialised")
    assert stage.unordered("after", "initialised")
    assert stage.ordered("initialised", "task")


def test_a_pool_without_an_initializer_tells_its_tasks_nothing_of_its_maker(stage: Stage) -> None:
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("made")
        pool = t1.do(sync.ThreadPool, 1)
        t2.do(pool.submit, stage.mark, "task").result(30)
        pool.shutdown()
    assert stage.unordered("made", "task")


def test_a_task_that_was_cancelled_takes_nothing(stage: Stage) -> None:
    go = threading.Event()
    with stage.tasks("t1", "t2") as (t1, t2):
        pool = sync.ThreadPool(1)
        t1.do(pool.submit, go.wait, 30)
        t2.mark("a")
        assert t2.do(pool.submit, int).cancel()
        t1.do(pool.submit, stage.mark, "next task")
        go.set()
        pool.shutdown()
    assert stage.unordered("a", "next task")


def test_sites_are_the_lines_that_call(stage: Stage) -> None:
    with stage.recording(), sync.ThreadPool(1, initializer=int) as pool:
        pool.submit(int).result(30)
        for _ in pool.map(int, "1"):
            pass
    main = [stage.trace.threads[n] == "main" for n in stage.trace.columns.thread]
    assert stage.lines(test_sites_are_the_lines_that_call) == [1, 2, 2, 3, 3, 1]
    others = [site for site, ours in zip(stage.trace.columns.site, main, strict=True) if not ours]
    assert set(others) == {-1}  # no line of the program does these


def test_repr_says_who_is_there() -> None:
    pool = sync.ThreadPool(3, name="p")
    assert repr(pool).startswith("<sync.ThreadPool 'p' at ")
    assert repr(pool).endswith(": workers=0/3, waiting=0>")


def test_nobody_has_to_join_a_worker(stage: Stage) -> None:
    with stage.recording():
        pool = sync.ThreadPool(1, "w")
        pool.submit(int).result(30)
        pool.shutdown(wait=False)
    assert stage.detached == ["main detach thread:w_0"]


def test_a_worker_without_a_task_waits_for_its_pool(stage: Stage) -> None:
    with stage.recording():
        pool = sync.ThreadPool(1, "w", name="p")
        pool.submit(int).result(30)
        until(lambda: pool._crew.idle == 1 and pool._crew.workers[0]._racepage_log.waits)  # type: ignore[union-attr]
        pool.shutdown()
    [block, wake] = [row for row in stage.waits if row.startswith("w_0")]
    assert block.startswith("w_0 block sync:p")
    assert wake == "w_0 wake"
