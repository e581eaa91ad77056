"""Serving a trace to the browser until Ctrl-C: `racepage view --serve`."""

from __future__ import annotations

import webbrowser
from threading import Event
from typing import TYPE_CHECKING

from racepage.cli.output import emit, say
from racepage.errors import RacepageError

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Analysis
    from racepage.trace.columns import Trace


def serve(trace: Trace, analysis: Analysis, *, subject: str, opens: bool) -> None:
    """Serve the page of an analysed trace to this machine, until the user has seen enough.

    Prints the address, and opens it in the user's browser.

    Raises:
        RacepageError: there can be no server here.
    """
    from racepage.report.html import MOST_EVENTS  # noqa: PLC0415  (not for those who do not)
    from racepage.report.serve import Served, serving  # noqa: PLC0415  (not for those who do not)

    if len(trace) > MOST_EVENTS:
        say(f"counting the events of {subject}")
    served = Served(trace, analysis, subject=subject)
    try:
        with serving(served) as server:
            emit(f"{server.address}\n", None)
            say("serving it to this machine, until Ctrl-C")
            if opens and not webbrowser.open(server.address):
                say("there is no browser here to open it; open the address in one")
            until_interrupted()
    except OSError as error:
        raise RacepageError(f"cannot serve: {error.strerror or error}") from None


def until_interrupted() -> None:
    """Wait for Ctrl-C."""
    try:
        Event().wait()
    except KeyboardInterrupt:
        say("ended")
