"""Strategies that draw lots: how often they hit, against what their papers promise.

Everything is seeded, so a test that passes once passes always. Of n executions that hit with
probability p each, n * p hit, give or take sqrt(n * p * (1 - p)).
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import sqrt

import pytest

from racepage.exploration.chance import Chance
from racepage.exploration.pct import Pct
from racepage.exploration.pos import PartialOrderSampling
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.strategies import CHOICES, make
from racepage.exploration.strategy import Strategy
from racepage.exploration.surw import SelectivelyUniform
from tests.exploration.bugs import BUGS, Bug
from tests.exploration.machine import Program, explore, schedule
from tests.exploration.programs import Steps, inc, private, program, straight

WALK = {
    "reorder_3": 0.04938,
    "reorder_4": 0.03809,
    "twostage": 0.01562,
    "deadlock01": 0.5,
    "carter01": 0.5,
    "bluetooth": 0.03906,
}
PCT = {
    "reorder_3": 0.069,
    "reorder_4": 0.045,
    "twostage": 0.130,
    "deadlock01": 0.168,
    "carter01": 0.448,
    "bluetooth": 0.056,
}
POS = {
    "reorder_3": 0.100,
    "reorder_4": 0.078,
    "twostage": 0.084,
    "deadlock01": 0.336,
    "carter01": 0.502,
    "bluetooth": 0.066,
}
"""From the reference "Exact numbers for schedule exploration" that came with the project: threads
that are there from the beginning. Those of the random walk are exact."""

SEEDED = [name for name, choice in CHOICES.items() if choice.seeded]


def rate(program: Program, strategy: Strategy, executions: int) -> float:
    outcomes = [result.run.outcome for result in explore(program, strategy, executions)]
    return sum(outcome in {"failed", "deadlock"} for outcome in outcomes) / executions


def deviations(p: float, seen: float, executions: int) -> float:
    return abs(seen - p) / sqrt(p * (1 - p) / executions)


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_random_walk_hits_as_often_as_it_should(bug: Bug) -> None:
    count = 4000
    p = WALK[bug.name]
    assert deviations(p, rate(bug.program, RandomWalk(seed=1), count), count) <= 4


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_pct_hits_at_least_half_as_often_as_a_textbook_has_it(bug: Bug) -> None:
    assert rate(bug.program, Pct(depth=3, seed=1), 2000) >= PCT[bug.name] / 2


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_pos_hits_at_least_half_as_often_as_a_textbook_has_it(bug: Bug) -> None:
    assert rate(bug.program, PartialOrderSampling(seed=1), 2000) >= POS[bug.name] / 2


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_pct_keeps_its_promise(bug: Bug) -> None:
    # Burckhardt et al.: 1 / (n * k**(d - 1)) for n threads, k steps and a bug of depth d. One
    # preemption shows each of these, so that their depth is 2: the order of the threads, and one
    # point at which the thread that leads falls behind.
    depth = 2
    threads = len(bug.program()[1])
    steps = max(len(result.run.steps) for result in explore(bug.program, RandomWalk(), 100))
    promised = 1 / (threads * steps ** (depth - 1))
    count = 4000
    margin = 3 * sqrt(promised / count)
    assert rate(bug.program, Pct(depth=depth, seed=2), count) >= promised - margin


def test_a_walk_that_knows_the_counts_is_uniform_over_interleavings() -> None:
    # Pearson's chi-squared over 90 interleavings: 89 degrees of freedom, whose quantile for a
    # chance of one in 10,000 is 145.
    count = 9000
    strategy = SelectivelyUniform(seed=1, counts=dict.fromkeys(range(3), 2))
    seen = Counter(schedule(result.run.steps) for result in explore(inc(3), strategy, count))
    assert len(seen) == 90
    assert sum((times - count / 90) ** 2 / (count / 90) for times in seen.values()) < 145


def test_a_plain_walk_is_not() -> None:
    count = 9000
    seen = Counter(
        schedule(result.run.steps) for result in explore(inc(3), RandomWalk(seed=1), count)
    )
    assert sum((times - count / 90) ** 2 / (count / 90) for times in seen.values()) > 145


def test_surw_learns_what_is_shared() -> None:
    # One step of each of two threads is shared, behind 1 and 9 private ones. A random walk lets
    # thread 1 come first 1 time in 400 or so (it has to win most of the draws); here it is 1 in 2.
    def body(number: int) -> Steps:
        for at in range(9 * number + 1):
            yield "write", f"private {number} {at}", 1
        yield "change", "x", lambda value: value or number + 1

    race = program(lambda: body(0), lambda: body(1))

    def second_first(strategy: Strategy) -> float:
        results = list(explore(race, strategy, 2000))[8:]  # the first ones are looked at only
        return sum(result.memory["x", 0] == 2 for result in results) / len(results)

    assert second_first(RandomWalk(seed=1)) < 0.02
    assert deviations(0.5, second_first(SelectivelyUniform(seed=1)), 1992) <= 4


def test_pos_knows_which_of_three_racing_steps_is_last() -> None:
    # Each of three writes is last with probability 1/3 whatever came before, so that each of the
    # six orders has 1/6 (Yuan, Yang and Gu, section 2: priorities are drawn anew after a race).
    count = 3000
    writers = program(*[straight(("write", "x", number)) for number in range(3)])
    strategy = PartialOrderSampling(seed=1)
    seen = Counter(schedule(result.run.steps) for result in explore(writers, strategy, count))
    assert all(deviations(1 / 6, times / count, count) <= 4 for times in seen.values())


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_decides_everything(name: str) -> None:
    def schedules(seed: int) -> list[tuple[int, ...]]:
        results = explore(private(3), make(name, seed=seed), 30)
        return [schedule(result.run.steps) for result in results]

    assert schedules(1) == schedules(1)
    assert schedules(1) != schedules(2)


@pytest.mark.parametrize("name", sorted({*SEEDED} - {"pct"}))
def test_every_interleaving_is_possible(name: str) -> None:
    strategy = make(name, seed=1)
    seen = {schedule(result.run.steps) for result in explore(inc(2), strategy, 500)}
    assert len(seen) == 6


def test_pct_changes_at_as_many_points_as_it_should() -> None:
    # Two threads of two steps choose up to three times, and the first choice is no point: at depth
    # 3 the thread that leads falls behind at both of the others, the second time behind the first
    # one that did, or not. Two executions are to learn that.
    switches = {
        depth: {
            sum(one != other for one, other in pairwise(schedule(result.run.steps)))
            for result in list(explore(inc(2), Pct(depth=depth, seed=1), 200))[2:]
        }
        for depth in (1, 2, 3)
    }
    assert switches == {1: {1}, 2: {1, 2}, 3: {2, 3}}


def test_a_thread_that_looks_again_and_again_does_not_keep_pct_from_the_others() -> None:
    def spinner() -> Steps:
        while not (yield "read", "x"):
            yield ("yield",)

    waits = program(spinner, straight(("write", "x", 1)))
    lengths = {len(result.run.steps) for result in explore(waits, Pct(seed=1), 50)}
    # The write comes first; or else one read does, and perhaps the thread yields at a change.
    assert max(lengths) <= 6


def test_picks_are_uniform() -> None:
    count = 3000
    picks = program(straight(("place", ("x", "y", "z"))))
    seen = Counter(
        result.run.steps[0].picks for result in explore(picks, RandomWalk(seed=1), count)
    )
    assert all(deviations(1 / 3, times / count, count) <= 4 for times in seen.values())


def test_a_sample_is_of_different_numbers_in_any_order() -> None:
    chance = Chance()
    chance.restart(1, 0)
    count = 6000
    seen = Counter(tuple(chance.sample(4, 2)) for _ in range(count))
    assert len(seen) == 12
    assert all(one != other for one, other in seen)
    assert all(deviations(1 / 12, times / count, count) <= 4 for times in seen.values())
