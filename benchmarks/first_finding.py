"""How many executions it takes to hit a bug: the second table of `benchmarks/explore.py`.

The programs are those of the reference "Exact numbers for schedule exploration" that came with the
project, and so are the figures beside ours, which are 1/p: p is exact for the random walk, and from
20,000 runs of a textbook implementation for PCT and POS. `ready` threads are all there from the
beginning, `spawned` ones are started and joined by a main thread.

Ours are means over seeds. A search by partial orders draws no lots: it hits the bug in one certain
execution, and for comparison stands how many there are in all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from racepage.execution.crew import crew
from racepage.execution.kernel import Kernel, quiet
from racepage.exploration.strategies import make
from racepage.exploration.strategy import Run, Strategy
from tests.exploration.public_bugs import BUGS, Bug, Chance

Body = Callable[[], None]

DRAWN: Final = {"random": {}, "pct": {"depth": 3}, "pos": {}}
"""The strategies that draw lots, and what they are told."""


def ready(bug: Bug) -> Body:
    """The program with threads that are there from the beginning."""

    def program() -> None:
        shared = bug.program.shared()()
        crew([partial(thread, shared) for thread in bug.program.threads])

    return program


def executions(program: Body, strategy: Strategy) -> tuple[int, int | None]:
    """How many there were, and in which one the program failed first."""
    kernel = Kernel()
    count = 0
    first = None
    try:
        while strategy.begin():
            done = kernel.execute(program, strategy.choose, strategy.pick)
            outcome = "limit" if done.outcome == "livelock" else done.outcome
            strategy.end(Run(done.steps, done.waiting, outcome, done.missed))
            kernel.clear()
            count += 1
            if first is None and outcome in {"failed", "deadlock"}:
                first = count
                if not strategy.exhaustive:
                    break
    finally:
        kernel.close()
    return count, first


def drawn(program: Body, name: str, seeds: int) -> float:
    """Executions to the first failure: the mean over seeds."""
    return mean(
        executions(program, make(name, seed=seed, **DRAWN[name]))[0] for seed in range(seeds)
    )


def row(name: str, how: str, program: Body, chance: Chance, seeds: int) -> str:
    """One program's line."""
    cells = [f"{name:<12}{how:<9}"]
    for strategy, p in zip(DRAWN, (chance.walk, chance.pct, chance.pos), strict=True):
        cells.append(f"{drawn(program, strategy, seeds):>8.1f}{1 / p:>8.1f}")
    count, first = executions(program, make("dpor"))
    cells.append(f"{'-' if first is None else first:>7} of {count:,}")
    return "".join(cells)


def table(seeds: int) -> None:
    """Print it."""
    print(
        f"executions to the first failure, mean over {seeds} seeds, and 1/p as published\n\n"
        "program     threads    random     1/p     pct     1/p     pos     1/p   dpor"
    )
    with quiet():
        for bug in BUGS:
            print(row(bug.name, "ready", ready(bug), bug.ready, seeds), flush=True)
            print(row(bug.name, "spawned", bug.program.spawned(), bug.spawned, seeds), flush=True)


if __name__ == "__main__":
    table(100)
