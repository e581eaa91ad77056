"""`racepage check TRACE…`: analyse recorded, written or imported traces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from racepage.cli import exits
from racepage.cli.exits import Exit
from racepage.cli.options import Options, analysis_options
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.errors import RacepageError

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Analysis


@click.command(cls=Configured)
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path())
@analysis_options
def check(options: Options, traces: tuple[str, ...]) -> int:
    """Find the races and the misused pages in traces.

    A trace is a .trace, .arrows or .std file. Of several the worst result is the exit code. With
    --format json one trace makes one object, and several make an array.
    """
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    analyses: list[Analysis] = []
    results: list[Exit] = []
    for path in traces:
        _refuse_to_overwrite(path, options.output)
        try:
            analysis = options.analyse(read_trace(path), f"checking {Path(path).name}")
        except RacepageError as error:
            message = str(error)
            say(message if path in message else f"{path}: {message}")
            results.append(Exit.UNUSABLE)
            continue
        if options.format == "json":
            for warning in analysis.warnings:
                say(f"{path}: warning: {warning}")
        results.append(exits.of(analysis.verdict))
        analyses.append(analysis)
    if len(traces) > 1:
        options.report_all(analyses, len(traces) - len(analyses))
    elif analyses:
        options.report(analyses[0])
    return exits.worst(results)


def _refuse_to_overwrite(path: str, output: Path | None) -> None:
    if output is not None and output.exists() and Path(path).exists() and output.samefile(path):
        raise click.UsageError(f"-o {output} would overwrite the trace; name another file")
