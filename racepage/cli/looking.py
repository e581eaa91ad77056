"""`--view`: to look at what a verb ran, once it has reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from racepage.cli.output import say
from racepage.cli.view import no_open_option, show

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.exploration.result import Exploration


def view_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb `--view` and `--no-open`."""
    told = "Look at it in the browser: writes FILE.html after --trace FILE, else PROGRAM.html."
    return click.option("--view", "looks", is_flag=True, help=told)(no_open_option(command))


def page_of(name: str, trace_file: Path | None) -> Path:
    """Where the page goes: beside the trace, or by the program's name into the working directory.

    `binder:early-free` has `binder-early-free.html`.
    """
    if trace_file is not None:
        return trace_file.with_name(f"{trace_file.name}.html")
    return Path(re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.") + ".html")


def show_first(exploration: Exploration, trace_file: Path | None, *, opens: bool) -> None:
    """Show the execution of the first finding of an exploration, if there is one.

    Raises:
        RacepageError, click.ClickException: as for `show`.
    """
    from racepage.report.exploration import first  # noqa: PLC0415  (not needed to print help)

    found = first(exploration)
    if found is None:
        say("there is nothing to look at, since nothing was found")
        return
    page = page_of(exploration.program, trace_file)
    show(found.told.trace, found.analysis, page, subject=exploration.program, opens=opens)
