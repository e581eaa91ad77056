"""What an imported trace called the bytes of a finding."""

from __future__ import annotations

from racepage.finding import Analysis
from racepage.trace.std_reader import VARIABLE


def variables(
    analysis: Analysis, page: str | None, touched: tuple[int, int] | None
) -> tuple[str, ...]:
    """The variables in the bytes `touched` of a page; none where nothing was imported."""
    if page is None or touched is None or page not in analysis.pages:
        return ()
    start, stop = touched
    return analysis.pages[page].variables[start // VARIABLE : -(-stop // VARIABLE)]
