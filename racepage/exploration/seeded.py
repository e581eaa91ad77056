"""What the strategies that draw lots have in common: a seed, and a stream for each execution."""

from __future__ import annotations

from typing import Any

from racepage.exploration.chance import Chance
from racepage.exploration.saved import Saved
from racepage.exploration.strategy import Run, Strategy


class Seeded(Strategy):
    """Goes on for ever; execution n depends on the seed, on n, and on what was learnt before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._executions = 0
        self._chance = Chance()

    def begin(self) -> bool:
        self._chance.restart(self._seed, self._executions)
        return True

    def pick(self, count: int) -> int:
        return self._chance.below(count)

    def end(self, run: Run) -> None:
        del run
        self._executions += 1

    def state(self) -> dict[str, Any]:
        return {"strategy": self.name, "seed": self._seed, "executions": self._executions}

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        seed = saved.number("seed")
        self._executions = saved.number("executions")
        self._seed = seed
