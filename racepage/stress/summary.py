"""What came of a run: a row for each variant and strategy, and what the whole comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final, Literal

from racepage import __version__
from racepage.stress.cell import Cell, Limits, Result
from racepage.stress.sizes import Subject
from racepage.workloads import Expected

Outcome = Literal["proved", "clean", "found", "missed", "surprise", "unfinished"]

SCHEMA: Final = "racepage-stress/1"


@dataclass(frozen=True, slots=True)
class Row:
    """A variant, by one strategy: its cells with all their seeds.

    Attributes:
        cells: how many there are.
        results: of those that are finished.
    """

    subject: Subject
    strategy: str
    cells: int
    results: Sequence[Result]

    @property
    def executions(self) -> int:
        """In all cells."""
        return sum(result.executions for result in self.results)

    @property
    def seconds(self) -> float:
        """In all cells, as if one came after the other."""
        return sum(result.seconds for result in self.results)

    @property
    def found(self) -> list[int]:
        """For each expected finding, how many cells came upon it."""
        return [len(found) for found in self._firsts()]

    @property
    def first(self) -> list[int | None]:
        """For each the execution that showed it first: the median of those that came upon it."""
        return [median_low(found) if found else None for found in self._firsts()]

    def _firsts(self) -> list[list[int]]:
        by_finding = zip(*(result.first for result in self.results), strict=True)
        return [[first for first in firsts if first is not None] for firsts in by_finding]

    @property
    def exhaustive(self) -> bool:
        """Some cell saw all that there is."""
        return any(result.exhaustive for result in self.results)

    @property
    def outcome(self) -> Outcome:
        """The worst of it."""
        if any(result.surprises for result in self.results):
            return "surprise"
        if self.subject.expected:
            if any(self.found):
                return "found"
            return "missed" if len(self.results) == self.cells else "unfinished"
        if self.exhaustive:
            return "proved"
        return "clean" if len(self.results) == self.cells else "unfinished"


@dataclass(frozen=True, slots=True)
class Missing:
    """An expected finding that no cell came upon.

    Attributes:
        refuted: a strategy saw every execution, so that there is none.
    """

    subject: Subject
    expected: Expected
    refuted: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a run came to.

    Attributes:
        limits: of each cell.
        rows: in the order in which to show them.
        seconds: how long the run took, this time.
    """

    limits: Limits
    rows: Sequence[Row]
    seconds: float

    @property
    def missing(self) -> list[Missing]:
        """The expected findings that nobody came upon, of variants whose cells are finished."""
        return [
            Missing(subject, expected, any(row.exhaustive for row in rows))
            for subject, rows in self.by_subject().items()
            for number, expected in enumerate(subject.expected)
            if all(len(row.results) == row.cells for row in rows)
            and not any(result.first[number] for row in rows for result in row.results)
        ]

    @property
    def unfinished(self) -> int:
        """Cells without a result."""
        return sum(row.cells - len(row.results) for row in self.rows)

    @property
    def verdict(self) -> Literal["expected", "unexpected", "incomplete"]:
        """Whether everything is as the workloads say."""
        missing = self.missing
        if any(row.outcome == "surprise" for row in self.rows):
            return "unexpected"
        if any(one.refuted for one in missing):
            return "unexpected"
        return "incomplete" if missing or self.unfinished else "expected"

    def by_subject(self) -> dict[Subject, list[Row]]:
        """The rows of each variant."""
        found: dict[Subject, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.subject, []).append(row)
        return found

    def surprises(self) -> Iterator[Result]:
        """The results that nobody expected."""
        for row in self.rows:
            yield from (result for result in row.results if result.surprises)


def summed_up(
    cells: Sequence[Cell], results: Mapping[Cell, Result], limits: Limits, seconds: float
) -> Summary:
    """The summary of a run, finished or not."""
    grouped: dict[tuple[Subject, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.subject, cell.strategy), []).append(cell)
    rows = [
        Row(subject, strategy, len(group), [results[cell] for cell in group if cell in results])
        for (subject, strategy), group in grouped.items()
    ]
    return Summary(limits, rows, seconds)


def to_data(summary: Summary) -> dict[str, Any]:
    """A summary as JSON has it."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "verdict": summary.verdict,
        "budget": summary.limits._asdict(),
        "seconds": round(summary.seconds, 3),
        "unfinished": summary.unfinished,
        "missing": [
            {
                "variant": one.subject.spec,
                "sizes": dict(one.subject.sizes),
                "kind": one.expected.kind,
                "between": list(one.expected.between),
                "page": one.expected.page,
                "refuted": one.refuted,
            }
            for one in summary.missing
        ],
        "rows": [_row(row) for row in summary.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "variant": row.subject.spec,
        "sizes": dict(row.subject.sizes),
        "strategy": row.strategy,
        "outcome": row.outcome,
        "exhaustive": row.exhaustive,
        "found": row.found,
        "cells": row.cells,
        "first": row.first,
        "executions": row.executions,
        "seconds": round(row.seconds, 3),
        "results": [
            {
                "seed": result.cell.seed,
                "executions": result.executions,
                "steps": result.steps,
                "seconds": round(result.seconds, 3),
                "exhaustive": result.exhaustive,
                "first": list(result.first),
                "surprises": [surprise._asdict() for surprise in result.surprises],
            }
            for result in row.results
        ],
    }
