"""`racepage stress`: every workload, by every strategy, held to its known answer."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click
from click.shell_completion import CompletionItem

from racepage.cli.complete import targets
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.explore import budget_limits
from racepage.cli.file_options import file_option, refuse_to_write_twice
from racepage.cli.options import format_option, output_option
from racepage.cli.output import emit, say
from racepage.cli.progress import LINE_EVERY
from racepage.cli.settings import STRATEGIES, Configured
from racepage.exploration.limits import Limits
from racepage.report.words import counted
from racepage.wording import meant

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.stress.cell import Cell, Result
    from racepage.stress.processes import Event
    from racepage.stress.state import State
    from racepage.stress.summary import Summary

STANDARD: Final = "dpor,random,pct,pos,surw,preemption-bound"
MOST_SEEDS: Final = 1000
MOST_JOBS: Final = 256

Tell = Callable[["Event", int], None]
"""Told what happens, and how many cells are finished."""


def _strategies(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    for name in names:
        if name not in STRATEGIES:
            told = meant(name, STRATEGIES)
            raise click.BadParameter(f"there is no strategy {name!r}; {told}", ctx, param)
    return names


def _jobs() -> int:
    """The processors that this process may use."""
    try:
        return min(len(os.sched_getaffinity(0)), MOST_JOBS)
    except AttributeError:  # not on this system
        return min(os.cpu_count() or 1, MOST_JOBS)


def _built_in(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [one for one in targets(ctx, param, incomplete) if one.type == "plain"]


@click.command(cls=Configured)
@click.argument("wanted", metavar="[WORKLOAD]...", nargs=-1, shell_complete=_built_in)
@click.option(
    "--strategies",
    metavar="NAMES",
    default=STANDARD,
    show_default=True,
    callback=_strategies,
    help="By which to explore, with commas in between.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(1, MOST_SEEDS),
    default=3,
    show_default=True,
    help="How often a strategy that draws lots has a go, each time with another seed.",
)
@click.option(
    "--budget",
    metavar="LIMITS",
    default="executions=2000,seconds=20",
    show_default=True,
    callback=budget_limits,
    help="What each of them may spend: executions=N, seconds=N, both, or none.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, MOST_JOBS),
    default=_jobs,
    help="Processes at a time; one for each processor if not given.",
)
@file_option("--state", summary="Keep what is finished here, and go on from it if it is there.")
@format_option
@output_option
def stress(  # noqa: PLR0917  (what the command line says)
    wanted: tuple[str, ...],
    strategies: tuple[str, ...],
    seeds: int,
    budget: Limits,
    jobs: int,
    state: Path | None,
    format: Literal["text", "json"],  # noqa: A002
    output: Path | None,
) -> int:
    """Hold the built-in programs to their answers, by exploring.

    WORKLOAD is a built-in program with all its variants (binder), or one variant (binder:correct);
    without any, all are explored. A correct variant must stay clean for the whole budget, or is
    proved clean where a search saw every execution there is; a racy one must show what it is known
    for, and nothing else.

    The exit code is 0 if all is as it should be, 1 if anything else was found, each time with the
    command that has it again, 3 if something that is known to be there was not come upon within
    the budget, or a process died twice over the same cell, and 130 after Ctrl-C.
    """
    from racepage.stress.plan import cells as planned  # noqa: PLC0415  (not to print help)
    from racepage.stress.processes import explored  # noqa: PLC0415
    from racepage.stress.state import State  # noqa: PLC0415
    from racepage.stress.summary import summed_up  # noqa: PLC0415

    _refuse(strategies, budget, state, output)
    cells = planned(wanted, strategies, range(seeds))
    kept = None if state is None else State(state, cells, budget)
    results: dict[Cell, Result] = {} if kept is None else kept.results
    left = [cell for cell in cells if cell not in results]
    if kept is not None and results:
        say(f"going on with {state}: {counted(len(results), 'cell')} of {len(cells):,} finished")
    began = time.monotonic()
    interrupted = False
    try:
        with (
            _watched(len(cells), len(results), min(jobs, len(left)), budget.executions) as tell,
            closing(explored(left, budget, jobs)) as events,
        ):
            _follow(events, results, kept, tell)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if kept is not None:
            kept.close()
    summary = summed_up(cells, results, budget, time.monotonic() - began)
    if interrupted:
        told = "" if state is None else "; the same command goes on from here"
        say(f"interrupted after {len(results):,} of {counted(len(cells), 'cell')}{told}")
    text = _json(summary) if format == "json" else _text(summary, cut_short=interrupted)
    emit(text, output)
    return INTERRUPTED if interrupted else _exit(summary)


def _refuse(
    strategies: Sequence[str], budget: Limits, state: Path | None, output: Path | None
) -> None:
    """Refuse what would never end, and what would spoil itself."""
    from racepage.exploration.strategies import CHOICES  # noqa: PLC0415  (as above)

    endless = [name for name in strategies if CHOICES[name].seeded]
    if budget == Limits(None, None) and endless:
        raise click.UsageError(
            f"{endless[0]} draws lots for ever: give a --budget, or take --strategies dpor"
        )
    refuse_to_write_twice(state=state, report=output)


def _follow(
    events: Iterator[Event], results: dict[Cell, Result], kept: State | None, tell: Tell
) -> None:
    """Take down what happens until nothing more does."""
    from racepage.stress.cell import Result  # noqa: PLC0415  (as above)

    for event in events:
        if isinstance(event, Result):
            results[event.cell] = event
            if kept is not None:
                kept.add(event)
        tell(event, len(results))


def _exit(summary: Summary) -> Exit:
    return {
        "expected": Exit.CLEAN,
        "unexpected": Exit.FINDINGS,
        "incomplete": Exit.INCOMPLETE,
    }[summary.verdict]


def _json(summary: Summary) -> str:
    from racepage.stress.summary import to_data  # noqa: PLC0415  (as above)

    return json.dumps(to_data(summary), indent=2) + "\n"


def _text(summary: Summary, *, cut_short: bool) -> str:
    """The report for people: of a run that was cut short, what there is to show."""
    from racepage.cli.table import table  # noqa: PLC0415  (rich, for the width of characters)
    from racepage.stress import words  # noqa: PLC0415

    shown = [row for row in summary.rows if row.results or not cut_short]
    rows = table(words.HEADS, map(words.cells_of, shown)) + "\n" if shown else ""
    return rows + "".join(f"{line}\n" for line in words.remarks(summary))


# While it goes on ------------------------------------------------------------------------------


@contextmanager
def _watched(total: int, done: int, jobs: int, most: int | None) -> Iterator[Tell]:
    """What to tell what happens: it says how far the run is, and what is out of the ordinary."""
    with _bars(total, done, jobs, most) if sys.stderr.isatty() else _lines(total) as tell:

        def told(event: Event, finished: int) -> None:
            for line in _news(event):
                say(line)
            tell(event, finished)

        yield told


def _news(event: Event) -> Sequence[str]:
    """What is worth a line at once."""
    from racepage.stress.cell import Result  # noqa: PLC0415  (as above)
    from racepage.stress.processes import Died  # noqa: PLC0415

    if isinstance(event, Died):
        then = "it is tried again" if event.again else "it is left out, having been tried twice"
        return [f"{event.cell}: its process {event.how}; {then}"]
    if isinstance(event, Result):
        return [f"{event.cell}: unexpected {one.kind}: {one.message}" for one in event.surprises]
    return ()


@contextmanager
def _bars(total: int, done: int, jobs: int, most: int | None) -> Iterator[Tell]:
    """A line for the whole and one for each process, which go away in the end."""
    from rich.console import Console  # noqa: PLC0415  (on a terminal only)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from racepage.stress.processes import Underway  # noqa: PLC0415

    def of(count: int, most: int | None) -> str:
        return f"{count:,}" if most is None else f"{count:,} of {most:,}"

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    whole = progress.add_task("all cells", total=total, completed=done, said=of(done, total))
    places = [progress.add_task("", total=most, visible=False, said="") for _ in range(jobs)]

    def tell(event: Event, finished: int) -> None:
        progress.update(whole, completed=finished, said=of(finished, total))
        if isinstance(event, Underway):
            progress.update(
                places[event.place],
                description=str(event.cell),
                completed=event.executions,
                visible=True,
                said=of(event.executions, most),
            )

    with progress:
        yield tell


@contextmanager
def _lines(total: int) -> Iterator[Tell]:
    """A line now and then."""
    last = time.monotonic()

    def tell(event: Event, finished: int) -> None:
        nonlocal last
        if time.monotonic() - last > LINE_EVERY:
            last = time.monotonic()
            say(f"{finished:,} of {counted(total, 'cell')}; at {event.cell}")

    yield tell
