"""Depth-first searches: of everything, and of what a bound allows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings

from racepage.errors import RacepageError
from racepage.exploration.delay_bound import DelayBound
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.preemption_bound import PreemptionBound
from racepage.exploration.strategy import Run, Strategy
from tests.exploration.bugs import BUGS, Bug
from tests.exploration.machine import Body, Program, explore, schedule
from tests.exploration.programs import (
    ROWS,
    Row,
    Steps,
    inc,
    litmus,
    philosophers,
    program,
    straight,
)

IS_DEEP = settings().max_examples == settings.get_profile("deep").max_examples

MOST = 50_000
"""More interleavings are for the deep profile."""


def schedules(program: Program, strategy: Strategy) -> list[tuple[int, ...]]:
    return [schedule(result.run.steps) for result in explore(program, strategy)]


def counted(row: Row) -> bool:
    return row.interleavings is not None and (IS_DEEP or row.interleavings <= MOST)


COUNTED = [row for row in ROWS if counted(row)]


@pytest.mark.parametrize("row", COUNTED, ids=[row.name for row in COUNTED])
def test_dfs_sees_every_interleaving_once(row: Row) -> None:
    seen = schedules(row.program, DepthFirst())
    assert len(seen) == row.interleavings
    assert len(set(seen)) == len(seen)


def test_dfs_picks_in_every_way() -> None:
    picks = program(straight(("place", ("x", "y", "z")), ("place", ("x", "y"))))
    found = [
        tuple(step.picks for step in result.run.steps) for result in explore(picks, DepthFirst())
    ]
    assert found == [((one,), (other,)) for one in range(3) for other in range(2)]


def preemptions(run: Run, program: Program) -> int:
    """Switches from a thread that could have gone on, as nothing blocks here."""
    length = len(program()[1])
    steps = [sum(step.task == task for step in run.steps) for task in range(length)]
    count = 0
    for one, other in pairwise(run.steps):
        steps[one.task] -= 1
        count += one.task != other.task and steps[one.task] > 0
    return count


@pytest.mark.parametrize("bound", range(5))
def test_a_preemption_bound_leaves_out_what_has_more_preemptions_and_nothing_else(
    bound: int,
) -> None:
    every = [result.run for result in explore(inc(3), DepthFirst())]
    few = {schedule(run.steps) for run in every if preemptions(run, inc(3)) <= bound}
    seen = schedules(inc(3), PreemptionBound(bound))
    assert len(seen) == len(few)
    assert set(seen) == few


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_bug_shows_with_as_many_preemptions_as_it_needs_and_no_fewer(bug: Bug) -> None:
    for bound in range(bug.preemptions + 1):
        outcomes = {result.run.outcome for result in explore(bug.program, PreemptionBound(bound))}
        assert ({"failed", "deadlock"} & outcomes != set()) == (bound == bug.preemptions)


@pytest.mark.parametrize("kind", [PreemptionBound, DelayBound])
@pytest.mark.parametrize("program", [inc(3), philosophers(3), litmus("Wx", "Wy", "Rx Ry", "Ry Rx")])
def test_a_larger_bound_sees_all_that_a_smaller_one_does_and_a_large_one_everything(
    kind: type[PreemptionBound | DelayBound], program: Program
) -> None:
    every = set(schedules(program, DepthFirst()))
    before: set[tuple[int, ...]] = set()
    for bound in range(6):
        seen = schedules(program, kind(bound))
        assert len(set(seen)) == len(seen)
        assert before <= set(seen) <= every
        before = set(seen)
    assert set(schedules(program, kind(100))) == every


def test_without_delays_there_is_one_execution() -> None:
    assert schedules(inc(3), DelayBound(0)) == [(0, 0, 1, 1, 2, 2)]


def spinner() -> Steps:
    while not (yield "read", "x"):
        yield ("yield",)


@pytest.mark.parametrize("strategy", [PreemptionBound(0), DelayBound(0)])
def test_one_that_yields_is_not_preempted_by_the_next(strategy: Strategy) -> None:
    waits = program(spinner, straight(("write", "x", 1)))
    first = next(explore(waits, strategy))
    assert schedule(first.run.steps) == (0, 1, 0, 0)


@pytest.mark.parametrize("strategy", [PreemptionBound(0), DelayBound(0)])
def test_one_that_waits_for_a_limited_time_is_not_preempted_by_who_wakes_it(
    strategy: Strategy,
) -> None:
    waiter = straight(("park", "c", True, "token"), ("parked", "c", True, "token", "x"))
    waits = program(waiter, straight(("notify", "c")))
    memories = [result.memory for result in explore(waits, strategy)]
    assert {("x", 0): 1} in memories


def test_to_go_to_the_next_but_one_costs_two_delays() -> None:
    one = {steps[0] for steps in schedules(inc(3), DelayBound(1))}
    two = {steps[0] for steps in schedules(inc(3), DelayBound(2))}
    assert (one, two) == ({0, 1}, {0, 1, 2})


def test_a_program_that_changes_is_told_so() -> None:
    programs = iter([inc(3), inc(3), inc(2)])

    def changing() -> tuple[dict[Any, int], list[Body]]:
        return next(programs)()

    with pytest.raises(RacepageError, match="not the same in every execution"):
        list(explore(changing, DepthFirst()))
