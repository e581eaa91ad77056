"""The exit codes: DESIGN.md section 7."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Verdict

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""


class Exit(IntEnum):
    """What a run of racepage comes to."""

    CLEAN = 0
    FINDINGS = 1
    UNUSABLE = 2  # input or usage: nothing was looked at
    INCOMPLETE = 3  # what there was is clean, but not all was there


_WORST_FIRST: Final = (Exit.UNUSABLE, Exit.FINDINGS, Exit.INCOMPLETE, Exit.CLEAN)


def of(verdict: Verdict) -> Exit:
    """The exit code that says what a verdict says."""
    return {
        "clean": Exit.CLEAN,
        "findings": Exit.FINDINGS,
        "incomplete": Exit.INCOMPLETE,
    }[verdict]


def worst(exits: Iterable[Exit]) -> Exit:
    """The one that counts over several traces."""
    return min(exits, key=_WORST_FIRST.index, default=Exit.CLEAN)
