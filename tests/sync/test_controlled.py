"""Primitives under control: every schedule of a small program, and what comes of each.

The sets are what the words say that the primitive does, whoever goes first; that optimal DPOR finds
the same as the search of all schedules says that no step hides what it depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from racepage import sync
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import OptimalDpor
from racepage.exploration.strategy import Strategy
from tests.sync.controlled import results, together


@pytest.fixture(params=[DepthFirst, OptimalDpor])
def every(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], set[object]]:
    """The results of a program in all of its schedules."""
    make: Callable[[], Strategy] = request.param
    return lambda program: results(program, make())


Every = Callable[[Callable[[], object]], set[object]]


@pytest.mark.parametrize("kind", [sync.Lock, sync.Mutex, sync.SpinLock, sync.RLock])
def test_a_lock_lets_one_in(kind: Callable[[], Any], every: Every) -> None:
    def program() -> int:
        lock, cell = kind(), sync.Atomic()

        def add() -> None:
            with lock:
                cell.store(cell.load() + 1)

        together(add, add)
        return cell.load()

    assert every(program) == {2}


@pytest.mark.parametrize("how", [{"blocking": False}, {"timeout": 1}])
@pytest.mark.parametrize("kind", [sync.Lock, sync.Mutex, sync.RLock])
def test_a_try_fails_while_another_holds_the_lock(
    kind: Callable[[], Any], how: dict[str, Any], every: Every
) -> None:
    def program() -> tuple[bool, ...]:
        lock, taken = kind(), {}

        def take(number: int) -> None:
            taken[number] = lock.acquire(**how)
            if taken[number]:
                lock.release()

        together(lambda: take(0), lambda: take(1))
        return (taken[0], taken[1])

    assert every(program) == {(True, True), (True, False), (False, True)}


def test_an_event_wakes_whenever_it_is_set(every: Every) -> None:
    def program() -> bool:
        event, seen = sync.Event(), []
        together(lambda: seen.append(event.wait()), event.set)
        return seen[0]

    assert every(program) == {True}


def test_a_wait_runs_out_of_time_or_not(every: Every) -> None:
    def program() -> tuple[bool, float]:
        event, seen = sync.Event(), []

        def wait() -> None:
            begin = sync.monotonic()
            seen.append((event.wait(5), sync.monotonic() - begin))

        together(wait, event.set)
        return (seen[0][0], round(seen[0][1]))

    assert every(program) == {(True, 0), (False, 5)}


def test_a_release_reaches_any_of_those_who_wait(every: Every) -> None:
    def program() -> tuple[bool, ...]:
        semaphore, taken = sync.Semaphore(0), {}

        def take(number: int) -> None:
            taken[number] = semaphore.acquire(timeout=1)

        together(lambda: take(0), lambda: take(1), semaphore.release)
        return (taken[0], taken[1])

    assert every(program) == {(True, False), (False, True), (False, False)}


def test_no_release_is_lost(every: Every) -> None:
    def program() -> int:
        semaphore = sync.Semaphore(0)
        together(semaphore.acquire, semaphore.acquire, semaphore.release, semaphore.release)
        return semaphore._value

    assert every(program) == {0}


@pytest.mark.parametrize("make", [sync.Condition, lambda: sync.Condition(sync.Lock())])
def test_a_notify_wakes_any_of_those_who_wait(make: Any, every: Every) -> None:
    def program() -> tuple[int, ...]:
        condition, waiting, order = make(), sync.Atomic(), []

        def wait(number: int) -> None:
            with condition:
                waiting.fetch_add(1)
                condition.wait()
                order.append(number)

        def notify() -> None:
            sync.spin_until(lambda: waiting.load() == 2)
            for _ in range(2):
                with condition:
                    condition.notify()

        together(lambda: wait(0), lambda: wait(1), notify)
        return tuple(order)

    assert every(program) == {(0, 1), (1, 0)}


def test_a_notify_before_the_wait_is_lost(every: Every) -> None:
    def program() -> None:
        condition = sync.Condition()

        def wait() -> None:
            with condition:
                condition.wait()

        def notify() -> None:
            with condition:
                condition.notify()

        together(wait, notify)

    assert every(program) == {None, "deadlock"}


def test_a_predicate_makes_up_for_a_lost_notify(every: Every) -> None:
    def program() -> bool:
        condition = sync.Condition()
        ready: list[int] = []
        seen: list[bool] = []

        def wait() -> None:
            with condition:
                seen.append(condition.wait_for(lambda: bool(ready)))

        def notify() -> None:
            with condition:
                ready.append(1)
                condition.notify()

        together(wait, notify)
        return seen[0]

    assert every(program) == {True}


def test_a_wait_for_a_predicate_runs_out_of_time_or_not(every: Every) -> None:
    def program() -> bool:
        condition = sync.Condition()
        ready: list[int] = []
        seen: list[bool] = []

        def wait() -> None:
            with condition:
                seen.append(condition.wait_for(lambda: bool(ready), timeout=1))

        def notify() -> None:
            with condition:
                ready.append(1)
                condition.notify()

        together(wait, notify)
        return seen[0]

    assert every(program) == {True, False}


def test_a_barrier_lets_all_go_after_its_action(every: Every) -> None:
    def program() -> tuple[object, ...]:
        cell, done = sync.Atomic(), []
        barrier = sync.Barrier(2, action=lambda: cell.fetch_add(1))

        def meet() -> None:
            barrier.wait()
            done.append(cell.load())

        together(meet, meet)
        return tuple(done)

    assert every(program) == {(1, 1)}


def test_a_barrier_breaks_for_all_where_time_runs_out(every: Every) -> None:
    def program() -> tuple[str, ...]:
        barrier, found = sync.Barrier(2), []

        def meet(timeout: float | None) -> None:
            try:
                barrier.wait(timeout)
                found.append("met")
            except sync.BrokenBarrierError:
                found.append("broken")

        together(lambda: meet(1), lambda: meet(None))
        return tuple(found)

    assert every(program) == {("met", "met"), ("broken", "broken")}


@pytest.mark.parametrize("kind", [sync.Queue, sync.LifoQueue, sync.PriorityQueue])
def test_a_bounded_queue_hands_items_over_in_order(kind: Any, every: Every) -> None:
    def program() -> tuple[int, ...]:
        queue = kind(1)
        got: list[int] = []

        def put() -> None:
            queue.put(1)
            queue.put(2)

        def get() -> None:
            got.extend((queue.get(), queue.get()))

        together(put, get)
        return tuple(got)

    assert every(program) == {(1, 2)}


@pytest.mark.parametrize("kind", [sync.Queue, sync.SimpleQueue])
def test_a_get_runs_out_of_time_or_gets_the_item(kind: Any, every: Every) -> None:
    def program() -> object:
        queue, got = kind(), []

        def get() -> None:
            try:
                got.append(queue.get(timeout=1))
            except sync.Empty:
                got.append("empty")

        together(get, lambda: queue.put(1))
        return got[0]

    assert every(program) == {1, "empty"}


def test_an_item_goes_to_any_of_those_who_wait(every: Every) -> None:
    def program() -> object:
        queue, got = sync.Queue[int](), {}

        def get(number: int) -> None:
            got[number] = queue.get()

        def put() -> None:
            queue.put(1)
            queue.put(2)

        together(lambda: get(0), lambda: get(1), put)
        return (got[0], got[1])

    assert every(program) == {(1, 2), (2, 1)}


def test_a_join_of_a_queue_waits_for_every_task(every: Every) -> None:
    def program() -> int:
        queue, done, seen = sync.Queue[int](), sync.Atomic(), []
        queue.put(1)

        def work() -> None:
            queue.get()
            done.store(1)
            queue.task_done()

        def wait() -> None:
            queue.join()
            seen.append(done.load())

        together(work, wait)
        return seen[0]

    assert every(program) == {1}


def test_a_queue_that_is_shut_down_lets_all_go(every: Every) -> None:
    def program() -> str:
        queue, seen = sync.Queue[int](), []

        def get() -> None:
            with pytest.raises(sync.ShutDown):
                queue.get()
            seen.append("shut down")

        together(get, queue.shutdown)
        return seen[0]

    assert every(program) == {"shut down"}


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_channel_hands_over_what_was_sent_before_it_was_closed(
    capacity: int, every: Every
) -> None:
    def program() -> tuple[int, ...]:
        channel = sync.Channel[int](capacity)
        got: list[int] = []

        def send() -> None:
            channel.send(1)
            channel.close()

        together(send, lambda: got.extend(channel))
        return tuple(got)

    assert every(program) == {(1,)}


def test_any_case_of_a_select_that_can_be_done_may_be(every: Every) -> None:
    def program() -> int:
        one, other = sync.Channel[int](1), sync.Channel[int](1)
        one.send(1)
        other.send(2)
        return sync.select(one.receiving(), other.receiving()).case

    assert every(program) == {0, 1}


def test_a_select_that_waits_takes_what_comes_first_or_gives_up(every: Every) -> None:
    def program() -> int:
        one, other, chosen = sync.Channel[int](1), sync.Channel[int](1), []

        def choose() -> None:
            chosen.append(sync.select(one.receiving(), other.receiving(), timeout=1).case)

        together(choose, lambda: one.send(1), lambda: other.send(2))
        return chosen[0]

    assert every(program) == {0, 1, -1}


def test_a_select_without_cases_lets_time_run_out(every: Every) -> None:
    assert every(lambda: sync.select(timeout=1).case) == {-1}


def test_a_completion_lets_one_go_for_each(every: Every) -> None:
    def program() -> tuple[bool, ...]:
        completion, seen = sync.Completion(), {}

        def wait(number: int) -> None:
            seen[number] = completion.wait(1)

        together(lambda: wait(0), lambda: wait(1), completion.complete)
        return (seen[0], seen[1])

    assert every(program) == {(True, False), (False, True), (False, False)}


def test_a_wait_group_waits_for_all(every: Every) -> None:
    def program() -> int:
        group, cell, seen = sync.WaitGroup(), sync.Atomic(), []
        group.add(2)

        def work() -> None:
            cell.fetch_add(1)
            group.done()

        def wait() -> None:
            group.wait()
            seen.append(cell.load())

        together(wait, work, work)
        return seen[0]

    assert every(program) == {2}


def test_once_is_once_and_all_wait_for_its_end(every: Every) -> None:
    def program() -> tuple[object, ...]:
        once, cell, seen = sync.Once(), sync.Atomic(), []

        def call() -> None:
            first = once.call(lambda: cell.fetch_add(1))
            seen.append((first, cell.load()))

        together(call, call)
        return tuple(sorted(seen))

    assert every(program) == {((False, 1), (True, 1))}


def test_readers_share(every: Every) -> None:
    def program() -> int:
        lock, inside, most = sync.RwLock(), sync.Atomic(), []

        def read() -> None:
            with lock.read():
                most.append(inside.fetch_add(1) + 1)
            inside.fetch_sub(1)

        together(read, read)
        return max(most)

    assert every(program) == {1, 2}


@pytest.mark.parametrize("side", ["read", "write"])
def test_a_writer_shares_with_nobody(side: str, every: Every) -> None:
    def program() -> None:
        lock, inside = sync.RwLock(), sync.Atomic()

        def enter(side: str) -> None:
            with getattr(lock, side)():
                assert inside.fetch_add(1) == 0
                inside.fetch_sub(1)

        together(lambda: enter(side), lambda: enter("write"))

    assert every(program) == {None}


def test_a_reader_of_a_seqlock_never_sees_half_a_write() -> None:
    def program() -> tuple[int, int]:
        lock, one, other = sync.SeqLock(), sync.Atomic(), sync.Atomic()
        seen: list[tuple[int, int]] = []

        def write() -> None:
            with lock.write():
                one.store(1)
                other.store(1)

        together(write, lambda: seen.append(lock.read(lambda: (one.load(), other.load()))))
        return seen[0]

    assert results(program, OptimalDpor()) == {(0, 0), (1, 1)}


def test_a_grace_period_outlasts_the_readers_before_it(every: Every) -> None:
    def program() -> int:
        rcu, old, current = sync.RCU(), sync.Atomic(1), sync.Atomic(1)
        seen: list[int] = []

        def read() -> None:
            with rcu.read():
                if current.load():
                    seen.append(old.load())

        def write() -> None:
            current.store(0)
            rcu.synchronize()
            old.store(0)

        together(read, write)
        return seen[0] if seen else 1

    assert every(program) == {1}


def test_a_callback_of_rcu_comes_after_the_readers_and_before_the_barrier() -> None:
    def program() -> tuple[int, ...]:
        rcu, current, old = sync.RCU(), sync.Atomic(1), sync.Atomic(1)
        seen: list[int] = []

        def read() -> None:
            with rcu.read():
                if current.load():
                    seen.append(old.load())

        def write() -> None:
            current.store(0)
            rcu.call(old.store, 0)
            rcu.barrier()
            assert old.load() == 0

        together(read, write)
        return tuple(seen)

    assert results(program, OptimalDpor()) == {(1,), ()}


def test_a_future_wakes_whoever_waits_and_calls_back_once(every: Every) -> None:
    def program() -> tuple[object, ...]:
        future, calls, seen = sync.Future[int](), sync.Atomic(), []
        future.add_done_callback(lambda _: calls.fetch_add(1))
        together(lambda: seen.append(future.result()), lambda: future.set_result(7))
        return (*seen, calls.load())

    assert every(program) == {(7, 1)}


def test_a_look_at_a_future_is_before_or_after_its_end(every: Every) -> None:
    def program() -> bool:
        future, seen = sync.Future[int](), []
        together(lambda: seen.append(future.done()), lambda: future.set_result(7))
        return seen[0]

    assert every(program) == {True, False}


def test_a_pool_does_everything_that_is_submitted(every: Every) -> None:
    def program() -> tuple[object, ...]:
        with sync.ThreadPool(1) as pool:
            return tuple(pool.map(abs, (-1, -2)))

    assert every(program) == {(1, 2)}


def test_idle_workers_of_a_pool_keep_no_program_from_ending(every: Every) -> None:
    def program() -> tuple[object, ...]:
        kept.append(sync.ThreadPool(1))
        return (kept.pop().submit(abs, -1).result(),)

    kept: list[sync.ThreadPool] = []
    assert every(program) == {(1,)}


def test_what_was_submitted_is_done_before_the_program_ends() -> None:
    done: list[int] = []

    def program() -> None:
        pools.append(sync.ThreadPool(1))
        pools[-1].submit(abs, -1).result()  # its worker waits for more, perhaps
        pools[-1].submit(done.append, 1)

    pools: list[sync.ThreadPool] = []
    assert results(program) == {None}
    assert len(done) == len(pools)


def test_a_timer_calls_unless_it_is_cancelled_first(every: Every) -> None:
    def program() -> int:
        cell = sync.Atomic()
        timer = sync.Timer(60, lambda: cell.fetch_add(1))
        timer.start()
        timer.cancel()
        timer.join()
        return cell.load()

    assert every(program) == {0, 1}


def test_a_loop_that_spins_sees_the_change(every: Every) -> None:
    def program() -> int:
        cell, seen = sync.Atomic(), []

        def wait() -> None:
            sync.spin_until(lambda: cell.load() == 2)
            seen.append(cell.load())

        def change() -> None:
            cell.store(1)
            cell.store(2)

        together(wait, change)
        return seen[0]

    assert every(program) == {2}


def test_two_that_spin_wait_for_each_other_and_not_for_what_both_look_at(every: Every) -> None:
    def program() -> int:
        one, other = sync.Event(), sync.Event()

        def first() -> None:
            one.set()
            sync.spin_until(other.is_set)

        def second() -> None:
            sync.spin_until(one.is_set)
            other.set()

        together(first, second)
        return 1

    assert every(program) == {1}


def test_a_loop_that_spins_runs_out_of_time_or_not(every: Every) -> None:
    def program() -> bool:
        cell, seen = sync.Atomic(), []
        together(
            lambda: seen.append(sync.spin_until(lambda: cell.load() == 1, timeout=1)),
            lambda: cell.store(1),
        )
        return seen[0]

    assert every(program) == {True, False}


def test_sleeping_lets_any_other_go_first(every: Every) -> None:
    def program() -> tuple[int, ...]:
        cell, seen = sync.Atomic(), []

        def late() -> None:
            sync.sleep(3600)
            seen.append(cell.exchange(1))

        together(late, lambda: seen.append(cell.exchange(2)))
        return tuple(seen)

    assert every(program) == {(0, 1), (0, 2)}


def test_each_thread_has_its_own_clock() -> None:
    def program() -> tuple[float, ...]:
        seen = []

        def wait(seconds: float) -> None:
            sync.sleep(seconds)
            seen.append(round(sync.monotonic()))

        together(lambda: wait(1), lambda: wait(20))
        return (*sorted(seen), round(sync.monotonic()))

    assert results(program) == {(1, 20, 0)}
