"""How fast a trace is analysed: `python benchmarks/detect.py`.

The path is that of `racepage check` on a trace in memory, with every default check on: stamping,
races, lifetimes, mappings, and the findings with both their sides. The traces are those of
`benchmarks/sharing.py`, which says what the program does:

- *mixed*: records of 1 to 64 bytes;
- *large*: the same with records of up to 4,096 bytes;
- *uniform*: any ranges of 1 to 64 bytes, aligned to nothing.

One core: the process binds itself to one. Each figure is the median over some rounds, in seconds of
that core (so that what else runs on the machine counts less), after a round that is not counted,
which compiles. The *floor* is a compiled pass that reads every column once and does nothing with
it. The phases are timed by themselves; "rest" is what the whole takes beside them.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sharing import program
from racepage.detect import analyse
from racepage.detect.native import Native
from racepage.order.hb_native import NativeHappensBefore
from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns, Trace

TRACES: dict[str, Callable[[int], Trace]] = {
    "mixed": program,
    "large": lambda events: program(events, largest=4096),
    "uniform": lambda events: program(events, uniform=True),
}
BATCH = 1 << 20  # as `analyse` has it


@numba.njit  # type: ignore[untyped-decorator]  # numba has no types
def add_up(narrow: tuple[NDArray[Any], ...], wide: tuple[NDArray[Any], ...]) -> int:
    """Read each column once."""
    thread, op, target, site, flags = narrow
    offset, length = wide
    total = 0
    for row in range(len(op)):
        total += thread[row] + op[row] + target[row] + site[row] + flags[row]
        total += offset[row] + length[row]
    return total


def floor(columns: Columns) -> None:
    """The plain pass."""
    add_up(
        (columns.thread, columns.op, columns.target, columns.site, columns.flags),
        (columns.offset, columns.length),
    )


def stamp(trace: Trace) -> list[tuple[Columns, Stamps]]:
    """Only the order."""
    order = NativeHappensBefore()
    return [
        (batch, order.stamp(batch, trace.threads, trace.targets))
        for batch in trace.columns.batches(BATCH)
    ]


def race(batches: list[tuple[Columns, Stamps]]) -> None:
    """Only the races, on stamped batches."""
    engine = Native()
    for batch, stamps in batches:
        engine.feed(batch, stamps)
    engine.races()


def seconds(rounds: int, work: Callable[[], object]) -> float:
    """The median round, after one that is not counted."""
    taken = []
    for _ in range(rounds + 1):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return statistics.median(taken[1:])


def measure(name: str, events: int, rounds: int) -> None:
    """Print one trace's row."""
    trace = TRACES[name](events)
    batches = stamp(trace)
    whole = seconds(rounds, lambda: analyse(trace, engine="native"))
    stamping = seconds(rounds, lambda: stamp(trace))
    racing = seconds(rounds, lambda: race(batches))
    plain = seconds(rounds, lambda: floor(trace.columns))
    per_event = np.array([whole, stamping, racing, whole - stamping - racing]) / len(trace) * 1e9
    found = analyse(trace, engine="native")
    print(
        f"{name:8} {len(trace) / whole / 1e6:7.1f} {whole / plain:7.1f} "
        + " ".join(f"{figure:9.1f}" for figure in per_event)
        + f" {found.racy_events:9,} {len(found.findings):9,}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("traces", nargs="*", metavar="TRACE", help=", ".join(TRACES))
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(
        f"Python {platform.python_version()}, {platform.machine()}, one core, "
        f"{options.events:,} events, median of {options.rounds}\n\n"
        "         million  times   ns an event:                            racy\n"
        "trace    events/s  floor     whole  stamping     races      rest    events  findings"
    )
    for name in options.traces or TRACES:
        measure(name, options.events, options.rounds)


if __name__ == "__main__":
    main()
