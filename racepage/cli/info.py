"""`racepage info TRACE`: what is in a trace, without judging it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from racepage.cli.exits import Exit
from racepage.cli.options import format_option, output_option
from racepage.cli.output import emit, width
from racepage.cli.settings import Configured
from racepage.report.escape import plain
from racepage.report.words import SHOWN, counted, loss

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    import numpy as np
    from numpy.typing import NDArray

    from racepage.trace.columns import Trace

_SECOND: Final = 1_000_000_000
_COUNTS: Final = ("reads", "writes", "others")
_BATCH: Final = 1 << 20
_HEAD: Final = "over the trace"
_NARROWEST, _WIDEST = len(_HEAD), 60  # columns of bars
_GAP: Final = "  "


@click.command(cls=Configured)
@click.argument("path", metavar="TRACE", type=click.Path())
@format_option
@output_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=SHOWN,
    show_default=True,
    help="Threads, pages and objects that a text tells, the busiest first; 0 for all.",
)
def info(
    path: str,
    format: Literal["text", "json"],  # noqa: A002
    output: Path | None,
    limit: int,
) -> int:
    """Say what a trace holds: its threads, pages and locks.

    A bar says how busy a thread or a page is, from the first event to the last; the highest one of
    a line is full.
    """
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    trace = read_trace(path)
    facts = _facts(path, trace)
    if format == "json":
        emit(json.dumps(facts, indent=2) + "\n", output)
    else:
        emit(_text(facts, trace, limit, width(output)), output)
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

    from racepage.events import CLASS_OF, WRITES, AccessClass, Op  # noqa: PLC0415

    kind = np.full(len(Op), _COUNTS.index("others"))
    kind[[op for op in Op if CLASS_OF[op] is not AccessClass.NONE]] = _COUNTS.index("reads")
    kind[list(WRITES)] = _COUNTS.index("writes")
    kinds, size = len(_COUNTS), max(_BATCH, number)
    counts = np.zeros(kinds * (number + 1), dtype=np.int64)
    for start in range(0, len(trace), size):
        part = slice(start, start + size)
        both = (key[part].astype(np.int64) + 1) * kinds + kind[trace.columns.op[part]]
        counts += np.bincount(both, minlength=len(counts))
    rows = counts.reshape(-1, kinds)[1:].tolist()  # the first is for what acts on nothing
    return [dict(zip(_COUNTS, row, strict=True)) for row in rows]


def _text(facts: dict[str, Any], trace: Trace, limit: int, across: int) -> str:
    """The facts in tables; of threads, pages and objects the `limit` busiest, 0 for all."""
    from racepage.cli.table import table  # noqa: PLC0415  (rich, for the width of characters)
    from racepage.events import Kind  # noqa: PLC0415

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
    if facts["operations"]:
        parts.append(table(("operation", "events"), facts["operations"].items()))
    pages = [at for at, target in enumerate(trace.targets) if target.kind is Kind.PAGE]
    for what, heads, keys, numbers in (
        ("threads", ("thread", *_COUNTS), trace.columns.thread, range(len(trace.threads))),
        ("pages", ("page", "label", "size", *_COUNTS), trace.columns.target, pages),
        ("objects", ("object", "events"), None, ()),
    ):
        rows = facts[what]
        if not rows:
            continue
        busiest = sorted(range(len(rows)), key=lambda at: -_events(rows[at]))[: limit or None]
        told = table(heads, [_row(rows[at]) for at in busiest])
        if keys is not None:
            told = _with_activity(told, keys, [numbers[at] for at in busiest], across)
        if len(busiest) < len(rows):
            told += f"and {len(rows) - len(busiest):,} more; --limit 0 shows all\n"
        parts.append(told)
    return "\n".join(parts)


def _with_activity(told: str, keys: NDArray[np.int32], chosen: Sequence[int], across: int) -> str:
    """A table with one more column: how busy each of `chosen` is, from the first event on."""
    from rich.cells import cell_len  # noqa: PLC0415

    from racepage.report.sparkline import activity, sparkline  # noqa: PLC0415

    lines = told.splitlines()
    wide = max(map(cell_len, lines)) + len(_GAP)
    counts = activity(keys, chosen, min(max(across - wide, _NARROWEST), _WIDEST))
    more = [_HEAD, *map(sparkline, counts)]
    return "".join(
        f"{line}{' ' * (wide - cell_len(line))}{bars}".rstrip() + "\n"
        for line, bars in zip(lines, more, strict=True)
    )


def _events(facts: dict[str, Any]) -> int:
    """How many events something has."""
    return sum(facts.get(what, 0) for what in (*_COUNTS, "events"))


def _row(facts: dict[str, str | int | None]) -> list[str | int]:
    return ["" if value is None else value for value in facts.values()]
