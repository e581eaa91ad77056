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
from racepage.errors import NondeterminismError
from racepage.events import Frame, Kind
from racepage.execution import current
from racepage.execution.flat import FIELDS
from racepage.execution.frames import outside
from racepage.execution.kernel import Execution, Kernel, Task
from racepage.execution.retrace import retrace
from racepage.execution.step import Step
from racepage.execution.targets import KIND_MASK
from racepage.execution.uncaught import sentence
from racepage.exploration.plan import Plan, Point, shortest, usual_next
from racepage.exploration.replay import Replay
from racepage.exploration.same import MEND
from racepage.exploration.schedule import Numbered, Thread, numbered
from racepage.exploration.strategy import Run, Strategy
from racepage.exploration.strategy import Task as Ready
from racepage.finding import Analysis, Finding
from racepage.trace.columns import Trace

DEPTH: Final = 8
"""Frames of the stack in a report."""

MAY_VANISH: Final = frozenset({"page-leak", "leaked-mapping"})
"""Kinds of findings that are there only until what nothing reaches any more is collected."""


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
        steps: what was done; of a livelock, before threads took turns.
        places: where each step was done from, where that was asked for.
        first_events: how many events there were before each step, likewise.
        end: what is wrong with how it ended, if anything.
        outcome: how it ended.
        numbered: the steps, threads and targets as a schedule has them.
        plan: the shortest under which it comes out as it did, where it is of a schedule.
    """

    trace: Trace
    analysis: Analysis
    steps: Sequence[Step]
    places: Sequence[Place]
    first_events: Sequence[int]
    end: Finding | None
    outcome: str
    numbered: Numbered
    plan: Plan | None = None

    def only(self, key: str | None) -> Analysis | None:
        """The analysis with one finding: of the identity or fingerprint `key`, or how it ended."""
        wanted = self.end.identity if key is None and self.end is not None else key
        for finding in self.analysis.findings:
            if wanted in {finding.identity, finding.fingerprint}:
                return replace(self.analysis, findings=(finding,))
        return None


class _Followed(Replay):
    """A replay that notes what else could have been done."""

    def __init__(self, schedule: Sequence[Sequence[int]], said: Sequence[str]) -> None:
        super().__init__(schedule, said)
        self.points: list[Point] = []

    def choose(self, tasks: Sequence[Ready], last: int) -> Ready:
        ready = tuple(task.number for task in tasks)
        self.points.append(Point(ready, *usual_next(tasks, ready, last)))
        return super().choose(tasks, last)


class Teller:
    """Has executions of one program again.

    The kernel is that of the exploration, so that numbers stay what they are.
    """

    def __init__(self, kernel: Kernel, program: Callable[[], object], name: str) -> None:
        self._kernel = kernel
        self._program = program
        self._name = name

    def tell(self, schedule: Sequence[Sequence[int]], said: Sequence[str] = ()) -> Told:
        """The execution that `schedule` makes, with stacks, bytes and lines.

        Args:
            schedule: as `Replay` wants it.
            said: its steps in words, for when one does not fit.

        Raises:
            MismatchError: the program does not fit it.
        """
        followed = _Followed(schedule[: self._kernel.most], said)
        told = self.run(followed, depth=DEPTH, places=True)
        return replace(told, plan=shortest(told.steps, followed.points))

    def run(self, strategy: Strategy, *, depth: int = 1, places: bool = False) -> Told:
        """One execution under a strategy, with all that there is to find."""
        kernel = self._kernel
        found: list[Place] = []
        first_events: list[int] = []

        def note(task: Task, frame: FrameType) -> None:
            there = outside(frame)
            code = there.f_code
            function = code.co_qualname.rsplit("<locals>.")[-1]
            at = Frame(code.co_filename, there.f_lineno, function)
            found.append(Place(task.log.name, at))
            first_events.append(len(kernel.events) // FIELDS)

        kernel.clear()
        kernel.mode = current.STACKS | current.VALUES if places else current.SITES
        kernel.depth = depth
        kernel.on_step = note if places else None
        try:
            strategy.begin()
            done = kernel.execute(self._program, strategy.choose, strategy.pick)
            strategy.end(Run.of(done, kernel.most))
            trace = retrace(kernel, done.outcome, self._name)
            steps = list(done.steps)
            if done.outcome == "livelock":  # where threads took turns nobody had chosen
                steps = steps[: kernel.most]
            again = numbered(steps, self._threads(done), _names(kernel))
        finally:
            kernel.mode, kernel.depth, kernel.on_step = current.SITES, 1, None
            kernel.clear()
        analysis = analyse(trace)
        end = _end(done, analysis)
        if end is not None and end not in analysis.findings:
            analysis = replace(analysis, findings=(*analysis.findings, end))
        return Told(trace, analysis, steps, found, first_events, end, done.outcome, again)

    def _threads(self, done: Execution) -> dict[int, Thread]:
        """Who there was in an execution, by task number."""
        return {task.number: Thread(task.log.name, task.place.path) for task in done.tasks}


def ended(done: Execution) -> str:
    """What tells apart how executions of one program end badly."""
    if done.failed is not None and done.failed.failed is not None:
        return f"failed: {sentence(done.failed.failed, done.failed.log.name)}"
    return f"{done.outcome}: {sorted(done.waiting)}"


def vanished(kind: str, number: int) -> None:
    """Say that an execution did not show again what it had shown.

    Raises:
        NondeterminismError: it should have.
    """
    if kind not in MAY_VANISH:
        raise NondeterminismError(
            f"execution {number} showed a {kind}, and does not when it is scheduled the same: "
            f"{MEND}"
        )


def _end(done: Execution, analysis: Analysis) -> Finding | None:
    """What is wrong with how an execution ended."""
    if done.failed is not None and done.failed.failed is not None:
        said = sentence(done.failed.failed, done.failed.log.name)
        return Finding("program-error", said)
    names = ", ".join(task.log.name for task in done.left)
    if done.outcome == "deadlock":
        seen = [finding for finding in analysis.findings if finding.kind == "deadlock"]
        return seen[0] if seen else Finding("deadlock", f"nobody can go on: {names} wait for ever")
    if done.outcome == "livelock":
        going, it = ("goes", "it") if len(done.left) == 1 else ("go", "them")
        return Finding(
            "livelock",
            f"{names} {going} round for ever: {len(done.steps):,} steps did not end {it}, and in "
            "the second half of those all threads took turns",
        )
    return None


def _names(kernel: Kernel) -> Callable[[int], str]:
    """What people call a target: as in the trace, where it stands there."""
    counts = dict.fromkeys(Kind, 0)
    names: dict[int, str] = {}
    taken: set[str] = set()

    def name(number: int) -> str:
        if number not in names:
            kind = Kind(number & KIND_MASK)
            given = None if kind in (Kind.PAGE, Kind.USER) else current.given.get(number)
            if given is None:
                given = str(counts[kind])
                counts[kind] += 1
            found = base = f"{kind.name.lower()}:{given}"
            clash = 1
            while found in taken:
                clash += 1
                found = f"{base}#{clash}"
            taken.add(found)
            names[number] = found
        return names[number]

    for number in kernel.events[1::FIELDS]:
        if number >= 0:
            name(number)
    return name
