"""A schedule, replayed: by whoever has it, in whatever process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from racepage.execution.kernel import Kernel, quiet
from racepage.explore.retell import Teller, Told
from racepage.explore.schedule import Schedule, difference
from racepage.finding import Analysis


class Again(NamedTuple):
    """What a replay came to.

    Attributes:
        told: the execution.
        found: its analysis with the schedule's finding alone; None where that did not come back.
        difference: where it is not what the schedule says, in a sentence; None where it is.
    """

    told: Told
    found: Analysis | None
    difference: str | None


def replay(body: Callable[[], object], schedule: Schedule) -> Again:
    """Run a program under a schedule.

    Args:
        body: the program.
        schedule: of that program, or of one that is much like it.

    Raises:
        RacepageError: the schedule does not fit: a thread that is to go cannot.
    """
    most = max(2 * len(schedule.steps), 1000)
    kernel = Kernel(most, [thread.path for thread in schedule.threads])
    with quiet():
        try:
            told = Teller(kernel, body, schedule.program.name).tell(schedule.choices)
        finally:
            kernel.close()
    shown = schedule.finding
    return Again(
        told,
        None if shown is None else told.only(shown.fingerprint),
        difference(schedule, told.numbered),
    )
