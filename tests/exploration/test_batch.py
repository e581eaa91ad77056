"""A batch finds what its executions would show one by one, and says in which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage import sync
from racepage.detect import analyse, rows
from racepage.detect.analysis import Examined, examine
from racepage.execution.kernel import Kernel, Outcome
from racepage.execution.retrace import retrace
from racepage.exploration.batch import Batch, Seen
from racepage.exploration.random_walk import RandomWalk
from racepage.finding import Finding
from racepage.memory import GFP_KERNEL, Page
from racepage.policy import racy_ok
from racepage.trace.columns import Trace
from tests.exploration import controlled_programs as programs

Program = Callable[[], None]
MOST_STEPS = 60


def executions(program: Program, kernel: Kernel, count: int, seed: int) -> Iterator[Outcome]:
    """Run `program` so many times, as a random walk goes."""
    strategy = RandomWalk(seed)
    for _ in range(count):
        strategy.begin()
        outcome = kernel.execute(program, strategy.choose, strategy.pick).outcome
        strategy.end(None)  # type: ignore[arg-type]  # it learns nothing
        yield outcome


def one_by_one(program: Program, count: int, seed: int = 0) -> list[tuple[Outcome, list[Finding]]]:
    """How each execution ended, and what its own trace shows."""
    kernel, found = Kernel(MOST_STEPS), []
    for outcome in executions(program, kernel, count, seed):
        trace = retrace(kernel, outcome, "test")
        found.append((outcome, list(analyse(trace).findings)))
        kernel.clear()
    kernel.close()
    return found


def together(program: Program, count: int, size: int, seed: int = 0) -> list[Seen]:
    """What batches of so many executions show."""
    kernel = Kernel(MOST_STEPS)
    batch, found = Batch(kernel), []
    for number, outcome in enumerate(executions(program, kernel, count, seed), 1):
        batch.close_execution(number, outcome)
        if number % size == 0:
            found += batch.flush()
    kernel.close()
    return found + batch.flush()


def first_seen(alone: list[tuple[Outcome, list[Finding]]]) -> list[Seen]:
    """Each finding with the execution that showed it first."""
    first = {
        (finding.kind, finding.identity): number
        for number, (_, findings) in reversed(list(enumerate(alone, 1)))
        for finding in findings
    }
    return sorted(Seen(number, *what) for what, number in first.items())


@given(programs.threads, st.lists(programs.ends, min_size=3, max_size=3), st.data())
@settings(max_examples=max(settings().max_examples // 200, 5))
def test_a_batch_finds_what_its_executions_show_and_where_first(
    bodies: list[list[programs.Operation]], ends: list[str], data: st.DataObject
) -> None:
    program = programs.program(bodies, ends[: len(bodies)])
    size = data.draw(st.sampled_from([1, 2, 12]))
    assert together(program, 12, size) == first_seen(one_by_one(program, 12))


def both_orders() -> None:
    """Two threads that may deadlock, and race where they do not."""
    page = Page.alloc_page(GFP_KERNEL)
    one, other = sync.Lock(), sync.Lock()

    def body(first: sync.Lock, second: sync.Lock) -> None:
        with first, second:
            pass
        page.write_raw(b"x", 0, 1)

    threads = [sync.Thread(target=body, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_batch_tells_deadlocks_and_the_races_of_executions_around_them() -> None:
    alone = one_by_one(both_orders, 60)
    assert {outcome for outcome, _ in alone} == {"ended", "deadlock"}
    found = together(both_orders, 60, 30)
    assert found == first_seen(alone)
    assert {seen.kind for seen in found} == {"deadlock", "lock-order", "data-race"}


def never_ends() -> None:
    page = Page.alloc_page(GFP_KERNEL)

    def body() -> None:
        while True:
            page.write_raw(b"x", 0, 1)

    threads = [sync.Thread(target=body) for _ in range(2)]
    for thread in threads:
        thread.start()


def test_races_are_found_in_what_never_ends() -> None:
    alone = one_by_one(never_ends, 4)
    assert {outcome for outcome, _ in alone} == {"livelock"}
    found = together(never_ends, 4, 2)
    assert found == first_seen(alone)
    assert [(seen.execution, seen.kind) for seen in found] == [(1, "data-race")]


def fails_with_a_lock() -> None:
    lock = sync.Mutex()
    page = Page.alloc_page(GFP_KERNEL)

    def body() -> None:
        lock.acquire()
        page.free()
        raise LookupError

    thread = sync.Thread(target=body)
    thread.start()
    thread.join()


def test_what_a_failed_execution_leaves_behind_is_no_finding() -> None:
    assert {outcome for outcome, _ in one_by_one(fails_with_a_lock, 3)} == {"failed"}
    assert together(fails_with_a_lock, 3, 3) == []


def leaves() -> None:
    """Leaves a page and a thread behind, whatever happens."""
    kept.append(Page.alloc_page(GFP_KERNEL))
    sync.Thread(target=int).start()


kept: list[Page] = []


def test_what_an_execution_leaves_behind_is_found_though_a_batch_joins_all_threads() -> None:
    found = together(leaves, 8, 4)
    kept.clear()
    assert [(seen.execution, seen.kind) for seen in found] == [(1, "page-leak"), (1, "thread-leak")]


def in_a_cycle() -> None:
    """A page that only the garbage collector gets hold of."""
    cycle: list[object] = [Page.alloc_page(GFP_KERNEL)]
    cycle.append(cycle)
    thread = sync.Thread(target=int)
    thread.start()
    thread.join()


def test_a_page_in_a_cycle_is_collected_in_every_execution() -> None:
    assert together(in_a_cycle, 5, 5) == []
    assert [findings for _, findings in one_by_one(in_a_cycle, 3)] == [[], [], []]


def test_a_finding_that_was_seen_before_is_not_told_again() -> None:
    kernel = Kernel()
    batch = Batch(kernel)
    keys = []
    for number, outcome in enumerate(executions(both_orders, kernel, 40, seed=1), 1):
        batch.close_execution(number, outcome)
        keys += [seen.key for seen in batch.flush()]
    kernel.close()
    assert len(keys) == len(set(keys)) == 3


@contextmanager
def looked_at() -> Iterator[list[int]]:
    """How many events each trace had that was looked at."""
    sizes: list[int] = []

    def look(trace: Trace, **rest: Any) -> Examined:
        sizes.append(len(trace))
        return examine(trace, **rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("racepage.exploration.batch.examine", look)
        yield sizes


def test_an_execution_like_an_earlier_one_is_not_looked_at() -> None:
    def alone() -> None:
        page = Page.alloc_page(GFP_KERNEL)
        page.write_raw(b"x", 0, 1)

    with looked_at() as sizes:
        together(alone, 10, 4)
    # one execution: alloc, write, exit and collect, and the batch's own start and join
    assert sizes == [6]


def test_executions_that_differ_in_one_range_are_both_looked_at() -> None:
    offsets = iter(range(10))

    def alone() -> None:
        page = Page.alloc_page(GFP_KERNEL)
        page.write_raw(b"x", next(offsets), 1)

    with looked_at() as sizes:
        together(alone, 10, 5)
    assert sizes == [30, 30]


def test_what_is_meant_does_not_hide_what_is_not() -> None:
    def program() -> None:
        page = Page.alloc_page(GFP_KERNEL)

        def body(meant: bool) -> None:
            for _ in range(2):
                if meant:
                    with racy_ok("a test"):
                        write(page)
                else:
                    write(page)

        threads = [sync.Thread(target=body, args=(meant,)) for meant in (True, False, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def write(page: Page) -> None:
        page.write_raw(b"x", 0, 1)

    found = together(program, 20, 20)
    assert found == first_seen(one_by_one(program, 20))
    assert len({seen.key for seen in found}) == 2


def test_the_native_engine_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = together(both_orders, 60, 30)
    monkeypatch.setattr(rows, "NATIVE_FROM", 0)
    assert together(both_orders, 60, 30) == expected


def test_a_batch_of_nothing_finds_nothing() -> None:
    assert Batch(Kernel()).flush() == []
