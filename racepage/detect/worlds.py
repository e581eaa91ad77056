"""Threads that can have to do with each other, where a trace has several executions in it.

A recording is one world. A batch of executions (`explore/batch.py`) has one for each of them, and
a thread of its own, in no world, that starts and joins theirs in turn: that orders them, and is
nothing that any of them did.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.trace.columns import NOTHING


class Worlds:
    """Which world each thread is in.

    Args:
        of: int32, thread -> world, NOTHING for one in none; None where all are in one.
    """

    def __init__(self, of: NDArray[np.int32] | None = None) -> None:
        self._of = of

    def of(self, thread: int) -> int:
        """The world of a thread."""
        return 0 if self._of is None else int(self._of[thread])

    def inside(self, threads: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of the threads are in a world."""
        if self._of is None:
            return np.ones(len(threads), dtype=np.bool_)
        found: NDArray[np.bool_] = self._of[threads] != NOTHING
        return found


ONE_WORLD: Final = Worlds()
