"""How numbers are said, and what is said of a name that nothing has: alike wherever that is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def counted(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def meant(word: str, known: Iterable[str]) -> str:
    """`did you mean dpor?`, or `there are dpor, dfs, pct` where nothing is like it."""
    names = list(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
