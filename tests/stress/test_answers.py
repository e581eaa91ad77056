"""Every variant, explored, and held to its known answer.

A sample always: what can be proved clean is proved, and every racy variant shows all that it is
known for, by one strategy. All strategies and more seeds, with the budget of `racepage stress`,
under the profile `deep`: `pytest -m stress --hypothesis-profile=deep tests/stress`.
"""

import pytest
from hypothesis import settings

from racepage.exploration.again import replay
from racepage.exploration.api import Options, run
from racepage.exploration.result import Budget
from racepage.exploration.schedule import Program
from racepage.exploration.schedule_file import from_line, to_line
from racepage.stress.cell import Cell, Limits, Result, explore
from racepage.stress.plan import cells
from racepage.stress.sizes import UNPROVED, Subject, subjects
from racepage.workloads import program

IS_DEEP = settings().max_examples == settings.get_profile("deep").max_examples

slow = pytest.mark.skipif(not IS_DEEP, reason="takes minutes: --hypothesis-profile=deep")

ALL = subjects()
RACY = [subject for subject in ALL if subject.expected]
PROVED = [subject for subject in ALL if not subject.expected and str(subject) not in UNPROVED]

pytestmark = pytest.mark.stress


def as_it_should_be(result: Result) -> bool:
    return result.surprises == () and result.executions > 0


@pytest.mark.parametrize("subject", PROVED, ids=str)
def test_a_correct_variant_is_proved_clean(subject: Subject) -> None:
    result = explore(Cell(subject, "dpor", None), Limits(None, 120.0))
    assert as_it_should_be(result)
    assert result.exhaustive


@pytest.mark.parametrize("spec", sorted(UNPROVED))
def test_what_cannot_be_proved_stays_clean(spec: str) -> None:
    (subject,) = (subject for subject in ALL if str(subject) == spec)
    result = explore(Cell(subject, "random", 0), Limits(100, None))
    assert as_it_should_be(result)
    assert not result.exhaustive


@pytest.mark.parametrize("subject", RACY, ids=str)
def test_a_racy_variant_shows_all_that_it_is_known_for_and_nothing_else(subject: Subject) -> None:
    result = explore(Cell(subject, "dpor", None), Limits(500, None))
    assert as_it_should_be(result)
    assert None not in result.first


@slow
@pytest.mark.parametrize("subject", RACY if IS_DEEP else [], ids=str)
def test_every_finding_comes_back_when_its_small_schedule_is_replayed(subject: Subject) -> None:
    body = program(subject.spec, **dict(subject.sizes))
    budget = Budget(executions=500, seconds=60.0, findings=None)
    named = Program("target", subject.spec, subject.arguments)
    found = run(body, Options("random", {"seed": 1}, budget), named).findings
    assert found
    for one in found:
        assert one.shrunk
        for _ in range(10):
            again = replay(body, from_line(to_line(one.schedule)), both_orders=False)
            assert again.difference is None
            assert again.found is not None


STRATEGIES = ("dfs", "delay-bound", "preemption-bound", "random", "pct", "pos", "surw")


@slow
@pytest.mark.parametrize("cell", cells((), STRATEGIES, range(3)) if IS_DEEP else [], ids=str)
def test_no_strategy_finds_anything_else(cell: Cell) -> None:
    result = explore(cell, Limits(1000, 60.0))
    assert as_it_should_be(result)
    if result.exhaustive:
        assert None not in result.first
