"""`thread-leak`: a thread that has ended, and that nobody ever joined or detached.

Its last words are lost: nothing is ordered after them, and in the kernel and in C its stack is
never given back. A thread that still runs at the end is none: somebody may have joined it later.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.rows import which
from racepage.events import Op
from racepage.trace.columns import Trace


def thread_leak(trace: Trace, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Every one. first = the START of the thread; there is no second."""
    if not trace.origin.shows_leaks:
        return
    columns = trace.columns
    exits = which(columns, rare, Op.EXIT).tolist()
    ended = {trace.threads[columns.thread[event]]: event for event in exits}
    kept = set(columns.target[which(columns, rare, Op.JOIN, Op.DETACH)].tolist())
    for start in which(columns, rare, Op.START).tolist():
        target = int(columns.target[start])
        name = trace.targets[target].name
        if name in ended and target not in kept:
            yield Evidence(
                "thread-leak",
                start,
                NONE,
                related=(ended[name],),
                message=f"{name}, which {trace.threads[columns.thread[start]]} started, has ended, "
                "and nobody joins or detaches it",
            )
