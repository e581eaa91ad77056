"""ThreadSanitizer's cases that are grids, programs, many threads, or about the text of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from racepage import sync
from racepage.detect.analysis import Engine, analyse
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.finding import Analysis, Side
from racepage.trace.columns import TraceBuilder
from tests.expectations import ENGINES, finds_what_it_expects

TSAN = Path(__file__).parent / "tsan"

engines = pytest.mark.parametrize("engine", ENGINES)


def page(number: int) -> Target:
    return Target(Kind.PAGE, str(number))


# --- the grids of unaligned accesses: every cell has a page of its own

Cell = tuple[int, int, int, int, Op, Op]


def cells() -> Iterator[Cell]:
    """Offset and size of a first access, of a second one within 16 bytes, and what both do."""
    for low, size, other, length in product(range(8), (2, 4, 8), range(16), (2, 4, 8)):
        for first, second in ((Op.WRITE, Op.WRITE), (Op.READ, Op.WRITE), (Op.WRITE, Op.READ)):
            yield low, size, other, length, first, second


def share(cell: Cell) -> bool:
    low, size, other, length, *_ = cell
    return bool({*range(low, low + size)} & {*range(other, other + length)})


def grid(wanted: list[Cell], engine: Engine) -> Analysis:
    builder = TraceBuilder()
    for number, (low, size, other, length, first, second) in enumerate(wanted):
        builder.add("T1", first, page(number), low, low + size)
        builder.add("T2", second, page(number), other, other + length)
    return analyse(builder.finish(), engine=engine)


@engines
def test_unaligned_race(engine: Engine) -> None:
    racing = [cell for cell in cells() if share(cell)]
    analysis = grid(racing, engine)
    for number, (low, size, other, length, *_) in enumerate(racing):
        both = sorted({*range(low, low + size)} & {*range(other, other + length)})
        assert analysis.racy_bytes[f"page:{number}"] == [(both[0], both[-1] + 1)]
    assert len(analysis.findings) == len(racing)


@engines
def test_unaligned_norace(engine: Engine) -> None:
    apart = [cell for cell in cells() if not share(cell)]
    assert grid(apart, engine).findings == ()


# --- what a report says


def sides(case: str, engine: Engine) -> tuple[Analysis, Side, Side]:
    analysis = finds_what_it_expects(TSAN / f"{case}.trace", engine)
    (finding,) = analysis.findings
    assert finding.first is not None
    assert finding.second is not None
    return analysis, finding.first, finding.second


@engines
@pytest.mark.parametrize(
    ("case", "first", "second"),
    [
        ("simple_stack", "foo1 bar1 Thread1", "foo2 bar2 Thread2"),
        ("simple_stack2", "foo1 bar1 Thread1", "foo2 bar2 main"),
    ],
)
def test_both_stacks_are_complete(case: str, first: str, second: str, engine: Engine) -> None:
    _, one, other = sides(case, engine)
    assert [frame.function for frame in one.stack] == first.split()
    assert [frame.function for frame in other.stack] == second.split()


@engines
def test_deep_stack1(engine: Engine) -> None:
    deep = tuple(Frame("deep_stack1.c", line, "recurse") for line in range(1, 10_001))
    builder = TraceBuilder()
    builder.add("T1", Op.WRITE, page(0), 0, 4, stack=deep)
    builder.add("T2", Op.WRITE, page(0), 0, 4)
    (finding,) = analyse(builder.finish(), engine=engine).findings
    assert finding.first is not None
    assert finding.first.stack == deep


@engines
@pytest.mark.parametrize(
    ("case", "first", "second"),
    [("mop_with_offset", (0, 4), (2, 3)), ("mop_with_offset2", (2, 3), (0, 4))],
)
def test_both_accesses_have_their_own_range(
    case: str, first: tuple[int, int], second: tuple[int, int], engine: Engine
) -> None:
    _, one, other = sides(case, engine)
    assert (one.range, other.range) == (first, second)


@engines
@pytest.mark.parametrize(
    ("case", "label"),
    [
        ("global_race", "GlobalData"),
        ("global_race2", "x"),
        ("global_race3", "XXX::YYY::ZZZ"),
        ("stack_race", "stack of main"),
        ("stack_race2", "stack of T1"),
    ],
)
def test_the_page_has_its_name(case: str, label: str, engine: Engine) -> None:
    analysis, *_ = sides(case, engine)
    assert analysis.pages["page:0"].label == label


@engines
@pytest.mark.parametrize(("case", "thread"), [("heap_race", "main"), ("race_on_heap", "helper")])
def test_a_race_on_the_heap_says_who_allocated(case: str, thread: str, engine: Engine) -> None:
    analysis, *_ = sides(case, engine)
    (alloc,) = analysis.findings[0].related
    assert (alloc.thread, alloc.op) == (thread, "alloc")
    assert alloc.stack[0].file.startswith(case)


@engines
@pytest.mark.parametrize(
    ("case", "thread"), [("ReportDeadThread", "temporary"), ("race_with_finished_thread", "T1")]
)
def test_a_thread_that_has_ended_is_still_named(case: str, thread: str, engine: Engine) -> None:
    analysis, first, _ = sides(case, engine)
    assert first.thread == thread
    assert analysis.threads[thread].start is not None
    assert analysis.threads[thread].end is not None


@engines
def test_restore_stack(engine: Engine) -> None:
    """The first write is told with its stack, after 50 threads wrote elsewhere 200 times each."""
    stack = (Frame("restore_stack.cc", 9, "bar"), Frame("restore_stack.cc", 13, "foo"))
    builder = TraceBuilder()
    builder.add("T1", Op.WRITE, page(0), 0, 4, stack=stack)
    for thread, number in product(range(50), range(200)):
        builder.add(f"filler{thread}", Op.WRITE, page(thread + 1), number, number + 1)
    builder.add("T2", Op.WRITE, page(0), 0, 4)
    (finding,) = analyse(builder.finish(), engine=engine).findings
    assert finding.first is not None
    assert finding.first.stack == stack


# --- many of something


@engines
def test_race_stress(engine: Engine) -> None:
    """Sixteen threads take turns, a hundred times: all but the very first write is a race."""
    builder = TraceBuilder()
    for _, thread in product(range(100), range(16)):
        builder.add(f"t{thread}", Op.WRITE, page(0), 0, 4, stack=(Frame("stress.c", 1, "run"),))
    analysis = analyse(builder.finish(), engine=engine)
    assert analysis.racy_event_ids == tuple(range(1, 1600))
    (finding,) = analysis.findings
    assert finding.count == 1599


@engines
def test_lots_of_threads(engine: Engine) -> None:
    """Two thousand threads, one after the other, and no race but that with the last one."""
    builder = TraceBuilder()
    for number in range(2000):
        thread = Target(Kind.THREAD, f"t{number}")
        builder.add("main", Op.START, thread)
        builder.add(thread.name, Op.WRITE, page(0), 0, 8)
        if number < 1999:
            builder.add("main", Op.JOIN, thread)
    builder.add("main", Op.WRITE, page(0), 0, 8)
    analysis = analyse(builder.finish(), engine=engine)
    assert analysis.racy_event_ids == (len(builder) - 1,)
    assert analysis.findings[0].first is not None
    assert analysis.findings[0].first.thread == "t1999"


@engines
def test_mmap_stress(engine: Engine) -> None:
    """Four ids serve as a thousand pages on two threads: no life is taken for another one."""
    builder = TraceBuilder()
    for number in range(1000):
        thread = f"t{number % 2}"
        where = page(number % 4)
        builder.add(thread, Op.ALLOC, where, 0, 4096, flags=Flag.ZEROED)
        builder.add(thread, Op.WRITE, where, number, number + 64)
        builder.add(thread, Op.FREE, where)
    assert analyse(builder.finish(), engine=engine).findings == ()


@engines
def test_mmap_large(engine: Engine) -> None:
    """A page of 1 GiB costs what was touched of it."""
    builder = TraceBuilder()
    builder.add("t1", Op.ALLOC, page(0), 0, 1 << 30, flags=Flag.ZEROED)
    builder.add("t1", Op.RELEASE, Target(Kind.SYNC, "s"))
    builder.add("t2", Op.ACQUIRE, Target(Kind.SYNC, "s"))
    for thread in ("t1", "t2"):
        builder.add(thread, Op.WRITE, page(0), (1 << 30) - 4, 1 << 30)
    assert analyse(builder.finish(), engine=engine).racy_bytes == {
        "page:0": [((1 << 30) - 4, 1 << 30)]
    }


# --- the truth tables of trying


def tried(attempt: Callable[[], bool]) -> bool:
    """What another thread gets that tries."""
    result: list[bool] = []
    thread = sync.Thread(target=lambda: result.append(attempt()))
    thread.start()
    thread.join()
    return result[0]


@pytest.mark.parametrize("make", [sync.Lock, sync.Mutex, sync.SpinLock])
def test_basic_mutex(make: Callable[[], sync.Lock]) -> None:
    """BasicMutex, BasicSpinMutex."""
    lock = make()

    def attempt() -> bool:
        taken = lock.acquire(blocking=False)
        if taken:
            lock.release()
        return taken

    assert tried(attempt)
    with lock:
        assert not tried(attempt)
    assert tried(attempt)


def test_basic_rw_mutex() -> None:
    """BasicRwMutex."""
    lock = sync.RwLock()

    def read() -> bool:
        taken = lock.try_read()
        if taken:
            lock.release_read()
        return taken

    def write() -> bool:
        taken = lock.try_write()
        if taken:
            lock.release_write()
        return taken

    assert (tried(read), tried(write)) == (True, True)
    with lock.read():
        assert (tried(read), tried(write)) == (True, False)
    with lock.write():
        assert (tried(read), tried(write)) == (False, False)
    assert (tried(read), tried(write)) == (True, True)
