"""Two byte ranges and what they share, drawn to one scale.

    bytes   0               32              64              96
            ├───────────────┼───────────────┼───────────────┤
    first   ████████████████████████████████
    second                  ████████████████████████████████
    both                    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀

The scale runs from the lowest byte that either side touches to the highest. Few bytes get several
columns each; of many, a column stands for a power of two, and one that is touched at all is
drawn, so that one byte in a page of 4,096 can be seen.
"""

from __future__ import annotations

from typing import NamedTuple

Range = tuple[int, int]

_WIDEST_BYTE = 8


class Ruler(NamedTuple):
    """The lines of a ruler, each as wide as it needs to be, with no trailing blanks.

    `per_column` is how many bytes a column stands for; 1 where a byte has a column or more.
    """

    labels: str
    scale: str
    first: str
    second: str
    both: str
    per_column: int


def draw(first: Range, second: Range, both: Range, columns: int) -> Ruler:
    """Draw three half-open ranges on at most `columns` columns; `both` lies within the others."""
    low, high = min(first[0], second[0]), max(first[1], second[1])
    span = max(high - low, 1)
    per_column = 1
    while per_column * columns < span:
        per_column *= 2
    per_byte = min(columns // span, _WIDEST_BYTE) if per_column == 1 else 1
    width = -(-span // per_column) * per_byte

    def column(edge: int) -> int:
        """The first column that begins at `edge` or behind it."""
        return -(-(edge - low) // per_column) * per_byte

    def bar(touched: Range, char: str) -> str:
        start, stop = touched
        if start >= stop:
            return ""
        left = (start - low) // per_column * per_byte
        return " " * left + char * (column(stop) - left)

    edges = (low, high, *both)
    labels, ticks = _labels([((edge - low) // per_column * per_byte, str(edge)) for edge in edges])
    scale = ["─"] * (width + 1)
    for tick in ticks:
        scale[tick] = "┼"
    scale[0], scale[-1] = "├", "┤"
    return Ruler(
        labels=labels,
        scale="".join(scale),
        first=bar(first, "█"),
        second=bar(second, "█"),
        both=bar(both, "▀"),
        per_column=per_column,
    )


def _labels(wanted: list[tuple[int, str]]) -> tuple[str, list[int]]:
    """The label line, and the columns that got a label; earlier wishes go first."""
    taken: dict[int, str] = {}
    for column, text in wanted:
        if all(
            column + len(text) < other or other + len(there) < column
            for other, there in taken.items()
        ):
            taken[column] = text
    line = ""
    for column in sorted(taken):
        line = line.ljust(column) + taken[column]
    return line, sorted(taken)
