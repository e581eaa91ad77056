"""Names from a trace, made fit for a terminal.

A trace is untrusted: whoever wrote it chose its thread names, labels, file names and source
lines. Printed as they are they could move the cursor, recolour what follows, reverse a line's
direction or stand as lines of their own. Here each becomes one line of characters that print.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 200
"""Characters of a name that are shown; what is longer is cut, with an ellipsis."""

ASCII: Final = str.maketrans(
    {
        "━": "=",
        "═": "=",
        "─": "-",
        "┼": "+",
        "├": "+",
        "┤": "+",
        "▁": ".",
        "▂": ":",
        "▃": "-",
        "▄": "=",
        "▅": "+",
        "▆": "*",
        "▇": "%",
        "█": "#",
        "▀": "^",
        "…": "~",
        "—": "-",
        "│": "|",
        "┃": "#",
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "┬": "+",
        "┴": "+",
        "╌": ".",
        "▶": ">",
        "◀": "<",
        "○": "o",
        "●": "*",
        "⋮": ":",
    }
)
"""The characters that reports draw with, for where there is nothing but ASCII."""

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def plain(text: str, *, longest: int = LONGEST) -> str:
    """`text` on one line of printable characters, at most `longest` of them before escaping.

    Control characters, direction marks, unassigned characters and lone surrogates are shown as
    the escapes that a Python string has for them.
    """
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else _escape(char) for char in shown)


def _escape(char: str) -> str:
    number = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
