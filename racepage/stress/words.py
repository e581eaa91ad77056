"""A summary as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from racepage.finding import RULES
from racepage.report.escape import plain
from racepage.report.words import counted
from racepage.stress.cell import Limits, Result
from racepage.stress.summary import Row, Summary

HEADS = ("variant", "strategy", "executions", "found", "first", "result")
"""Of the table: `found` is in how many cells of how many, and `first` the median of the executions
that showed it first, for each finding that is expected."""


def cells_of(row: Row) -> tuple[str, str, int, str, str, str]:
    """A row of the table, under `HEADS`."""
    cells = len(row.results)
    return (
        str(row.subject),
        row.strategy,
        row.executions,
        ", ".join(f"{found}/{cells}" for found in row.found),
        ", ".join("-" if first is None else f"{first:,}" for first in row.first),
        outcome(row),
    )


def outcome(row: Row) -> str:
    """What a row comes to, in a few words."""
    left = row.cells - len(row.results)
    unfinished = f", {counted(left, 'cell')} not finished" if left else ""
    found = row.outcome
    if found == "surprise":
        kinds = dict.fromkeys(one.kind for result in row.results for one in result.surprises)
        return f"UNEXPECTED: {', '.join(kinds)}{unfinished}"
    if found == "proved":
        return f"proved clean: these are all{unfinished}"
    if found == "clean":
        return "clean, not all"
    if found == "unfinished":
        return unfinished.lstrip(", ")
    if found == "missed":
        return "not found" + (": these are all" if row.exhaustive else "")
    return f"found{', all executions seen' if row.exhaustive else ''}{unfinished}"


def remarks(summary: Summary) -> Iterator[str]:
    """What a table cannot say: what was not expected, what is missing, and the sum of it."""
    for result in summary.surprises():
        yield from told(result)
    for one in summary.missing:
        between = " and ".join(one.expected.between)
        why = "a search saw every execution" if one.refuted else "raise --budget or --seeds"
        yield (
            f"{one.subject}: nobody found the {one.expected.kind} between {between} that it has; "
            f"{why}"
        )
    yield total(summary)


def told(result: Result) -> Iterator[str]:
    """Each surprise of a cell, and on a line of its own what has it again."""
    for one in result.surprises:
        rule = f"{RULES[one.kind].id} " if one.kind in RULES else ""
        where = f", execution {one.execution:,}" if one.execution else ""
        yield f"{result.cell}{where}: {rule}{one.kind}: {plain(one.message)}"
        if one.command:
            yield f"    {one.command}"


def total(summary: Summary) -> str:
    """The whole in a sentence or two."""
    rows = summary.by_subject().items()
    correct = [group for subject, group in rows if not subject.expected]
    racy = [(subject, group) for subject, group in rows if subject.expected]
    proved = sum(any(row.outcome == "proved" for row in group) for group in correct)
    clean = sum(all(row.outcome in {"proved", "clean"} for row in group) for group in correct)
    lacking = {one.subject for one in summary.missing}
    shown = sum(
        subject not in lacking and all(row.outcome in {"found", "missed"} for row in group)
        for subject, group in racy
    )
    cells = sum(row.cells for row in summary.rows)
    parts = []
    if correct:
        parts.append(f"{clean} of {len(correct)} correct variants clean, {proved} of them proved")
    if racy:
        parts.append(f"{shown} of {len(racy)} racy ones with all that they have and nothing else")
    left = f", {counted(summary.unfinished, 'cell')} not finished" if summary.unfinished else ""
    return (
        f"{'; '.join(parts)}. {counted(cells, 'cell')} of {budget(summary.limits)}{left}: "
        f"{summary.seconds:.0f} s."
    )


def budget(limits: Limits) -> str:
    """What a cell may spend, in words."""
    parts = []
    if limits.executions is not None:
        parts.append(counted(limits.executions, "execution"))
    if limits.seconds is not None:
        parts.append(f"{limits.seconds:g} s")
    return "at most " + " or ".join(parts) if parts else "no limit"
