"""ThreadSanitizer's cases that need a program, or more rows than a trace should have."""

from __future__ import annotations

import pytest

import racepage
from racepage import memory, sync
from racepage.detect.analysis import Engine, analyse
from racepage.errors import AllocError, InvalidArgument
from racepage.events import Kind, LockKind, Op, Target
from racepage.finding import Analysis
from racepage.trace.columns import TraceBuilder
from tests.expectations import ENGINES

engines = pytest.mark.parametrize("engine", ENGINES)

ZEROED = memory.GFP_KERNEL | memory.__GFP_ZERO


# --- a join that fails is no edge, and the one that succeeds is


def failed_join(engine: Engine, timeout: float, *, write_too_early: bool) -> Analysis:
    """T1 writes and then waits for main, whose first join fails."""
    with racepage.record() as recording:
        page = memory.Page.alloc_page(ZEROED)
        go_on = sync.invisible_barrier(2, timeout=30)

        def write_and_wait() -> None:
            page.write_raw(bytes(4), 0, 4)
            go_on.wait()
            go_on.wait()

        thread = sync.Thread(target=write_and_wait, name="T1")
        thread.start()
        go_on.wait()
        thread.join(timeout)
        assert thread.is_alive()
        if write_too_early:
            page.write_raw(bytes(4), 0, 4)
        go_on.wait()
        thread.join()
        page.write_raw(bytes(4), 0, 4)
        page.free()
    trace = recording.trace()
    assert list(trace.columns.op).count(Op.JOIN) == 1
    return analyse(trace, engine=engine)


@engines
def test_thread_tryjoin(engine: Engine) -> None:
    assert failed_join(engine, 0, write_too_early=False).findings == ()
    assert len(failed_join(engine, 0, write_too_early=True).findings) == 1


@engines
def test_thread_timedjoin(engine: Engine) -> None:
    assert failed_join(engine, 0.001, write_too_early=False).findings == ()
    assert len(failed_join(engine, 0.001, write_too_early=True).findings) == 1


# --- memory that is not to be had


@engines
def test_malloc_overflow(engine: Engine) -> None:
    """An allocation that fails, for its size or for want of memory, leaves no row."""
    with racepage.record() as recording:
        with pytest.raises(InvalidArgument):
            memory.Page.alloc_page(order=64)
        with memory.failing_allocations(nth=1), pytest.raises(AllocError):
            memory.Page.alloc_page()
    trace = recording.trace()
    assert Op.ALLOC not in trace.columns.op
    assert analyse(trace, engine=engine).findings == ()


# --- many of something


@engines
@pytest.mark.parametrize("count", [128, 129])
def test_many_held_mutex(count: int, engine: Engine) -> None:
    """A thread may hold as many locks as it likes, and both sides of a race show all of them."""
    builder = TraceBuilder()
    locks = [Target(Kind.LOCK, str(number)) for number in range(count)]
    page = Target(Kind.PAGE, "0")
    for lock in locks:
        builder.lock_kind(lock, LockKind.MUTEX)
        builder.add("T1", Op.LOCK, lock)
    builder.add("T1", Op.WRITE, page, 0, 4)
    for lock in reversed(locks):
        builder.add("T1", Op.UNLOCK, lock)
    builder.add("T2", Op.WRITE, page, 0, 4)
    (finding,) = analyse(builder.finish(), engine=engine).findings
    assert finding.kind == "data-race"
    assert finding.first is not None
    assert [held.name for held in finding.first.locks] == [lock.name for lock in locks]
