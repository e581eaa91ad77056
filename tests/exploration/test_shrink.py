from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.execution.step import Step
from racepage.exploration.attempts import Attempt, Attempts, Execution
from racepage.exploration.plan import NOBODY, Plan, Planned, Switch
from racepage.exploration.preemption_bound import PreemptionBound
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.replay import Replay
from racepage.exploration.shrink import Shrunk, _merged, _take_out, shrink
from racepage.exploration.strategy import Strategy
from tests.exploration import brute, random_programs
from tests.exploration.bugs import BUGS, Bug
from tests.exploration.machine import Failure, Machine, Program, Result, explore
from tests.exploration.programs import Steps, add, philosophers, program, straight
from tests.exploration.random_programs import EXACT, FAILING, PICKING

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
    for steps in failing(philosophers(4), seed=3):
        found = shrunk(philosophers(4), steps, budget=100)
        assert len(found.preemptions) == 1
        assert len(found.steps) == 4
        assert found.fewest


def test_threads_that_have_no_part_in_it_do_not_run() -> None:
    def looking() -> Steps:
        if (yield "read", "x") == 1:
            raise Failure("between the writes")

    noise = straight(*[("read", "y")] * 5)
    noisy = program(noise, straight(("write", "x", 1), ("write", "x", 0)), looking, noise)
    for steps in failing(noisy):
        assert choices(shrunk(noisy, steps).steps) == [[1], [2]]


def test_few_preemptions_are_better_than_few_steps() -> None:
    def looking() -> Steps:
        if (yield "read", "x"):
            raise Failure("it was written")

    slow = program(straight(("write", "x", 1), *[("read", "y")] * 5), looking)
    for steps in failing(slow):
        found = shrunk(slow, steps)
        assert found.preemptions == ()
        assert len(found.steps) == 7


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


def test_whether_other_picks_need_fewer_preemptions_is_not_known() -> None:
    def picking() -> Steps:
        yield "pick", "y", lambda _: 2
        yield "write", "x", 1
        yield "write", "x", 0

    def looking() -> Steps:
        if (yield "read", "x") == 1:
            raise Failure("between the writes")

    picky = program(picking, looking)
    found = shrunk(picky, failing(picky)[0])
    assert len(found.preemptions) == 1
    assert found.finished
    assert not found.fewest


def test_one_point_after_the_other_is_taken_out_until_none_can_be() -> None:
    """Of A, B and C only C is needed, but A can go only when B has."""
    a, b, c = (Switch(NOBODY, after, 0, preempts=True) for after in (1, 2, 3))
    enough = [{a, b, c}, {a, c}, {c}]

    class Fixed(Attempts):
        def better(self, plan: Plan) -> bool:
            if set(plan.switches) not in enough:
                return False
            self.best = self.best._replace(plan=plan)
            return True

    attempts = Fixed(lambda _: Attempt(found=True, steps=[]), 0, 0)
    attempts.best = Execution(True, Plan((a, b, c)), [], [], [])
    assert _take_out(attempts, lambda plan: list(plan.switches))
    assert attempts.best.plan == Plan((c,))


@pytest.mark.parametrize("budget", [1, 2, 5, 10])
def test_the_budget_is_kept_and_what_there_is_by_then_is_good(budget: int) -> None:
    for steps in failing(philosophers(5)):
        found = shrunk(philosophers(5), steps, budget)
        assert not found.fewest
        assert not found.finished
        assert comes_again(philosophers(5), Planned(found.plan), found)


def test_what_is_called_finished_is_so_whatever_the_budget() -> None:
    steps = failing(philosophers(4), seed=3)[2]
    done = [shrunk(philosophers(4), steps, budget) for budget in range(1, 60)]
    for found in done:
        if found.finished:
            assert_no_preemption_is_in_vain(philosophers(4), found)
    assert [found.finished for found in done[-20:]] == [True] * 20


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
    steps = failing(spinning)[0]
    attempt = attempts(spinning)
    lengths = []

    def measured(strategy: Strategy) -> Attempt:
        done = attempt(strategy)
        lengths.append(len(done.steps))
        return done

    found = shrink(steps, measured)
    assert found is not None
    assert max(lengths) == 4 * len(steps) + 1_000
    assert len(found.preemptions) == 1
    assert len(found.steps) == 3  # a is written, a is read, b is read


@given(random_programs.threads(EXACT | PICKING | FAILING), st.integers(0, 9))
@settings(max_examples=100)
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


def test_a_thread_that_loses_its_turn_goes_on_at_once_or_begins_later_or_the_other_sooner() -> None:
    steps = [Step(task, ()) for task in (2, 1, 0, 0, 2, 1, 1)]
    best = Execution(True, Plan(), steps, [], [2])  # 1 is interrupted by 0
    orders = [[switch.to for switch in plan.switches] for plan in _merged(best)]
    assert orders == [[2, 1, 1, 1, 0, 0, 2], [2, 0, 0, 2, 1, 1, 1], [0, 0, 2, 1, 2, 1, 1]]


def test_preemptions_cost_more_than_steps_and_those_more_than_points() -> None:
    one = Execution(True, Plan((Switch(0, 1, 1, preempts=False),)), [], [], [])
    longer = Execution(True, Plan(), [Step(0, ())], [], [])
    preempted = Execution(True, Plan(), [], [], [0])
    assert one.cost < longer.cost < preempted.cost
