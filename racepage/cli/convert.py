"""`racepage convert IN OUT`: from one trace format to another, or to what other viewers read."""

from __future__ import annotations

import click

from racepage.cli.exits import Exit
from racepage.cli.export import EXPORTS, OF_A_FINDING, export
from racepage.cli.keep import keep
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.errors import RacepageError
from racepage.report.words import loss


@click.command(cls=Configured)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option(
    "--to",
    "form",
    type=click.Choice([*EXPORTS]),
    help="What OUT is, where its suffix does not say so.",
)
@click.option(
    "--race",
    metavar="N",
    help="The finding that shiviz and dot show: its number in check's report, 1 where nothing is "
    "said, or how its fingerprint begins.",
)
def convert(source: str, target: str, form: str | None, race: str | None) -> int:
    """Turn a trace into another format.

    The suffixes of IN and OUT say which:
    .trace is text for people, .arrows is what a recording is kept in, .std is RAPID's. What a
    format has no words for is said on standard error.

    OUT may also be for another viewer:

    \b
    chrome    .json .json.gz   the whole trace, for Perfetto and chrome://tracing
    perfetto  .pftrace         the same in Perfetto's own format (needs racepage[perfetto])
    shiviz    .shiviz .log     the events around one finding, and their clocks, for ShiViz
    dot       .dot             what orders the two sides of one finding, for Graphviz
    """  # noqa: D301  (click's mark of lines that stay as they are)
    from racepage.trace.files import SUFFIXES, read_trace  # noqa: PLC0415  (loads numpy)

    form = form or _meant(target)
    if form is None and not target.endswith(SUFFIXES):
        known = ", ".join((*SUFFIXES, *(one for those in EXPORTS.values() for one in those)))
        raise RacepageError(
            f"{target}: its suffix names no format; use one of {known}, or say --to"
        )
    if race is not None and form not in OF_A_FINDING:
        raise click.UsageError(f"--race is for {' and '.join(OF_A_FINDING)}; {target} is neither")
    trace = read_trace(source)
    if form is None:
        keep(trace, target)
    else:
        export(trace, target, form, race or "1")
    if trace.origin.complete and not trace.origin.lost_bytes:
        return Exit.CLEAN
    say(f"{source} was {loss(trace.origin.lost_bytes)}")
    return Exit.INCOMPLETE


def _meant(target: str) -> str | None:
    """The format that a suffix means; None for one of a trace, or of nothing."""
    return next((form for form, suffixes in EXPORTS.items() if target.endswith(suffixes)), None)
