"""`racepage view TRACE`: look at a trace, and at what is wrong in it."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from racepage.cli import exits
from racepage.cli.options import Options, looking_options
from racepage.cli.output import colored, emit, say, width
from racepage.cli.settings import Configured

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Analysis
    from racepage.trace.columns import Trace

no_open_option = click.option(
    "--no-open", is_flag=True, help="Write the page, and leave it to you to open it."
)


@click.command(cls=Configured)
@click.argument("path", metavar="TRACE", type=click.Path())
@no_open_option
@click.option(
    "--text",
    "race",
    metavar="[RACE]",
    is_flag=False,
    flag_value="1",
    help="Draw a finding in the terminal instead: its number in the report of check, or how its "
    "fingerprint begins; the first, where nothing is said.",
)
@click.option(
    "--serve",
    "serves",
    is_flag=True,
    help="Write nothing, and serve the page to the browsers of this machine until Ctrl-C: of a "
    "long trace it then has every event, as one comes closer.",
)
@looking_options
def view(options: Options, path: str, no_open: bool, race: str | None, serves: bool) -> int:
    """Look at a trace in the browser, or at a race in the terminal.

    Shows its threads, pages and races, and why nothing orders them.

    Writes one HTML file, TRACE.html unless -o names another, and opens it. The file needs nothing
    else, neither racepage nor a network, so that it can be sent and kept. The exit code is that of
    check.
    """
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    page = options.output or Path(f"{path}.html")
    if serves and (options.output is not None or race is not None):
        raise click.UsageError("--serve writes no file and draws nothing; leave out -o and --text")
    if page.exists() and Path(path).exists() and page.samefile(path):
        raise click.UsageError(f"-o {page} would overwrite the trace; name another file")
    trace = read_trace(path, large=serves)
    analysis = options.policy.apply(options.analyse(trace, f"checking {Path(path).name}"))
    if race is not None:
        from racepage.report.choice import choose  # noqa: PLC0415  (not needed to print help)
        from racepage.report.lanes import draw  # noqa: PLC0415
        from racepage.report.text import Style  # noqa: PLC0415

        output = options.output
        style = Style(width=width(output), color=colored(options.color, output))
        emit(draw.render(trace, analysis, choose(analysis, race), style), output)
        options.settle()
        return exits.of(analysis.verdict)
    if serves:
        from racepage.cli.serving import serve  # noqa: PLC0415  (not for those who do not)

        serve(trace, analysis, subject=Path(path).name, opens=not no_open)
        options.settle()
        return exits.of(analysis.verdict)
    show(trace, analysis, page, subject=Path(path).name, opens=not no_open)
    options.settle()
    return exits.of(analysis.verdict)


def show(trace: Trace, analysis: Analysis, page: Path, *, subject: str, opens: bool) -> None:
    """Write the page of an analysed trace, and open it in the user's browser.

    Raises:
        click.ClickException: it cannot be written.
    """
    from racepage.report import html  # noqa: PLC0415  (not needed to print help)

    emit(html.render(trace, analysis, subject=subject), page)
    if opens and not webbrowser.open(page.absolute().as_uri()):
        say(f"there is no browser here to open it; open {page} in one")
