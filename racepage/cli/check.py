"""`racepage check TRACE…`: analyse recorded, written or imported traces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from racepage.cli import exits
from racepage.cli.exits import Exit
from racepage.cli.options import Options, analysis_options
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.errors import RacepageError
from racepage.report.formats import FORMATS, OfTrace, OfTraces

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Unusable


@click.command(cls=Configured)
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path())
@analysis_options
def check(options: Options, traces: tuple[str, ...]) -> int:
    """Find the races and the misused pages in traces.

    A trace is a .trace, .arrows or .std file. Several have a line each, and their findings
    beneath; the worst result is the exit code. With --format json one trace makes one object, and
    several make an array.
    """
    for path in traces:
        _refuse_to_overwrite(path, options.output)
    if len(traces) > 1 and FORMATS[options.format].one_trace:
        raise click.UsageError(
            f"--format {options.format} shows one trace, and here are {len(traces):,}; "
            "check each by itself"
        )
    results: list[Exit] = []

    def analysed() -> Iterator[OfTrace | Unusable]:
        for path in traces:
            one = _analysed(options, path)
            results.append(
                exits.of(one.analysis.verdict) if isinstance(one, OfTrace) else Exit.UNUSABLE
            )
            yield one

    def exit_code() -> int:
        return exits.worst(results)

    if len(traces) > 1:
        analyses = (one.analysis if isinstance(one, OfTrace) else one for one in analysed())
        options.report(OfTraces(analyses=analyses), exit_code)
    else:
        for one in analysed():
            if isinstance(one, OfTrace):
                options.report(one, exit_code)
    options.settle(usable=Exit.UNUSABLE not in results)
    return exit_code()


def _analysed(options: Options, path: str) -> OfTrace | Unusable:
    """A trace, and what is found in it; a line on stderr where it cannot be analysed."""
    from racepage.finding import Unusable  # noqa: PLC0415  (not needed to print help)
    from racepage.trace.files import read_trace  # noqa: PLC0415

    try:
        trace = read_trace(path)
        analysis = options.analyse(trace, f"checking {Path(path).name}")
    except RacepageError as error:
        message = str(error)
        say(message if path in message else f"{path}: {message}")
        return Unusable(path, message.removeprefix(f"{path}: "))
    return OfTrace(analysis=options.policy.apply(analysis), trace=trace)


def _refuse_to_overwrite(path: str, output: Path | None) -> None:
    if output is not None and output.exists() and Path(path).exists() and output.samefile(path):
        raise click.UsageError(f"-o {output} would overwrite the trace; name another file")
