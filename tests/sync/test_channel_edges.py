"""What channels order: k-th send, k-th receive, k-th receive and the send that uses its room.

Each is asked for in every way in which the two sides can come together: the one first or the other,
waiting or not, through a buffer or from hand to hand.
"""

from __future__ import annotations

from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage


@pytest.mark.parametrize("capacity", [1, 3])
def test_a_send_orders_before_the_receive_of_its_item(capacity: int, stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(capacity, name="c")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(channel.send, 1)
        t1.mark("after the send")
        t2.mark("before the receive")
        t2.do(channel.receive)
        t2.mark("b")
    assert stage.rows == ["t1 release sync:c", "t2 release sync:c#2", "t2 take sync:c"]
    assert stage.ordered("a", "b")
    assert stage.unordered("after the send", "b")
    assert stage.unordered("a", "before the receive")
    assert stage.unordered("before the receive", "after the send")


@pytest.mark.parametrize("first", ["send", "receive"])
def test_a_rendezvous_orders_both_ways(first: str, stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(name="c")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("before the send")
        t2.mark("before the receive")
        if first == "send":
            waiting = t1.begin(channel.send, 1)
            t2.do(channel.receive)
        else:
            waiting = t2.begin(channel.receive)
            t1.do(channel.send, 1)
        waiting.result(30)
        t1.mark("after the send")
        t2.mark("after the receive")
    assert sorted(row.split()[1] for row in stage.rows) == ["release", "release", "take", "take"]
    assert stage.ordered("before the send", "after the receive")
    assert stage.ordered("before the receive", "after the send")
    assert stage.unordered("before the send", "before the receive")
    assert stage.unordered("after the send", "after the receive")


@pytest.mark.parametrize("capacity", [0, 2])
def test_a_receive_that_waited_knows_of_the_send_that_woke_it(capacity: int, stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(capacity)
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(channel.receive)
        t1.mark("a")
        t1.do(channel.send, 1)
        t1.mark("after")
        waiting.result(30)
        t2.mark("b")
    assert stage.ordered("a", "b")
    assert stage.unordered("after", "b")


def test_each_receive_knows_of_its_own_send_alone(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(2)
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        for task, mark in ((t1, "first"), (t2, "second")):
            task.mark(f"{mark} sent")
            task.do(channel.send, 1)
        for task, mark in ((t3, "first"), (t4, "second")):
            task.do(channel.receive)
            task.mark(f"{mark} received")
    assert stage.ordered("first sent", "first received")
    assert stage.ordered("second sent", "second received")
    assert stage.unordered("first sent", "second received")
    assert stage.unordered("second sent", "first received")


def test_the_kth_receive_orders_before_the_return_of_the_send_c_later(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(2)
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.do(channel.send, 1)
        t1.do(channel.send, 2)
        t1.mark("after two sends")
        for task, mark in ((t2, "first receive"), (t3, "second receive")):
            task.mark(mark)
            task.do(channel.receive)
        t1.do(channel.send, 3)
        t1.mark("after three sends")
        t4.do(channel.send, 4)
        t4.mark("after four sends")
    assert stage.unordered("first receive", "after two sends")
    assert stage.ordered("first receive", "after three sends")
    assert stage.unordered("second receive", "after three sends")
    assert stage.ordered("second receive", "after four sends")
    assert stage.unordered("first receive", "after four sends")


def test_a_send_that_waited_for_room_knows_of_the_receive_that_made_it(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(channel.send, 1)
        t1.mark("before waiting")
        waiting = t1.begin(channel.send, 2)
        t2.mark("receive")
        t2.do(channel.receive)
        waiting.result(30)
        t1.mark("after")
        t3.do(channel.receive)
        t3.mark("second receive")
    assert stage.ordered("receive", "after")
    assert stage.ordered("before waiting", "second receive")
    assert stage.unordered("receive", "second receive")  # learnt in returning, not handed on


def test_a_send_that_found_room_of_its_own_knows_of_no_receive(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(2)
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(channel.send, 1)
        t2.mark("a")
        t2.do(channel.receive)
        t1.do(channel.send, 2)
        t1.mark("b")
    assert stage.unordered("a", "b")


def test_a_receive_makes_room_before_it_knows_what_it_receives(stage: Stage) -> None:
    """So the sender that uses the room does not know of the sender whose item was there."""
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("first sender")
        t1.do(channel.send, 1)
        t2.do(channel.receive)
        t3.do(channel.send, 2)
        t3.mark("second sender")
    assert stage.unordered("first sender", "second sender")


def test_a_channel_of_one_is_a_mutex(stage: Stage) -> None:
    channel: sync.Channel[None] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as tasks:
        for task in tasks:
            task.do(channel.send, None)
            task.mark(str(task.thread.name))
            task.do(channel.receive)
    assert stage.ordered("t1", "t2")
    assert stage.ordered("t2", "t3")


def test_a_channel_of_two_is_no_mutex(stage: Stage) -> None:
    channel: sync.Channel[None] = sync.Channel(2)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(channel.send, None)
        t2.do(channel.send, None)
        t1.mark("a")
        t1.do(channel.receive)
        t3.do(channel.send, None)
        t3.mark("c")
        t2.mark("b")
    assert stage.ordered("a", "c")
    assert stage.unordered("a", "b")
    assert stage.unordered("b", "c")


@pytest.mark.parametrize("waits", [True, False])
def test_close_orders_before_a_receive_that_saw_it(waits: bool, stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1, name="c")
    with stage.tasks("t1", "t2") as (t1, t2):
        receiving = t2.begin(list, channel) if waits else None
        t1.mark("a")
        t1.do(channel.close)
        t1.mark("after")
        assert (receiving.result(30) if receiving else t2.do(list, channel)) == []
        t2.mark("b")
    assert stage.rows[-2:] == ["t1 release sync:c.closed", "t2 acquire sync:c.closed"]
    assert stage.ordered("a", "b")
    assert stage.unordered("after", "b")


def test_a_receive_of_an_item_knows_nothing_of_the_close(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(channel.send, 1)
        t2.mark("a")
        t2.do(channel.close)
        t3.do(channel.receive)
        t3.mark("b")
    assert stage.unordered("a", "b")


def test_those_who_saw_the_close_do_not_order_each_other(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(channel.close)
        t2.mark("a")
        t2.do(list, channel)
        t3.do(list, channel)
        t3.mark("b")
    assert stage.unordered("a", "b")


def fails(call: Any, *arguments: Any) -> None:
    with pytest.raises((sync.ChannelClosedError, sync.Full, sync.Empty)):
        call(*arguments)


def test_what_fails_at_once_and_what_only_looks_is_not_logged(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    closed: sync.Channel[int] = sync.Channel()
    closed.close()
    with stage.recording():
        assert len(channel) == channel.capacity == 0
        fails(channel.send, 1, False)
        fails(channel.receive, False)
        sync.select(channel.sending(1), channel.receiving(), default=True)
        fails(closed.send, 1)
        fails(closed.close)
    assert stage.rows == []


def test_a_send_or_close_that_failed_orders_nothing(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(channel.close)
        t2.do(fails, channel.send, 1)
        t2.do(fails, channel.close)
        t2.mark("b")
        t3.do(list, channel)
        t3.mark("c")
    assert stage.unordered("a", "b")
    assert stage.unordered("b", "c")
    assert stage.ordered("a", "c")


def test_a_send_that_was_woken_by_the_close_orders_nothing(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("before the send")
        waiting = t1.begin(channel.send, 1)
        t2.mark("before the close")
        t2.do(channel.close)
        with pytest.raises(sync.ChannelClosedError):
            waiting.result(30)
        t1.mark("after the send")
        t2.do(list, channel)
        t2.mark("after the close")
    assert stage.unordered("before the close", "after the send")
    assert stage.unordered("before the send", "after the close")


@pytest.mark.parametrize("late", ["send", "receive"])
def test_who_ran_out_of_time_orders_nothing(late: str, stage: Stage) -> None:
    """Neither now, nor when its object serves again."""
    channel: sync.Channel[int] = sync.Channel(name="c")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        arguments = (1, True, 0.001) if late == "send" else (True, 0.001)
        t1.do(fails, getattr(channel, late), *arguments)
        waiting = t2.begin(channel.receive)
        t3.mark("b")
        t3.do(channel.send, 2)
        t3.mark("sent")
        waiting.result(30)
        t2.mark("received")
    assert stage.unordered("a", "sent")
    assert stage.unordered("a", "received")
    assert stage.ordered("b", "received")


def test_a_select_orders_what_its_chosen_case_orders(stage: Stage) -> None:
    one: sync.Channel[int] = sync.Channel(1)
    other: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        assert t1.do(sync.select, one.sending(1), other.receiving()).case == 0
        assert t2.do(sync.select, one.receiving(), other.receiving()).case == 0
        t2.mark("b")
        assert t3.do(sync.select, other.receiving(), default=True).case == -1
        t3.mark("c")
    assert stage.ordered("a", "b")
    assert stage.unordered("a", "c")


@pytest.mark.parametrize("chosen", ["one", "other"])
def test_a_select_that_waited_orders_its_chosen_case_alone(chosen: str, stage: Stage) -> None:
    """A send in one channel and a receive in another: who comes to the one knows, and is known."""
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("before the select")
        waiting = t1.begin(sync.select, one.sending(1), other.receiving())
        t2.mark("before the meeting")
        if chosen == "one":
            assert t2.do(one.receive) == 1
        else:
            t2.do(other.send, 2)
        t2.mark("after the meeting")
        assert waiting.result(30).case == ["one", "other"].index(chosen)
        t1.mark("after the select")
        t3.mark("before failing")
        t3.do(fails, one.receive, False)
        t3.do(fails, other.send, 1, False)
        t3.mark("after failing")
    assert stage.ordered("before the select", "after the meeting")
    assert stage.ordered("before the meeting", "after the select")
    assert stage.unordered("after the meeting", "after the select")
    assert stage.unordered("before the select", "after failing")
    assert stage.unordered("before failing", "after the select")


def test_a_select_that_saw_a_close_is_ordered_after_that_close(stage: Stage) -> None:
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        waiting = t3.begin(sync.select, one.receiving(), other.receiving())
        t1.mark("one")
        t1.do(one.close)
        assert waiting.result(30).case == 0
        t2.mark("other")
        t2.do(other.close)
        t3.mark("b")
    assert stage.ordered("one", "b")
    assert stage.unordered("other", "b")


def test_a_select_s_object_bears_no_channel_s_name_where_it_waited_in_several(
    stage: Stage,
) -> None:
    one: sync.Channel[int] = sync.Channel(name="one")
    other: sync.Channel[int] = sync.Channel(name="other")
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t1.begin(sync.select, one.receiving(), other.receiving())
        t2.do(other.send, 1)
        waiting.result(30)
    assert stage.rows == [
        "t1 release sync:0",
        "t2 release sync:other",
        "t2 take sync:0",
        "t1 take sync:other",
    ]


def test_objects_serve_again(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1, name="c")
    with stage.recording():
        for _ in range(10):
            channel.send(1)
            channel.receive()
            fails(channel.receive, True, 0.001)
    names = {row.split()[2] for row in stage.rows}
    assert names == {"sync:c", "sync:c#2"}  # an item, and room that no send has used


def test_a_channel_outlives_recordings() -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    channel.send(0)
    for _ in range(2):
        stage = Stage()
        with stage.tasks("t1", "t2") as (t1, t2):
            t1.do(channel.receive)
            t1.mark("a")
            t1.do(channel.send, 1)
            t2.do(channel.receive)
            t2.mark("b")
            t2.do(channel.send, 2)
        assert stage.ordered("a", "b")


def test_sites_are_the_lines_that_call(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.recording():
        channel.send(1)
        channel.receive()
        sync.select(channel.sending(1))
        channel.close()
        for item in channel:
            assert item == 1
    first = test_sites_are_the_lines_that_call.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 4, 4, 5, 5, 6, 7, 7, 7]
