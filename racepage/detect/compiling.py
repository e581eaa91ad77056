"""Processes that take turns where each would compile the native engine.

Workers of pytest-xdist meet large traces at the same time, and long explorations. On a cold cache
each would compile the same code, all at once; here the first one does, and the others find what it
kept.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from racepage.detect.rows import NATIVE_FROM, is_native

try:
    import fcntl
except ImportError:  # this is not POSIX: whoever comes, compiles
    fcntl = None  # type: ignore[assignment]

LONGEST: Final = 120.0
"""Seconds that a process waits for another one; then it compiles for itself."""

_POLL: Final = 0.1


@contextmanager
def taking_turns(events: int, *, longest: float = LONGEST) -> Iterator[None]:
    """Within, a trace of so many events is analysed: in turn, where that means to compile."""
    compiles = events >= NATIVE_FROM and is_native(events) and not is_native(NATIVE_FROM - 1)
    if not compiles or fcntl is None:
        yield
        return
    path = Path(tempfile.gettempdir()) / f"racepage-compiling-{os.getuid()}.lock"
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:  # somebody else's: no reason not to go on
        yield
        return
    try:
        _lock(descriptor, time.monotonic() + longest)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back, as the end of the process does


def _lock(descriptor: int, deadline: float) -> bool:
    """Have a file for this process alone; False if another one kept it until the deadline."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process has it
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        else:
            return True
