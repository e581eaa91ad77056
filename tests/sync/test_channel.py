"""`Channel` and `select`: what they do, by Go's rules."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from racepage import sync
from racepage.sync.event import RELEASE
from tests.sync.stage import Stage


def test_items_come_out_in_the_order_in_which_they_went_in() -> None:
    channel: sync.Channel[int] = sync.Channel(3)
    for item in range(3):
        channel.send(item)
    assert len(channel) == channel.capacity == 3
    assert [channel.receive() for _ in range(3)] == [0, 1, 2]
    assert len(channel) == 0


def test_what_cannot_be_done_at_once_or_in_time_fails() -> None:
    for channel in (sync.Channel[int](1), sync.Channel[int]()):
        for arguments in ({"block": False}, {"timeout": 0.001}, {"timeout": 0}):
            with pytest.raises(sync.Empty):
                channel.receive(**arguments)
        if channel.capacity:
            channel.send(1)
        for arguments in ({"block": False}, {"timeout": 0.001}, {"timeout": 0}):
            with pytest.raises(sync.Full):
                channel.send(2, **arguments)
        assert len(channel) == channel.capacity  # nothing was left behind


def test_a_capacity_is_not_negative() -> None:
    with pytest.raises(ValueError, match="capacity"):
        sync.Channel(-1)


def test_without_capacity_a_send_waits_for_its_receiver(stage: Stage) -> None:
    channel: sync.Channel[str] = sync.Channel()
    with stage.tasks("t1", "t2") as (t1, t2):
        sending = t1.begin(channel.send, "a")
        assert len(channel) == 0
        assert t2.do(channel.receive) == "a"
        sending.result(30)
        receiving = t2.begin(channel.receive)
        t1.do(channel.send, "b")
        assert receiving.result(30) == "b"


def test_those_who_wait_are_served_in_the_order_in_which_they_came(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel(1)
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        first, second = t1.begin(channel.receive), t2.begin(channel.receive)
        t3.do(channel.send, 1)
        t3.do(channel.send, 2)
        assert (first.result(30), second.result(30)) == (1, 2)
        t3.do(channel.send, 3)
        sending = [t1.begin(channel.send, 4), t2.begin(channel.send, 5)]
        assert [t3.do(channel.receive) for _ in range(3)] == [3, 4, 5]
        for one in sending:
            one.result(30)


def test_a_receive_lets_the_sender_in_that_waits(stage: Stage) -> None:
    """The room is its own at once: nobody else can take it in between."""
    channel: sync.Channel[int] = sync.Channel(1)
    channel.send(1)
    with stage.tasks("t1") as (t1,):
        sending = t1.begin(channel.send, 2)
        assert channel.receive() == 1
        assert len(channel) == 1
        with pytest.raises(sync.Full):
            channel.send(3, block=False)
        sending.result(30)


def test_a_closed_channel_gives_what_it_has_and_takes_nothing() -> None:
    channel: sync.Channel[int] = sync.Channel(2)
    channel.send(1)
    channel.send(2)
    channel.close()
    with pytest.raises(sync.ChannelClosedError, match="send on"):
        channel.send(3)
    with pytest.raises(sync.ChannelClosedError, match="close of"):
        channel.close()
    assert channel.receive() == 1
    assert list(channel) == [2]
    for block in (True, False):
        with pytest.raises(sync.ChannelClosedError, match="closed and empty"):
            channel.receive(block)


def test_close_wakes_all_who_wait(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1", "t2") as tasks:
        receiving = [task.begin(channel.receive) for task in tasks]
        channel.close()
        for one in receiving:
            with pytest.raises(sync.ChannelClosedError):
                one.result(30)
    full: sync.Channel[int] = sync.Channel(1)
    full.send(0)
    with stage.tasks("t1", "t2") as tasks:
        sending = [task.begin(full.send, 1) for task in tasks]
        full.close()
        for one in sending:
            with pytest.raises(sync.ChannelClosedError, match="while it waited"):
                one.result(30)
    assert list(full) == [0]


def test_iterating_receives_until_the_channel_is_closed(stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1") as (t1,):
        receiving = t1.begin(lambda: list(channel))
        for item in range(3):
            channel.send(item)
        channel.close()
        assert receiving.result(30) == [0, 1, 2]


def test_select_does_what_can_be_done() -> None:
    one: sync.Channel[int] = sync.Channel(1)
    other: sync.Channel[int] = sync.Channel(1)
    assert sync.select(one.receiving(), other.sending(7)) == (1, None, True)
    assert sync.select(one.receiving(), other.receiving()) == (1, 7, True)
    other.close()
    assert sync.select(one.receiving(), other.receiving()) == (1, None, False)
    with pytest.raises(sync.ChannelClosedError, match="send on"):
        sync.select(one.receiving(), other.sending(1))


def test_select_with_a_default_does_not_wait() -> None:
    channel: sync.Channel[int] = sync.Channel()
    nothing = (-1, None, False)
    assert sync.select(channel.receiving(), channel.sending(1), default=True) == nothing
    assert sync.select(channel.receiving(), timeout=0.001) == nothing
    assert sync.select(default=True) == nothing
    assert sync.select(timeout=0) == nothing
    with pytest.raises(ValueError, match="wait for ever"):
        sync.select()


def test_select_chooses_any_of_the_cases_that_are_ready() -> None:
    """Two ready cases, 200 times: always the same one has a chance of 2 ** -199."""
    channel: sync.Channel[int] = sync.Channel(1)
    chosen = set()
    for _ in range(200):
        channel.send(0)
        chosen.add(sync.select(channel.receiving(), channel.receiving()).case)
    assert chosen == {0, 1}


def test_select_waits_for_the_first_that_can_be_done(stage: Stage) -> None:
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(sync.select, one.receiving(), other.sending(5))
        assert other.receive() == 5
        assert waiting.result(30) == (1, None, True)
        waiting = t1.begin(sync.select, one.receiving(), other.sending(5))
        one.send(6)
        assert waiting.result(30) == (0, 6, True)
        for channel in (one, other):  # and the case that was not chosen waits no more
            assert not channel._senders
            assert not channel._receivers
        waiting = t1.begin(sync.select, one.receiving(), other.receiving())
        other.close()
        assert waiting.result(30) == (1, None, False)
        waiting = t1.begin(sync.select, one.receiving(), one.sending(1))
        one.close()
        assert waiting.result(30) == (0, None, False)  # as in Go, receivers are woken first


def test_two_selects_meet(stage: Stage) -> None:
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(sync.select, one.receiving(), other.receiving())
        assert sync.select(other.sending(1), one.receiving()) == (0, None, True)
        assert waiting.result(30) == (1, 1, True)


def test_a_select_does_not_meet_itself() -> None:
    channel: sync.Channel[int] = sync.Channel()
    both = (channel.sending(1), channel.receiving())
    assert sync.select(*both, timeout=0.001).case == -1


def test_a_case_that_another_channel_has_ended_is_passed_over(stage: Stage) -> None:
    """It still stands in the queue, until the thread that waited comes to take it out."""
    one: sync.Channel[int] = sync.Channel()
    other: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(sync.select, one.receiving(), other.receiving())
        with one._mutex:  # t1 cannot come
            done = threading.Thread(target=other.send, args=(2,))
            done.start()
            done.join()
            assert one._receivers
            assert one._try_send(1, RELEASE, None) is None  # type: ignore[arg-type]
        assert waiting.result(30) == (1, 2, True)


@pytest.mark.parametrize("make", [lambda c: c.receiving(), lambda c: c.sending(1)])
def test_one_channel_may_stand_in_several_cases(make: Any, stage: Stage) -> None:
    channel: sync.Channel[int] = sync.Channel()
    with stage.tasks("t1") as (t1,):
        waiting = t1.begin(sync.select, make(channel), make(channel))
        sync.select(channel.receiving(), channel.sending(1))
        assert waiting.result(30).case == 0
    assert not channel._senders
    assert not channel._receivers


def test_repr_says_what_it_holds() -> None:
    channel: sync.Channel[int] = sync.Channel(2, name="c")
    channel.send(1)
    assert repr(channel).startswith("<sync.Channel 'c' open at ")
    assert repr(channel).endswith(": items=1/2>")
    channel.close()
    assert "'c' closed at" in repr(channel)
