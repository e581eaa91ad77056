"""How fast schedules are explored: `python benchmarks/explore.py`.

- *points*: scheduling points a second in one long execution, a random walk of two threads that
  write to one page, with the caller of each write recorded;
- *random*: executions a second of a random walk, everything that the detector knows looked for in
  each of them;
- *dpor*: the same for optimal partial-order reduction, to its end.

Three programs of 20 points each. Two threads that are *ready* at the first step write ten and nine
times to one page, and the program waits for their end. The others have two starts, two joins, and
eight operations of each of two threads: *racing* writes to one page (12,870 executions show all
that it can do); *locked* takes a lock twice and writes twice under it. Findings are told once, and
no schedule is made smaller.

A second table has how many executions it takes to hit the bugs of some small programs
(`benchmarks/first_finding.py`).

One core: the process binds itself to one. Each figure is the best of some rounds, by the seconds of
that core, after a round that is not counted, which compiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import first_finding
from racepage import sync
from racepage.execution.kernel import Kernel, quiet
from racepage.exploration.api import explore, explore_threads
from racepage.exploration.random_walk import RandomWalk
from racepage.memory import GFP_KERNEL, Page

POINTS = 100_000
EXECUTIONS = 60_000
TARGETS = {"points": 300_000, "random": 15_000, "dpor": 3_000}


def pair(body: Callable[[Page, sync.Lock], None]) -> Callable[[], None]:
    """A program of two threads that do the same with a page and a lock."""

    def program() -> None:
        page, lock = Page.alloc_page(GFP_KERNEL), sync.Lock()
        threads = [sync.Thread(target=body, args=(page, lock)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return program


def racing(page: Page, _lock: sync.Lock) -> None:
    """Eight writes."""
    for _ in range(8):
        page.write_raw(b"12345678", 0, 8)


def locked(page: Page, lock: sync.Lock) -> None:
    """Two writes under a lock, twice."""
    for _ in range(2):
        with lock:
            page.write_raw(b"12345678", 0, 8)
            page.write_raw(b"12345678", 8, 8)


def writing(page: Page, _lock: sync.Lock) -> None:
    """Many writes."""
    for _ in range(POINTS // 2):
        page.write_raw(b"12345678", 0, 8)


def points() -> float:
    """Points a second."""
    kernel, strategy = Kernel(2 * POINTS), RandomWalk()
    strategy.begin()
    with quiet():
        begun = process_time()
        done = kernel.execute(pair(writing), strategy.choose, strategy.pick)
        taken = process_time() - begun
    kernel.close()
    return len(done.steps) / taken


def ready(writes: int) -> Callable[[Page], None]:
    """A thread that writes so many times."""

    def body(page: Page) -> None:
        for _ in range(writes):
            page.write_raw(b"12345678", 0, 8)

    return body


def executions_of_ready_threads() -> float:
    """Executions a second of a random walk of threads that are there from the beginning."""
    begun = process_time()
    done = explore_threads(
        [ready(10), ready(9)],
        setup=lambda: Page.alloc_page(GFP_KERNEL),
        strategy="random",
        executions=EXECUTIONS,
        seconds=None,
        findings=None,
        shrinks=0,
    )
    return done.executions / (process_time() - begun)


def executions(body: Callable[[Page, sync.Lock], None], strategy: str) -> float:
    """Executions a second."""
    begun = process_time()
    done = explore(
        pair(body),
        strategy=strategy,
        executions=EXECUTIONS,
        seconds=None,
        findings=None,
        shrinks=0,
    )
    return done.executions / (process_time() - begun)


ROWS: dict[str, tuple[str, Callable[[], float]]] = {
    "points, racing": ("points", points),
    "random, ready": ("random", executions_of_ready_threads),
    "random, racing": ("random", lambda: executions(racing, "random")),
    "random, locked": ("random", lambda: executions(locked, "random")),
    "dpor, racing": ("dpor", lambda: executions(racing, "dpor")),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=100, help="of the second table")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"Python {platform.python_version()}\n                 a second    target")
    for name, (kind, measure) in ROWS.items():
        best = max([measure() for _ in range(options.rounds + 1)][1:])
        print(f"{name:15} {best:9,.0f} {TARGETS[kind]:9,}", flush=True)
    print()
    first_finding.table(options.seeds)


if __name__ == "__main__":
    main()
