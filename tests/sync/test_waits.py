"""What every primitive says of a wait: BLOCK before and WAKE after, and that it may sleep."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from racepage import sync
from racepage.execution import current
from racepage.sync._monitor import Ticket
from tests.sync.stage import Stage, Task, until

Act = Callable[[Any], object]


class Waiting(NamedTuple):
    """A primitive, how it comes that a thread has to wait, and how that ends.

    `first` is what t1 does before t2 has to `wait`; then t1 does `then`. `on` is what the trace
    says is waited for, and `sleeps` the operation that says that it may sleep.
    """

    make: Callable[[], Any]
    first: Act
    wait: Act
    then: Act
    on: str
    sleeps: str | None = None


def nothing(_: Any) -> None:
    """Do nothing first: the primitive makes threads wait as it is."""


def lock(make: Callable[..., Any]) -> Waiting:
    return Waiting(
        lambda: make(name="p"), lambda p: p.acquire(), lambda p: p.acquire(),
        lambda p: p.release(), "lock:p",
    )  # fmt: skip


def made(make: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: make(*arguments, name="p")


def conditioned(p: sync.Condition) -> None:
    with p:
        p.wait()


def notified(p: sync.Condition) -> None:
    with p:
        p.notify()


WAITS = {
    "Lock": lock(sync.Lock),
    "Lock, with": lock(sync.Lock)._replace(wait=lambda p: p.__enter__()),
    "Mutex": lock(sync.Mutex),
    "SpinLock": lock(sync.SpinLock),
    "RLock": lock(sync.RLock),
    "RwLock, to read": Waiting(
        made(sync.RwLock), lambda p: p.acquire_write(), lambda p: p.acquire_read(),
        lambda p: p.release_write(), "lock:p",
    ),
    "RwLock, to write": Waiting(
        made(sync.RwLock), lambda p: p.acquire_read(), lambda p: p.acquire_write(),
        lambda p: p.release_read(), "lock:p",
    ),
    "SeqLock": Waiting(
        made(sync.SeqLock), lambda p: p.write_lock(), lambda p: p.read_begin(),
        lambda p: p.write_unlock(), "lock:p",
    ),
    "Event": Waiting(
        made(sync.Event), nothing, lambda p: p.wait(), lambda p: p.set(), "sync:p", "acquire"
    ),
    "Semaphore": Waiting(
        made(sync.Semaphore, 0), nothing, lambda p: p.acquire(), lambda p: p.release(),
        "sync:p", "acquire",
    ),
    "Completion": Waiting(
        made(sync.Completion), nothing, lambda p: p.wait(), lambda p: p.complete(),
        "sync:p", "take",
    ),
    "Completion, of all": Waiting(
        made(sync.Completion), nothing, lambda p: p.wait(), lambda p: p.complete_all(),
        "sync:p", "acquire",
    ),
    "Barrier": Waiting(
        made(sync.Barrier, 2), nothing, lambda p: p.wait(), lambda p: p.wait(), "sync:p", "take"
    ),
    "WaitGroup": Waiting(
        made(sync.WaitGroup), lambda p: p.add(), lambda p: p.wait(), lambda p: p.done(),
        "sync:p", "acquire",
    ),
    "Queue, empty": Waiting(
        made(sync.Queue), nothing, lambda p: p.get(), lambda p: p.put(1), "sync:p", "take"
    ),
    "Queue, full": Waiting(
        made(sync.Queue, 1), lambda p: p.put(1), lambda p: p.put(2), lambda p: p.get(),
        "sync:p", "release",
    ),
    "Queue, join": Waiting(
        made(sync.Queue), lambda p: p.put(1), lambda p: p.join(), lambda p: p.task_done(),
        "sync:p.tasks", "acquire",
    ),
    "SimpleQueue": Waiting(
        made(sync.SimpleQueue), nothing, lambda p: p.get(), lambda p: p.put(1), "sync:p", "take"
    ),
    "Channel, to receive": Waiting(
        made(sync.Channel), nothing, lambda p: p.receive(), lambda p: p.send(1),
        "sync:p", "release",
    ),
    "Channel, to send": Waiting(
        made(sync.Channel), nothing, lambda p: p.send(1), lambda p: p.receive(),
        "sync:p", "release",
    ),
    "Channel, full": Waiting(
        made(sync.Channel, 1), lambda p: p.send(1), lambda p: p.send(2), lambda p: p.receive(),
        "sync:p", "release",
    ),
    "Future": Waiting(
        made(sync.Future), nothing, lambda p: p.result(), lambda p: p.set_result(1),
        "sync:p", "acquire",
    ),
    "RCU": Waiting(
        made(sync.RCU), lambda p: p.read_lock(), lambda p: p.synchronize(),
        lambda p: p.read_unlock(), "sync:p.readers", "release_merge",
    ),
    "Condition": Waiting(made(sync.Condition), nothing, conditioned, notified, "sync:p"),
}  # fmt: skip


def waits_for(task: Task, waiting: Waiting, primitive: Any) -> Any:
    """Let the task wait, until the trace says so."""
    future = task.begin(waiting.wait, primitive, inside="_work")
    log = task.thread._racepage_log
    assert log is not None
    until(lambda: log.waits)
    return future


@pytest.mark.parametrize("kind", WAITS)
def test_a_wait_is_logged_with_what_it_is_for(kind: str, stage: Stage) -> None:
    waiting = WAITS[kind]
    primitive = waiting.make()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(waiting.first, primitive)
        future = waits_for(t2, waiting, primitive)
        t1.do(waiting.then, primitive)
        future.result(30)
    block, wake = [row for row in stage.waits if row.startswith("t2 ")]
    assert re.sub(r"#\d+$", "", block) == f"t2 block {waiting.on}"
    assert wake == "t2 wake"


MEETINGS = ("Barrier", "Condition", "Channel, to receive", "Channel, to send")
"""One of two threads has to wait there, whatever comes first."""


@pytest.mark.parametrize("kind", [kind for kind in WAITS if kind not in MEETINGS])
def test_who_does_not_have_to_wait_logs_no_wait(kind: str, stage: Stage) -> None:
    waiting = WAITS[kind]
    primitive = waiting.make()
    with stage.recording():
        waiting.first(primitive)
        waiting.then(primitive)
        waiting.wait(primitive)
    assert [row for row in stage.waits if "thread:" not in row] == []


@pytest.mark.parametrize("kind", [kind for kind in WAITS if WAITS[kind].sleeps])
def test_what_may_sleep_says_so_whether_it_did_or_not(kind: str, stage: Stage) -> None:
    waiting = WAITS[kind]
    primitive = waiting.make()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(waiting.first, primitive)
        if kind in MEETINGS:
            future = waits_for(t2, waiting, primitive)
            t1.do(waiting.then, primitive)
            future.result(30)
        else:
            t1.do(waiting.then, primitive)
            t2.do(waiting.wait, primitive)
    sleeping = [row for row in stage.all_rows if row.startswith("t2 ") and "sleeps" in row]
    [row] = sleeping
    assert row.split()[1] in {waiting.sleeps, "acquire"}


TRIES: dict[str, tuple[Callable[[], Any], Act]] = {
    "Semaphore": (made(sync.Semaphore), lambda p: p.acquire(blocking=False)),
    "Completion": (made(sync.Completion), lambda p: (p.complete(), p.try_wait())),
    "Event": (made(sync.Event), lambda p: (p.set(), p.is_set(), p.wait(0))),
    "Queue": (made(sync.Queue, 1), lambda p: (p.put_nowait(1), p.get_nowait())),
    "Queue, without a bound": (made(sync.Queue), lambda p: p.put(1)),
    "SimpleQueue": (made(sync.SimpleQueue), lambda p: (p.put(1), p.get_nowait())),
    "Channel": (made(sync.Channel, 1), lambda p: (p.send(1, block=False), p.receive(block=False))),
    "Future": (made(sync.Future), lambda p: (p.set_result(1), p.result(0))),
    "WaitGroup": (made(sync.WaitGroup), lambda p: (p.add(), p.done(), p.wait(0))),
    "RCU": (made(sync.RCU), lambda p: (p.read_lock(), p.read_unlock())),
}


@pytest.mark.parametrize("kind", TRIES)
def test_a_try_does_not_sleep(kind: str, stage: Stage) -> None:
    make, act = TRIES[kind]
    primitive = make()
    with stage.recording():
        act(primitive)
    assert stage.all_rows
    assert [row for row in stage.all_rows if "sleeps" in row] == []


LIMITED: dict[str, tuple[Callable[[], Any], Act]] = {
    "Event": (made(sync.Event), lambda p: p.wait(0.001)),
    "Semaphore": (made(sync.Semaphore, 0), lambda p: p.acquire(timeout=0.001)),
    "Lock": (made(sync.Lock), lambda p: (p.acquire(), p.acquire(timeout=0.001))),
    "Mutex": (made(sync.Mutex), lambda p: (p.acquire(), p.acquire(timeout=0.001))),
    "Completion": (made(sync.Completion), lambda p: p.wait(0.001)),
}


@pytest.mark.parametrize("kind", LIMITED)
def test_a_wait_that_may_run_out_of_time_says_so(kind: str, stage: Stage) -> None:
    make, act = LIMITED[kind]
    primitive = make()
    with stage.recording():
        act(primitive)
    block, wake = stage.waits
    assert block.endswith(" try")
    assert wake == "main wake"


def test_a_join_that_waits_says_for_whom(stage: Stage) -> None:
    go = threading.Event()
    thread = sync.Thread(target=go.wait, args=(30,), name="child")
    with stage.tasks("t1") as (t1,):
        t1.do(thread.start)
        done = t1.begin(thread.join, inside="_work")
        log = t1.thread._racepage_log
        assert log is not None
        until(lambda: log.waits)
        go.set()
        done.result(30)
    assert [row for row in stage.waits if row.startswith("t1 ")] == [
        "t1 block thread:child",
        "t1 wake",
    ]


def test_a_once_makes_others_wait_for_the_end_of_its_body(stage: Stage) -> None:
    once, go = sync.Once(name="p"), threading.Event()
    waiting = WAITS["Event"]._replace(wait=lambda p: p.call(go.wait))
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.begin(once.call, go.wait, inside="wait")
        future = waits_for(t2, waiting, once)
        go.set()
        assert future.result(30) is False
    assert [row for row in stage.waits if row.startswith("t2 ")] == ["t2 block sync:p", "t2 wake"]


def test_an_invisible_barrier_says_nothing(stage: Stage) -> None:
    barrier = sync.invisible_barrier(2)
    with stage.tasks("t1", "t2") as (t1, t2):
        future = t1.begin(barrier.wait)
        t2.do(barrier.wait)
        future.result(30)
    assert [row for row in stage.waits if "thread:" not in row and "main" not in row] == []


def test_whoever_is_woken_has_no_flag_from_then_on() -> None:
    ticket = Ticket()
    current.task().waits = True
    ticket.wake()
    assert not current.task().waits
    assert ticket.park(None, None, None) is True


def test_a_thread_that_was_woken_before_it_parked_does_not_wait() -> None:
    ticket = Ticket()
    ticket.wake()
    assert ticket.park(None, current.new_sync(), None) is True
    assert not current.task().waits
