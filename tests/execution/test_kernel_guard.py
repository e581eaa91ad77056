"""What blocks a thread of the operating system is refused under control, and only there."""

from __future__ import annotations

import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from racepage import sync
from racepage.errors import RacepageError
from racepage.execution import guard
from racepage.execution.kernel import Kernel
from tests.sync.controlled import explore, together

MADE_BEFORE = threading.Lock()


def run(program: Callable[[], object], patience: float = 10.0) -> None:
    kernel = Kernel()
    kernel.patience = patience
    for _ in explore(program, kernel=kernel):
        pass


def wait_for_a_lock(lock: threading.Lock) -> None:
    lock.acquire()
    lock.acquire()


def wait_for_an_rlock() -> None:
    bare, ours = threading.RLock(), sync.Lock()

    def hold() -> None:
        with bare, bare, ours:
            pass

    together(hold, hold)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "sleep": (lambda: time.sleep(0), r"time\.sleep .* racepage\.sync\.sleep"),
    "thread": (lambda: threading.Thread().start(), r"Thread\.start .* racepage\.sync\.Thread"),
    "timer": (lambda: threading.Timer(1, print).start(), r"Timer\.start .* racepage\.sync\.Timer"),
    "pool": (lambda: ThreadPoolExecutor().submit(abs, 1), r"Thread\.start .* racepage\.sync\.Th"),
    "lock": (lambda: wait_for_a_lock(threading.Lock()), r"threading\.Lock .*racepage\.sync\.Lock"),
    "rlock": (wait_for_an_rlock, r"threading\.RLock .* use racepage\.sync\.RLock"),
    "event": (lambda: threading.Event().wait(), r"Event\.wait .* use racepage\.sync\.Event"),
    "target": (
        lambda: together(threading.Event().wait),
        r"threading\.Event\.wait .* use racepage\.sync\.Event",
    ),
    "semaphore": (lambda: threading.Semaphore(0).acquire(), r"use racepage\.sync\.Semaphore"),
    "barrier": (lambda: threading.Barrier(2).wait(), r"use racepage\.sync\.Barrier"),
    "queue": (lambda: queue.Queue[int]().get(), r"Queue\.get .* use racepage\.sync\.Queue"),
    "full queue": (lambda: fill(queue.Queue(1)), r"Queue\.put .* use racepage\.sync\.Queue"),
}


def fill(full: queue.Queue[int]) -> None:
    full.put(1)
    full.put(2)


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_block_every_thread_is_refused(what: str) -> None:
    program, message = REFUSED[what]
    with pytest.raises(RacepageError, match=message):
        run(program)


@pytest.mark.parametrize("kind", [threading.Thread, sync.Thread])
def test_a_thread_that_was_there_before_cannot_be_waited_for(
    kind: type[threading.Thread],
) -> None:
    end = threading.Event()
    thread = kind(target=end.wait, name="old")
    thread.start()

    def program() -> None:
        thread.join()

    try:
        with pytest.raises(RacepageError, match=r"Thread\.join .* old was started before"):
            run(program)
    finally:
        end.set()
        thread.join()
    run(program)


def test_the_line_that_blocks_is_named() -> None:
    def program() -> None:
        time.sleep(1)

    line = program.__code__.co_firstlineno + 1
    with pytest.raises(RacepageError, match=rf"test_kernel_guard\.py:{line}: time\.sleep"):
        run(program)


def test_the_program_cannot_catch_it() -> None:
    def program() -> None:
        try:
            time.sleep(1)
        except Exception:  # noqa: BLE001  (that is the point)
            return

    with pytest.raises(RacepageError):
        run(program)


def test_what_does_not_block_works() -> None:
    def program() -> None:
        lock, rlock, event, items = (
            threading.Lock(),
            threading.RLock(),
            threading.Event(),
            queue.Queue[int](),
        )
        with lock:
            assert lock.locked()
            assert not lock.acquire(blocking=False)
        with rlock, rlock:
            threading.Condition(rlock).notify_all()
        event.set()
        assert event.wait(1)
        items.put(1)
        assert items.get() == 1

    run(program)


def test_a_lock_made_under_control_is_a_lock_afterwards() -> None:
    made: list[threading.Lock] = []
    run(lambda: made.append(threading.Lock()))
    with made[0]:
        assert made[0].locked()
        assert made[0].acquire(timeout=0.001) is False


def test_everything_is_as_it_was_afterwards() -> None:
    before = [getattr(one.owner, one.name) for one in guard._REPLACEMENTS]
    handler = signal.getsignal(signal.SIGURG)
    with pytest.raises(RacepageError):
        run(lambda: time.sleep(0))
    assert before == [getattr(one.owner, one.name) for one in guard._REPLACEMENTS]
    assert before == [one.original for one in guard._REPLACEMENTS]
    assert signal.getsignal(signal.SIGURG) == handler


def test_a_kernel_that_is_forgotten_takes_its_guard_along() -> None:
    kernel = Kernel()
    kernel.execute(lambda: None, lambda tasks, _: tasks[0], lambda _: 0)
    assert time.sleep is not guard._real_sleep
    kernel.close()
    assert time.sleep is guard._real_sleep


def test_other_threads_are_let_alone() -> None:
    """They sleep, lock and wait as ever while schedules are explored."""
    begun, end = threading.Event(), threading.Event()
    found: list[object] = []

    def work() -> None:
        while not end.is_set():
            time.sleep(0)
            threading.Event().wait(0.0001)
            lock, rlock = threading.Lock(), threading.RLock()
            with lock, rlock:
                found.append(threading.current_thread() is worker)
            begun.set()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    try:
        run(lambda: together(*[sync.yield_now] * 4))
    finally:
        end.set()
        worker.join()
    assert all(found)


def run_on() -> None:
    while True:
        pass


@pytest.mark.parametrize("body", [run_on, lambda: wait_for_a_lock(MADE_BEFORE)])
def test_a_step_that_takes_too_long_ends_the_exploration(body: Callable[[], object]) -> None:
    message = r"test_kernel_guard\.py:\d+: Thread-1 .* has come to no point for 0\.1 s"
    try:
        with pytest.raises(RacepageError, match=message):
            run(lambda: together(body), patience=0.1)
    finally:
        MADE_BEFORE.release() if MADE_BEFORE.locked() else None


def test_a_watchdog_goes_with_its_kernel() -> None:
    before = len(sys._current_frames())
    kernel = Kernel()
    kernel.execute(lambda: None, lambda tasks, _: tasks[0], lambda _: 0)
    kernel.close()
    while len(sys._current_frames()) > before:  # it is on its way
        time.sleep(0)
