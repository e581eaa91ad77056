"""Exact numbers: how often a strategy that draws lots hits a bug.

Everything is seeded, so a test that passes once passes always. An execution hits with probability
p, so of n executions n * p do, give or take sqrt(n * p * (1 - p)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from math import sqrt
from typing import Any

import pytest

from racepage.execution.crew import crew
from racepage.execution.kernel import Kernel, quiet
from racepage.exploration.api import explore_threads
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.strategy import Run
from racepage.exploration.strategy import Task as Strategic
from tests.exploration.exact import hits, slow, spawned, threads
from tests.exploration.public_bugs import BUGS, Bug, Chance
from tests.exploration.public_programs import Shared, inc

ENOUGH = 25
"""Executions are so many that as many hits are to be expected."""

CASES = [(bug, how) for bug in BUGS for how in ("ready", "spawned")]
IDS = [f"{bug.name}-{how}" for bug, how in CASES]


def chance(bug: Bug, how: str) -> Chance:
    return bug.ready if how == "ready" else bug.spawned


def rate(bug: Bug, how: str, executions: int, strategy: str, **parameters: Any) -> float:
    run = threads if how == "ready" else spawned
    found = run(bug.program, executions=executions, strategy=strategy, seed=1, **parameters)
    assert found.executions == executions
    return hits(found) / executions


@pytest.mark.parametrize(("bug", "how"), CASES, ids=IDS)
def test_random_walk_hits_as_often_as_it_should(bug: Bug, how: str) -> None:
    p = chance(bug, how).walk
    count = round(ENOUGH / p)
    deviation = sqrt(p * (1 - p) / count)
    assert abs(rate(bug, how, count, "random") - p) <= 4 * deviation


@pytest.mark.parametrize(("bug", "how"), CASES, ids=IDS)
def test_pct_hits_at_least_half_as_often_as_a_textbook_has_it(bug: Bug, how: str) -> None:
    p = chance(bug, how).pct
    assert rate(bug, how, round(ENOUGH / p), "pct", depth=3) >= p / 2


@pytest.mark.parametrize(("bug", "how"), CASES, ids=IDS)
def test_pos_hits_at_least_half_as_often_as_a_textbook_has_it(bug: Bug, how: str) -> None:
    p = chance(bug, how).pos
    assert rate(bug, how, round(ENOUGH / p), "pos") >= p / 2


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_pct_keeps_its_promise(bug: Bug) -> None:
    # One preemption shows each of them: a thread is to fall behind at one point, and the other one
    # has to come before it. So their depth is 2.
    steps = threads(bug.program, strategy="round-robin", executions=1).steps - 1  # the last joins
    promised = 1 / (len(bug.program.threads) * steps)
    count = round(ENOUGH / promised)
    deviation = sqrt(promised * (1 - promised) / count)
    assert rate(bug, "ready", count, "pct", depth=2) >= promised - 4 * deviation


def test_surw_with_true_counts_is_uniform_over_interleavings() -> None:
    seen: Counter[tuple[int, ...]] = Counter()

    def finish(shared: Shared) -> None:
        seen[tuple(shared.trail)] += 1

    program = inc(3)
    count = 4500
    explore_threads(
        program.threads,
        setup=program.shared(),
        finish=finish,
        strategy="surw",
        counts={1: 2, 2: 2, 3: 2},
        seed=1,
        executions=count,
        seconds=None,
        findings=None,
        shrinks=0,
    )
    assert len(seen) == 90
    expected = count / 90
    squares = sum((times - expected) ** 2 / expected for times in seen.values())
    # With 89 degrees of freedom, chi-squared is above 135.98 once in a thousand times.
    assert squares <= 135.98


class Weighed(DepthFirst):
    """Knows how likely it is that a random walk goes where the search has gone."""

    def begin(self) -> bool:
        self.likely = Fraction(1)
        return super().begin()

    def choose(self, tasks: Sequence[Strategic], last: int) -> Strategic | None:
        self.likely /= len(tasks)
        return super().choose(tasks, last)


@pytest.mark.parametrize(
    ("bug", "how"),
    [
        pytest.param(bug, how, id=name, marks=[slow] if bug.name == "reorder_4" else [])
        for (bug, how), name in zip(CASES, IDS, strict=True)
    ],
)
def test_the_steps_are_those_for_which_the_chance_was_worked_out(bug: Bug, how: str) -> None:
    def ready() -> None:
        shared = bug.program.shared()()
        crew([partial(thread, shared) for thread in bug.program.threads])

    program = ready if how == "ready" else bug.program.spawned()
    kernel, search = Kernel(), Weighed()
    likely = Fraction()
    with quiet():
        while search.begin():
            done = kernel.execute(program, search.choose, search.pick)
            search.end(Run(done.steps, done.waiting, "ended"))
            if done.outcome != "ended":
                likely += search.likely
            kernel.clear()
        kernel.close()
    assert float(likely) == pytest.approx(chance(bug, how).walk, abs=0.6e-5)
