"""Shrinking: from a schedule that shows a finding to a plan that one can read.

What is wanted is a plan (`plan`) with as few preemptions as possible, since each is something to
understand, and then as few steps and as few other points as possible. Removing any one of its
preemptions loses the finding.

Three means, each stronger and dearer than the one before:

- Delta debugging over the points of the plan: whole stretches of them are taken out, then smaller
  ones, down to one (Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, IEEE
  TSE 28, 2002). Thousands of preemptions become a handful in some hundred executions.
- Turns are merged and left out: a thread that loses its turn goes on before the others come, or
  does not begin before they are done (Jalbert and Sen, A trace simplification technique for
  effective debugging of concurrent programs, FSE 2010, whose schedules are lists of turns too).
- A search for a plan with fewer preemptions (`racepage.exploration.fewer`).

Plans fit every execution, so it does not matter when a program does something else than before.
All of this is deterministic, where the program is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from racepage.execution.step import Step
from racepage.exploration.attempts import Attempt, Attempts, Execution, OverError
from racepage.exploration.fewer import fewer
from racepage.exploration.plan import Picked, Plan, Planned, Switch, following, picked
from racepage.exploration.turns import Turn, turns

SHRINKS: Final = 1_000
"""Executions that may be spent on making one schedule small, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is left of a schedule.

    Attributes:
        plan: under which the finding comes. Without any one of its preemptions it does not.
        steps: what is done under it, in order.
        preemptions: the steps before which a thread lost its turn though it could have gone on.
        executions: how many it took.
        finished: nothing more can be taken out; False where the budget ran out before that was
            known, so that a preemption may be one too many.
        fewest: no plan with fewer preemptions shows the finding; False where that is not known.
    """

    plan: Plan
    steps: tuple[Step, ...]
    preemptions: tuple[int, ...]
    executions: int
    finished: bool
    fewest: bool


def shrink(
    steps: Sequence[Step], attempt: Callable[[Planned], Attempt], budget: int = SHRINKS
) -> Shrunk | None:
    """The smallest plan that is found under which what a schedule has shown comes again.

    Args:
        steps: the schedule, as it was executed.
        attempt: executes the program once under the strategy that it is given.
        budget: how many executions it may take, at least one.

    Returns:
        None where not even the whole schedule shows the finding again.
    """
    attempts = Attempts(attempt, budget, len(steps))
    whole = attempts.run(following((step.task for step in steps), picked(steps)))
    if not whole.found:
        return None
    attempts.best = whole
    finished = fewest = False
    try:
        more: bool | None = True
        while more:
            finished = False
            _minimise(attempts)
            finished = True
            more = _try_all(attempts, _moved) or fewer(attempts, whole.plan.switches)
        fewest = more is False
    except OverError:
        pass
    best = attempts.best
    return Shrunk(
        best.plan,
        tuple(best.steps),
        tuple(best.preemptions),
        attempts.executions,
        finished,
        fewest,
    )


def _minimise(attempts: Attempts) -> None:
    """Make the best smaller until nothing makes it any smaller."""
    changed = True
    while changed:
        _take_out(attempts, _preempting)
        changed = (
            _try_all(attempts, _merged) or _take_out(attempts, _others) or _try_all(attempts, _cut)
        )


# Taking points out of the plan -------------------------------------------------------------------

_Item = Switch | Picked


def _preempting(plan: Plan) -> list[_Item]:
    return [switch for switch in plan.switches if switch.preempts]


def _others(plan: Plan) -> list[_Item]:
    return [*(switch for switch in plan.switches if not switch.preempts), *plan.picks]


def _without(plan: Plan, items: Sequence[_Item]) -> Plan:
    gone = set(items)
    return Plan(
        tuple(switch for switch in plan.switches if switch not in gone),
        tuple(pick for pick in plan.picks if pick not in gone),
    )


def _take_out(attempts: Attempts, some: Callable[[Plan], list[_Item]]) -> bool:
    """Take as many of `some` items out of the plan as can be; whether there were any."""
    changed = False
    size = len(some(attempts.best.plan))
    while size:
        at = 0
        taken = False
        while chunk := some(attempts.best.plan)[at : at + size]:
            if attempts.better(_without(attempts.best.plan, chunk)):
                changed = taken = True
            else:
                at += size
        if size > 1 or not taken:  # the last round, of one at a time, is one in which none can go
            size //= 2
    return changed


# Merging and cutting turns -----------------------------------------------------------------------


def _try_all(attempts: Attempts, plans: Callable[[Execution], Iterator[Plan]]) -> bool:
    """Take the first of the plans that is better, until none is; whether one was."""
    changed = False
    while any(map(attempts.better, plans(attempts.best))):
        changed = True
    return changed


def _merged(best: Execution) -> Iterator[Plan]:
    """Plans in which a thread that loses its turn does not, or another one comes sooner."""
    lost = set(best.preemptions)
    found = turns(best.steps)
    for at in range(1, len(found)):
        if found[at].start not in lost:
            continue
        before, task = found[: at - 1], found[at - 1].task
        again = next((n for n in range(at, len(found)) if found[n].task == task), None)
        if again is not None:  # it goes on at once
            others = [*found[at:again], *found[again + 1 :]]
            yield _plan(best, [*before, found[at - 1], found[again], *others])
        behind = len(found) if again is None else again  # it begins when it can go on
        others = found[at:behind]
        yield _plan(best, [*before, *others, found[at - 1], *found[behind:]])
        sooner = next((n for n in range(at - 2, -1, -1) if found[n].task == found[at].task), -1)
        others = found[sooner + 1 : at]  # who comes on has been there before, and goes on then
        yield _plan(best, [*found[: sooner + 1], found[at], *others, *found[at + 1 :]])


def _moved(best: Execution) -> Iterator[Plan]:
    """Plans in which a thread that loses its turn has it at any other time."""
    lost = set(best.preemptions)
    found = turns(best.steps)
    for at in range(1, len(found)):
        if found[at].start in lost:
            others = [*found[: at - 1], *found[at:]]
            for place in range(len(others), -1, -1):
                yield _plan(best, [*others[:place], found[at - 1], *others[place:]])


def _cut(best: Execution) -> Iterator[Plan]:
    """Plans in which a turn comes after all others, or half of it does."""
    found = turns(best.steps)
    for at in reversed(range(len(found))):
        task, start, stop = found[at]
        yield _plan(best, [*found[:at], *found[at + 1 :]])
        half = Turn(task, start, (start + stop) // 2)
        if start < half.stop and found[at + 1 :] and found[at + 1].start in best.preemptions:
            yield _plan(best, [*found[:at], half, *found[at + 1 :]])


def _plan(best: Execution, order: Sequence[Turn]) -> Plan:
    tasks = (task for task, start, stop in order for _ in range(start, stop))
    return following(tasks, best.plan.picks)
