"""`SeqLock`: the writer side is a lock, a read without a retry takes the last write unlock."""

from __future__ import annotations

import pytest

from racepage import sync
from tests.sync.stage import Stage


def write(lock: sync.SeqLock) -> None:
    with lock.write():
        pass


def test_a_read_is_retried_exactly_if_a_writer_came_between() -> None:
    lock = sync.SeqLock()
    start = lock.read_begin()
    assert not lock.read_retry(start)
    write(lock)
    assert lock.read_retry(start)
    assert not lock.read_retry(lock.read_begin())


def test_a_read_that_a_writer_is_inside_of_is_retried(stage: Stage) -> None:
    lock = sync.SeqLock()
    start = lock.read_begin()
    with stage.tasks("t1") as (t1,):
        t1.do(lock.write_lock)
        assert lock.read_retry(start)
        t1.do(lock.write_unlock)
    assert lock.read_retry(start)


def test_a_reader_waits_for_the_writer_that_is_inside(stage: Stage) -> None:
    lock = sync.SeqLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.write_lock)
        begun = t2.begin(lock.read_begin)
        assert not begun.done()
        t1.do(lock.write_unlock)
        assert not t2.do(lock.read_retry, begun.result(30))


def test_read_calls_its_body_until_no_writer_came_in_between() -> None:
    lock = sync.SeqLock()
    calls: list[int] = []

    def body(factor: int, *, add: int) -> int:
        calls.append(1)
        if len(calls) < 3:
            write(lock)
        return factor * len(calls) + add

    assert lock.read(body, 10, add=2) == 32
    assert len(calls) == 3


def test_read_drops_what_torn_data_made_its_body_raise_and_nothing_else() -> None:
    lock = sync.SeqLock()
    calls: list[int] = []

    def stumbles() -> int:
        calls.append(1)
        if len(calls) == 1:
            write(lock)
            raise KeyError
        return len(calls)

    assert lock.read(stumbles) == 2
    with pytest.raises(ZeroDivisionError):
        lock.read(lambda: 1 // 0)


def test_the_writer_may_not_read_and_only_the_writer_unlocks(stage: Stage) -> None:
    lock = sync.SeqLock()
    with pytest.raises(RuntimeError, match="not writing"):
        lock.write_unlock()
    with lock.write(), pytest.raises(RuntimeError, match="wait for ever"):
        lock.read_begin()
    with stage.tasks("t1") as (t1,):
        lock.write_lock()
        with pytest.raises(RuntimeError, match="not writing"):
            t1.do(lock.write_unlock)
        assert not t1.do(lock.write_lock, False)
        assert not t1.do(lock.write_lock, timeout=0.001)
        lock.write_unlock()
    assert not lock.read_retry(lock.read_begin())


def test_writers_order_each_other(stage: Stage) -> None:
    lock = sync.SeqLock(name="s")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.write_lock)
        t1.mark("a")
        t1.do(lock.write_unlock)
        t1.mark("after")
        t2.do(lock.write_lock)
        t2.mark("b")
        t2.do(lock.write_unlock)
    assert stage.rows == [
        "t1 lock lock:s",
        "t1 release sync:s.sequence",
        "t1 unlock lock:s",
        "t2 lock lock:s",
        "t2 release sync:s.sequence",
        "t2 unlock lock:s",
    ]
    assert stage.ordered("a", "b")
    assert stage.unordered("after", "b")


def test_a_read_that_needed_no_retry_takes_the_last_write_unlock(stage: Stage) -> None:
    lock = sync.SeqLock(name="s")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(write, lock)
        t2.mark("b")
        t2.do(write, lock)
        t2.mark("after the write")
        start = t3.do(lock.read_begin)
        assert not t3.do(lock.read_retry, start)
        t3.mark("read")
    assert stage.rows[-1] == "t3 acquire sync:s.sequence"
    assert stage.ordered("a", "read")  # by the lock that orders the writers
    assert stage.ordered("b", "read")
    assert stage.unordered("after the write", "read")


def test_a_read_that_is_retried_takes_nothing(stage: Stage) -> None:
    lock = sync.SeqLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(write, lock)
        start = t2.do(lock.read_begin)
        t1.do(write, lock)
        assert t2.do(lock.read_retry, start)
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_inside_the_section_nothing_is_known_yet(stage: Stage) -> None:
    """Whether the read counts is only known at its end."""
    lock = sync.SeqLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(write, lock)
        start = t2.do(lock.read_begin)
        t2.mark("inside")
        t2.do(lock.read_retry, start)
        t2.mark("after")
    assert stage.unordered("a", "inside")
    assert stage.ordered("a", "after")


def test_a_reader_orders_before_no_writer(stage: Stage) -> None:
    lock = sync.SeqLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(write, lock)
        t2.mark("a")
        t2.do(lock.read, int)
        t1.do(write, lock)
        t1.mark("b")
    assert stage.unordered("a", "b")


def test_a_read_before_any_write_logs_nothing(stage: Stage) -> None:
    lock = sync.SeqLock()
    with stage.recording():
        lock.read(int)
    assert stage.rows == []


def test_tries_are_logged_as_tries(stage: Stage) -> None:
    lock = sync.SeqLock(name="s")
    with stage.tasks("t1", "t2") as (t1, t2):
        assert t1.do(lock.write_lock, False)
        t1.mark("a")
        assert not t2.do(lock.write_lock, False)
        t2.mark("b")
        t1.do(lock.write_unlock)
    assert stage.rows[:2] == ["t1 lock lock:s try", "t2 lock lock:s tryfail"]
    assert stage.unordered("a", "b")


def test_sites_are_the_lines_that_call(stage: Stage) -> None:
    lock = sync.SeqLock()
    with stage.recording():
        with lock.write():
            pass
        lock.read(int)
        lock.read_retry(lock.read_begin())
    first = test_sites_are_the_lines_that_call.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 3, 3, 5, 6]


def test_repr_says_whether_somebody_writes() -> None:
    lock = sync.SeqLock(name="s")
    assert repr(lock).startswith("<sync.SeqLock 's' idle at ")
    with lock.write():
        assert "'s' writing at" in repr(lock)
        assert repr(lock).endswith(": sequence=1>")
