"""`RCU`: the past before later readers, earlier readers before what waits for them."""

from __future__ import annotations

import threading

import pytest

from racepage import sync
from racepage.execution import current
from tests.sync.stage import Stage, until


def section(rcu: sync.RCU) -> None:
    with rcu.read():
        pass


def test_synchronize_waits_for_the_readers_that_are_inside_and_not_for_later_ones(
    stage: Stage,
) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(rcu.read_lock)
        waiting = t3.begin(rcu.synchronize)
        t2.do(rcu.read_lock)
        assert not waiting.done()
        t1.do(rcu.read_unlock)
        waiting.result(30)
        t2.do(rcu.read_unlock)


def test_only_the_outermost_section_counts(stage: Stage) -> None:
    rcu = sync.RCU(name="r")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(rcu.read_lock)
        t1.do(section, rcu)
        t1.mark("inner")
        waiting = t2.begin(rcu.synchronize)
        assert not waiting.done()
        t1.do(section, rcu)
        assert not waiting.done()
        t1.mark("outer")
        t1.do(rcu.read_unlock)
        waiting.result(30)
        t2.mark("b")
    assert stage.rows == [
        "t2 release_merge sync:r",
        "t1 release sync:r.readers",
        "t2 acquire sync:r.readers",
    ]
    assert stage.ordered("outer", "b")


def test_the_past_of_synchronize_orders_before_sections_that_begin_later(stage: Stage) -> None:
    rcu = sync.RCU(name="r")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t3.do(rcu.read_lock)
        t1.mark("a")
        waiting = t1.begin(rcu.synchronize)
        t2.mark("before the section")
        t2.do(rcu.read_lock)
        t2.mark("b")
        t3.mark("began earlier")
        t2.do(rcu.read_unlock)
        t3.do(rcu.read_unlock)
        waiting.result(30)
        t1.mark("after")
        t3.do(rcu.read_lock)
        t3.mark("began later")
        t3.do(rcu.read_unlock)
    assert stage.rows[:2] == ["t1 release_merge sync:r", "t2 acquire sync:r"]
    assert stage.ordered("a", "b")
    assert stage.unordered("a", "before the section")
    assert stage.unordered("a", "began earlier")
    assert stage.unordered("after", "b")
    assert stage.ordered("a", "began later")
    assert stage.unordered("after", "began later")


def test_the_ends_of_earlier_sections_order_before_the_return(stage: Stage) -> None:
    """Of those that had ended before, too; not of those that began while it waited."""
    rcu = sync.RCU()
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.mark("ended")
        t1.do(section, rcu)
        t2.do(rcu.read_lock)
        waiting = t4.begin(rcu.synchronize)
        t3.do(rcu.read_lock)
        t3.mark("began later")
        t3.do(rcu.read_unlock)
        t2.mark("was inside")
        t2.do(rcu.read_unlock)
        t2.mark("after the section")
        waiting.result(30)
        t4.mark("b")
    assert stage.ordered("ended", "b")
    assert stage.ordered("was inside", "b")
    assert stage.unordered("began later", "b")
    assert stage.unordered("after the section", "b")


def test_a_reader_that_comes_back_while_somebody_waits_does_not_say_more_than_its_first_section(
    stage: Stage,
) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t2.do(rcu.read_lock)
        t1.mark("first")
        t1.do(section, rcu)
        waiting = t3.begin(rcu.synchronize)
        t1.mark("second")
        t1.do(section, rcu)
        t2.do(rcu.read_unlock)
        waiting.result(30)
        t3.mark("b")
    assert stage.ordered("first", "b")
    assert stage.unordered("second", "b")


def test_two_that_wait_know_of_the_sections_before_each(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2", "t3", "t4", "t5") as (t1, t2, t3, t4, t5):
        t1.do(rcu.read_lock)
        first = t4.begin(rcu.synchronize)
        t2.do(rcu.read_lock)
        second = t5.begin(rcu.synchronize)
        t3.mark("after both began")
        t3.do(section, rcu)
        t2.mark("before the second")
        t2.do(rcu.read_unlock)
        assert not first.done()
        assert not second.done()
        t1.mark("before both")
        t1.do(rcu.read_unlock)
        first.result(30)
        second.result(30)
        t4.mark("first")
        t5.mark("second")
    assert stage.ordered("before both", "first")
    assert stage.ordered("before both", "second")
    assert stage.ordered("before the second", "second")
    assert stage.unordered("before the second", "first")
    assert stage.unordered("after both began", "first")
    assert stage.unordered("after both began", "second")
    assert stage.unordered("first", "second")


def test_those_who_synchronize_do_not_order_each_other(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(rcu.synchronize)
        t2.do(rcu.synchronize)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_readers_do_not_order_each_other(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(section, rcu)
        t2.do(section, rcu)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_a_reader_logs_its_beginning_only_where_there_is_something_new(stage: Stage) -> None:
    rcu = sync.RCU(name="r")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(section, rcu)
        t2.do(rcu.synchronize)
        t1.do(section, rcu)
        t1.do(section, rcu)
    assert stage.rows == [
        "t1 release sync:r.readers",
        "t2 release_merge sync:r",
        "t2 acquire sync:r.readers",
        "t1 acquire sync:r",
        "t1 release_merge sync:r.readers",
        "t1 release_merge sync:r.readers",
    ]


def test_what_a_reader_learnt_in_one_recording_it_learns_anew_in_the_next() -> None:
    rcu = sync.RCU()
    for _ in range(2):
        stage = Stage()
        with stage.tasks("t1") as (t1,):
            t1.mark("a")
            t1.do(rcu.synchronize)
            with rcu.read():
                stage.mark("b")
        assert stage.ordered("a", "b")


def test_buckets_do_not_grow_with_the_number_of_grace_periods() -> None:
    rcu = sync.RCU()
    for _ in range(10):
        section(rcu)
        rcu.synchronize()
    assert len(rcu._readers._buckets) == 1


@pytest.mark.parametrize("what", ["synchronize", "barrier"])
def test_waiting_in_a_section_would_wait_for_itself(what: str) -> None:
    rcu = sync.RCU()
    with rcu.read(), pytest.raises(RuntimeError, match="wait for itself"):
        getattr(rcu, what)()
    rcu.synchronize()


def test_an_unlock_without_a_lock_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no reader section"):
        sync.RCU().read_unlock()


def test_call_runs_its_callback_after_the_earlier_sections(stage: Stage) -> None:
    rcu = sync.RCU()
    called: list[tuple[int, int]] = []

    def callback(one: int, *, two: int) -> None:
        called.append((one, two))

    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(rcu.read_lock)
        t2.do(rcu.call, callback, 1, two=2)
        waiting = t2.begin(rcu.barrier)
        assert called == []
        t1.do(rcu.read_unlock)
        waiting.result(30)
        assert called == [(1, 2)]


def test_the_site_of_a_call_and_earlier_readers_order_before_the_callback(stage: Stage) -> None:
    rcu = sync.RCU(name="r")
    with stage.tasks("t1", "t2", "t3", "t4") as (t1, t2, t3, t4):
        t1.do(rcu.read_lock)
        t2.mark("before the call")
        t2.do(rcu.call, stage.mark, "callback")
        t2.mark("after the call")
        t3.do(rcu.read_lock)
        t3.mark("began later")
        t3.do(rcu.read_unlock)
        t1.mark("was inside")
        t1.do(rcu.read_unlock)
        t4.do(rcu.barrier)
        t4.mark("after the barrier")
    assert stage.ordered("before the call", "callback")
    assert stage.unordered("after the call", "callback")
    assert stage.ordered("was inside", "callback")
    assert stage.unordered("began later", "callback")
    assert stage.ordered("callback", "after the barrier")


def test_a_call_tells_later_readers_nothing(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(rcu.call, int)
        t2.do(section, rcu)
        t2.mark("b")
        t1.do(rcu.barrier)
    assert stage.unordered("a", "b")


def test_callbacks_do_not_order_each_other_though_one_comes_after_the_other(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("one call")
        t1.do(rcu.call, stage.mark, "one")
        t2.do(rcu.call, stage.mark, "other")
        t3.do(rcu.barrier)
    assert stage.unordered("one", "other")
    assert stage.unordered("one call", "other")


def test_a_barrier_knows_of_the_callbacks_asked_for_before_it_and_no_others(stage: Stage) -> None:
    rcu = sync.RCU()
    go = threading.Event()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):

        def first() -> None:
            go.wait(30)
            stage.mark("first")

        t1.do(rcu.call, first)
        waiting = t3.begin(rcu.barrier)
        t2.do(rcu.call, stage.mark, "second")
        go.set()
        waiting.result(30)
        t3.mark("b")
        t1.do(rcu.barrier)
        t1.mark("c")
    assert stage.ordered("first", "b")
    assert stage.unordered("second", "b")
    assert stage.ordered("first", "c")  # though another barrier had joined it
    assert stage.ordered("second", "c")


def test_a_callback_may_read_and_call_and_not_wait_for_callbacks(stage: Stage) -> None:
    rcu = sync.RCU()
    failed: list[BaseException] = []

    def callback() -> None:
        section(rcu)
        rcu.synchronize()
        rcu.call(stage.mark, "inner")
        try:
            rcu.barrier()
        except RuntimeError as error:
            failed.append(error)

    with stage.recording():
        rcu.call(callback)
        rcu.barrier()
        rcu.barrier()
    assert "callback" in str(failed[0])
    assert any(row.startswith("rcu.callback start thread:rcu.callback#2") for row in stage.all_rows)


def test_each_callback_learns_of_grace_periods_for_itself(stage: Stage) -> None:
    """One thread calls both; what it learnt in one callback the other does not know."""
    rcu, go = sync.RCU(), threading.Event()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(rcu.synchronize)

        def callback(name: str) -> None:
            go.wait(30)  # until both are asked for, so that the thread goes on to the other
            with rcu.read():
                stage.mark(name)

        t2.do(rcu.call, callback, "one")
        t2.do(rcu.call, callback, "other")
        go.set()
        t2.do(rcu.barrier)
    assert stage.ordered("a", "one")
    assert stage.ordered("a", "other")


def test_what_a_callback_raises_is_reported_and_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rcu = sync.RCU()
    told: list[object] = []
    called: list[int] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))

    def hook(log: current.ThreadLog, _: BaseException) -> None:
        told.append(log.name)

    monkeypatch.setattr(current, "uncaught", [hook])
    rcu.call(lambda: 1 // 0)
    rcu.call(called.append, 1)
    rcu.barrier()
    assert told == ["rcu.callback", ZeroDivisionError]
    assert called == [1]


def test_sites_are_the_lines_that_call(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.recording():
        with rcu.read():
            pass
        rcu.synchronize()
        rcu.read_lock()
        rcu.read_unlock()
        rcu.call(int)
        rcu.barrier()
    main = [stage.trace.threads[n] == "main" for n in stage.trace.columns.thread]
    assert stage.lines(test_sites_are_the_lines_that_call) == [3, 5, 5, 6, 7, 8, 9, 9]
    others = [site for site, ours in zip(stage.trace.columns.site, main, strict=True) if not ours]
    assert set(others) == {-1}  # no line of the program does these


def test_repr_says_how_many_callbacks_wait() -> None:
    assert repr(sync.RCU(name="r")).startswith("<sync.RCU 'r' at ")
    assert repr(sync.RCU()).endswith(": callbacks=0>")


def test_nobody_has_to_join_a_callback(stage: Stage) -> None:
    rcu = sync.RCU()
    with stage.recording():
        rcu.call(int)
        rcu.barrier()
    assert stage.detached == ["main detach thread:rcu.callback"]


def test_a_callback_waits_for_the_readers_before_it(stage: Stage) -> None:
    rcu = sync.RCU(name="r")
    with stage.tasks("t1") as (t1,):
        t1.do(rcu.read_lock)
        rcu.call(int)
        log = rcu._waiting[0].log
        until(lambda: log.waits)
        t1.do(rcu.read_unlock)
        rcu.barrier()
    rows = [row for row in stage.waits if row.startswith("r.callback")]
    assert [row.split()[1] for row in rows] == ["block", "wake"]
