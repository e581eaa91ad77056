"""Which threads wait at the end of a trace, for what."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import which
from racepage.events import Op
from racepage.trace.columns import Trace


def last_waits(trace: Trace, rare: NDArray[np.int64]) -> dict[int, int]:
    """Thread -> its BLOCK, of the threads whose last word is that they wait, for however long."""
    columns = trace.columns
    rows = which(columns, rare, Op.BLOCK, Op.WAKE)
    blocks = (columns.op[rows] == int(Op.BLOCK)).tolist()
    told = zip(rows.tolist(), blocks, strict=True)
    last = dict(zip(columns.thread[rows].tolist(), told, strict=True))
    waits = {thread: row for thread, (row, block) in last.items() if block}
    if waits:  # a thread that goes on without a WAKE does not wait either
        rows = np.flatnonzero(
            columns.op != int(Op.COLLECT)
        )  # what a finalizer does, no thread does
        latest = np.full(len(trace.threads), -1, dtype=np.int64)
        latest[columns.thread[rows]] = rows
        waits = {thread: row for thread, row in waits.items() if latest[thread] == row}
    return waits
