"""`racepage convert IN OUT`: from one trace format to another."""

from __future__ import annotations

import click

from racepage.cli.exits import Exit
from racepage.cli.keep import keep
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.report.words import loss


@click.command(cls=Configured)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
def convert(source: str, target: str) -> int:
    """Turn a trace into another format.

    The suffixes of IN and OUT say which:
    .trace is text for people, .arrows is what a recording is kept in, .std is RAPID's. What a
    format has no words for is said on standard error.
    """
    from racepage.trace.files import read_trace  # noqa: PLC0415  (not needed to print help)

    trace = read_trace(source)
    keep(trace, target)
    if trace.origin.complete and not trace.origin.lost_bytes:
        return Exit.CLEAN
    say(f"{source} was {loss(trace.origin.lost_bytes)}")
    return Exit.INCOMPLETE
