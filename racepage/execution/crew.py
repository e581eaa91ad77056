"""Threads that are all there when the first one goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import _getframe

from racepage.execution import current


def crew(bodies: Sequence[Callable[[], object]]) -> None:
    """Start all of them at once, in a controlled execution, and wait until they have ended.

    Starting them is no step of the execution; waiting for them is one, after their last.
    """
    kernel = current.kernel
    frame = _getframe(1)
    tasks = []
    for number, body in enumerate(bodies, 1):
        log = current.new_thread(f"t{number}")
        current.start(log, frame)
        tasks.append(kernel.spawn(log, body))
    kernel.join(*tasks)
    for task in tasks:
        current.join(task.log, frame)
