"""A schedule, replayed: by whoever has it, in whatever process; and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from racepage.execution.kernel import Kernel, quiet
from racepage.exploration.harm import Harm, harm
from racepage.exploration.replay import Replay
from racepage.exploration.result import Exploration, Found
from racepage.exploration.retell import Teller, Told
from racepage.exploration.schedule import Schedule, difference, operation
from racepage.finding import Analysis


class Again(NamedTuple):
    """What a replay came to.

    Attributes:
        told: the execution.
        found: its analysis with the schedule's finding alone; None where that did not come back.
        difference: where it is not what the schedule says, in a sentence; None where it is.
        harm: what came back does, in both orders, where it is a race.
    """

    told: Told
    found: Analysis | None
    difference: str | None
    harm: Harm | None = None


def replay(body: Callable[[], object], schedule: Schedule, *, both_orders: bool = True) -> Again:
    """Run a program under a schedule.

    Args:
        body: the program.
        schedule: of that program, or of one that is much like it.
        both_orders: whether to look what comes of a race, which takes two executions more.

    Raises:
        RacepageError: the schedule does not fit: a thread that is to go cannot.
    """
    shown = schedule.finding
    # Where the schedule ends before the program, threads take turns: as they did, or as they may.
    kernel = Kernel(len(schedule.steps), [thread.path for thread in schedule.threads])
    teller = Teller(kernel, body, schedule.program.name)
    done: Harm | None = None
    with quiet():
        try:
            told = teller.tell(schedule.choices, _said(schedule))
            found = None if shown is None else told.only(shown.fingerprint)
            if found is not None and both_orders:
                done = harm(told, found.findings[0], partial(teller.run, places=True))
        finally:
            kernel.close()
    return Again(told, found, difference(schedule, told.numbered), done)


def telling(done: Sequence[Again]) -> Again:
    """The replay to tell of: one that shows the finding, or else anything, or else the first."""
    shown = (again for again in done if again.found is not None)
    wrong = (again for again in done if again.told.analysis.findings)
    return next(shown, next(wrong, done[0]))


def as_exploration(
    done: Sequence[Again],
    schedule: Schedule,
    program: str,
    seconds: float,
    policy: Callable[[Analysis], Analysis],
) -> Exploration:
    """Replays of a schedule as a search that tried nothing else.

    Args:
        done: at least one; the findings are those of the one to tell of: that of the schedule, or
            else whatever there is.
        schedule: what was replayed.
        program: what people call it.
        seconds: how long all of them took.
        policy: marks what is not to count.
    """
    one = telling(done)
    analysis = one.told.analysis if one.found is None else one.found
    alone = (policy(replace(analysis, findings=(finding,))) for finding in analysis.findings)
    return Exploration(
        program=program,
        strategy=Replay.name,
        parameters={},
        executions=len(done),
        steps=sum(len(again.told.steps) for again in done),
        seconds=seconds,
        findings=tuple(Found(each, schedule, 1, False, one.told, one.harm) for each in alone),
        why_incomplete="a replay is of one schedule",
        outcomes=dict(Counter(again.told.outcome for again in done)),
    )


def _said(schedule: Schedule) -> list[str]:
    """Its steps in words."""
    return [
        f"{operation(step._replace(touches=step.touches[:1]), schedule.targets)} by "
        f"{schedule.threads[step.task].name}"
        for step in schedule.steps
    ]
