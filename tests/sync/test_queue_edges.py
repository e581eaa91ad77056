"""What queues order: an item's put before its get, and a get before the put that it made room for.

Also a task that is done before the join that it ends, and a shutdown before a get that saw it.
"""

from __future__ import annotations

from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage

KINDS = [sync.Queue, sync.LifoQueue, sync.PriorityQueue, sync.SimpleQueue]
BOUNDED = KINDS[:3]


@pytest.mark.parametrize("make", KINDS)
def test_the_put_of_an_item_orders_before_the_get_that_returns_it(make: Any, stage: Stage) -> None:
    queue = make(name="q")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(queue.put, "item")
        t1.mark("after the put")
        t2.mark("before the get")
        t2.do(queue.get)
        t2.mark("b")
    assert stage.rows == ["t1 release sync:q", "t2 take sync:q"]
    assert stage.ordered("a", "b")
    assert stage.unordered("after the put", "b")
    assert stage.unordered("a", "before the get")


@pytest.mark.parametrize("make", KINDS)
def test_a_get_that_waited_is_ordered_after_the_put_that_woke_it(make: Any, stage: Stage) -> None:
    queue = make(name="q")
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(queue.get)
        t1.mark("a")
        t1.do(queue.put, "item")
        assert waiting.result(30) == "item"
        t2.mark("b")
    assert stage.rows == ["t1 release sync:q", "t2 take sync:q"]
    assert stage.ordered("a", "b")


@pytest.mark.parametrize(
    ("make", "first"), [(sync.Queue, 2), (sync.LifoQueue, 1), (sync.PriorityQueue, 1)]
)
@pytest.mark.parametrize("maxsize", [0, 2])
def test_a_get_knows_the_put_of_its_own_item_and_no_other(
    make: Any, first: int, maxsize: int, stage: Stage
) -> None:
    """Puts 2, then 1: first in first out gives 2 out, the other kinds give 1."""
    queue = make(maxsize)
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.mark("put 2")
        t1.do(queue.put, 2)
        t2.mark("put 1")
        t2.do(queue.put, 1)
        assert t3.do(queue.get) == first
        t3.mark("got the first")
        assert t4.do(queue.get) == 3 - first
        t4.mark("got the second")
    assert stage.ordered(f"put {first}", "got the first")
    assert stage.unordered(f"put {3 - first}", "got the first")
    assert stage.ordered(f"put {3 - first}", "got the second")
    assert stage.unordered(f"put {first}", "got the second")


@pytest.mark.parametrize(
    ("make", "first", "second"), [(sync.Queue, "a", "b"), (sync.LifoQueue, "b", "a")]
)
def test_one_object_put_twice_is_two_hand_overs(
    make: Any, first: str, second: str, stage: Stage
) -> None:
    queue = make()
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        for task, mark in ((t1, "a"), (t2, "b")):
            task.mark(mark)
            task.do(queue.put, None)
        for task, mark in ((t3, "c"), (t4, "d")):
            task.do(queue.get)
            task.mark(mark)
    assert stage.ordered(first, "c")
    assert stage.unordered(second, "c")
    assert stage.ordered(second, "d")
    assert stage.unordered(first, "d")


@pytest.mark.parametrize("make", BOUNDED)
def test_the_kth_get_orders_before_the_return_of_the_put_c_later(make: Any, stage: Stage) -> None:
    """Capacity 2: the first get lets the third put return, the second get the fourth."""
    queue = make(2, name="q")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.do(queue.put, 1)
        t1.do(queue.put, 1)
        t1.mark("after two puts")
        for task, mark in ((t2, "first get"), (t3, "second get")):
            task.mark(mark)
            task.do(queue.get)
        t1.do(queue.put, 1)
        t1.mark("after three puts")
        t4.do(queue.put, 1)
        t4.mark("after four puts")
    assert stage.unordered("first get", "after two puts")
    assert stage.ordered("first get", "after three puts")
    assert stage.unordered("second get", "after three puts")
    assert stage.ordered("second get", "after four puts")
    assert stage.unordered("first get", "after four puts")


def test_a_put_that_needed_nobody_s_room_knows_of_no_get(stage: Stage) -> None:
    """Capacity 2: the second put would have returned without the first get."""
    queue: sync.Queue[int] = sync.Queue(2)
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(queue.put, 1)
        t2.mark("a")
        t2.do(queue.get)
        t1.do(queue.put, 2)
        t1.mark("b")
    assert stage.unordered("a", "b")


def test_rows_of_a_bounded_queue(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue(1, name="q")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(queue.put, 1)
        t2.do(queue.get)
        t1.do(queue.put, 2)
        t2.do(queue.get)
        t1.do(queue.put, 3)
    assert stage.rows == [
        "t1 release sync:q",
        "t2 take sync:q",
        "t2 release sync:q",  # the room; the item's object serves again
        "t1 release sync:q#2",
        "t1 take sync:q",
        "t2 take sync:q#2",
        "t2 release sync:q#2",
        "t1 release sync:q",
        "t1 take sync:q#2",
    ]


def test_a_put_hands_on_what_came_before_it_and_not_what_it_learns_in_returning(
    stage: Stage,
) -> None:
    """The put that uses a get's room returns after that get, but its item does not know of it."""
    queue: sync.Queue[str] = sync.Queue(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(queue.put, "first")
        t2.mark("getter")
        t2.do(queue.get)
        t1.do(queue.put, "second")
        t1.mark("putter")
        t3.do(queue.get)
        t3.mark("b")
    assert stage.ordered("getter", "putter")
    assert stage.unordered("getter", "b")


@pytest.mark.parametrize("make", BOUNDED)
def test_a_put_that_waited_for_room_is_ordered_after_the_get_that_made_it(
    make: Any, stage: Stage
) -> None:
    queue = make(1)
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(queue.put, 1)
        waiting = t1.begin(queue.put, 2)
        t2.mark("a")
        t2.do(queue.get)
        waiting.result(30)
        t1.mark("b")
    assert stage.ordered("a", "b")


def test_gets_of_an_unbounded_queue_order_nothing_after_them(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(queue.put, 1)
        t2.mark("a")
        t2.do(queue.get)
        t1.do(queue.put, 2)
        t1.mark("b")
    assert stage.unordered("a", "b")


def test_what_fails_and_what_only_looks_is_not_logged(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue(1)
    with stage.recording():
        with pytest.raises(sync.Empty):
            queue.get_nowait()
        with pytest.raises(sync.Empty):
            queue.get(timeout=0.001)
        queue.put(1)
        with pytest.raises(sync.Full):
            queue.put_nowait(2)
        with pytest.raises(sync.Full):
            queue.put(2, timeout=0.001)
        queue.qsize()
        queue.empty()
        queue.full()
    assert stage.rows == ["main release sync:0"]


def test_every_task_done_orders_before_the_join_that_it_ends(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue(name="q")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(queue.put, 1)
        t1.do(queue.put, 2)
        waiting = t1.begin(queue.join)
        for task, mark in ((t2, "a"), (t3, "b")):
            task.do(queue.get)
            task.mark(mark)
            task.do(queue.task_done)
        t3.mark("after the last")
        waiting.result(30)
        t1.mark("c")
    assert [row for row in stage.rows if "tasks" in row] == [
        "t2 release_merge sync:q.tasks",
        "t3 release_merge sync:q.tasks",
        "t1 acquire sync:q.tasks",
    ]
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")
    assert stage.unordered("a", "b")
    assert stage.unordered("after the last", "c")


def test_a_task_done_that_is_one_too_many_is_not_logged(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue()
    with stage.recording(), pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    assert stage.rows == []


def test_a_shutdown_orders_before_a_get_that_saw_it(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue(name="q")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        waiting = t2.begin(queue.get)
        t1.mark("a")
        t1.do(queue.shutdown)
        with pytest.raises(sync.ShutDown):
            waiting.result(30)
        t2.mark("b")
        with pytest.raises(sync.ShutDown):
            t3.do(queue.put, 1)
        t3.mark("c")
    assert stage.rows == ["t1 release_merge sync:q.closed", "t2 acquire sync:q.closed"]
    assert stage.ordered("a", "b")
    assert stage.unordered("a", "c")


def test_an_immediate_shutdown_orders_before_the_join_that_it_ends(stage: Stage) -> None:
    queue: sync.Queue[int] = sync.Queue(name="q")
    with stage.tasks("t1", "t2") as (t1, t2):
        t2.do(queue.put, 1)
        waiting = t2.begin(queue.join)
        t1.mark("a")
        t1.do(queue.shutdown, True)
        waiting.result(30)
        t2.mark("b")
    assert stage.ordered("a", "b")


def test_an_item_put_before_the_recording_is_matched_all_the_same(stage: Stage) -> None:
    """One object, put once unrecorded and once recorded: the first get is not of the second put."""
    queue: sync.Queue[None] = sync.Queue()
    queue.put(None)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(queue.put, None)
        for task, mark in ((t2, "b"), (t3, "c")):
            task.do(queue.get)
            task.mark(mark)
    assert stage.unordered("a", "b")
    assert stage.ordered("a", "c")


def test_gets_before_the_recording_are_counted_all_the_same(stage: Stage) -> None:
    """Capacity 2 and one get unrecorded: the third put uses that one's room, the fourth t1's."""
    queue: sync.Queue[int] = sync.Queue(2)
    queue.put(1)
    queue.put(2)
    queue.get()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(queue.get)
        for task, mark in ((t2, "b"), (t3, "c")):
            task.do(queue.put, 0)
            task.mark(mark)
    assert stage.unordered("a", "b")
    assert stage.ordered("a", "c")


def test_a_queue_that_the_program_emptied_forgets_those_puts(stage: Stage) -> None:
    queue: sync.Queue[str] = sync.Queue()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(queue.put, "item")
        with queue.mutex:
            queue.queue.clear()
        t2.mark("b")
        t2.do(queue.put, "item")
        t3.do(queue.get)
        t3.mark("c")
    assert stage.unordered("a", "c")
    assert stage.ordered("b", "c")


def test_items_of_a_queue_that_is_organised_anew_are_told_apart(stage: Stage) -> None:
    class Shortest(sync.Queue[str]):
        def _get(self) -> str:
            item: str = min(self.queue, key=len)
            self.queue.remove(item)
            return item

    queue = Shortest()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(queue.put, "a long one")
        t2.mark("b")
        t2.do(queue.put, "short")
        assert t3.do(queue.get) == "short"
        t3.mark("c")
    assert stage.unordered("a", "c")
    assert stage.ordered("b", "c")


def test_what_was_never_put_has_no_edge(stage: Stage) -> None:
    class Counting(sync.Queue[Any]):
        def _get(self) -> Any:
            return len(self.queue), super()._get()

    queue = Counting()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(queue.put, "item")
        assert t2.do(queue.get) == (1, "item")
        t2.mark("b")
    assert stage.unordered("a", "b")


@pytest.mark.parametrize("make", KINDS)
def test_the_sites_are_the_lines_that_used_the_queue(make: Any, stage: Stage) -> None:
    queue = make()
    with stage.recording():
        queue.put(1)
        queue.put_nowait(2)
        queue.get()
        queue.get_nowait()
    first = test_the_sites_are_the_lines_that_used_the_queue.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [4, 5, 6, 7]


def test_objects_of_queues_without_a_name_serve_again(stage: Stage) -> None:
    one: sync.Queue[int] = sync.Queue()
    other: sync.Queue[int] = sync.Queue()
    with stage.recording():
        for queue in (one, other, one):
            queue.put(1)
            queue.get()
    assert [str(target) for target in stage.trace.targets] == ["sync:0"]
