"""Which cells a run has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from racepage.exploration.strategies import CHOICES
from racepage.stress.cell import Cell
from racepage.stress.sizes import subjects


def cells(wanted: Sequence[str], strategies: Sequence[str], seeds: Iterable[int]) -> list[Cell]:
    """A cell for each variant and strategy, and for each seed where the strategy draws lots.

    Args:
        wanted: workloads and variants; all if there are none.
        strategies: names of strategies.
        seeds: for those that draw lots.

    Raises:
        RacepageError: there is no such workload or variant.
    """
    drawn = list(seeds)
    return [
        Cell(subject, strategy, seed)
        for subject in subjects(tuple(wanted))
        for strategy in strategies
        for seed in (drawn if CHOICES[strategy].seeded else [None])
    ]
