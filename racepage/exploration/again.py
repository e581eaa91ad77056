"""A schedule, replayed: by whoever has it, in whatever process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from racepage.execution.kernel import Kernel, quiet
from racepage.exploration.harm import Harm, harm
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


def _said(schedule: Schedule) -> list[str]:
    """Its steps in words."""
    return [
        f"{operation(step._replace(touches=step.touches[:1]), schedule.targets)} by "
        f"{schedule.threads[step.task].name}"
        for step in schedule.steps
    ]
