"""The queues: what they do, as in `queue`."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from racepage import sync

KINDS = ["Queue", "LifoQueue", "PriorityQueue"]
ORDER = {"Queue": [2, 3, 1], "LifoQueue": [1, 3, 2], "PriorityQueue": [1, 2, 3]}


@pytest.mark.parametrize("kind", KINDS)
def test_items_come_in_the_order_of_their_kind(lib: Any, kind: str) -> None:
    queue = getattr(lib, kind)()
    for item in (2, 3, 1):
        queue.put(item)
    assert queue.qsize() == 3
    assert [queue.get() for _ in range(3)] == ORDER[kind]
    assert queue.empty()


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_queue_takes_nothing_in(lib: Any, kind: str) -> None:
    queue = getattr(lib, kind)(maxsize=1)
    assert not queue.full()
    queue.put(1)
    assert queue.full()
    with pytest.raises(lib.Full):
        queue.put(2, False)
    with pytest.raises(lib.Full):
        queue.put(2, timeout=0.001)
    with pytest.raises(lib.Full):
        queue.put_nowait(2)
    assert queue.qsize() == 1


@pytest.mark.parametrize("kind", [*KINDS, "SimpleQueue"])
def test_an_empty_queue_gives_nothing_out(lib: Any, kind: str) -> None:
    queue = getattr(lib, kind)()
    for get in (lambda: queue.get(False), lambda: queue.get(timeout=0.001), queue.get_nowait):
        with pytest.raises(lib.Empty):
            get()


def test_a_negative_timeout_is_refused_even_where_nobody_would_wait(lib: Any) -> None:
    queue = lib.Queue(2)
    with pytest.raises(ValueError, match="timeout"):
        queue.put(1, timeout=-1)
    queue.put(1)
    with pytest.raises(ValueError, match="timeout"):
        queue.get(timeout=-1)
    assert queue.get() == 1


def test_a_put_waits_for_room_and_a_get_for_an_item(lib: Any) -> None:
    queue = lib.Queue(1)
    queue.put(0)
    thread = lib.Thread(target=lambda: [queue.put(item) for item in (1, 2)])
    thread.start()
    assert [queue.get() for _ in range(3)] == [0, 1, 2]
    thread.join()


def test_join_waits_until_every_item_is_dealt_with(lib: Any) -> None:
    queue = lib.Queue()
    queue.join()
    queue.put(1)
    queue.put(2)
    thread = lib.Thread(target=queue.join)
    thread.start()
    queue.task_done()
    assert thread.is_alive()
    queue.task_done()
    thread.join()
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()


def test_a_subclass_may_organise_the_queue_anew(lib: Any) -> None:
    class Distinct(lib.Queue):  # type: ignore[misc]
        def _init(self, maxsize: int) -> None:
            self.limit = maxsize
            self.queue: dict[Any, None] = {}

        def _qsize(self) -> int:
            return len(self.queue)

        def _put(self, item: Any) -> None:
            self.queue[item] = None

        def _get(self) -> Any:
            return self.queue.popitem()[0]

    queue = Distinct(3)
    for item in ("a", "b", "a"):
        queue.put(item)
    assert queue.limit == 3
    assert [queue.get(), queue.get()] == ["b", "a"]
    assert queue.empty()


def test_the_program_may_look_at_the_queue_and_empty_it(lib: Any) -> None:
    queue = lib.Queue()
    queue.put("a")
    queue.put("b")
    assert list(queue.queue) == ["a", "b"]
    with queue.mutex:
        queue.queue.clear()
        queue.unfinished_tasks = 0
        queue.all_tasks_done.notify_all()
    assert queue.empty()
    queue.join()


def test_an_item_that_cannot_be_compared_is_not_counted(lib: Any) -> None:
    queue = lib.PriorityQueue()
    queue.put(1)
    with pytest.raises(TypeError):
        queue.put("one")
    assert queue.unfinished_tasks == 1


def test_a_simple_queue_never_waits_to_put(lib: Any) -> None:
    queue = lib.SimpleQueue()
    queue.put(1, False)
    queue.put(2, timeout=-1)
    queue.put_nowait(3)
    assert queue.qsize() == 3
    assert [queue.get(), queue.get(True, 1), queue.get_nowait()] == [1, 2, 3]
    assert queue.empty()


@pytest.fixture
def closing(lib: Any) -> Any:
    if lib is not sync and sys.version_info < (3, 13):
        pytest.skip("this Python's queue has no shutdown")
    return lib


def test_after_a_shutdown_what_is_there_is_given_out_and_nothing_taken_in(closing: Any) -> None:
    queue = closing.Queue()
    queue.put(1)
    queue.shutdown()
    with pytest.raises(closing.ShutDown):
        queue.put(2)
    assert queue.get() == 1
    for get in (queue.get, queue.get_nowait, lambda: queue.get(timeout=1)):
        with pytest.raises(closing.ShutDown):
            get()


def test_an_immediate_shutdown_drops_what_is_there_and_ends_a_join(closing: Any) -> None:
    queue = closing.Queue()
    queue.put(1)
    queue.put(2)
    queue.get()
    thread = closing.Thread(target=queue.join)
    thread.start()
    queue.shutdown(immediate=True)
    assert queue.empty()
    queue.task_done()
    thread.join()
    with pytest.raises(closing.ShutDown):
        queue.get()


def test_a_shutdown_wakes_those_who_wait(closing: Any) -> None:
    full, empty = closing.Queue(1), closing.Queue()
    full.put(0)
    failed: list[type[BaseException]] = []

    def expect(call: Any) -> None:
        try:
            call()
        except closing.ShutDown as error:
            failed.append(type(error))

    threads = [
        closing.Thread(target=expect, args=(call,)) for call in (lambda: full.put(1), empty.get)
    ]
    for thread in threads:
        thread.start()
    full.shutdown()
    empty.shutdown()
    for thread in threads:
        thread.join()
    assert failed == [closing.ShutDown] * 2


def test_many_producers_and_consumers_lose_and_repeat_nothing(lib: Any) -> None:
    queue = lib.Queue(3)
    found: list[int] = []

    def consume() -> None:
        while (item := queue.get()) is not None:
            found.append(item)

    consumers = [lib.Thread(target=consume) for _ in range(3)]
    producers = [
        lib.Thread(target=lambda k=k: [queue.put(i) for i in range(k, 300, 3)]) for k in range(3)
    ]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    for _ in consumers:
        queue.put(None)
    for thread in consumers:
        thread.join()
    assert sorted(found) == list(range(300))


def test_repr_says_the_kind_and_the_name() -> None:
    assert repr(sync.LifoQueue(2, name="q")).startswith("<sync.LifoQueue 'q' at ")
    assert repr(sync.SimpleQueue(name="q")).startswith("<sync.SimpleQueue 'q' at ")


def test_a_queue_can_be_spelled_with_its_item_s_type() -> None:
    queue: sync.Queue[int] = sync.Queue[int]()
    queue.put(1)
    assert queue.get() == 1
