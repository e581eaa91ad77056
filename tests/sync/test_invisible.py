"""The invisible barrier under control; as threads of the operating system see it: test_barrier."""

from collections.abc import Callable

import pytest

from racepage import sync
from racepage.execution.crew import crew
from racepage.exploration.api import explore
from racepage.exploration.result import Exploration
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page


def proved(program: Callable[[], None], strategy: str = "dpor") -> Exploration:
    return explore(program, strategy=strategy, findings=None, shrinks=0)


@pytest.mark.parametrize("parties", [1, 2, 5])
@pytest.mark.parametrize("rounds", [1, 3])
def test_in_which_order_threads_arrive_and_leave_is_one_and_the_same(
    parties: int, rounds: int
) -> None:
    def program() -> None:
        meet = sync.invisible_barrier(parties)
        arrived: list[int] = []

        def body() -> None:
            for number in range(1, rounds + 1):
                arrived.append(number)
                meet.wait()
                assert arrived.count(number) == parties

        crew([body] * parties)

    explored = proved(program)
    assert (explored.verdict, explored.executions) == ("clean", 1)
    assert explored.outcomes == {"ended": 1}


def test_what_is_held_up_is_not_ordered() -> None:
    def program() -> None:
        page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
        meet = sync.invisible_barrier(2)
        read = bytearray(1)

        def first() -> None:
            page.write_raw(b"x", 0, 1)
            meet.wait()

        def second() -> None:
            meet.wait()
            page.read_raw(read, 0, 1)

        crew([first, second])
        assert read == b"x"
        page.free()

    explored = proved(program)
    assert [found.finding.kind for found in explored.findings] == ["data-race"]
    assert explored.exhaustive
    assert explored.executions == 1


def test_what_stands_between_two_meetings_keeps_its_own_orders() -> None:
    def program() -> None:
        meet = sync.invisible_barrier(2)
        count = sync.Atomic(0)

        def body() -> None:
            meet.wait()
            count.fetch_add(1)
            meet.wait()

        crew([body, body])

    explored = proved(program)
    assert (explored.verdict, explored.executions) == ("clean", 2)  # whose addition came first


def test_who_waits_for_too_few_is_in_a_deadlock() -> None:
    def program() -> None:
        meet = sync.invisible_barrier(3)
        crew([meet.wait, meet.wait])

    explored = proved(program)
    assert [found.finding.kind for found in explored.findings] == ["deadlock"]
    assert explored.executions == 1


@pytest.mark.parametrize("strategy", ["dfs", "dpor"])
@pytest.mark.parametrize("breaks", [sync.InvisibleBarrier.abort, sync.InvisibleBarrier.reset])
def test_who_waits_at_a_barrier_that_breaks_raises(
    breaks: Callable[[sync.InvisibleBarrier], None], strategy: str
) -> None:
    seen = set[bool]()

    def program() -> None:
        meet = sync.invisible_barrier(2)

        def body() -> None:
            try:
                meet.wait(timeout=None)
            except sync.BrokenBarrierError:
                seen.add(True)
            else:
                seen.add(False)

        def breaker() -> None:
            breaks(meet)
            if breaks is sync.InvisibleBarrier.reset:
                seen.add(meet.n_waiting > 0)

        threads = [sync.Thread(target=target, daemon=True) for target in (body, breaker)]
        for thread in threads:
            thread.start()
        threads[1].join()

    explored = proved(program, strategy)
    assert explored.verdict == "clean"
    assert True in seen
    assert (False in seen) == (breaks is sync.InvisibleBarrier.reset)


def test_a_wait_that_may_run_out_of_time_does_in_some_execution() -> None:
    ends = set[bool]()

    def program() -> None:
        meet = sync.invisible_barrier(2)

        def body() -> None:
            try:
                meet.wait(timeout=1)
            except sync.BrokenBarrierError:
                ends.add(False)
            else:
                ends.add(True)

        crew([body, body])

    assert proved(program).verdict == "clean"
    assert ends == {True, False}
