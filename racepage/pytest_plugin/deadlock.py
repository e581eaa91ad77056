"""A recorded test whose threads all wait for each other: it fails, and does not hang.

The recorder's thread sees it, and sends the main thread a signal, which wakes it where it waits:
the handler raises `StuckError` there. The test's other threads wait for ever, and so would the end
of the process: once pytest has said everything, it is ended without them.

Where tests do not run in the main thread, or the system cannot send a thread a signal, the test
hangs, as it does without racepage.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # loads numpy, which tests that ask for nothing do not need
    from racepage.execution.recorder import Recording

_STUCK = pytest.StashKey[bool]()


class StuckError(BaseException):
    """Raised where the main thread waits, for nothing in the test to catch."""


@contextmanager
def interrupted_when_stuck(recording: Recording, config: pytest.Config) -> Iterator[None]:
    """Within, a deadlock of all threads ends the recording, and is a `StuckError`."""
    main = threading.main_thread()
    if threading.current_thread() is not main or not hasattr(signal, "pthread_kill"):
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def wake(number: int, frame: FrameType | None) -> None:
        if config.stash.get(_STUCK, False) and not told:
            told.append(True)
            raise StuckError
        if callable(before):
            before(number, frame)

    def stuck() -> None:
        recording.cut_short()
        config.stash[_STUCK] = True
        signal.pthread_kill(main.ident or 0, signal.SIGINT)

    told: list[bool] = []
    recording.on_deadlock = stuck
    signal.signal(signal.SIGINT, wake)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_if_stuck(config: pytest.Config, code: int) -> None:
    """End this process with `code` if threads of a test wait in it for ever."""
    if config.stash.get(_STUCK, False):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
