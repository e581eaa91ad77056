"""`Condition`: as in `threading`, and with no edges but its lock's."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage, until

LOCKS = [sync.Lock, sync.Mutex, sync.SpinLock, sync.RLock]


def woken(lib: Any, condition: Any, notify: Any) -> list[int]:
    """Let three threads wait, then call `notify`; the numbers of those that it woke, sorted."""
    order: list[int] = []
    state = {"waiting": 0}

    def wait(number: int) -> None:
        with condition:
            state["waiting"] += 1
            if condition.wait(20):
                order.append(number)

    def waiting() -> int:
        with condition:  # so whoever counted itself has given the lock back, and waits
            return state["waiting"]

    threads = []
    for number in range(3):
        threads.append(lib.Thread(target=wait, args=(number,)))
        threads[-1].start()
        until(lambda: waiting() == number + 1)  # noqa: B023  (called within the loop)
    with condition:
        notify()
    done = len(threads) if notify == condition.notify_all else 2
    until(lambda: len(order) == done)
    found = sorted(order)
    with condition:
        condition.notify_all()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.real_threads
def test_notify_wakes_those_that_waited_longest(lib: Any) -> None:
    condition = lib.Condition()
    assert woken(lib, condition, lambda: condition.notify(2)) == [0, 1]


@pytest.mark.real_threads
def test_notify_all_wakes_all(lib: Any) -> None:
    condition = lib.Condition(lib.Lock())
    assert woken(lib, condition, condition.notify_all) == [0, 1, 2]


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
@pytest.mark.parametrize("call", ["wait", "notify", "notify_all"])
def test_the_lock_must_be_held(lib: Any, kind: str, call: str) -> None:
    condition = lib.Condition(getattr(lib, kind)())
    with pytest.raises(RuntimeError):
        getattr(condition, call)()


def test_a_wait_that_runs_out_of_time_says_so_and_holds_the_lock(lib: Any) -> None:
    lock = lib.Lock()
    condition = lib.Condition(lock)
    with condition:
        assert condition.wait(0.001) is False
        assert condition.wait(0) is False
        assert lock.locked()
    assert not lock.locked()


def test_wait_for_returns_the_predicate(lib: Any) -> None:
    condition = lib.Condition()
    with condition:
        assert condition.wait_for(lambda: "yes") == "yes"
        assert condition.wait_for(lambda: 0, timeout=0.001) == 0


def test_a_notification_that_nobody_waits_for_is_lost(lib: Any) -> None:
    condition = lib.Condition()
    with condition:
        condition.notify()
        assert condition.wait(0.001) is False


def test_acquire_and_release_are_the_lock_s(lib: Any) -> None:
    lock = lib.Lock()
    condition = lib.Condition(lock)
    assert condition.acquire(False) is True
    assert condition.acquire(False) is False
    condition.release()
    assert not lock.locked()


def test_another_make_of_lock_is_refused() -> None:
    with pytest.raises(TypeError, match=r"needs a lock of racepage\.sync"):
        sync.Condition(threading.Lock())  # type: ignore[arg-type]


@pytest.mark.parametrize("make", LOCKS)
def test_wait_is_an_unlock_and_a_lock(make: Any, stage: Stage) -> None:
    condition = sync.Condition(make(name="m"))
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(condition.acquire)
        t1.mark("before the wait")
        waiting = t1.begin(condition.wait)
        t2.do(condition.acquire)
        t2.mark("a")
        t2.do(condition.notify)
        t2.mark("after the notify")
        t2.do(condition.release)
        t2.mark("after the release")
        assert waiting.result(30) is True
        t1.mark("b")
        t1.do(condition.release)
    assert stage.rows == [
        "t1 lock lock:m",
        "t1 unlock lock:m",
        "t2 lock lock:m",
        "t2 unlock lock:m",
        "t1 lock lock:m",
        "t1 unlock lock:m",
    ]
    assert stage.ordered("before the wait", "a")
    assert stage.ordered("after the notify", "b")
    assert stage.unordered("after the release", "b")


def test_a_wait_that_ran_out_of_time_takes_no_notification_from_others(stage: Stage) -> None:
    condition = sync.Condition()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(condition.acquire)
        assert t1.do(condition.wait, 0.001) is False
        t1.do(condition.release)
        t2.do(condition.acquire)
        waiting = t2.begin(condition.wait)
        t3.do(condition.acquire)
        t3.do(condition.notify)
        t3.do(condition.release)
        assert waiting.result(30) is True
        t2.do(condition.release)


def test_wait_gives_all_levels_of_an_rlock_back_and_takes_them_again(stage: Stage) -> None:
    lock = sync.RLock(name="m")
    condition = sync.Condition(lock)
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        t1.do(lock.acquire)
        waiting = t1.begin(condition.wait)
        assert t2.do(lock.acquire, blocking=False) is True
        t2.do(condition.notify_all)
        t2.do(lock.release)
        waiting.result(30)
        t1.do(lock.release)
        assert t2.do(lock.acquire, blocking=False) is False
        t1.do(lock.release)
    assert stage.rows == [
        "t1 lock lock:m",
        "t1 unlock lock:m",
        "t2 lock lock:m try",
        "t2 unlock lock:m",
        "t1 lock lock:m",
        "t2 lock lock:m tryfail",
        "t1 unlock lock:m",
    ]


def test_a_wait_that_runs_out_of_time_is_an_unlock_and_a_lock_too(stage: Stage) -> None:
    condition = sync.Condition(name="m")
    with stage.recording(), condition:
        condition.wait(0.001)
    assert stage.rows == [f"main {op} lock:m" for op in ("lock", "unlock", "lock", "unlock")]


def test_a_notification_alone_orders_nothing(stage: Stage) -> None:
    """Over a plain lock that somebody else holds, a thread may notify without taking it."""
    condition = sync.Condition(sync.Lock(name="m"))
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(condition.acquire)
        waiting = t1.begin(condition.wait)
        t2.do(condition.acquire)
        t3.mark("a")
        t3.do(condition.notify)
        t2.do(condition.release)
        waiting.result(30)
        t1.mark("b")
        t1.do(condition.release)
    assert stage.unordered("a", "b")


@pytest.mark.parametrize("make", LOCKS)
def test_the_sites_are_the_lines_that_used_the_condition(make: Any, stage: Stage) -> None:
    condition = sync.Condition(make())
    with stage.recording():
        condition.acquire()
        condition.release()
        with condition:
            condition.wait(0)
            condition.wait_for(lambda: False, 0.001)
    first = test_the_sites_are_the_lines_that_used_the_condition.__code__.co_firstlineno
    frames = [stage.trace.sites[site][0] for site in stage.trace.columns.site]
    assert {frame.file for frame in frames} == {__file__}
    assert [frame.line - first for frame in frames] == [4, 5, 6, 7, 7, 8, 8, 8, 8, 6]


def test_repr_names_the_lock_and_who_waits() -> None:
    text = repr(sync.Condition(name="m"))
    assert text.startswith("<sync.Condition 'm'(<unlocked sync.RLock 'm' object ")
    assert text.endswith(", 0)>")
