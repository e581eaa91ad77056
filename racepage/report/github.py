"""Workflow commands: what GitHub Actions shows beside the lines of a change.

One command a line, `::error file=early.py,line=12,endLine=12,title=RP001 data-race::MESSAGE`, put
where the second side stands; the message has both sides, and why nothing orders them. That not all
was looked at is an error where nothing was, a warning where nothing was found, and else a notice.
What is remarked is a warning; what is suppressed or known is not told.

Source: docs.github.com, "Workflow commands for GitHub Actions"; the escapes are those of
`@actions/core`: %, CR and LF in messages, and : and , in properties as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from racepage.report.escape import plain
from racepage.report.formats import How
from racepage.report.one_finding import LONGEST_PROSE
from racepage.report.parts import Part

_LEVEL: Final = {"unusable": "error", "incomplete": "warning", "findings": "notice"}
_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = {**_MESSAGE, **str.maketrans({":": "%3A", ",": "%2C"})}


def render(parts: Iterable[Part], how: How) -> str:
    """The commands; each ends with a newline."""
    del how
    return "".join(f"{line}\n" for part in parts for line in _lines(part))


def _lines(part: Part) -> Iterator[str]:
    for one in part.counting:
        place = one.places[0]
        yield _command(
            "error",
            "\n".join((one.message, *one.details())),
            file=plain(place.file),
            line=str(place.line),
            endLine=str(place.line),
            title=one.title,
        )
    if part.lacking is not None:
        told = plain(part.lacking, longest=LONGEST_PROSE)
        yield _command(_LEVEL[part.verdict], f"{part.subject}: {told}", title="racepage")
    for remark in part.remarks:
        yield _command("warning", f"{part.subject}: {remark}", title="racepage")


def _command(level: str, message: str, **properties: str) -> str:
    told = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {told}::{message.translate(_MESSAGE)}"
