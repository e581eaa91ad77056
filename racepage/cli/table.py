"""Columns of words, lined up: for people to scan, and for `cut` and `awk` to take apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len

from racepage.report.escape import plain

_GAP: Final = "  "

Row = Sequence[str | int]


def table(heads: Sequence[str], rows: Iterable[Row]) -> str:
    """The lines of a table, numbers to the right; nothing is cut, and no name can break a line."""
    body = list(rows)
    lines = [[*heads], *([_word(value) for value in row] for row in body)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    right = [bool(body) and isinstance(value, int) for value in (body[0] if body else heads)]
    made: list[str] = []
    for line in lines:
        cells = (
            _padded(word, width, right=flush)
            for word, width, flush in zip(line, widths, right, strict=True)
        )
        made.append(_GAP.join(cells).rstrip())
    return "\n".join(made) + "\n"


def _word(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else plain(value)


def _padded(word: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - cell_len(word))
    return blanks + word if right else word + blanks
