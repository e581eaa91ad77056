"""Many threads at once: nothing is lost, and the log's order is the order of effect.

The threads run as they like and are switched as often as the interpreter can; what is asserted
holds for every order.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage

THREADS = 4
ROUNDS = 50


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def storm(stage: Stage, *works: Callable[[], object]) -> list[tuple[str, str]]:
    """Run each of `works` in a thread of its own; what was logged, as (thread, op)."""
    threads = [sync.Thread(target=work, name=f"t{n}") for n, work in enumerate(works)]
    with stage.recording():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [(row.split()[0], row.split()[1]) for row in stage.rows]


@pytest.mark.parametrize("make", [sync.Lock, sync.Mutex, sync.SpinLock, sync.RLock])
def test_every_lock_row_is_followed_by_its_holder_s_unlock(make: Any, stage: Stage) -> None:
    lock = make()

    def work() -> None:
        for _ in range(ROUNDS):
            with lock:
                pass

    rows = storm(stage, *[work] * THREADS)
    assert len(rows) == 2 * ROUNDS * THREADS
    for (taker, took), (giver, gave) in zip(rows[::2], rows[1::2], strict=True):
        assert (taker, took, gave) == (giver, "lock", "unlock")


def test_no_writer_is_logged_among_readers_nor_among_writers(stage: Stage) -> None:
    lock = sync.RwLock()

    def work() -> None:
        for _ in range(ROUNDS):
            with lock.read():
                pass
            with lock.write():
                lock.downgrade()
            if lock.try_write():
                lock.release_write()

    rows = storm(stage, *[work] * THREADS)
    readers = writers = 0
    tried = [flags for flags in stage.rows if flags.endswith("tryfail")]
    for (_, op), row in zip(rows, stage.rows, strict=True):
        if row in tried:
            continue
        readers += {"rlock": 1, "runlock": -1}.get(op, 0)
        writers += {"lock": 1, "unlock": -1}.get(op, 0)
        assert writers in (0, 1)
        assert not (readers and writers)
        assert readers >= 0


@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_every_item_is_taken_after_it_was_put_and_by_one_thread(
    capacity: int, stage: Stage
) -> None:
    queue: sync.Queue[int] = sync.Queue(capacity)
    found: list[int] = []

    def produce() -> None:
        for item in range(ROUNDS):
            queue.put(item)

    def consume() -> None:
        for _ in range(ROUNDS):
            found.append(queue.get())
            queue.task_done()

    storm(stage, *[produce, consume] * (THREADS // 2))
    assert Counter(found) == dict.fromkeys(range(ROUNDS), THREADS // 2)
    free: set[str] = set()  # objects that were released and not taken
    for row in stage.rows:
        _, op, target = row.split()
        if op == "release":
            assert target not in free
            free.add(target)
        elif op == "take":
            free.remove(target)
    assert len(free) == min(capacity, THREADS // 2 * ROUNDS)  # room that no put has used


def test_no_generation_of_a_barrier_is_mixed_with_the_next(stage: Stage) -> None:
    barrier = sync.Barrier(THREADS)

    def work() -> None:
        for _ in range(ROUNDS):
            barrier.wait()

    storm(stage, *[work] * THREADS)
    arrived: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for row in stage.rows:
        _, op, target = row.split()
        if op.startswith("release"):
            arrived[target] += 1
            assert (op == "release") == (arrived[target] == 1)
        else:
            assert arrived[target] == THREADS
            left[target] += 1
            assert (op == "take") == (left[target] == THREADS)
            if op == "take":
                del arrived[target], left[target]
    assert not arrived


def test_a_semaphore_lets_no_more_through_than_were_released(stage: Stage) -> None:
    semaphore = sync.Semaphore(0)

    def produce() -> None:
        for _ in range(ROUNDS):
            semaphore.release()

    def consume() -> None:
        for _ in range(ROUNDS):
            semaphore.acquire()

    rows = storm(stage, *[produce, consume] * (THREADS // 2))
    value = 0
    for _, op in rows:
        value += 1 if op == "release_merge" else -1
        assert value >= 0
    assert value == 0


def test_a_condition_hands_a_token_round(stage: Stage) -> None:
    condition = sync.Condition()
    state = {"turn": 0}

    def work(mine: int) -> None:
        for _ in range(ROUNDS):
            with condition:
                condition.wait_for(lambda: state["turn"] == mine)
                state["turn"] = (mine + 1) % THREADS
                condition.notify_all()

    rows = storm(stage, *[lambda mine=n: work(mine) for n in range(THREADS)])
    for (taker, took), (giver, gave) in pairwise(rows):
        if took == "lock":
            assert (taker, gave) == (giver, "unlock")


def test_an_event_and_a_completion_lose_nobody(stage: Stage) -> None:
    event, completion, ready = sync.Event(), sync.Completion(), sync.Completion()

    def signal() -> None:
        for _ in range(ROUNDS * (THREADS - 1)):
            ready.wait()
            event.set()
            completion.complete()
            event.clear()

    def wait() -> None:
        for _ in range(ROUNDS):
            ready.complete()
            event.wait(0.001)
            assert completion.wait(30)

    rows = storm(stage, signal, *[wait] * (THREADS - 1))
    ops = Counter(op for _, op in rows)
    assert ops["take"] == 2 * ROUNDS * (THREADS - 1)
    assert ops["release"] >= 3 * ROUNDS * (THREADS - 1)


def test_once_runs_one_body(stage: Stage) -> None:
    called: list[int] = []
    onces = [sync.Once() for _ in range(ROUNDS)]

    def work() -> None:
        for once in onces:
            once.call(called.append, 1)

    rows = storm(stage, *[work] * THREADS)
    ops = Counter(op for _, op in rows)
    assert called == [1] * ROUNDS
    assert ops == {"release": ROUNDS, "acquire": ROUNDS * (THREADS - 1)}


@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_every_item_of_a_channel_is_received_once_and_after_it_was_sent(
    capacity: int, stage: Stage
) -> None:
    channel: sync.Channel[int] = sync.Channel(capacity)
    found: list[int] = []

    def send() -> None:
        for item in range(ROUNDS):
            channel.send(item)

    def receive() -> None:
        found.extend(channel.receive() for _ in range(ROUNDS))

    storm(stage, *[send, receive] * (THREADS // 2))
    assert Counter(found) == dict.fromkeys(range(ROUNDS), THREADS // 2)
    assert len(handed_over(stage)) == capacity  # room that no send has used


def test_selects_over_several_channels_lose_nothing_and_meet(stage: Stage) -> None:
    """Half of the threads send in either channel, whichever they can, the others receive."""
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    found: list[int] = []

    def send() -> None:
        for item in range(ROUNDS):
            sync.select(one.sending(item), other.sending(item))

    def receive() -> None:
        for _ in range(ROUNDS):
            _, item, _ = sync.select(other.receiving(), one.receiving())
            found.append(item)

    storm(stage, *[send, receive] * (THREADS // 2))
    assert Counter(found) == dict.fromkeys(range(ROUNDS), THREADS // 2)
    assert not handed_over(stage)
    for channel in (one, other):
        assert not channel._senders
        assert not channel._receivers


def handed_over(stage: Stage) -> set[str]:
    """The objects that were released and not taken; each is used for one hand-over at a time."""
    free: set[str] = set()
    for row in stage.rows:
        _, op, target = row.split()
        if op == "release":
            assert target not in free
            free.add(target)
        elif op == "take":
            free.remove(target)
    return free


@pytest.mark.parametrize("capacity", [0, 1, 2])
def test_a_channel_orders_what_its_rules_say_and_no_more(capacity: int, stage: Stage) -> None:
    """One thread sends 0, 1, 2 …, so that the k-th send is that of k; two threads receive."""
    channel: sync.Channel[int] = sync.Channel(capacity)
    received: dict[int, str] = {}  # item -> the receive of it
    items = 2 * capacity + 8

    def send() -> None:
        for item in range(items):
            stage.mark(f"before s{item}")
            channel.send(item)
            stage.mark(f"after s{item}")
        channel.close()

    def receive(name: str) -> None:
        for turn in range(items):
            stage.mark(f"before {name}{turn}")
            try:
                received[channel.receive()] = f"{name}{turn}"
            except sync.ChannelClosedError:
                break
            stage.mark(f"after {name}{turn}")

    storm(stage, send, lambda: receive("x"), lambda: receive("y"))
    program = [[f"s{n}" for n in range(items)]]
    program += [[one for one in received.values() if one[0] == name] for name in "xy"]
    edges: set[tuple[str, str]] = set()
    for names in program:
        ordered = sorted(names, key=lambda one: int(one[1:]))
        marks = [f"{when} {one}" for one in ordered for when in ("before", "after")]
        edges |= set(pairwise(marks))
    for item, name in received.items():
        edges.add((f"before s{item}", f"after {name}"))
        if item + capacity < items:
            edges.add((f"before {name}", f"after s{item + capacity}"))
    marks = sorted({mark for edge in edges for mark in edge})
    assert stage.orders(marks) == closure(edges)


def closure(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """All pairs between which there is a path."""
    found: set[tuple[str, str]] = set()
    following: dict[str, set[str]] = {}
    for first, second in edges:
        following.setdefault(first, set()).add(second)
    for start in following:
        waiting = [start]
        while waiting:
            for mark in following.get(waiting.pop(), ()):
                if (start, mark) not in found:
                    found.add((start, mark))
                    waiting.append(mark)
    return found


def test_no_grace_period_ends_before_the_sections_that_began_before_it(stage: Stage) -> None:
    """A writer takes an object out of use after the grace period: no reader may still see it."""
    rcu = sync.RCU()
    shared = [[True]]
    seen: list[bool] = []

    def read() -> None:
        for _ in range(ROUNDS):
            with rcu.read():
                usable = shared[0]
                with rcu.read():
                    seen.append(usable[0])
                seen.append(usable[0])

    def write() -> None:
        for turn in range(ROUNDS):
            old, shared[0] = shared[0], [True]
            if turn % 2:
                rcu.synchronize()
                old[0] = False
            else:
                rcu.call(old.__setitem__, 0, False)
        rcu.barrier()

    storm(stage, read, read, write)
    assert seen == [True] * (4 * ROUNDS)
    assert sum(bucket.open + bucket.needed for bucket in rcu._readers._buckets) == 0
    assert sum(bucket.open + bucket.needed for bucket in rcu._callbacks._buckets) == 0
    started = [row.split()[2] for row in stage.all_rows if " start thread:rcu.callback" in row]
    joined = [row.split()[2] for row in stage.all_rows if " join thread:rcu.callback" in row]
    assert sorted(started) == sorted(joined)
    assert len(started) == ROUNDS // 2


def test_a_sequence_lock_never_lets_torn_data_through(stage: Stage) -> None:
    lock = sync.SeqLock()
    data = [0, 0]

    def write() -> None:
        for _ in range(ROUNDS):
            with lock.write():
                data[0] += 1
                data[1] += 1

    def read() -> None:
        for _ in range(ROUNDS):
            first, second = lock.read(lambda: (data[0], data[1]))
            assert first == second

    rows = storm(stage, write, write, read, read)
    assert data == [2 * ROUNDS] * 2
    writer = ""
    for thread, op in rows:
        if op == "lock":
            assert not writer
            writer = thread
        elif op in ("release", "unlock"):
            assert thread == writer
            writer = "" if op == "unlock" else writer


def test_a_wait_group_lets_nobody_through_early(stage: Stage) -> None:
    groups = [sync.WaitGroup() for _ in range(ROUNDS)]
    done: list[int] = [0] * ROUNDS
    for group in groups:
        group.add(2)

    def work() -> None:
        for number, group in enumerate(groups):
            done[number] += 1
            group.done()

    def wait() -> None:
        for number, group in enumerate(groups):
            assert group.wait(30)
            assert done[number] == 2

    rows = storm(stage, work, work, wait, wait)
    assert Counter(op for _, op in rows) == {
        "release_merge": 2 * ROUNDS,
        "acquire": 2 * ROUNDS,
    }


def test_a_pool_does_each_task_once_and_tells_all_who_ask(stage: Stage) -> None:
    called: list[int] = []
    told: list[object] = []

    def submit() -> None:
        futures = [pool.submit(called.append, n) for n in range(ROUNDS)]
        for future in futures:
            future.add_done_callback(lambda one: told.append(one.result()))
        futures[0].cancel()
        kept = [one for one in sync.as_completed(futures) if not one.cancelled()]
        assert sync.wait(kept).not_done == set()
        finished.append(len(kept))

    finished: list[int] = []
    with sync.ThreadPool(3) as pool:
        storm(stage, submit, submit)
    assert len(called) == sum(finished)
    assert sum(finished) >= 2 * (ROUNDS - 1)
    assert len(told) == sum(finished)
