"""`Lock`, `Mutex`, `SpinLock`: what they do, and what they order."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from racepage import sync
from tests.sync.stage import Stage

EXCLUSIVE = [sync.Lock, sync.Mutex, sync.SpinLock, sync.RLock]
OWNED = [sync.Mutex, sync.SpinLock, sync.RLock]


def elsewhere(lib: Any, job: Any) -> Any:
    """What `job()` returns or raises in another thread."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(job())
        except Exception as error:  # noqa: BLE001  (handed to the test)
            found.append(error)

    thread = lib.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_a_held_lock_is_not_to_be_had_elsewhere(lib: Any, kind: str) -> None:
    lock = getattr(lib, kind)()
    assert lock.acquire() is True
    assert elsewhere(lib, lambda: lock.acquire(blocking=False)) is False
    assert elsewhere(lib, lambda: lock.acquire(timeout=0.001)) is False
    lock.release()
    assert elsewhere(lib, lambda: lock.acquire(True, 1)) is True


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_with_gives_true_and_releases_after_an_exception(lib: Any, kind: str) -> None:
    lock = getattr(lib, kind)()
    with lock as entered:
        assert entered is True
    with pytest.raises(ZeroDivisionError), lock:
        divmod(1, 0)
    assert elsewhere(lib, lambda: lock.acquire(False)) is True


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [((False, 1), ValueError), ((True, -2), ValueError), ((True, 1e30), OverflowError)],
)
@pytest.mark.parametrize("held", [False, True])
def test_a_timeout_that_makes_no_sense_is_refused(
    lib: Any, kind: str, arguments: Any, error: type[Exception], held: bool
) -> None:
    lock = getattr(lib, kind)()
    if held and kind == "RLock":
        lock.acquire()
    with pytest.raises(error):
        lock.acquire(*arguments)


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_releasing_what_nobody_holds_raises(lib: Any, kind: str) -> None:
    with pytest.raises(RuntimeError):
        getattr(lib, kind)().release()


def test_any_thread_may_release_a_lock(lib: Any) -> None:
    lock = lib.Lock()
    lock.acquire()
    assert lock.locked()
    assert elsewhere(lib, lock.release) is None
    assert not lock.locked()


def test_only_its_holder_releases_an_rlock(lib: Any) -> None:
    lock = lib.RLock()
    with lock:
        assert isinstance(elsewhere(lib, lock.release), RuntimeError)


def test_an_rlock_is_free_after_as_many_releases_as_acquires(lib: Any) -> None:
    lock = lib.RLock()
    with lock, lock:
        lock.acquire()
        lock.release()
        assert elsewhere(lib, lambda: lock.acquire(False)) is False
    assert elsewhere(lib, lambda: lock.acquire(False)) is True


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_repr_says_the_state_and_the_name(make: Any) -> None:
    lock = make(name="mmap")
    assert repr(lock).startswith(f"<unlocked sync.{make.__name__} 'mmap' object ")
    with lock:
        assert repr(lock).startswith("<locked ")


@pytest.mark.parametrize("make", [sync.Mutex, sync.SpinLock])
def test_an_owned_lock_is_released_by_its_holder_only(make: Any, stage: Stage) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        with pytest.raises(RuntimeError, match="only its holder releases it"):
            t2.do(lock.release)
        assert lock.locked()
        t1.do(lock.release)
        with pytest.raises(RuntimeError, match="only its holder releases it"):
            t1.do(lock.release)
    assert stage.rows == [
        "t1 lock lock:m",
        "t2 unlock lock:m refused",
        "t1 unlock lock:m",
        "t1 unlock lock:m refused",
    ]


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_unlock_orders_before_the_next_lock_and_nothing_else(make: Any, stage: Stage) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("before the unlock")
        t1.do(lock.acquire)
        t1.do(lock.release)
        t1.mark("after the unlock")
        t2.mark("before the lock")
        t2.do(lock.acquire)
        t2.mark("after the lock")
        t2.do(lock.release)
    assert stage.rows == [f"{t} {op} lock:m" for t in ("t1", "t2") for op in ("lock", "unlock")]
    assert stage.ordered("before the unlock", "after the lock")
    assert stage.unordered("before the unlock", "before the lock")
    assert stage.unordered("after the unlock", "after the lock")


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_two_locks_order_nothing_between_them(make: Any, stage: Stage) -> None:
    one, two = make(), make()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(one.acquire)
        t1.do(one.release)
        t2.do(two.acquire)
        t2.mark("b")
        t2.do(two.release)
    assert stage.unordered("a", "b")


@pytest.mark.parametrize("make", EXCLUSIVE)
@pytest.mark.parametrize("limit", [{"blocking": False}, {"timeout": 0.001}])
def test_a_try_that_failed_is_logged_and_orders_nothing(
    make: Any, limit: dict[str, Any], stage: Stage
) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        t1.do(lock.release)
        t1.mark("a")
        t1.do(lock.acquire)
        assert t2.do(lock.acquire, **limit) is False
        t2.mark("b")
        t1.do(lock.release)
    assert stage.rows[3] == "t2 lock lock:m tryfail"
    assert stage.unordered("a", "b")


@pytest.mark.parametrize("make", EXCLUSIVE)
@pytest.mark.parametrize("limit", [{"blocking": False}, {"timeout": 1}])
def test_a_try_that_succeeded_orders_as_a_lock_does(
    make: Any, limit: dict[str, Any], stage: Stage
) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(lock.acquire)
        t1.do(lock.release)
        assert t2.do(lock.acquire, **limit) is True
        t2.mark("b")
        t2.do(lock.release)
    assert stage.rows[2] == "t2 lock lock:m try"
    assert stage.ordered("a", "b")


def test_a_release_by_another_thread_adds_to_what_the_holder_said_before(stage: Stage) -> None:
    lock = sync.Lock(name="m")
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(lock.acquire)
        t1.do(lock.release)
        t1.do(lock.acquire)
        t1.mark("not released by t1")
        t2.mark("b")
        t2.do(lock.release)
        t3.do(lock.acquire)
        t3.mark("c")
        t3.do(lock.release)
    assert stage.ordered("a", "c")
    assert stage.ordered("b", "c")
    assert stage.unordered("not released by t1", "c")


def test_a_release_of_an_unlocked_lock_is_refused(stage: Stage) -> None:
    lock = sync.Lock(name="m")
    with stage.recording():
        with pytest.raises(RuntimeError, match="release unlocked lock"):
            lock.release()
        with pytest.raises(RuntimeError, match="release unlocked lock"):
            lock.__exit__(None, None, None)
    assert stage.rows == ["main unlock lock:m refused"] * 2


def test_only_the_outermost_level_of_an_rlock_is_logged(stage: Stage) -> None:
    lock = sync.RLock(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        t1.do(lock.acquire, blocking=False)
        t1.do(lock.release)
        t1.mark("after the inner release")
        t1.do(lock.release)
        assert t2.do(lock.acquire) is True
        t2.mark("b")
        t2.do(lock.release)
    assert stage.rows == [f"{t} {op} lock:m" for t in ("t1", "t2") for op in ("lock", "unlock")]
    assert stage.ordered("after the inner release", "b")


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_a_lock_that_waited_is_logged_after_the_unlock_that_let_it_in(
    make: Any, stage: Stage
) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        waiting = t2.begin(lock.acquire, inside="acquire")
        t1.mark("a")
        t1.do(lock.release)
        assert waiting.result()
        t2.mark("b")
        t2.do(lock.release)
    assert stage.rows == [
        "t1 lock lock:m",
        "t1 unlock lock:m",
        "t2 lock lock:m",
        "t2 unlock lock:m",
    ]
    assert stage.ordered("a", "b")


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_a_site_is_the_line_that_used_the_lock(make: Any, stage: Stage) -> None:
    lock = make()
    with stage.recording():
        lock.acquire()
        lock.release()
        with lock:
            pass
    first = test_a_site_is_the_line_that_used_the_lock.__code__.co_firstlineno
    lines = [stage.trace.sites[site][0] for site in stage.trace.columns.site]
    assert {frame.file for frame in lines} == {__file__}
    assert [frame.line - first for frame in lines] == [4, 5, 6, 6]


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_a_lock_that_is_held_when_the_recording_begins_goes_on(make: Any, stage: Stage) -> None:
    lock = make(name="m")
    lock.acquire()
    with stage.recording():
        lock.release()
        lock.acquire()
    lock.release()
    assert stage.rows == ["main unlock lock:m", "main lock lock:m"]
    assert not lock.locked()


def test_locks_of_one_name_are_different_locks(stage: Stage) -> None:
    one, two = sync.Lock(name="m"), sync.Lock(name="m")
    with stage.recording(), one, two:
        pass
    assert stage.rows[:2] == ["main lock lock:m", "main lock lock:m#2"]


@pytest.mark.parametrize("make", [sync.Mutex, sync.SpinLock])
@pytest.mark.parametrize("again", ["acquire", "__enter__"])
def test_a_holder_that_locks_again_is_refused_and_does_not_hang(
    make: Any, again: str, stage: Stage
) -> None:
    lock = make(name="m")
    with stage.recording(), lock, pytest.raises(RuntimeError, match="wait for itself for ever"):
        getattr(lock, again)()
    assert stage.rows == ["main lock lock:m", "main lock lock:m refused", "main unlock lock:m"]


@pytest.mark.parametrize("make", [sync.Mutex, sync.SpinLock])
@pytest.mark.parametrize("limit", [{"blocking": False}, {"timeout": 0.001}])
def test_a_holder_may_try_in_vain(make: Any, limit: dict[str, Any], stage: Stage) -> None:
    lock = make(name="m")
    with stage.recording(), lock:
        assert lock.acquire(**limit) is False
    assert stage.rows[1] == "main lock lock:m tryfail"


@pytest.mark.parametrize("make", EXCLUSIVE)
@pytest.mark.parametrize("recorded", [False, True])
def test_a_destroyed_lock_refuses_everything(make: Any, recorded: bool, stage: Stage) -> None:
    lock = make(name="m")
    with stage.recording() if recorded else nullcontext():
        lock.destroy()
        assert not lock.locked()
        for use in ("acquire", "__enter__", "release", "destroy"):
            with pytest.raises(RuntimeError):
                getattr(lock, use)()
        for limit in ({"blocking": False}, {"timeout": 0.001}):
            with pytest.raises(RuntimeError, match="destroyed"):
                lock.acquire(**limit)
    if recorded:
        ops = ["destroy", "lock", "lock", "unlock", "destroy", "lock", "lock"]
        refused = ["", *[" refused"] * 6]
        assert stage.rows == [f"main {op} lock:m{r}" for op, r in zip(ops, refused, strict=True)]
        places = {stage.trace.sites[site][0].file for site in stage.trace.columns.site}
        assert places == {__file__}


@pytest.mark.parametrize("make", EXCLUSIVE)
def test_a_lock_is_not_destroyed_while_it_is_held(make: Any, stage: Stage) -> None:
    lock = make(name="m")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.do(lock.acquire)
        for task in (t1, t2):
            with pytest.raises(RuntimeError, match="is held"):
                task.do(lock.destroy)
        t1.do(lock.release)
        t2.do(lock.acquire)
        t2.do(lock.release)
    assert stage.rows[1:3] == ["t1 destroy lock:m refused", "t2 destroy lock:m refused"]
