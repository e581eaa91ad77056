from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.execution.step import Step
from racepage.explore.attempts import Attempt
from racepage.explore.plan import Plan, Planned
from racepage.explore.preemption_bound import PreemptionBound
from racepage.explore.random_walk import RandomWalk
from racepage.explore.replay import Replay
from racepage.explore.shrink import Shrunk, shrink
from racepage.explore.strategy import Strategy
from tests.explore import brute, random_programs
from tests.explore.bugs import BUGS, Bug
from tests.explore.machine import Failure, Machine, Program, Result, explore
from tests.explore.programs import Steps, add, philosophers, program, straight

Bad = Callable[[Result], bool]
"""Whether an execution shows what is looked for."""


def fails(result: Result) -> bool:
    return result.failure is not None or result.run.outcome == "deadlock"


def attempts(program: Program, bad: Bad = fails) -> Callable[[Strategy], Attempt]:
    def attempt(strategy: Strategy) -> Attempt:
        result = Machine(program, {}).run(strategy)
        return Attempt(bad(result), result.run.steps)

    return attempt


def failing(program: Program, seed: int = 0, most: int = 3_000) -> list[Sequence[Step]]:
    """Failing schedules of a random walk, the first ones."""
    results = explore(program, RandomWalk(seed), most)
    return list(islice((result.run.steps for result in results if fails(result)), 5))


def comes_again(program: Program, strategy: Strategy, found: Shrunk, bad: Bad = fails) -> bool:
    """Whether an execution is the one that is left, and fails."""
    failed, steps = attempts(program, bad)(strategy)
    return failed and choices(steps) == choices(found.steps)


def choices(steps: Sequence[Step]) -> list[list[int]]:
    return [[step.task, *step.picks] for step in steps]


def shrunk(
    program: Program, steps: Sequence[Step], budget: int = 1_000, bad: Bad = fails
) -> Shrunk:
    found = shrink(steps, attempts(program, bad), budget)
    assert found is not None
    assert found.executions <= budget
    return found


def assert_no_preemption_is_in_vain(program: Program, found: Shrunk, bad: Bad = fails) -> None:
    attempt = attempts(program, bad)
    preempting = [switch for switch in found.plan.switches if switch.preempts]
    assert len(preempting) == len(found.preemptions)
    for one in preempting:
        rest = tuple(switch for switch in found.plan.switches if switch != one)
        assert not attempt(Planned(found.plan._replace(switches=rest))).found


def fails_within(program: Program, bound: int, bad: Bad = fails) -> bool:
    return any(map(bad, explore(program, PreemptionBound(bound))))


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_what_is_left_of_a_known_bug_has_as_few_preemptions_as_can_be(bug: Bug) -> None:
    schedules = failing(bug.program)
    assert schedules
    for steps in schedules:
        found = shrunk(bug.program, steps)
        assert len(found.preemptions) == bug.preemptions
        assert found.finished
        assert found.fewest
        assert_no_preemption_is_in_vain(bug.program, found)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        # One setter does a = 1, the checker reads a twice and then b.
        ("reorder_3", 4),
        ("reorder_4", 4),
        # Both threads have their first lock.
        ("deadlock01", 2),
        # Add reads stopping; Stop does all of its four; Add counts up, and reads stopped.
        ("bluetooth", 8),
    ],
)
def test_what_is_left_is_as_short_as_can_be(name: str, steps: int) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    for schedule in failing(bug.program):
        assert len(shrunk(bug.program, schedule).steps) == steps


def test_a_long_schedule_with_many_preemptions_takes_few_executions() -> None:
    def counting() -> Steps:
        for _ in range(100):
            value = yield "read", "x"
            yield "write", "x", value + 1
        done = yield "change", "done", add(1)
        if done == 2 and (yield "read", "x") < 300:
            raise Failure("a count was lost")

    counters = program(*[counting] * 3)
    steps = failing(counters)[0]
    assert len(steps) > 600
    found = shrunk(counters, steps, budget=100)
    assert len(found.preemptions) == 1  # between a read and the write that follows it
    assert found.finished
    assert_no_preemption_is_in_vain(counters, found)


def test_a_deadlock_of_many_is_one_preemption_and_the_order_in_which_they_come() -> None:
    for steps in failing(philosophers(4)):
        found = shrunk(philosophers(4), steps)
        assert len(found.preemptions) == 1
        assert len(found.steps) == 4


def test_two_preemptions_that_are_both_needed_are_left() -> None:
    def looking() -> Steps:
        if (yield "read", "x") == 1 and (yield "read", "x") == 0:
            raise Failure("it was seen to come and go")

    blinking = program(straight(("write", "x", 1), ("write", "x", 0)), looking)
    assert not fails_within(blinking, 1)
    for steps in failing(blinking):
        found = shrunk(blinking, steps)
        assert len(found.preemptions) == 2
        assert found.fewest


def test_what_needs_no_preemption_has_none_left() -> None:
    def reader() -> Steps:
        if (yield "read", "x") == 1:
            raise Failure("it came after the writer")

    ordered = program(reader, straight(("read", "y"), ("write", "x", 1)))
    found = shrunk(ordered, failing(ordered)[0])
    assert found.preemptions == ()
    assert [switch[:3] for switch in found.plan.switches] == [(-1, 0, 1)]
    assert found.finished
    assert found.fewest


def test_picks_that_do_not_matter_are_left_out() -> None:
    def picking() -> Steps:
        yield "pick", "x", lambda _: 3
        if (yield "pick", "y", lambda _: 3) == 2:
            raise Failure("the last one of y")

    picky = program(picking)
    for steps in failing(picky):
        found = shrunk(picky, steps)
        assert [step.picks for step in found.steps] == [(0,), (2,)]


@pytest.mark.parametrize("budget", [1, 2, 5, 10])
def test_the_budget_is_kept_and_what_there_is_by_then_is_good(budget: int) -> None:
    for steps in failing(philosophers(5)):
        found = shrunk(philosophers(5), steps, budget)
        assert not found.fewest
        assert comes_again(philosophers(5), Planned(found.plan), found)


def test_a_budget_that_runs_out_is_told() -> None:
    bug = BUGS[0]
    steps = failing(bug.program)[0]
    whole = shrunk(bug.program, steps)
    assert whole.finished
    assert not shrunk(bug.program, steps, 2).finished


def test_a_finding_that_does_not_come_again_is_told() -> None:
    bug = BUGS[0]
    steps = failing(bug.program)[0]
    attempt = attempts(bug.program)
    assert shrink(steps, lambda strategy: attempt(strategy)._replace(found=False)) is None


def test_executions_that_would_go_on_for_ever_are_given_up() -> None:
    def looking() -> Steps:
        while not (yield "read", "a"):
            pass
        if not (yield "read", "b"):
            raise Failure("b comes too late")

    spinning = program(looking, straight(("write", "a", 1), ("write", "b", 1)))
    for steps in failing(spinning):
        found = shrunk(spinning, steps)
        assert len(found.preemptions) == 1
        assert len(found.steps) == 3  # a is written, a is read, b is read


@given(random_programs.threads(checks=True), st.integers(0, 9))
@settings(max_examples=200)
def test_of_any_program_nothing_is_left_that_can_be_removed(
    threads: brute.Threads, seed: int
) -> None:
    racy = random_programs.program(threads)
    first = next(explore(racy, RandomWalk(seed)))

    def same(result: Result) -> bool:
        """As a finding: how it ended, and with what in memory."""
        return (result.run.outcome, result.memory) == (first.run.outcome, first.memory)

    found = shrunk(racy, first.run.steps, bad=same)
    assert found == shrunk(racy, first.run.steps, bad=same)
    assert comes_again(racy, Planned(found.plan), found, same)
    assert comes_again(racy, Replay(choices(found.steps)), found, same)
    if found.finished:
        assert_no_preemption_is_in_vain(racy, found, same)
    if found.fewest and found.preemptions:
        assert not fails_within(racy, len(found.preemptions) - 1, same)


def test_the_whole_schedule_is_a_plan_too() -> None:
    bug = BUGS[0]
    steps = failing(bug.program)[0]
    found = shrunk(bug.program, steps, 1)
    assert choices(found.steps) == choices(steps)
    assert found.plan != Plan()
