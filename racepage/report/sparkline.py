"""How busy something is over a trace, in a line of small bars.

    ▁▁▃█▂   ▁▂

One column stands for as many events as every other one, in the order of the trace. The highest bar
of a line is full, and whatever happens at all can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BARS: Final = " ▁▂▃▄▅▆▇█"


def activity(keys: NDArray[np.int32], chosen: Sequence[int], columns: int) -> NDArray[np.int64]:
    """How often each of `chosen` is among the keys, in `columns` parts of one length.

    Args:
        keys: one an event; -1 for nothing.
        chosen: the keys to count.
        columns: at most so many parts; fewer, where there are fewer events.

    Returns:
        int64, shape (len(chosen), parts).
    """
    highest = max(int(keys.max(initial=0)), *chosen, 0)
    row = np.zeros(highest + 2, dtype=np.int64)  # 0 is for what is not chosen, and -1 has it, too
    row[list(chosen)] = np.arange(1, len(chosen) + 1)
    parts = min(columns, len(keys))
    edges = [part * len(keys) // parts for part in range(parts + 1)] if parts else [0]
    counts = [
        np.bincount(row[keys[start:stop]], minlength=len(chosen) + 1)[1:]
        for start, stop in pairwise(edges)
    ]
    return np.array(counts, dtype=np.int64).reshape(parts, len(chosen)).T


def sparkline(counts: NDArray[np.int64]) -> str:
    """A bar for each count; the largest is full, and none but 0 is blank."""
    levels = -(-counts * (len(_BARS) - 1) // max(int(counts.max(initial=0)), 1))
    return "".join(_BARS[level] for level in levels.tolist())
