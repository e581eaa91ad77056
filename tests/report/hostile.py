"""Names that somebody may put in a trace who means harm."""

from __future__ import annotations

from typing import Final

from racepage.events import Frame
from racepage.finding import Analysis, Finding, PageInfo, Side, ThreadInfo
from tests.report.analyses import RACE, analysis, changed

NAMES: Final = {
    "quotes": "\"'`",
    "newlines": "a\n::error::b\r\n##[error]c",
    "controls": "\x00\x07\x1b[31m\x7f\x85\u2028\u202e",
    "colons": "::error file=x,line=1::%0A%25",
    "markup": "]]><failure/></testcase>&amp;<!--",
    "surrogates": "\ud800 \udcff \ufffe \uffff",
    "links": "[x](https://example.com/){0}{{1}}\\",
    "paths": "../a b#?%41/é/😀:1: RP001",
    "long": "x" * 100_000,
    "empty": "",
}


def hostile(name: str) -> Analysis:
    """A race in which everything that has a name has this one."""
    stack = (Frame(name, 7, name), Frame(name, 0, name))

    def side(event: int, op: str) -> Side:
        return Side(event, f"{name}{event}", op, (0, 8), "plain", 1, {name: 1}, stack, (), name)

    finding: Finding = changed(
        RACE,
        message=f"{name} writes {name}",
        page=name,
        overlap=(0, 8),
        first=side(3, "write"),
        second=side(6, "read"),
        related=(side(0, "alloc"),),
    )
    return changed(
        analysis(finding, changed(finding, suppressed=name), warnings=(name,), lost_bytes=1),
        path=name[:4096],  # it is a file's
        pages={name: PageInfo(4096, name)},
        threads={f"{name}3": ThreadInfo(side(1, "start")), f"{name}6": ThreadInfo()},
    )
