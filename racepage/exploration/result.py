"""What came of an exploration, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from racepage.exploration.harm import Harm
from racepage.exploration.retell import Told
from racepage.exploration.schedule import Schedule
from racepage.finding import Analysis, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop looking.

    Attributes:
        executions: at most so many; None for no limit.
        seconds: at most so long.
        findings: so many different ones are enough.
    """

    executions: int | None = 10_000
    seconds: float | None = 60.0
    findings: int | None = 1


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and how to have it again.

    Attributes:
        analysis: of the execution that shows it, with this finding alone.
        schedule: replays that execution.
        execution: which one of the exploration it was, from 1.
        shrunk: whether the schedule was made as small as it gets.
        told: that execution, with its trace and the line of each step.
        harm: what a race does, in both orders.
    """

    analysis: Analysis
    schedule: Schedule
    execution: int
    shrunk: bool
    told: Told
    harm: Harm | None = None

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return self.analysis.findings[0]


@dataclass(frozen=True, slots=True)
class Exploration:
    """What came of an exploration.

    Attributes:
        program: what people call it.
        strategy: its name.
        parameters: of the strategy, the seed included.
        executions: how many there were.
        steps: in all of them.
        seconds: how long it took.
        findings: what was found, in the order in which it was.
        exhaustive: every behaviour of the program was seen: these executions are all there are.
        why_incomplete: what kept the search from that, in a sentence; None where nothing did.
        outcomes: how many executions ended in which way.
        interrupted: the user had enough.
    """

    program: str
    strategy: str
    parameters: Mapping[str, Any]
    executions: int
    steps: int
    seconds: float
    findings: tuple[Found, ...] = ()
    exhaustive: bool = False
    why_incomplete: str | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """`findings` if any counts, `clean` only if nothing else can happen, else `incomplete`."""
        if any(found.finding.suppressed is None for found in self.findings):
            return "findings"
        return "clean" if self.exhaustive else "incomplete"
