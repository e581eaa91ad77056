"""`RwLock`: who gets in with whom, and what that orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage


def test_readers_share_and_are_not_ordered(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_read)
        t1.mark("a")
        t2.do(lock.acquire_read)
        t1.do(lock.release_read)
        t2.mark("b")
        t2.do(lock.release_read)
    assert stage.rows == [
        "t1 rlock lock:m",
        "t2 rlock lock:m",
        "t1 runlock lock:m",
        "t2 runlock lock:m",
    ]
    assert stage.unordered("a", "b")


def test_read_unlock_does_not_order_before_a_later_reader(stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_read)
        t1.mark("a")
        t1.do(lock.release_read)
        t2.do(lock.acquire_read)
        t2.mark("b")
        t2.do(lock.release_read)
    assert stage.unordered("a", "b")


def test_read_unlock_orders_before_a_later_write_lock(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        for reader, mark in ((t1, "a"), (t2, "b")):
            reader.do(lock.acquire_read)
            reader.mark(mark)
            reader.do(lock.release_read)
        t3.do(lock.acquire_write)
        t3.mark("c")
        t3.do(lock.release_write)
    assert stage.rows[-2:] == ["t3 lock lock:m", "t3 unlock lock:m"]
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")


@pytest.mark.parametrize("mode", ["read", "write"])
def test_write_unlock_orders_before_every_later_lock(mode: str, stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(lock.acquire_write)
        t1.mark("a")
        t1.do(lock.release_write)
        t1.mark("after")
        for task, mark in ((t2, "b"), (t3, "c")):
            task.do(getattr(lock, f"acquire_{mode}"))
            task.mark(mark)
            task.do(getattr(lock, f"release_{mode}"))
    assert stage.ordered("a", "b")
    assert stage.ordered("a", "c")
    assert stage.unordered("after", "b")


@pytest.mark.parametrize("held", ["read", "write"])
def test_a_writer_waits_for_whoever_holds_the_lock(held: str, stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(getattr(lock, f"acquire_{held}"))
        waiting = t2.begin(lock.acquire_write)
        assert not waiting.done()
        t1.mark("a")
        t1.do(getattr(lock, f"release_{held}"))
        waiting.result(30)
        t2.mark("b")
        t2.do(lock.release_write)
    assert stage.rows[1].startswith("t1 ")
    assert stage.rows[2] == "t2 lock lock:m"
    assert stage.ordered("a", "b")


def test_readers_wait_for_a_writer_and_then_come_in_together(stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(lock.acquire_write)
        waiting = [t2.begin(lock.acquire_read), t3.begin(lock.acquire_read)]
        assert not any(one.done() for one in waiting)
        t1.do(lock.release_write)
        assert [one.result(30) for one in waiting] == [True, True]
        t2.do(lock.release_read)
        t3.do(lock.release_read)


@pytest.mark.parametrize(
    ("held", "wanted"), [("read", "write"), ("write", "read"), ("write", "write")]
)
@pytest.mark.parametrize("limit", [{"blocking": False}, {"timeout": 0.001}])
def test_a_try_that_failed_is_logged_and_orders_nothing(
    held: str, wanted: str, limit: dict[str, Any], stage: Stage
) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_write)
        t1.mark("a")
        t1.do(lock.release_write)
        t1.do(getattr(lock, f"acquire_{held}"))
        assert t2.do(getattr(lock, f"acquire_{wanted}"), **limit) is False
        t2.mark("b")
        t1.do(getattr(lock, f"release_{held}"))
    op = {"read": "rlock", "write": "lock"}[wanted]
    assert stage.rows[3] == f"t2 {op} lock:m tryfail"
    assert stage.unordered("a", "b")


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_try_that_succeeded_says_so(mode: str, stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.recording():
        assert getattr(lock, f"try_{mode}")() is True
        getattr(lock, f"release_{mode}")()
    op = {"read": "rlock", "write": "lock"}[mode]
    assert stage.rows[0] == f"main {op} lock:m try"


def test_a_writer_that_gives_up_lets_the_readers_in_that_waited_behind_it(stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(lock.acquire_read)
        writer = t2.begin(lock.acquire_write, True, 0.2)
        reader = t3.begin(lock.acquire_read)
        assert writer.result(30) is False
        assert reader.result(30) is True
        t3.do(lock.release_read)
        t1.do(lock.release_read)


def test_a_reader_that_comes_while_a_writer_waits_goes_after_it(stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.do(lock.acquire_read)
        writer = t2.begin(lock.acquire_write)
        assert t3.do(lock.try_read) is False
        reader = t3.begin(lock.acquire_read)
        t1.do(lock.release_read)
        writer.result(30)
        t2.mark("a")
        t2.do(lock.release_write)
        reader.result(30)
        t3.mark("b")
        t3.do(lock.release_read)
    assert stage.ordered("a", "b")


def test_downgrade_hands_on_what_was_written_and_keeps_writers_out(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_write)
        t1.mark("a")
        t1.do(lock.downgrade)
        t1.mark("while reading")
        assert t2.do(lock.try_write) is False
        assert t2.do(lock.try_read) is True
        t2.mark("b")
        t2.do(lock.release_read)
        t1.do(lock.release_read)
    assert stage.rows[:3] == ["t1 lock lock:m", "t1 unlock lock:m", "t1 rlock lock:m try"]
    assert stage.ordered("a", "b")
    assert stage.unordered("while reading", "b")


def test_downgrade_lets_readers_in_that_waited(stage: Stage) -> None:
    lock = sync.RwLock()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_write)
        waiting = t2.begin(lock.acquire_read)
        t1.do(lock.downgrade)
        assert waiting.result(30)
        t2.do(lock.release_read)
        t1.do(lock.release_read)


def test_a_context_of_writing_may_be_downgraded_within(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.recording(), lock.write():
        lock.downgrade()
    assert stage.rows == [
        "main lock lock:m",
        "main unlock lock:m",
        "main rlock lock:m try",  # it cannot wait
        "main runlock lock:m",
    ]


def test_contexts_hold_their_mode_and_name_the_line(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.recording():
        with lock.read():
            pass
        with lock.write():
            pass
    assert stage.rows == [f"main {op} lock:m" for op in ("rlock", "runlock", "lock", "unlock")]
    first = test_contexts_hold_their_mode_and_name_the_line.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0].line - first for site in stage.trace.columns.site]
    assert lines == [3, 3, 5, 5]


def test_reading_again_while_reading_makes_no_event_and_never_waits(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire_read)
        writer = t2.begin(lock.acquire_write)
        t1.do(lock.acquire_read)
        t1.do(lock.release_read)
        assert not writer.done()
        t1.do(lock.release_read)
        writer.result(30)
        t2.do(lock.release_write)
    assert stage.rows == [
        "t1 rlock lock:m",
        "t1 runlock lock:m",
        "t2 lock lock:m",
        "t2 unlock lock:m",
    ]


MIX_UPS: list[tuple[str, Callable[[sync.RwLock], object], str, str]] = [
    ("acquire_read", sync.RwLock.acquire_write, "no upgrade while reading", "lock"),
    ("acquire_read", sync.RwLock.try_write, "no upgrade while reading", "lock"),
    ("acquire_read", sync.RwLock.release_write, "not writing", "unlock"),
    ("acquire_read", sync.RwLock.downgrade, "not writing", "unlock"),
    ("acquire_write", sync.RwLock.acquire_read, "downgrade", "rlock"),
    ("acquire_write", sync.RwLock.acquire_write, "wait for ever", "lock"),
    ("acquire_write", sync.RwLock.release_read, "not reading", "runlock"),
]


@pytest.mark.parametrize(("held", "wrong", "message", "refused"), MIX_UPS)
def test_a_mix_up_of_modes_raises_and_changes_nothing(
    held: str, wrong: Callable[[sync.RwLock], object], message: str, refused: str, stage: Stage
) -> None:
    lock = sync.RwLock(name="m")
    with stage.recording():
        getattr(lock, held)()
        with pytest.raises(RuntimeError, match=message):
            wrong(lock)
        getattr(lock, held.replace("acquire", "release"))()
    assert len(stage.rows) == 3
    assert stage.rows[1] == f"main {refused} lock:m refused"


@pytest.mark.parametrize(("mode", "refused"), [("read", "runlock"), ("write", "unlock")])
def test_only_who_holds_the_lock_releases_it(mode: str, refused: str, stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(getattr(lock, f"acquire_{mode}"))
        with pytest.raises(RuntimeError):
            t2.do(getattr(lock, f"release_{mode}"))
        t1.do(getattr(lock, f"release_{mode}"))
        with pytest.raises(RuntimeError):
            t1.do(getattr(lock, f"release_{mode}"))
    assert stage.rows[1] == f"t2 {refused} lock:m refused"
    assert stage.rows[3] == f"t1 {refused} lock:m refused"


@pytest.mark.parametrize("arguments", [(False, 1), (True, -2)])
@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_timeout_that_makes_no_sense_is_refused(mode: str, arguments: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        getattr(sync.RwLock(), f"acquire_{mode}")(*arguments)


def test_repr_says_the_state() -> None:
    lock = sync.RwLock(name="m")
    assert "sync.RwLock 'm' 0 reading" in repr(lock)
    with lock.read():
        assert "1 reading" in repr(lock)
    with lock.write():
        assert "writing" in repr(lock)


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_lock_is_not_destroyed_while_it_is_held(mode: str, stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(getattr(lock, f"acquire_{mode}"))
        with pytest.raises(RuntimeError, match="while it is held"):
            t2.do(lock.destroy)
        t1.do(getattr(lock, f"release_{mode}"))
    assert stage.rows[1] == "t2 destroy lock:m refused"


def test_a_destroyed_lock_refuses_everything(stage: Stage) -> None:
    lock = sync.RwLock(name="m")
    uses = ("acquire_read", "acquire_write", "try_read", "release_read", "release_write", "destroy")
    with stage.recording():
        lock.destroy()
        for use in uses:
            with pytest.raises(RuntimeError):
                getattr(lock, use)()
    ops = ("rlock", "lock", "rlock", "runlock", "unlock", "destroy")
    assert stage.rows == ["main destroy lock:m", *(f"main {op} lock:m refused" for op in ops)]
