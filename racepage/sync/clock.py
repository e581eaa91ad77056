"""Time, and letting it pass.

Under control nobody waits for a clock: each thread has its own, which stands still but for what the
thread sleeps, and what its waits take that run out of time. A wait may do that whenever it waits.
"""

from __future__ import annotations

import time

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.kernel import NOTHING


def monotonic() -> float:
    """Seconds since some time or other: `time.monotonic`."""
    if current.mode >= CONTROLLED:
        return current.kernel.running.clock
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Do nothing for so long, and let others go on: `time.sleep`.

    Raises:
        ValueError: a negative number.
    """
    if current.mode < CONTROLLED:
        time.sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    current.kernel.point(NOTHING, 0)
    current.kernel.pass_time(seconds)


def yield_now() -> None:
    """Let others go on, if they can: `std::thread::yield_now`."""
    sleep(0)
