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
from racepage.detect.worlds import ONE_WORLD, Worlds
from racepage.events import Op
from racepage.trace.columns import Trace


def thread_leak(
    trace: Trace, rare: NDArray[np.int64], worlds: Worlds = ONE_WORLD
) -> Iterator[Evidence]:
    """Every one. first = the START of the thread; there is no second."""
    if not trace.origin.shows_leaks:
        return
    columns = trace.columns
    starts, ends = (
        rows[worlds.inside(columns.thread[rows])]
        for rows in (which(columns, rare, Op.START), which(columns, rare, Op.JOIN, Op.DETACH))
    )
    left = starts[~np.isin(columns.target[starts], columns.target[ends])].tolist()
    if not left:
        return
    exits = which(columns, rare, Op.EXIT)
    ended = dict(zip(columns.thread[exits].tolist(), exits.tolist(), strict=True))
    number_of = {name: number for number, name in enumerate(trace.threads)}
    for start in left:
        name = trace.targets[int(columns.target[start])].name
        end = ended.get(number_of[name])
        if end is not None:
            yield Evidence(
                "thread-leak",
                start,
                NONE,
                related=(end,),
                message=f"{name}, which {trace.threads[columns.thread[start]]} started, has ended, "
                "and nobody joins or detaches it",
            )
