"""`Future`, `wait`, `as_completed`: as in `concurrent.futures`, with a task's end recorded."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage


def finished(lib: Any, result: object = None) -> Any:
    future = lib.Future()
    future.set_result(result)
    return future


def raised(lib: Any, error: BaseException) -> Any:
    future = lib.Future()
    future.set_exception(error)
    return future


def cancelled(lib: Any) -> Any:
    future = lib.Future()
    assert future.cancel()
    assert not future.set_running_or_notify_cancel()
    return future


def test_it_has_the_result_that_it_was_given(lib: Any) -> None:
    future = lib.Future()
    assert not future.done()
    assert future.set_running_or_notify_cancel()
    assert future.running()
    future.set_result(42)
    assert future.done()
    assert not future.running()
    assert not future.cancelled()
    assert future.result() == future.result(timeout=0) == 42
    assert future.exception() is None


def test_it_raises_what_it_was_given(lib: Any) -> None:
    error = KeyError("x")
    future = raised(lib, error)
    assert future.done()
    assert future.exception() is error
    with pytest.raises(KeyError, match="x"):
        future.result()


def test_it_is_settled_once(lib: Any) -> None:
    for future in (finished(lib), raised(lib, KeyError()), cancelled(lib)):
        with pytest.raises(lib.InvalidStateError):
            future.set_result(1)
        with pytest.raises(lib.InvalidStateError):
            future.set_exception(ValueError())


def test_asking_runs_out_of_time(lib: Any) -> None:
    future = lib.Future()
    for ask in (future.result, future.exception):
        for timeout in (0, 0.001):
            with pytest.raises(TimeoutError):
                ask(timeout)


def test_cancelling_works_until_the_task_begins(lib: Any) -> None:
    future = cancelled(lib)
    assert future.cancelled()
    assert future.done()
    assert future.cancel()
    for ask in (future.result, future.exception):
        with pytest.raises(lib.CancelledError):
            ask()
    running = lib.Future()
    running.set_running_or_notify_cancel()
    assert not running.cancel()
    assert not finished(lib).cancel()


@pytest.mark.real_threads
def test_a_task_begins_once(lib: Any, caplog: pytest.LogCaptureFixture) -> None:
    running = lib.Future()
    running.set_running_or_notify_cancel()
    for future in (running, finished(lib), cancelled(lib)):
        with pytest.raises(RuntimeError, match="unexpected state"):
            future.set_running_or_notify_cancel()
    assert len(caplog.records) == 3


def test_callbacks_are_called_in_order_and_late_ones_at_once(lib: Any) -> None:
    called: list[Any] = []
    future = lib.Future()
    future.add_done_callback(lambda one: called.append(("a", one)))
    future.add_done_callback(lambda one: called.append(("b", one)))
    assert called == []
    future.set_result(1)
    assert called == [("a", future), ("b", future)]
    future.add_done_callback(lambda one: called.append(("c", one)))
    assert called[2:] == [("c", future)]
    other = lib.Future()
    other.add_done_callback(called.append)
    other.cancel()
    assert called[3:] == [other]


@pytest.mark.real_threads
def test_what_a_callback_raises_is_logged_and_passed_over(
    lib: Any, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[Any] = []

    def bad(_: object) -> None:
        raise KeyError

    future = lib.Future()
    future.add_done_callback(bad)
    future.add_done_callback(called.append)
    with caplog.at_level(logging.ERROR, "concurrent.futures"):
        future.set_result(1)
        future.add_done_callback(bad)
    assert called == [future]
    assert ["exception calling callback" in one.message for one in caplog.records] == [True] * 2


def test_wait_returns_what_is_done_and_what_is_not(lib: Any) -> None:
    done, pending = finished(lib), lib.Future()
    assert lib.wait([done, pending, done], timeout=0.001) == ({done}, {pending})
    assert lib.wait([done, cancelled(lib)]).not_done == set()
    assert lib.wait([]) == (set(), set())
    with pytest.raises(ValueError, match="Invalid return condition"):
        lib.wait([pending], return_when="SOME")


def test_wait_for_the_first(lib: Any) -> None:
    done, pending = finished(lib), lib.Future()
    assert lib.wait([pending, done], return_when=lib.FIRST_COMPLETED) == ({done}, {pending})


def test_wait_for_the_first_exception(lib: Any) -> None:
    failed, pending = raised(lib, KeyError()), lib.Future()
    when = lib.FIRST_EXCEPTION
    assert lib.wait([pending, failed], return_when=when) == ({failed}, {pending})
    done = finished(lib)
    assert lib.wait([pending, done], 0.001, when) == ({done}, {pending})


@pytest.mark.parametrize("when", ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"])
def test_wait_is_woken_by_what_it_waits_for(when: str, stage: Stage) -> None:
    one: sync.Future[int] = sync.Future()
    other: sync.Future[int] = sync.Future()
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(sync.wait, [one, other], None, getattr(sync, when))
        one.set_result(1)
        if when == "FIRST_COMPLETED":
            assert waiting.result(30) == ({one}, {other})
            return
        assert not waiting.done()
        other.set_exception(KeyError())
        assert waiting.result(30) == ({one, other}, set())
    assert not one._watches


def test_as_completed_yields_each_once_in_the_order_of_their_ends(stage: Stage) -> None:
    futures: list[sync.Future[int]] = [sync.Future() for _ in range(3)]
    futures[2].set_result(2)
    with stage.tasks("t1") as (t1,):
        iterator = sync.as_completed([*futures, futures[0]])
        assert t1.do(next, iterator) is futures[2]
        following = t1.begin(next, iterator)
        futures[1].set_result(1)
        assert following.result(30) is futures[1]
        futures[0].cancel()
        assert t1.do(next, iterator) is futures[0]
        assert list(iterator) == []


def test_as_completed_runs_out_of_time(lib: Any) -> None:
    done, pending = finished(lib), lib.Future()
    iterator = lib.as_completed([pending, done], timeout=0.001)
    assert next(iterator) is done
    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
        next(iterator)


# Edges


ASK = {
    "result": lambda future: future.result(),
    "exception": lambda future: future.exception(),
    "wait": lambda future: sync.wait([future]),
    "as_completed": lambda future: list(sync.as_completed([future])),
}


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("ask", ASK)
def test_the_end_orders_before_whatever_returns_it(ask: str, waits: bool, stage: Stage) -> None:
    future: sync.Future[int] = sync.Future(name="f")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        waiting = t2.begin(ASK[ask], future) if waits else None
        t1.mark("a")
        t1.do(future.set_result, 1)
        t1.mark("after")
        if waiting:
            waiting.result(30)
        else:
            t2.do(ASK[ask], future)
        t2.mark("b")
        t3.do(ASK[ask], future)
        t3.mark("c")
    assert stage.rows == ["t1 release sync:f", "t2 acquire sync:f", "t3 acquire sync:f"]
    assert stage.ordered("a", "b")
    assert stage.ordered("a", "c")
    assert stage.unordered("after", "b")
    assert stage.unordered("b", "c")


def test_an_exception_is_an_end(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(future.set_exception, KeyError())
        with pytest.raises(KeyError):
            t2.do(future.result)
        t2.mark("b")
    assert stage.ordered("a", "b")


def test_looking_and_running_out_of_time_order_nothing(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future()
    other: sync.Future[int] = sync.Future()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(future.set_result, 1)
        for look in (future.done, future.running, future.cancelled, future.cancel):
            t2.do(look)
        with pytest.raises(TimeoutError):
            t2.do(other.result, 0.001)
        t2.do(sync.wait, [other], 0.001)
        t2.mark("b")
    assert stage.rows == ["t1 release sync:0"]
    assert stage.unordered("a", "b")


def test_a_cancelled_future_orders_nothing(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(future.cancel)
        for ask in ("result", "exception"):
            with pytest.raises(sync.CancelledError):
                t2.do(ASK[ask], future)
        t2.do(ASK["wait"], future)
        t2.do(ASK["as_completed"], future)
        t2.do(future.add_done_callback, id)
        t2.mark("b")
    assert stage.rows == []
    assert stage.unordered("a", "b")


def test_wait_and_as_completed_know_of_the_ends_that_they_return(stage: Stage) -> None:
    one: sync.Future[int] = sync.Future()
    other: sync.Future[int] = sync.Future()
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.mark("one")
        t1.do(one.set_result, 1)
        t2.mark("other")
        t2.do(other.set_result, 1)
        iterator = sync.as_completed([one, other])
        t3.do(next, iterator)
        t3.mark("first")
        t3.do(next, iterator)
        t3.mark("second")
        t4.do(sync.wait, [one], None)
        t4.mark("waited for one")
    assert stage.ordered("one", "first")
    assert stage.unordered("other", "first")
    assert stage.ordered("other", "second")
    assert stage.unordered("other", "waited for one")


def test_a_callback_comes_after_the_end_and_after_it_was_added(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future(name="f")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t2.mark("added")
        t2.do(future.add_done_callback, lambda _: stage.mark("early callback"))
        t2.mark("after adding")
        t1.mark("end")
        t1.do(future.set_result, 1)
        t3.do(future.add_done_callback, lambda _: stage.mark("late callback"))
    assert [row.split()[:2] for row in stage.rows] == [
        ["t2", "release"],
        ["t1", "release"],
        ["t1", "take"],
        ["t3", "acquire"],
    ]
    assert stage.ordered("added", "early callback")
    assert stage.unordered("after adding", "early callback")
    assert stage.ordered("end", "early callback")
    assert stage.ordered("end", "late callback")


def test_who_asks_does_not_know_of_the_callbacks(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(future.add_done_callback, lambda _: stage.mark("a"))
        t1.do(future.set_result, 1)
        t2.do(future.result)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_an_object_serves_again_when_its_future_is_gone(stage: Stage) -> None:
    with stage.recording():
        for _ in range(5):
            future: sync.Future[int] = sync.Future()
            future.set_result(1)
            future.result()
            del future
    assert {row.split()[2] for row in stage.rows} == {"sync:0"}


def test_sites_are_the_lines_that_ask(stage: Stage) -> None:
    future: sync.Future[int] = sync.Future()
    with stage.recording():
        future.set_result(1)
        future.result()
        future.exception()
        future.add_done_callback(id)
        sync.wait([future])
        for one in sync.as_completed([future]):
            assert one is future
    first = test_sites_are_the_lines_that_ask.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4, 5, 6, 7, 8]


def test_repr_says_how_it_stands() -> None:
    future: sync.Future[int] = sync.Future(name="f")
    assert repr(future).startswith("<sync.Future 'f' at ")
    assert repr(future).endswith(" state=pending>")
    future.set_result(1)
    assert repr(future).endswith(" state=finished returned int>")
    assert repr(raised(sync, KeyError())).endswith(" state=finished raised KeyError>")
    assert repr(cancelled(sync)).endswith(" state=cancelled>")
