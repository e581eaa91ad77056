"""`Thread` and `Timer`: as in `threading`, with their start, end and join recorded."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from racepage import sync
from racepage.execution import current
from tests.sync.stage import Stage


def test_it_calls_its_target(lib: Any) -> None:
    called: list[Any] = []
    thread = lib.Thread(
        target=lambda *args, **kwargs: called.append((args, kwargs)),
        args=(1, 2),
        kwargs={"a": 3},
        name="worker",
        daemon=True,
    )
    assert thread.name == "worker"
    assert thread.daemon
    assert not thread.is_alive()
    thread.start()
    thread.join()
    assert not thread.is_alive()
    assert called == [((1, 2), {"a": 3})]


def test_a_subclass_may_say_what_to_run(lib: Any) -> None:
    class Squares(lib.Thread):  # type: ignore[misc]
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def run(self) -> None:
            self.number *= self.number

    thread = Squares(3)
    thread.start()
    thread.join()
    assert thread.number == 9


def test_the_thread_knows_itself_and_others_know_it(lib: Any) -> None:
    seen: list[Any] = []
    go = lib.Event()

    def work() -> None:
        seen.append((lib.current_thread(), lib.get_ident()))
        go.wait()

    thread = lib.Thread(target=work)
    thread.start()
    assert thread in lib.enumerate()
    assert thread.is_alive()
    go.set()
    thread.join()
    assert seen == [(thread, thread.ident)]
    assert lib.main_thread() is threading.main_thread()


def test_it_starts_once(lib: Any) -> None:
    thread = lib.Thread()
    thread.start()
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()
    thread.join()
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()


def test_what_was_not_started_cannot_be_joined_nor_can_oneself(lib: Any) -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        lib.Thread().join()
    failed: list[Exception] = []

    def work() -> None:
        try:
            lib.current_thread().join()
        except RuntimeError as error:
            failed.append(error)

    thread = lib.Thread(target=work)
    thread.start()
    thread.join()
    assert len(failed) == 1


def test_a_subclass_that_forgot_to_initialise_is_told(lib: Any) -> None:
    class Forgetful(lib.Thread):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match=r"thread\.__init__\(\) not called"):
        Forgetful().start()


def test_a_join_that_runs_out_of_time_returns_and_the_thread_lives_on(lib: Any) -> None:
    go = lib.Event()
    thread = lib.Thread(target=go.wait)
    thread.start()
    assert thread.join(0.001) is None
    assert thread.is_alive()
    go.set()
    thread.join()
    assert not thread.is_alive()


@pytest.mark.real_threads
def test_what_a_thread_raises_goes_to_the_excepthook(
    lib: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    thread = lib.Thread(target=divmod, args=(1, 0))
    thread.start()
    thread.join()
    (arguments,) = caught
    assert arguments.exc_type is ZeroDivisionError
    assert isinstance(arguments.exc_value, ZeroDivisionError)
    assert arguments.exc_traceback is not None
    assert arguments.thread is thread


@pytest.mark.real_threads
def test_an_excepthook_that_raises_goes_to_sys_excepthook(
    lib: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_arguments: Any) -> None:
        raise LookupError

    caught: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", broken)
    monkeypatch.setattr(sys, "excepthook", lambda *args: caught.append(args[0]))
    monkeypatch.setattr(threading, "_sys_excepthook", sys.excepthook, raising=False)
    thread = lib.Thread(target=divmod, args=(1, 0))
    thread.start()
    thread.join()
    assert caught == [LookupError]


def test_a_thread_that_exits_says_nothing(
    lib: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    thread = lib.Thread(target=sys.exit, args=(1,))
    thread.start()
    thread.join()
    assert capsys.readouterr().err == ""


@pytest.mark.real_threads
def test_a_timer_calls_after_its_time_unless_it_is_cancelled(lib: Any) -> None:
    called: list[Any] = []
    timers = [lib.Timer(delay, called.append, args=[delay]) for delay in (0.001, 60)]
    for timer in timers:
        timer.start()
    timers[0].join()
    timers[1].cancel()
    timers[1].join()
    assert called == [0.001]


def test_start_orders_before_the_child_and_the_child_before_a_join(stage: Stage) -> None:
    thread = sync.Thread(target=stage.mark, args=("child",), name="t1")
    with stage.recording():
        stage.mark("before the start")
        thread.start()
        stage.mark("after the start")
        thread.join()
        stage.mark("after the join")
    assert stage.all_rows == ["main start thread:t1", "t1 exit", "main join thread:t1"]
    assert stage.ordered("before the start", "child")
    assert stage.unordered("after the start", "child")
    assert stage.ordered("child", "after the join")


def test_threads_that_are_not_joined_order_nothing_in_their_parent(stage: Stage) -> None:
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        stage.mark("parent")
        t2.mark("b")
    assert stage.unordered("a", "parent")
    assert stage.unordered("a", "b")


def test_a_join_that_ran_out_of_time_is_not_logged(stage: Stage) -> None:
    with stage.tasks("t1") as (t1,):
        t1.mark("a")
        t1.thread.join(0.001)
        stage.mark("b")
    assert stage.all_rows == ["main start thread:t1", "t1 exit", "main join thread:t1"]
    assert stage.unordered("a", "b")


def test_everyone_who_joins_knows_what_the_thread_did(stage: Stage) -> None:
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.end()
        for task, mark in ((t2, "b"), (t3, "c")):
            task.do(t1.thread.join)
            task.mark(mark)
    assert stage.ordered("a", "b")
    assert stage.ordered("a", "c")


def test_is_alive_orders_nothing(stage: Stage) -> None:
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.end()
        threading.Thread.join(t1.thread)  # the original's: it is not recorded
        assert not t2.do(t1.thread.is_alive)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_the_exit_stands_after_what_the_excepthook_does(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = sync.Lock(name="log")

    def hook(_arguments: Any) -> None:
        with lock:
            pass

    monkeypatch.setattr(threading, "excepthook", hook)
    thread = sync.Thread(target=divmod, args=(1, 0), name="t1")
    with stage.recording():
        thread.start()
        thread.join()
    assert stage.all_rows == [
        "main start thread:t1",
        "t1 lock lock:log",
        "t1 unlock lock:log",
        "t1 exit",
        "main join thread:t1",
    ]


def test_whoever_asks_is_told_what_nothing_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    monkeypatch.setattr(current, "uncaught", [lambda log, error: told.append((log.name, error))])
    for target, args in ((divmod, (1, 0)), (sys.exit, (1,))):
        thread = sync.Thread(target=target, args=args, name="t1")
        thread.start()
        thread.join()
    ((name, error),) = told
    assert name == "t1"
    assert isinstance(error, ZeroDivisionError)


def test_a_second_start_is_not_logged(stage: Stage) -> None:
    thread = sync.Thread(name="t1")
    with stage.recording():
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="only be started once"):
            thread.start()
    assert len(stage.all_rows) == 3


def test_a_thread_that_could_not_start_may_be_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    thread = sync.Thread(target=stage.mark, args=("a",), name="t1")
    with stage.recording():
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="can't start"):
                thread.start()
        thread.start()
        thread.join()
        stage.mark("b")
    assert stage.ordered("a", "b")


def test_a_thread_that_began_before_the_recording_is_joined_in_it(stage: Stage) -> None:
    go = threading.Event()

    def work() -> None:
        go.wait()
        stage.mark("a")

    thread = sync.Thread(target=work, name="t1")
    thread.start()
    with stage.recording():
        go.set()
        thread.join()
        stage.mark("b")
    assert stage.all_rows == ["t1 exit", "main join thread:t1"]
    assert stage.ordered("a", "b")


def test_threads_of_one_name_are_different_threads(stage: Stage) -> None:
    with stage.tasks("t", "t") as (one, other):
        one.mark("a")
        other.mark("b")
    assert sorted(stage.trace.threads) == ["main", "t", "t#2"]
    assert stage.unordered("a", "b")


def test_the_sites_are_the_lines_that_used_the_thread(stage: Stage) -> None:
    thread = sync.Thread()
    with stage.recording():
        thread.start()
        thread.join()
    first = test_the_sites_are_the_lines_that_used_the_thread.__code__.co_firstlineno
    sites = [site for site in stage.trace.columns.site if site >= 0]
    lines = [stage.trace.sites[site][0].line - first for site in sites]
    assert (lines[0], set(lines[1:])) == (3, {4})  # the join may have had to wait


def test_a_subclass_may_call_its_own_attributes_as_it_likes(stage: Stage) -> None:
    class Busy(sync.Thread):
        def __init__(self) -> None:
            super().__init__(name="t1")
            self._log = self._live = self._report = self._number = "its own"

    thread = Busy()
    with stage.recording():
        thread.start()
        thread.join()
    assert len(stage.all_rows) == 3


def test_nobody_has_to_join_a_daemon_or_a_timer(stage: Stage) -> None:
    with stage.recording():
        threads = [
            sync.Thread(target=int, name="t"),
            sync.Thread(target=int, name="daemon", daemon=True),
            sync.Timer(0, int, name="timer"),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert stage.detached == ["main detach thread:daemon", "main detach thread:timer"]
