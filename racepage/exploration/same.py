"""Whether a program does the same when it is scheduled the same: only such a one can be explored.

Searches that go back to where they were notice when it is not so (`path`, `dpor`); those that draw
lots never would. So now and then an execution is had again and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from racepage.errors import NondeterminismError
from racepage.execution.kernel import Kernel
from racepage.execution.step import Step
from racepage.exploration.replay import MismatchError, Replay
from racepage.exploration.schedule import choices
from racepage.exploration.strategy import Run

MEND: Final = (
    "make the program independent of time, random numbers, the order of sets, and what earlier "
    "executions left"
)
"""What to do about it."""


@contextmanager
def same() -> Iterator[None]:
    """Where an execution is had again, which has to be possible.

    Raises:
        NondeterminismError: it is not.
    """
    try:
        yield
    except MismatchError as error:
        raise NondeterminismError(
            f"an execution cannot be had again: at step {error.step}, {error.what}; {MEND}"
        ) from None


def compare(kernel: Kernel, body: Callable[[], object], number: int, steps: Sequence[Step]) -> None:
    """Have execution `number` of `body`, which did `steps`, again; clears the kernel's events.

    Raises:
        NondeterminismError: it is another one now.
    """
    replay = Replay(choices(steps[: kernel.most]))
    with same():
        replay.begin()
        done = kernel.execute(body, replay.choose, replay.pick)
        replay.end(Run.of(done, kernel.most))
    kernel.clear()
    if list(done.steps) != list(steps):
        raise NondeterminismError(f"execution {number} is another when it is had again; {MEND}")
