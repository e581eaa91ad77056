"""A schedule, replayed: by whoever has it, in whatever process; and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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


class Replays:
    """What replays of one schedule came to: of however many, one is kept.

    Attributes:
        times: how many there were.
        came_back: in how many of them the schedule's finding did.
        difference: where the first that was not as the schedule says was not, if any.
        shown: the one to tell of: with the finding, or else with any, or else the first.
    """

    def __init__(self, first: Again) -> None:
        self.times = self.came_back = self._steps = 0
        self.difference: str | None = None
        self.shown = first
        self._outcomes: Counter[str] = Counter()
        self.add(first)

    def add(self, again: Again) -> None:
        """Count one more."""
        self.times += 1
        self.came_back += again.found is not None
        self.difference = self.difference or again.difference
        self._steps += len(again.told.steps)
        self._outcomes[again.told.outcome] += 1
        self.shown = max(self.shown, again, key=_worth)

    def exploration(
        self,
        schedule: Schedule,
        program: str,
        seconds: float,
        policy: Callable[[Analysis], Analysis],
    ) -> Exploration:
        """The same as a search that tried one schedule; its findings are those of the one shown.

        Args:
            schedule: what was replayed.
            program: what people call it.
            seconds: how long all of it took.
            policy: marks what is not to count.
        """
        one = self.shown
        analysis = one.told.analysis if one.found is None else one.found
        alone = (policy(replace(analysis, findings=(finding,))) for finding in analysis.findings)
        return Exploration(
            program=program,
            strategy=Replay.name,
            parameters={},
            executions=self.times,
            steps=self._steps,
            seconds=seconds,
            findings=tuple(Found(each, schedule, 1, False, one.told, one.harm) for each in alone),
            why_incomplete="a replay is of one schedule",
            outcomes=dict(self._outcomes),
        )


def _worth(again: Again) -> int:
    """How much there is to tell of a replay."""
    return 2 if again.found is not None else 1 if again.told.analysis.findings else 0


def _said(schedule: Schedule) -> list[str]:
    """Its steps in words."""
    return [
        f"{operation(step._replace(touches=step.touches[:1]), schedule.targets)} by "
        f"{schedule.threads[step.task].name}"
        for step in schedule.steps
    ]
