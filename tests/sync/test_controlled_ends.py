"""How executions end under control: deadlocks, failures, and what is left behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from racepage import sync
from racepage.errors import RacepageError
from racepage.events import Op
from racepage.execution.flat import FIELDS
from racepage.execution.kernel import Execution, Kernel
from racepage.exploration.random_walk import RandomWalk
from racepage.memory import GFP_KERNEL, Page
from tests.sync.controlled import explore, results, together


def waits(program: Callable[[], object]) -> list[int]:
    """What threads wait for at the end of the one execution there is, which is a deadlock."""
    kernel = Kernel()
    found: list[int] = []
    for execution in explore(program, kernel=kernel):
        assert execution.outcome == "deadlock"
        words, targets = kernel.events[::FIELDS], kernel.events[1::FIELDS]
        waiting = 0
        for word in words:
            waiting += {Op.BLOCK: 1, Op.WAKE: -1}.get(Op(word & 0xFF), 0)
        assert waiting == len(execution.left)
        found = [
            target for word, target in zip(words, targets, strict=True) if word & 0xFF == Op.BLOCK
        ]
    return found


def test_a_deadlock_says_who_waits_for_which_lock() -> None:
    locks = sync.Lock(name="a"), sync.Lock(name="b")

    def take(first: sync.Lock, second: sync.Lock) -> None:
        with first, second:
            pass

    def program() -> None:
        together(lambda: take(*locks), lambda: take(*reversed(locks)))

    outcomes = [execution.outcome for execution in explore(program)]
    assert set(outcomes) == {"ended", "deadlock"}
    assert not any(lock.locked() for lock in locks)  # unwound by their own `with`


@pytest.mark.parametrize(
    ("make", "wait"),
    [
        (sync.Event, sync.Event.wait),
        (lambda: sync.Semaphore(0), sync.Semaphore.acquire),
        (sync.Queue, sync.Queue.get),
        (lambda: sync.Barrier(2), sync.Barrier.wait),
        (sync.Future, sync.Future.result),
        (sync.Completion, sync.Completion.wait),
        (sync.Atomic, lambda cell: sync.spin_until(cell.load)),
    ],
)
def test_who_waits_for_ever_is_a_deadlock_that_names_what_it_waits_for(
    make: Callable[[], Any], wait: Callable[[Any], object]
) -> None:
    one = make()
    (number,) = waits(lambda: wait(one))
    assert number == (one._objects.whole if hasattr(one, "_objects") else one._number)


def failing(program: Callable[[], object]) -> list[Execution]:
    return [execution for execution in explore(program) if execution.outcome == "failed"]


def held(lock: Any) -> Any:
    return lock.write() if isinstance(lock, sync.RwLock | sync.SeqLock) else lock


@pytest.mark.parametrize(
    "make", [sync.Lock, sync.Mutex, sync.SpinLock, sync.RLock, sync.RwLock, sync.SeqLock]
)
def test_what_a_failure_leaves_is_unwound_by_the_program_itself(make: Any) -> None:
    lock = make()

    def hold() -> None:
        with held(lock):
            sync.yield_now()

    def fail() -> None:
        raise AssertionError

    assert failing(lambda: together(hold, fail))
    assert results(lambda: together(hold, hold)) == {None}  # nobody holds it any more


def test_waiters_that_are_unwound_wait_no_more() -> None:
    event, condition, queue = sync.Event(), sync.Condition(), sync.Queue[int]()

    def wait() -> None:
        with condition:
            condition.wait()

    def fail() -> None:
        sync.yield_now()
        raise AssertionError

    assert failing(lambda: together(wait, fail))
    assert failing(lambda: together(event.wait, fail))
    assert failing(lambda: together(queue.get, fail))
    assert (len(condition._waiters), len(event._changed), len(queue.not_empty)) == (0, 0, 0)
    assert not queue.mutex.locked()


def test_a_program_that_catches_everything_is_unwound_all_the_same() -> None:
    caught: list[str] = []

    def stubborn() -> None:
        try:
            sync.Event().wait()
        except BaseException as error:  # noqa: BLE001  (that is the point)
            caught.append(type(error).__name__)
        sync.Event().wait()

    assert [execution.outcome for execution in explore(stubborn)] == ["deadlock"]
    assert caught == ["GreenletExit"]


def test_a_loop_that_catches_everything_for_ever_is_an_error_and_no_hang() -> None:
    def work() -> None:
        while True:
            try:
                sync.Event().wait()
            except BaseException:  # noqa: BLE001, S112  (that is the point)
                continue

    with pytest.raises(RacepageError, match=r"Thread-1 .* let it catch Exception, not everything"):
        results(lambda: together(work))
    assert results(lambda: together(sync.yield_now)) == {None}


def test_no_thread_of_the_operating_system_is_started() -> None:
    before, frames = threading.active_count(), len(sys._current_frames())
    seen: set[int] = set()

    def program() -> None:
        sync.Timer(0.1, lambda: seen.add(threading.get_ident())).start()
        rcu = sync.RCU()
        rcu.call(lambda: seen.add(threading.get_ident()))
        rcu.barrier()
        with sync.ThreadPool(2) as pool:
            pool.submit(lambda: seen.add(threading.get_ident()))

    kernel = Kernel()
    for _ in explore(program, RandomWalk(), executions=1, kernel=kernel):
        assert threading.active_count() == before
        assert len(sys._current_frames()) <= frames + 1  # the watchdog
    assert threading.get_ident() not in seen
    assert len(seen) == 3


def ident_of(thread: threading.Thread) -> int:
    assert thread.ident is not None
    return thread.ident


def test_threads_have_their_identity() -> None:
    def program() -> None:
        found: list[tuple[Any, ...]] = []

        def body() -> None:
            here = threading.current_thread()
            found.append((here, sync.current_thread(), sync.get_ident(), here.ident))
            assert here in sync.enumerate()
            assert sync.active_count() == 2
            assert repr(here) == f"<Thread(child, started {ident_of(here)})>"

        thread = sync.Thread(target=body, name="child")
        thread.start()
        thread.join()
        ((here, also, ident, same),) = found
        assert here is also is thread
        assert repr(thread) == f"<Thread(child, stopped {ident})>"
        assert ident == same != sync.get_ident()
        assert threading.current_thread() is threading.main_thread()

    assert results(program) == {None}


def test_thread_locals_are_of_a_thread() -> None:
    before = sync.local()
    before.value = "outside"

    def program() -> tuple[object, ...]:
        made, seen = threading.local(), []
        made.value = "root"

        def body() -> None:
            seen.append(hasattr(made, "value") or hasattr(before, "value"))
            made.value = before.value = "child"

        assert not hasattr(before, "value")
        together(body, body)
        return (made.value, *seen)

    assert results(program) == {("root", False, False)}
    assert before.value == "outside"


def test_what_looks_at_nothing_cannot_be_waited_for() -> None:
    flag: list[int] = []
    with pytest.raises(RacepageError, match=r"test_controlled_ends\.py:\d+: what spin_until"):
        results(lambda: sync.spin_until(lambda: bool(flag)))


def test_an_action_of_a_barrier_may_touch_shared_things() -> None:
    """It runs inside the barrier's section, where others wait as for a lock."""

    def program() -> str:
        page = Page.alloc_page(GFP_KERNEL)
        barrier = sync.Barrier(2, action=lambda: page.write_raw(b"a", 0, 1))
        together(barrier.wait, barrier.wait, lambda: barrier.broken)
        return bytes(page.view()[:1]).decode()

    assert results(program) == {"a"}


def test_a_queue_may_be_emptied_under_its_mutex() -> None:
    def program() -> int:
        queue, page = sync.Queue[int](), Page.alloc_page(GFP_KERNEL)
        queue.put(1)

        def empty() -> None:
            with queue.mutex:
                page.write_raw(b"a", 0, 1)
                queue.queue.clear()

        together(empty, lambda: queue.put(2))
        return queue.qsize()

    assert results(program) == {0, 1}


def test_an_execution_knows_nothing_of_those_before_it() -> None:
    """What one makes lazily, with a name, has a number that the next gives to something else."""
    queue = sync.Queue[int](1, name="jobs")

    def program() -> int:
        other = sync.Queue[int](1, name="other")
        together(lambda: queue.put(1), queue.get, lambda: other.put(1))
        return other.get()

    assert results(program) == {1}
