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

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Analysis


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
    results: list[Exit] = []

    def analysed() -> Iterator[Analysis | str]:
        for path in traces:
            analysis = _analysed(options, path)
            results.append(Exit.UNUSABLE if analysis is None else exits.of(analysis.verdict))
            yield path if analysis is None else analysis

    if len(traces) > 1:
        options.report_all(analysed())
    else:
        for one in analysed():
            if not isinstance(one, str):
                options.report(one)
    options.settle(usable=Exit.UNUSABLE not in results)
    return exits.worst(results)


def _analysed(options: Options, path: str) -> Analysis | None:
    """What is found in a trace; None, and a line on stderr, where it cannot be analysed."""
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    try:
        analysis = options.analyse(read_trace(path), f"checking {Path(path).name}")
    except RacepageError as error:
        message = str(error)
        say(message if path in message else f"{path}: {message}")
        return None
    return options.policy.apply(analysis)


def _refuse_to_overwrite(path: str, output: Path | None) -> None:
    if output is not None and output.exists() and Path(path).exists() and output.samefile(path):
        raise click.UsageError(f"-o {output} would overwrite the trace; name another file")
