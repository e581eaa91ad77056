"""Attempts: executions under one plan after the other, of which the smallest is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from racepage.execution.step import Step
from racepage.exploration.plan import Plan, Planned, Point, preemptions, shortest

_SLACK: Final = 1_000
"""Steps by which an attempt may be longer than the schedule, whatever the schedule's length."""


class Attempt(NamedTuple):
    """What came of an execution under a plan.

    Attributes:
        found: the finding was there again.
        steps: what was done, in order.
    """

    found: bool
    steps: Sequence[Step]


class Execution(NamedTuple):
    """One execution, and the plan that says no more than is needed to have it again."""

    found: bool
    plan: Plan
    steps: Sequence[Step]
    points: Sequence[Point]
    preemptions: Sequence[int]

    @property
    def cost(self) -> tuple[int, int, int]:
        """What is to become small: preemptions first, then steps, then what the plan says."""
        said = len(self.plan.switches) + len(self.plan.picks)
        return len(self.preemptions), len(self.steps), said


class OverError(Exception):
    """The budget is used up."""


class Attempts:
    """The executions of one program, as many as the budget allows.

    Attributes:
        best: the smallest so far that shows the finding.
        executions: how many there were.
        picks: whether the program ever had a choice within a step.
    """

    best: Execution

    def __init__(self, attempt: Callable[[Planned], Attempt], budget: int, length: int) -> None:
        """Execute by `attempt`, at most `budget` times; the schedule to shrink has `length` steps.

        An execution that is four times as long, and some, is given up: it may go on for ever.
        """
        self.executions = 0
        self.picks = False
        self._attempt = attempt
        self._budget = budget
        self._longest = 4 * length + _SLACK
        self._tried: set[int] = set()  # hashes: plans can be as long as executions

    @property
    def left(self) -> int:
        """How many executions there may still be."""
        return self._budget - self.executions

    def run(self, plan: Plan) -> Execution:
        """Execute the program under a plan.

        Raises:
            OverError: there have been as many executions as there may be.
        """
        if self.left <= 0:
            raise OverError
        self.executions += 1
        strategy = Planned(plan, self._longest)
        found, steps = self._attempt(strategy)
        self.picks = self.picks or any(step.picks for step in steps)
        points = strategy.points
        return Execution(found, shortest(steps, points), steps, points, preemptions(steps, points))

    def better(self, plan: Plan) -> bool:
        """Whether the finding comes under `plan` too, at less cost; that is the best then.

        Raises:
            OverError: as `run` does.
        """
        if hash(plan) in self._tried:  # and has not become better since: the best only gets smaller
            return False
        execution = self.run(plan)
        self._tried.add(hash(plan))
        if not execution.found or execution.cost >= self.best.cost:
            return False
        self.best = execution
        return True
