"""`racepage convert IN OUT`: from one trace format to another."""

from __future__ import annotations

import click

from racepage.cli.exits import Exit
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.report.words import counted


@click.command(cls=Configured)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
def convert(source: str, target: str) -> int:
    """Turn a trace into another format.

    The suffixes of IN and OUT say which:
    .trace is text for people, .arrows is what a recording is kept in, .std is RAPID's.
    """
    from racepage.order.hb import HappensBefore  # noqa: PLC0415  (not needed to print help)
    from racepage.trace.files import read_trace, write_trace  # noqa: PLC0415

    trace = read_trace(source)
    stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    write_trace(trace, target, stamps=stamps)
    say(f"wrote {target}: {counted(len(trace), 'event')}")
    if trace.origin.complete:
        return Exit.CLEAN
    lost = counted(trace.origin.lost_bytes, "byte")
    say(f"{source} was cut off: its last {lost} hold no complete batch of events")
    return Exit.INCOMPLETE
