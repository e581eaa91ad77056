"""A controlled execution as a trace: names, order, waits, and how it ended."""

from __future__ import annotations

from collections.abc import Callable

from racepage import sync
from racepage.detect import analyse
from racepage.execution import current
from racepage.execution.kernel import Kernel, Outcome
from racepage.execution.retrace import retrace
from racepage.finding import Finding
from racepage.memory import GFP_KERNEL, Page
from racepage.trace.columns import Trace
from racepage.trace.text import render
from racepage.trace.validate import validate
from tests.execution.rows import rows


def traced(
    program: Callable[[], object], *order: int, mode: int = current.SITES, most: int = 100
) -> tuple[Outcome, Trace]:
    """The trace of an execution in which these tasks go first, and then the lowest that can."""
    kernel = Kernel(most)
    kernel.mode = mode
    wanted = iter(order)

    def choose(tasks: object, _last: int) -> object:
        number = next(wanted, None)
        return next(task for task in tasks if number in {None, task.number})  # type: ignore[attr-defined]

    outcome = kernel.execute(program, choose, lambda count: count - 1).outcome
    trace = retrace(kernel, outcome, "test")
    kernel.close()
    validate(trace)
    return outcome, trace


def found(trace: Trace) -> dict[str, Finding]:
    return {finding.kind: finding for finding in analyse(trace).findings}


def two_writers() -> None:
    page = Page.alloc_page(GFP_KERNEL, label="shared")
    lock = sync.Mutex(name="m")

    def body() -> None:
        with lock:
            page.write_raw(b"ab", 0, 2)

    threads = [sync.Thread(target=body, name="writer") for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_events_stand_in_the_order_in_which_they_happened() -> None:
    _, trace = traced(two_writers, 0, 0, 2, 2, 2)
    assert rows(trace) == [
        "main alloc page:0[0:4096]",
        "main start thread:writer",
        "main start thread:writer#2",
        "writer#2 lock lock:m",
        "writer#2 write page:0[0:2]",
        "writer#2 unlock lock:m",
        "writer#2 exit",
        "writer lock lock:m",
        "writer write page:0[0:2]",
        "writer unlock lock:m",
        "writer exit",
        "main join thread:writer",
        "main join thread:writer#2",
        "main exit",
        "main collect page:0[0:4096]",
    ]


def test_a_trace_has_labels_kinds_of_locks_and_lines() -> None:
    _, trace = traced(two_writers)
    assert trace.labels[[str(target) for target in trace.targets].index("page:0")] == "shared"
    assert "# racepage: lock lock:m mutex" in render(trace)
    assert {stack[0].function for stack in trace.sites} == {"two_writers", "body"}


def test_a_trace_has_the_bytes_where_they_are_recorded() -> None:
    _, trace = traced(two_writers, mode=current.SITES | current.VALUES)
    written = [detail.new for detail in trace.columns.details.values() if detail.new]
    assert written == [b"ab", b"ab"]


def crossed() -> None:
    one, other = sync.Lock(name="one"), sync.Lock(name="other")

    def body(first: sync.Lock, second: sync.Lock) -> None:
        with first, second:
            pass

    threads = [
        sync.Thread(target=body, args=pair, name=name)
        for name, pair in (("a", (one, other)), ("b", (other, one)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_deadlock_is_told_with_who_waits_for_what() -> None:
    outcome, trace = traced(crossed, 0, 0, 1, 2)
    assert outcome == "deadlock"
    assert found(trace)["deadlock"].message == (
        "a waits for lock:other, which b holds; b waits for lock:one, which a holds; "
        "main waits for the end of a"
    )


def test_a_wait_for_what_nobody_does_is_a_deadlock() -> None:
    def program() -> None:
        event = sync.Event(name="never")
        thread = sync.Thread(target=event.wait, name="waiter")
        thread.start()
        thread.join()

    outcome, trace = traced(program)
    assert outcome == "deadlock"
    assert found(trace)["deadlock"].message == (
        "waiter waits for sync:never; main waits for the end of waiter"
    )


def test_a_failed_execution_is_whole_and_not_judged_for_what_it_leaves() -> None:
    def program() -> None:
        page = Page.alloc_page(GFP_KERNEL)
        sync.Mutex().acquire()
        page.write_raw(b"x", 0, 1)
        raise LookupError

    outcome, trace = traced(program)
    assert outcome == "failed"
    assert analyse(trace).verdict == "clean"


def test_an_execution_that_was_cut_short_is_incomplete() -> None:
    def program() -> None:
        page = Page.alloc_page(GFP_KERNEL)
        while True:
            page.write_raw(b"x", 0, 1)

    outcome, trace = traced(program, most=10)
    assert outcome == "livelock"
    assert analyse(trace).verdict == "incomplete"


def kinds(program: Callable[[], object]) -> set[str]:
    return set(found(traced(program)[1]))


def test_a_page_that_nobody_can_name_is_collected() -> None:
    def program() -> None:
        Page.alloc_page(GFP_KERNEL)

    assert kinds(program) == set()


def test_a_page_in_a_cycle_is_collected() -> None:
    def program() -> None:
        cycle: list[object] = [Page.alloc_page(GFP_KERNEL)]
        cycle.append(cycle)

    assert kinds(program) == set()


def test_a_page_that_is_kept_is_leaked() -> None:
    kept = []

    def program() -> None:
        kept.append(Page.alloc_page(GFP_KERNEL))

    assert kinds(program) == {"page-leak"}


def test_a_page_that_was_freed_is_not_leaked_though_it_is_kept() -> None:
    kept = []

    def program() -> None:
        kept.append(Page.alloc_page(GFP_KERNEL))
        kept[0].free()

    assert kinds(program) == set()


def test_a_page_that_a_thread_kept_is_not_that_of_the_next_execution() -> None:
    """A greenlet serves again, and does not keep what its last thread held."""

    class Holder(sync.Thread):
        def __init__(self) -> None:
            super().__init__()
            self.page = Page.alloc_page(GFP_KERNEL)

        def run(self) -> None:
            self.page.write_raw(b"x", 0, 1)

    def program() -> None:
        thread = Holder()
        thread.start()
        thread.join()

    kernel = Kernel()
    for _ in range(3):
        kernel.clear()
        outcome = kernel.execute(program, lambda tasks, _: tasks[0], lambda _: 0).outcome
        trace = retrace(kernel, outcome, "test")
        assert rows(trace)[-1] == "main collect page:0[0:4096]"
        assert found(trace) == {}
    kernel.close()


def test_a_recording_afterwards_knows_nothing_of_the_threads_of_a_kernel() -> None:
    before = set(current.logs)
    traced(crossed, 0, 0, 1, 2)
    assert set(current.logs) <= before


def test_what_is_dropped_after_an_exploration_is_forgotten_at_once() -> None:
    lock = sync.Lock(name="dropped later")
    number = lock._number
    traced(two_writers)
    assert number in current.given
    del lock
    assert number not in current.given
