from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from racepage.errors import RacepageError
from racepage.execution.step import READ, Step, Touch
from racepage.exploration.plan import (
    NOBODY,
    Picked,
    Plan,
    Planned,
    Switch,
    following,
    preemptions,
    shortest,
)
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.strategy import Run
from tests.exploration.machine import Machine, Program, explore, schedule
from tests.exploration.programs import program, straight

READS = program(*[straight(("read", "x"), ("read", "x"), ("read", "x"))] * 3)
"""Nine steps that nothing forbids in any order."""

TOUCHES = (Touch(0, 0, 1, READ),)


@dataclass
class Ready:
    """A thread that can go; one that touches nothing yields."""

    number: int
    touches: tuple[Touch, ...] = TOUCHES
    wait: object = None

    @property
    def upcoming(self) -> Step:
        return Step(self.number, self.touches)


def order(plan: Plan, program: Program = READS) -> tuple[int, ...]:
    return schedule(Machine(program, {}).run(Planned(plan)).run.steps)


def plan(*switches: tuple[int, int, int, bool]) -> Plan:
    return Plan(tuple(Switch(*switch) for switch in switches))


def chosen(strategy: Planned, tasks: list[Ready], last: int) -> int | None:
    task = strategy.choose(tasks, last)
    return None if task is None else task.number


def test_threads_run_to_their_ends_in_the_order_of_their_numbers() -> None:
    assert order(Plan()) == (0, 0, 0, 1, 1, 1, 2, 2, 2)


def test_a_preemption_lets_another_thread_go_first() -> None:
    assert order(plan((0, 1, 2, True))) == (0, 2, 2, 2, 0, 0, 1, 1, 1)


def test_the_plan_says_who_begins() -> None:
    assert order(plan((NOBODY, 0, 1, False))) == (1, 1, 1, 0, 0, 0, 2, 2, 2)


def test_a_switch_that_was_free_takes_no_turn_away() -> None:
    assert order(plan((0, 1, 2, False))) == order(Plan())


def test_a_free_switch_says_who_goes_on_after_a_thread_that_is_over() -> None:
    assert order(plan((0, 3, 2, False))) == (0, 0, 0, 2, 2, 2, 1, 1, 1)


def test_a_preemption_where_the_thread_is_over_is_a_free_switch() -> None:
    assert order(plan((0, 3, 2, True))) == order(plan((0, 3, 2, False)))


@pytest.mark.parametrize(
    "switch", [(0, 1, 7, True), (7, 1, 0, True), (0, 9, 1, True), (2, 3, 0, True)]
)
def test_a_point_that_never_comes_is_as_if_it_were_not_there(
    switch: tuple[int, int, int, bool],
) -> None:
    assert order(plan(switch)) == order(Plan())


def test_a_thread_that_cannot_go_is_not_switched_to() -> None:
    locked = program(*[straight(("lock", "m"), ("read", "x"), ("unlock", "m"))] * 2)
    assert order(plan((0, 1, 1, True)), locked) == (0, 0, 0, 1, 1, 1)


def test_when_a_thread_waits_the_one_with_the_lowest_number_goes() -> None:
    section = ("lock", "m"), ("unlock", "m")
    waiting = program(
        straight(("read", "x")), straight(*section), straight(("read", "x"), *section)
    )
    assert order(plan((NOBODY, 0, 1, False), (1, 1, 2, True)), waiting) == (1, 2, 0, 1, 2, 2)


def test_a_thread_that_yields_is_taken_at_its_word() -> None:
    strategy = Planned()
    assert chosen(strategy, [Ready(0), Ready(1, ()), Ready(2)], NOBODY) == 0
    assert chosen(strategy, [Ready(0, ()), Ready(1, ()), Ready(2)], 0) == 1
    assert chosen(strategy, [Ready(0, ()), Ready(1, ()), Ready(2)], 1) == 2
    assert chosen(strategy, [Ready(0, ()), Ready(1, ()), Ready(2, ())], 2) == 0
    assert chosen(strategy, [Ready(0, ())], 0) == 0
    assert [point.held for point in strategy.points] == [False] * 5


def test_a_thread_that_waits_for_a_limited_time_waits_as_long_as_another_can_go() -> None:
    waiting = Ready(0, wait="for a second")
    strategy = Planned()
    assert chosen(strategy, [Ready(0), Ready(1)], NOBODY) == 0
    assert chosen(strategy, [waiting, Ready(1)], 0) == 1
    assert chosen(strategy, [waiting], 1) == 0
    assert not strategy.points[1].held
    hasty = Planned(plan((0, 1, 0, False)))
    assert chosen(hasty, [Ready(0), Ready(1)], NOBODY) == 0
    assert chosen(hasty, [waiting, Ready(1)], 0) == 0


def test_a_plan_can_let_a_thread_that_yields_go_on() -> None:
    strategy = Planned(plan((0, 1, 0, False)))
    assert chosen(strategy, [Ready(0), Ready(1)], NOBODY) == 0
    assert chosen(strategy, [Ready(0, ()), Ready(1)], 0) == 0
    assert chosen(strategy, [Ready(0, ()), Ready(1)], 0) == 1


def test_an_execution_that_is_too_long_is_abandoned() -> None:
    result = Machine(READS, {}).run(Planned(longest=4))
    assert result.run.outcome == "abandoned"
    assert schedule(result.run.steps) == (0, 0, 0, 1)


def test_picks_are_those_of_the_plan_where_there_are_so_many() -> None:
    picking = program(*[straight(("pick", "x", lambda value: value + 3))] * 2)
    steps = Machine(picking, {}).run(Planned(Plan(picks=(Picked(0, 0, (2,)),)))).run.steps
    assert [step.picks for step in steps] == [(2,), (0,)]
    steps = Machine(picking, {}).run(Planned(Plan(picks=(Picked(1, 0, (5,)),)))).run.steps
    assert [step.picks for step in steps] == [(0,), (0,)]


def test_it_is_one_execution() -> None:
    assert len(list(explore(READS, Planned()))) == 1


def test_a_plan_of_all_steps_is_followed_to_the_letter() -> None:
    for result in explore(READS, RandomWalk(1), 20):
        tasks = schedule(result.run.steps)
        assert order(following(tasks)) == tasks


def test_the_shortest_plan_of_an_execution_has_just_its_switches() -> None:
    strategy = Planned(following([0, 1, 1, 1, 0, 0, 2, 2, 2]))
    steps = Machine(READS, {}).run(strategy).run.steps
    assert shortest(steps, strategy.points) == plan((0, 1, 1, True))
    assert preemptions(steps, strategy.points) == [1]


def test_going_back_to_another_than_the_lowest_is_a_point_but_no_preemption() -> None:
    strategy = Planned(following([1, 2, 2, 2, 1, 1, 0, 0, 0]))
    steps = Machine(READS, {}).run(strategy).run.steps
    assert shortest(steps, strategy.points) == plan(
        (NOBODY, 0, 1, False), (1, 1, 2, True), (2, 3, 1, False)
    )
    assert preemptions(steps, strategy.points) == [1]


def test_what_was_saved_goes_on() -> None:
    strategy = Planned(Plan((Switch(0, 1, 2, preempts=True),), (Picked(0, 2, (0, 1)),)), 100)
    again = Planned()
    again.restore(strategy.state())
    assert again.state() == strategy.state()
    assert order(Plan((Switch(0, 1, 2, preempts=True),))) == schedule(
        Machine(READS, {}).run(again).run.steps
    )
    again.end(Run([], [], "ended"))
    third = Planned()
    third.restore(again.state())
    assert not third.begin()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", "replay"),
        ("switches", [[0, 1, 2]]),
        ("switches", [[0, 1, 2, 2]]),
        ("switches", [[-2, 1, 2, 1]]),
        ("switches", 7),
        ("picks", [[0, 1]]),
        ("picks", [[0, 1, -1]]),
        ("longest", "long"),
        ("over", 0),
    ],
)
def test_what_is_no_saved_plan_is_refused(field: str, value: Any) -> None:
    with pytest.raises(RacepageError, match="no saved state of the strategy"):
        Planned().restore({**Planned().state(), field: value})
