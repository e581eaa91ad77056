"""`racepage info TRACE`: what is in a trace, without judging it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from racepage.cli.exits import Exit
from racepage.cli.options import format_option, output_option
from racepage.cli.output import emit
from racepage.cli.settings import Configured
from racepage.report.escape import plain
from racepage.report.words import counted, loss

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    import numpy as np
    from numpy.typing import NDArray

    from racepage.trace.columns import Trace

_SECOND: Final = 1_000_000_000


@click.command(cls=Configured)
@click.argument("path", metavar="TRACE", type=click.Path())
@format_option
@output_option
def info(path: str, format: Literal["text", "json"], output: Path | None) -> int:  # noqa: A002
    """Say what a trace holds: its threads, pages and locks."""
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    trace = read_trace(path)
    facts = _facts(path, trace)
    emit(json.dumps(facts, indent=2) + "\n" if format == "json" else _text(facts), output)
    return Exit.CLEAN if trace.origin.complete else Exit.INCOMPLETE


def _facts(path: str, trace: Trace) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415  (not needed to print help)

    from racepage.events import Kind, Op  # noqa: PLC0415

    columns = trace.columns
    kinds = np.bincount(columns.op, minlength=len(Op)).tolist()
    times = columns.time[columns.time > 0]
    threads = _counts(trace, columns.thread, len(trace.threads))
    targets = _counts(trace, columns.target, len(trace.targets))
    return {
        "path": path,
        "format": trace.origin.form,
        "program": trace.origin.program,
        "events": len(trace),
        "complete": trace.origin.complete,
        "lost_bytes": trace.origin.lost_bytes,
        "places": len(trace.sites),
        "seconds": float(times.max() - times.min()) / _SECOND if len(times) else None,
        "operations": {op.name.lower(): kinds[op] for op in Op if kinds[op]},
        "threads": [
            {"name": name, **counts} for name, counts in zip(trace.threads, threads, strict=True)
        ],
        "pages": [
            {
                "name": str(target),
                "label": trace.labels.get(number),
                "size": trace.page_sizes.get(number),
                **counts,
            }
            for number, (target, counts) in enumerate(zip(trace.targets, targets, strict=True))
            if target.kind is Kind.PAGE
        ],
        "objects": [
            {"name": str(target), "events": sum(counts.values())}
            for target, counts in zip(trace.targets, targets, strict=True)
            if target.kind in (Kind.LOCK, Kind.SYNC, Kind.CELL, Kind.USER)
        ],
    }


def _counts(trace: Trace, key: NDArray[np.int32], number: int) -> list[dict[str, int]]:
    """For each of the `number` things that `key` numbers: its events, by what they do."""
    import numpy as np  # noqa: PLC0415

    from racepage.events import CLASS_OF, WRITES, AccessClass  # noqa: PLC0415

    op = trace.columns.op
    access = np.array([one is not AccessClass.NONE for one in CLASS_OF])[op]
    writes = np.isin(op, list(WRITES))
    masks = {"reads": access & ~writes, "writes": writes, "others": ~access}
    columns = [
        np.bincount(key[mask & (key >= 0)], minlength=number).tolist() for mask in masks.values()
    ]
    return [dict(zip(masks, row, strict=True)) for row in zip(*columns, strict=True)]


def _text(facts: dict[str, Any]) -> str:
    from racepage.cli.table import table  # noqa: PLC0415  (rich, for the width of characters)

    head = f"{facts['path']}: {facts['format']} trace"
    if facts["program"]:
        head += f" of {facts['program']}"
    size = (
        f"{counted(facts['events'], 'event')}, {counted(len(facts['threads']), 'thread')}, "
        f"{counted(len(facts['pages']), 'page')}, {counted(facts['places'], 'place')} in the source"
    )
    if facts["seconds"] is not None:
        size += f", {facts['seconds']:.6f} seconds"
    lines = [plain(head), size]
    if not facts["complete"] or facts["lost_bytes"]:
        lines.append(loss(facts["lost_bytes"]))
    parts = ["\n".join(lines) + "\n"]
    for heads, rows in (
        (("operation", "events"), facts["operations"].items()),
        (("thread", "reads", "writes", "others"), map(_row, facts["threads"])),
        (("page", "label", "size", "reads", "writes", "others"), map(_row, facts["pages"])),
        (("object", "events"), map(_row, facts["objects"])),
    ):
        body = list(rows)
        if body:
            parts.append(table(heads, body))
    return "\n".join(parts)


def _row(facts: dict[str, str | int | None]) -> list[str | int]:
    return ["" if value is None else value for value in facts.values()]
