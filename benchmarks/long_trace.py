"""A recording of any length: `python benchmarks/long_trace.py 100000000 long.arrows`.

*Mixed* of `benchmarks/sharing.py`, piece after piece: main joins the workers of one piece, frees
the pages, and does it all again with new workers. Each synchronising event has a time, as
recordings have it. It is written piece by piece, so that making it needs the memory of one.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sharing import WORKERS, program
from racepage.events import Kind, Op, Target
from racepage.trace.arrows import BATCH, ArrowsWriter
from racepage.trace.columns import Trace

PIECE = 10_000_000


def timed(events: int) -> Trace:
    """One piece, with times: 20 to 200 ns from one event to the next."""
    trace = program(events)
    steps = np.random.default_rng(1).integers(20, 200, len(trace))
    clock = np.where(trace.columns.op > Op.FREE, np.cumsum(steps), 0)
    return replace(trace, columns=replace(trace.columns, time=clock))


def write(events: int, path: Path, piece: int = PIECE) -> None:
    """Write about so many events."""
    trace = timed(min(events, piece))
    columns, targets = trace.columns, trace.targets[:-WORKERS]
    threads = trace.threads[:1]
    with ArrowsWriter(path, program="long", judge_leaks=False) as writer:
        for number in range(-(-events // piece)):
            names = [f"w{number * WORKERS + worker}" for worker in range(WORKERS)]
            threads += names
            targets += [Target(Kind.THREAD, name) for name in names]
            is_thread = columns.target >= len(trace.targets) - WORKERS
            of_worker = columns.thread > 0
            here = replace(
                columns,
                thread=columns.thread + (of_worker * (number * WORKERS)).astype(np.int32),
                target=columns.target + (is_thread * (number * WORKERS)).astype(np.int32),
                time=np.where(columns.time, columns.time + number * 10**9, 0),
            )
            for batch in here.batches(BATCH):
                writer.write_batch(
                    batch,
                    None,
                    threads=threads,
                    targets=targets,
                    sites=trace.sites,
                    page_sizes=trace.page_sizes,
                    labels={},
                )


def main() -> None:
    """Write one."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("events", type=int)
    options.add_argument("path", type=Path)
    given = options.parse_args()
    write(given.events, given.path)


if __name__ == "__main__":
    main()
