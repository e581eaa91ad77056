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
