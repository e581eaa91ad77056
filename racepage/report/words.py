"""How numbers and losses are said, in every report and on every line of standard error."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from racepage.wording import counted

__all__ = ["SHOWN", "counted", "listed", "loss"]

SHOWN: Final = 20
"""Findings of one trace that a report for people has, where nobody asks for another number."""


def listed(words: Iterable[str], total: int, most: int) -> str:
    """`a, b and 1,998 more`: the first `most` of `total` words."""
    told = ", ".join(islice(words, most))
    return told if total <= most else f"{told} and {total - most:,} more"


def loss(lost_bytes: int) -> str:
    """What is wrong with a trace that is not complete."""
    if lost_bytes:
        have = "holds" if lost_bytes == 1 else "hold"
        return f"cut off: its last {counted(lost_bytes, 'byte')} {have} no complete batch of events"
    return "not closed: its program was killed, interrupted or stuck, and what came last is missing"
