"""What a search may spend. It loads nothing, so that a command line can say it."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """What may be spent: executions and seconds; None for no limit."""

    executions: int | None
    seconds: float | None
