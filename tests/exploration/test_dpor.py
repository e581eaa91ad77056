"""Optimal partial-order reduction: exactly one execution for each Mazurkiewicz trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from racepage.errors import RacepageError
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import PATIENCE, OptimalDpor
from racepage.exploration.strategy import Strategy
from tests.exploration.bugs import BUGS, Bug
from tests.exploration.machine import Body, Machine, Result, explore, schedule
from tests.exploration.programs import ROWS, Row, Steps, inc, program, straight


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_runs_one_execution_for_each_trace_and_abandons_none(row: Row) -> None:
    outcomes = [result.run.outcome for result in explore(row.program, OptimalDpor())]
    assert len(outcomes) == row.traces
    assert outcomes.count("deadlock") == row.deadlocks
    assert outcomes.count("ended") == row.traces - row.deadlocks


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_finds_what_a_search_of_all_interleavings_finds(bug: Bug) -> None:
    def found(strategy: Strategy) -> set[tuple[str, str | None]]:
        return {(result.run.outcome, result.failure) for result in explore(bug.program, strategy)}

    assert found(OptimalDpor()) == found(DepthFirst())


def outcomes(results: Iterator[Result]) -> list[tuple[tuple[int, ...], str]]:
    return [(schedule(result.run.steps), result.run.outcome) for result in results]


def test_a_join_is_no_race() -> None:
    # Thread 0 writes, thread 1 waits for its end and writes the same.
    joined = program(
        straight(("write", "x", 1)), straight(("join", 0), ("write", "x", 2), ("read", "y"))
    )
    assert outcomes(explore(joined, OptimalDpor())) == [((0, 1, 1, 1), "ended")]


def test_a_wake_up_that_comes_first_is_lost() -> None:
    waiter = straight(("park", "c", False, "token"), ("parked", "c", False, "token", "x"))
    notifier = straight(("notify", "c"))
    assert outcomes(explore(program(waiter, notifier), OptimalDpor())) == [
        ((0, 1, 0), "ended"),
        ((1, 0), "deadlock"),
    ]


def test_a_wait_may_run_out_of_time_before_it_is_woken_or_after_the_wake_up_was_lost() -> None:
    waiter = straight(("park", "c", True, "token"), ("parked", "c", True, "token", "x"))
    notifier = straight(("notify", "c"))
    found = outcomes(explore(program(waiter, notifier), OptimalDpor()))
    assert sorted(found) == [
        ((0, 0, 1), "ended"),
        ((0, 1, 0), "ended"),
        ((1, 0, 0), "ended"),
    ]


def test_each_of_those_that_wait_may_be_the_one_that_is_woken() -> None:
    def waiter(number: int) -> Steps:
        yield "park", "c", False, f"token {number}"
        yield "parked", "c", False, f"token {number}", f"x {number}"

    bodies = [lambda: waiter(0), lambda: waiter(1), straight(("notify", "c"), ("notify", "c"))]
    woken = set()
    for result in explore(program(*bodies), OptimalDpor()):
        woken.add(tuple(name for (name, _), value in sorted(result.memory.items()) if value))
    # Both notifies may come too early, or one, or none.
    assert woken == {(), ("x 0",), ("x 1",), ("x 0", "x 1")}


def test_a_daemon_may_be_cut_short_anywhere() -> None:
    def daemon() -> Steps:
        yield ("daemon",)
        yield "write", "x", 1
        yield "write", "x", 2

    main = straight(("write", "y", 1), ("read", "x"))
    lengths = {
        sum(step.task == 1 for step in result.run.steps)
        for result in explore(program(main, daemon), OptimalDpor())
    }
    assert lengths == {0, 1, 2}


def test_executions_that_are_too_long_are_as_others() -> None:
    def spinner() -> Steps:
        while not (yield "read", "x"):
            pass

    waits = program(spinner, straight(("write", "x", 1)))
    found = []
    strategy = OptimalDpor()
    numbers: dict[object, int] = {}
    most = PATIENCE + 20
    while strategy.begin():
        result = Machine(waits, numbers).run(strategy, limit=most)
        strategy.end(result.run)
        found.append((schedule(result.run.steps), result.run.outcome))
    # The write comes after so many reads, and one more read sees it; or else it comes too late.
    written = [((0,) * reads + (1, 0), "ended") for reads in range(PATIENCE + 1)]
    assert sorted(found) == sorted([*written, ((0,) * most, "limit")])


def test_one_that_yields_lets_the_others_go() -> None:
    def spinner() -> Steps:
        while not (yield "read", "x"):
            yield ("yield",)

    waits = program(spinner, straight(("write", "x", 1)))
    first = next(explore(waits, OptimalDpor()))
    assert schedule(first.run.steps) == (0, 1, 0, 0)


def test_a_program_that_changes_is_told_so() -> None:
    programs = iter([inc(2), inc(2), program(straight(("read", "y"), ("write", "z", 1)))])

    def changing() -> tuple[dict[Any, int], list[Body]]:
        return next(programs)()

    with pytest.raises(RacepageError, match=r"not the same in every execution: at step \d"):
        list(explore(changing, OptimalDpor()))
