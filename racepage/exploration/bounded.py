"""What the bounded searches have in common: a depth-first search with a purse."""

from __future__ import annotations

from typing import Any, ClassVar

from racepage.exploration.dfs import DepthFirst
from racepage.exploration.saved import Saved


class Bounded(DepthFirst):
    """A depth-first search in which some choices cost, and an execution may spend `bound`."""

    exhaustive: ClassVar[bool] = False

    def __init__(self, bound: int) -> None:
        super().__init__()
        self._bound = bound
        self._left = bound

    def begin(self) -> bool:
        self._left = self._bound
        return super().begin()

    def state(self) -> dict[str, Any]:
        return {**super().state(), "bound": self._bound}

    def restore(self, state: dict[str, Any]) -> None:
        bound = Saved(state, self.name).number("bound")
        super().restore(state)
        self._bound = bound
