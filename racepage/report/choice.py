"""Which finding of a trace somebody means, who says a number or the beginning of a fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from racepage.errors import RacepageError
from racepage.finding import Analysis, Finding
from racepage.report.escape import plain
from racepage.report.words import counted

SHORTEST: Final = 4
"""Characters of a fingerprint that tell a finding from others; shorter ones are numbers only."""


class Choice(NamedTuple):
    """A finding, and its number among those that count; None for one that does not."""

    finding: Finding
    number: int | None


def counting(analysis: Analysis) -> list[Finding]:
    """The findings that count, in their order: number 1 is the first."""
    return [one for one in analysis.findings if one.suppressed is None]


def choose(analysis: Analysis, wanted: str) -> Choice:
    """The finding that `wanted` names: its number in reports, or how its fingerprint begins.

    A fingerprint names what does not count as well, a number does not.

    Raises:
        RacepageError: there is no such finding, or several have fingerprints that begin so.
    """
    there = counting(analysis)
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else 0
    if 1 <= number <= len(there):
        return Choice(there[number - 1], number)
    meant: dict[str, Finding] = {}
    if len(wanted) >= SHORTEST:
        begin = wanted.lower()
        for one in (*there, *analysis.findings):
            if one.fingerprint.startswith(begin):
                meant.setdefault(one.fingerprint, one)
    if len(meant) == 1:
        [found] = meant.values()
        return Choice(found, _number(found, there))
    where = f"{analysis.path or 'the trace'}: "
    said = plain(wanted, longest=40)
    if meant:
        raise RacepageError(
            f"{where}{len(meant)} fingerprints begin with {said}: {', '.join(sorted(meant)[:3])}; "
            "say more of the one that is meant"
        )
    if not there:
        raise RacepageError(f"{where}there is no finding {said}, since there is none that counts")
    those = "that is number 1" if len(there) == 1 else f"they are numbers 1 to {len(there):,}"
    raise RacepageError(
        f"{where}there is no finding {said}; it has {counted(len(there), 'finding')}, and {those}"
    )


def _number(found: Finding, there: Sequence[Finding]) -> int | None:
    return next((at for at, one in enumerate(there, 1) if one is found), None)
