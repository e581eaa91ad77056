"""One controlled execution as a trace, with its names, sites and values, for reports and files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from racepage.execution.decode import decode, words
from racepage.execution.flat import FIELDS
from racepage.execution.kernel import Kernel, Outcome
from racepage.execution.tables import Tables
from racepage.trace.columns import Origin, Trace


def retrace(kernel: Kernel, outcome: Outcome, program: str) -> Trace:
    """What the threads logged in the only execution since the kernel's events were cleared.

    What a program left behind is judged only where it came to its end. Otherwise the trace is whole
    as far as it goes, unless the execution was cut short: that shows nothing of what would follow.

    Args:
        kernel: ran the execution.
        outcome: how it ended.
        program: what the trace says was recorded.
    """
    tables = Tables()
    said = words(kernel.events)
    running, count = runs(kernel.runs, len(said.word))
    threads = np.array([tables.thread(number) for number in running], dtype=np.int32)
    columns = decode(kernel.events, said, np.repeat(threads, count), tables)
    return Trace(
        columns=columns,
        threads=tables.threads,
        targets=tables.targets,
        sites=tables.sites.stacks,
        page_sizes=tables.page_sizes,
        labels=tables.labels,
        lock_kinds=tables.lock_kinds,
        origin=Origin(
            form="memory",
            program=program,
            judge_leaks=outcome == "ended",
            complete=outcome in {"ended", "deadlock", "failed"},
        ),
    )


def runs(flat: list[Any], events: int) -> tuple[list[int], NDArray[np.int64]]:
    """The number of each thread that went on, in order, and how many events it then had.

    Args:
        flat: `Kernel.runs`.
        events: how many there are in all.
    """
    begin = np.fromiter(flat[::2], np.int64, len(flat) // 2) // FIELDS
    return flat[1::2], np.diff(begin, append=events)
