"""An execution once more, by its schedule, with all that a report wants to know of it.

While a program is explored events carry one frame of the stack and no bytes. Here they carry as
many as people want to see, and the bytes before and after, and every step has its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Final

from racepage.detect import analyse
from racepage.errors import NondeterminismError, RacepageError
from racepage.events import Frame
from racepage.execution import current
from racepage.execution.frames import outside
from racepage.execution.kernel import Execution, Kernel, Task
from racepage.execution.retrace import retrace
from racepage.execution.step import Step
from racepage.execution.uncaught import sentence
from racepage.explore.replay import Replay
from racepage.explore.strategy import Run, Strategy
from racepage.finding import Analysis, Finding
from racepage.trace.columns import Trace

DEPTH: Final = 8
"""Frames of the stack in a report."""

_MAY_VANISH: Final = frozenset({"page-leak", "leaked-mapping"})
"""Whether a page is leaked or waits to be collected is seen only when all garbage was."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread stood before a step."""

    thread: str
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """An execution, retold.

    Attributes:
        trace: its events.
        analysis: all that there is to find in it.
        steps: what was done.
        places: where each step was done from.
        end: what is wrong with how it ended, if anything.
        outcome: how it ended.
    """

    trace: Trace
    analysis: Analysis
    steps: Sequence[Step]
    places: Sequence[Place]
    end: Finding | None
    outcome: str

    def only(self, key: str | None) -> Analysis | None:
        """The analysis with one finding: that with the fingerprint `key`, or how it ended."""
        wanted = self.end.fingerprint if key is None and self.end is not None else key
        for finding in self.analysis.findings:
            if finding.fingerprint == wanted:
                return replace(self.analysis, findings=(finding,))
        return None


class Teller:
    """Has executions of one program again.

    A kernel is shared with the exploration, so that numbers stay what they are.
    """

    def __init__(self, kernel: Kernel, program: Callable[[], object], name: str) -> None:
        self._kernel = kernel
        self._program = program
        self._name = name

    def tell(self, schedule: Sequence[Sequence[int]]) -> Told:
        """The execution that `schedule` makes, with stacks, bytes and lines.

        Raises:
            NondeterminismError: the program does not fit it, though it was made with it.
        """
        return self.run(Replay(schedule), depth=DEPTH, places=True)

    def run(self, strategy: Strategy, *, depth: int = 1, places: bool = False) -> Told:
        """One execution under a strategy, with all that there is to find."""
        kernel = self._kernel
        found: list[Place] = []

        def note(task: Task, frame: FrameType) -> None:
            there = outside(frame)
            code = there.f_code
            function = code.co_qualname.rsplit("<locals>.")[-1]
            found.append(
                Place(task.log.name, Frame(code.co_filename, there.f_lineno, function))
            )

        kernel.clear()
        kernel.mode = current.STACKS | current.VALUES if places else current.SITES
        kernel.depth = depth
        kernel.on_step = note if places else None
        try:
            strategy.begin()
            done = kernel.execute(self._program, strategy.choose, strategy.pick)
            strategy.end(Run(done.steps, done.waiting, done.outcome, done.missed))
            trace = retrace(kernel, done.outcome, self._name)
        finally:
            kernel.mode, kernel.depth, kernel.on_step = current.SITES, 1, None
            kernel.clear()
        return _told(trace, done, found)

    def differs(self, told: Told, key: str | None) -> None:
        """Say that an execution did not show again what it had shown.

        Raises:
            NondeterminismError: unless it is something that may vanish.
        """


def _told(trace: Trace, done: Execution, places: Sequence[Place]) -> Told:
    analysis = analyse(trace)
    end = _end(done, analysis, places)
    if end is not None and end not in analysis.findings:
        analysis = replace(analysis, findings=(*analysis.findings, end))
    return Told(trace, analysis, list(done.steps), places, end, done.outcome)


def _end(done: Execution, analysis: Analysis, places: Sequence[Place]) -> Finding | None:
    """What is wrong with how an execution ended."""
    if done.failed is not None and done.failed.failed is not None:
        said = sentence(done.failed.failed, done.failed.log.name)
        return Finding(kind="program-error", message=said)
    if done.outcome == "deadlock":
        seen = [finding for finding in analysis.findings if finding.kind == "deadlock"]
        names = ", ".join(task.log.name for task in done.left)
        return seen[0] if seen else Finding("deadlock", f"nobody can go on: {names} wait for ever")
    if done.outcome == "livelock":
        return Finding("livelock", _going_round(done, places))
    return None


def _going_round(done: Execution, places: Sequence[Place]) -> str:
    names = ", ".join(task.log.name for task in done.left)
    return (
        f"{names} go on for ever: {len(done.steps):,} steps were not enough, of which the second "
        "half was fair"
    )
