"""Small programs under control: every schedule of them, or some."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from racepage import sync
from racepage.execution.kernel import Execution, Kernel, quiet
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.strategy import Run, Strategy

MOST_STEPS = 2_000


class TooManyError(Exception):
    """Not every schedule was seen."""


def explore(
    program: Callable[[], object],
    strategy: Strategy | None = None,
    *,
    executions: int = 20_000,
    kernel: Kernel | None = None,
) -> Generator[Execution, None, None]:
    """Each execution of the program: all there are, unless `strategy` says otherwise.

    Raises:
        TooManyError: there are more than `executions`.
    """
    strategy = strategy or DepthFirst()
    kernel = kernel or Kernel(MOST_STEPS)
    with quiet():
        try:
            while strategy.begin():
                if not executions:
                    if strategy.exhaustive:
                        raise TooManyError
                    break
                executions -= 1
                done = kernel.execute(program, strategy.choose, strategy.pick)
                outcome = "limit" if done.outcome == "livelock" else done.outcome
                strategy.end(Run(done.steps, done.waiting, outcome, done.missed))
                yield done
                kernel.clear()
        finally:
            kernel.close()


def results(program: Callable[[], object], strategy: Strategy | None = None) -> set[object]:
    """What the program returns in any execution, or how that ends where it does not."""
    found: set[object] = set()
    returned: list[object] = []
    with closing(explore(lambda: returned.append(program()), strategy)) as executions:
        for execution in executions:
            if execution.failed is not None:
                assert execution.failed.failed is not None
                raise execution.failed.failed
            found.add(returned.pop() if execution.outcome == "ended" else execution.outcome)
            returned.clear()
    return found


def together(*bodies: Callable[[], object]) -> None:
    """Run each in a thread of its own, and join them."""
    threads = [sync.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
