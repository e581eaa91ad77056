"""The columns between two lanes: arrows on a grid of characters.

An arrow leaves its event along the row, turns into a track of its own, and leads along the row of
the other event to its head. Lines that cross are joined by what the box-drawing characters have
for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

UNORDERED: Final = "unordered"

_N, _E, _S, _W = 1, 2, 4, 8
_BOX: Final = {
    _N: "│",
    _S: "│",
    _N | _S: "│",
    _E: "─",
    _W: "─",
    _E | _W: "─",
    _E | _S: "╭",
    _S | _W: "╮",
    _N | _E: "╰",
    _N | _W: "╯",
    _N | _E | _S: "├",
    _N | _S | _W: "┤",
    _E | _S | _W: "┬",
    _N | _E | _W: "┴",
    _N | _E | _S | _W: "┼",
}

ARROW: Final = "blue"
MISSING: Final = "red"


class Gutter:
    """Lines of one width, drawn upon one after the other.

    Args:
        width: columns, odd.
        lines: how many.
    """

    def __init__(self, width: int, lines: int) -> None:
        self._width = width
        self._ways = [[0] * width for _ in range(lines)]
        self._heads: dict[tuple[int, int], str] = {}
        self._missing: set[int] = set()
        middle = width // 2
        inner = range(2, width - 2)
        # The middle first, every other column next, and the rest when there is no other room.
        self._tracks = sorted(inner, key=lambda x: ((x - middle) % 2, abs(x - middle), x))

    def arrow(self, top: int, bottom: int, track: int, *, right: bool) -> None:
        """An arrow from a line to one further down, to the right lane or to the left one."""
        x = self._tracks[track]
        last = self._width - 1
        begin, end = (
            (range(x), range(x + 1, last)) if right else (range(x + 1, last + 1), range(1, x))
        )
        for along in begin:
            self._ways[top][along] |= _E | _W
        self._ways[top][x] |= _S | (_W if right else _E)
        for line in range(top + 1, bottom):
            self._ways[line][x] |= _N | _S
        self._ways[bottom][x] |= _N | (_E if right else _W)
        for along in end:
            self._ways[bottom][along] |= _E | _W
        self._heads[bottom, last if right else 0] = "▶" if right else "◀"

    def missing(self, line: int) -> None:
        """The edge that is not there, across a line."""
        self._missing.add(line)

    def line(self, number: int) -> Text:
        """The characters of a line."""
        ways = self._ways[number]
        if number in self._missing:
            return _missing(ways)
        chars = (self._heads.get((number, x)) or _BOX.get(way, " ") for x, way in enumerate(ways))
        return Text("".join(chars), ARROW)


def _missing(ways: Sequence[int]) -> Text:
    """The edge that is not there; what crosses it goes by behind the word."""
    told = UNORDERED if len(ways) < len(UNORDERED) + 4 else f" {UNORDERED} "
    begin = (len(ways) - len(told)) // 2
    chars = [_BOX.get(way, "╌") for way in ways]
    chars[begin : begin + len(told)] = told
    text = Text("".join(chars), MISSING)
    for x, char in enumerate(chars):
        if char in _BOX.values():
            text.stylize(ARROW, x, x + 1)
    return text
