"""Lines of a report for people: wrapped prose, and fields with a label in the margin.

Nothing is ever read as markup, names and places are never broken or cut to fit, and the terminal's
environment decides nothing: what the caller asked for holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

DETAIL: Final = "dim"
"""The style of what one reads last."""

INDENT: Final = 10
"""The columns before a field's text."""

NARROWEST: Final = 40
"""Columns below which nothing is wrapped any closer."""

_MARGIN: Final = 2
_WORD: Final = re.compile(r"\(event [^)]*\)\S*|[\d,]+ (?:racy )?[a-z]+\S*|[^ ]+")


class Layout:
    """Makes lines of one width.

    Attributes:
        width: columns.
    """

    def __init__(self, width: int) -> None:
        self.width = max(width, NARROWEST)

    def prose(self, text: str, style: str = "") -> Iterable[Text]:
        """`text` in lines of the whole width."""
        return self.wrapped(Text(text, style))

    def wrapped(self, text: Text, indent: int = 0) -> Iterable[Text]:
        """`text` in lines of the width, broken at blanks only."""
        width = self.width - indent
        breaks: list[int] = []
        start = 0
        for word in _WORD.finditer(text.plain):
            if start < word.start() and cell_len(text.plain[start : word.end()]) > width:
                start = word.start()
                breaks.append(start)
        lines = text.divide(breaks)
        for line in lines:
            line.rstrip()
        return lines

    def field(
        self, label: str, text: Text, *, style: str = DETAIL, wrap: bool = True
    ) -> Iterator[Text]:
        """A label in the margin, and `text` beside it."""
        head = Text(f"{'':{_MARGIN}}{label:<{INDENT - _MARGIN}}", style)
        for line in self.wrapped(text, INDENT) if wrap else [text]:
            yield Text.assemble(head, line)
            head = Text(" " * INDENT)

    def ruled(self, head: Text, tail: str = "", line: str = "━") -> Text:
        """A heading: `head`, a line across, and `tail` at its right end."""
        room = self.width - head.cell_len - 1
        if not tail:
            head.append(f" {line * max(room, 3)}")
            return head
        head.append(f" {line * max(room - cell_len(tail) - 1, 2)}")
        head.append(f" {tail}", "bold")
        return head


def printed(lines: Iterable[Text], width: int, *, color: bool) -> str:
    """The lines as text; each ends with a newline."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(width, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},  # what the caller decided holds, whatever NO_COLOR or COLUMNS say
    )
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)
    return out.getvalue()
