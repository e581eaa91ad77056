"""One cell of the table: a variant, explored by one strategy with one seed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from racepage.errors import RacepageError
from racepage.exploration.api import Options, digest, run
from racepage.exploration.result import Budget, Exploration, Found
from racepage.exploration.schedule import Program
from racepage.finding import Analysis, Finding
from racepage.report.exploration import command
from racepage.stress.sizes import Subject
from racepage.workloads import choose, program

SHRINKS: Final = 200
"""Executions that may be spent on a schedule that nobody expected."""


class Cell(NamedTuple):
    """What is explored, and how; the seed is None where a strategy draws no lots."""

    subject: Subject
    strategy: str
    seed: int | None

    def __str__(self) -> str:
        seed = "" if self.seed is None else f" seed {self.seed}"
        return f"{self.subject}, {self.strategy}{seed}"


class Limits(NamedTuple):
    """What may be spent on a cell; None for no limit."""

    executions: int | None
    seconds: float | None


class Surprise(NamedTuple):
    """What nobody expected.

    Attributes:
        kind: of the finding, or `error` where the search itself failed.
        message: in a sentence.
        execution: which one showed it, from 1; 0 for an error.
        command: has it again; empty where nothing does.
    """

    kind: str
    message: str
    execution: int
    command: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a cell.

    Attributes:
        executions: how many there were.
        steps: in all of them.
        seconds: how long it took.
        exhaustive: they are all there are.
        first: for each expected finding the first execution that showed it, or None.
        surprises: what else was found.
    """

    cell: Cell
    executions: int
    steps: int
    seconds: float
    exhaustive: bool
    first: tuple[int | None, ...]
    surprises: tuple[Surprise, ...] = ()


Progress = Callable[[int], object]
"""Told now and then how many executions there were."""


def explore(cell: Cell, limits: Limits, progress: Progress | None = None) -> Result:
    """Explore a cell until there is nothing left to see, or its budget is spent."""
    subject = cell.subject
    workload, _ = choose(subject.spec)
    expected = subject.expected
    seed = {} if cell.seed is None else {"seed": cell.seed}
    options = Options(
        strategy=cell.strategy,
        parameters=seed,
        budget=Budget(limits.executions, limits.seconds, None),
        shrinks=0 if expected else SHRINKS,  # what is expected needs no small schedule
    )
    named = Program(
        "target", subject.spec, subject.arguments, digest(import_module(workload.module).run)
    )
    try:
        explored = run(
            program(subject.spec, **dict(subject.sizes)),
            options,
            named,
            progress=None if progress is None else lambda executions, _: progress(executions),
        )
    except MemoryError:  # another process may have more
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told with the others)
        told = str(error) if isinstance(error, RacepageError) else _traced(error)
        wrong = Surprise("error", told, 0, "")
        return Result(cell, 0, 0, 0.0, False, (None,) * len(expected), (wrong,))
    return judged(cell, explored)


def _traced(error: Exception) -> str:
    """An error of racepage's own, and where it comes from."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"


def judged(cell: Cell, explored: Exploration) -> Result:
    """An exploration, held to what its subject expects."""
    rows = [(one.kind, one.between, one.page) for one in cell.subject.expected]
    first: list[int | None] = [None] * len(rows)
    surprises = []
    for found in explored.findings:
        this = row(found.analysis, found.finding)
        if this not in rows:
            surprises.append(_surprise(found))
            continue
        before = first[rows.index(this)]
        if before is None or found.execution < before:
            first[rows.index(this)] = found.execution
    return Result(
        cell,
        explored.executions,
        explored.steps,
        explored.seconds,
        explored.exhaustive,
        tuple(first),
        tuple(surprises),
    )


def row(analysis: Analysis, finding: Finding) -> tuple[str, tuple[str, ...], str]:
    """A finding as `workloads.Expected` says it: kind, functions, and the page's role."""
    sides = [side for side in (finding.first, finding.second) if side is not None]
    between = tuple(sorted(side.stack[0].function for side in sides if side.stack))
    label = analysis.pages[finding.page].label if finding.page else None
    return finding.kind, between, (label or "").split("[")[0]


def _surprise(found: Found) -> Surprise:
    finding = found.finding
    return Surprise(finding.kind, finding.message, found.execution, command(found.schedule) or "")
