"""Waiting: what a thread says before and after, and whether every thread does.

A thread that is about to wait logs BLOCK, and WAKE when it goes on. In between, where only another
thread can end the wait, it has a flag, `ThreadLog.waits`. Whoever wakes it takes the flag back
*before* he does, as far as he knows whom he wakes: so a thread that has its flag, and has logged
nothing since its BLOCK, was not woken.

Who waits for a real lock is not known to who gives that back. There, as with the end of a thread,
the log itself tells: the lock is free, or the thread has logged its end.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Final

from racepage.events import Flag, Op
from racepage.execution import current
from racepage.execution.flat import word

BLOCK: Final = word(Op.BLOCK)
BLOCK_FOR_A_TIME: Final = word(Op.BLOCK, Flag.TRY)
WAKE: Final = word(Op.WAKE)


def block(target: int, frame: FrameType | None, *, timed: bool = False) -> None:
    """Log that the current thread begins to wait for `target`; without a frame, inside racepage.

    Whoever calls this where no time limits the wait sets the thread's flag before.
    """
    if current.mode:
        _log(BLOCK_FOR_A_TIME if timed else BLOCK, target, frame)


def block_for_end(thread: current.ThreadLog, frame: FrameType | None, *, timed: bool) -> None:
    """Log, and flag, that the current thread begins to wait for the end of `thread`."""
    if current.mode:
        here = current.task()
        here.waits, here.joins = not timed, thread
        current.remember(thread)
        block(thread.number, frame, timed=timed)


def wake(frame: FrameType | None) -> None:
    """Log that the current thread goes on."""
    here = current.task()
    here.waits, here.joins = False, None
    if current.mode:
        _log(WAKE, current.NO_TARGET, frame)


def everybody_waits() -> bool:
    """Whether all threads of the process but the current one wait for each other.

    Only those that racepage knows can be known to wait, so that one that it does not know is enough
    for a no. A yes may be wrong for as long as it takes a thread that was given its lock at last to
    take its flag back.
    """
    threads = [log for log in list(current.logs.values()) if not log.ended]
    if not threads or not all(map(_waits, threads)):
        return False
    known = {log.ident for log in threads} | {threading.get_ident()}
    return known >= sys._current_frames().keys()  # noqa: SLF001  (all that run Python)


def _waits(thread: current.ThreadLog) -> bool:
    return thread.waits and (thread.joins is None or not thread.joins.ended)


def _log(word: int, target: int, frame: FrameType | None) -> None:
    if frame is None:
        current.log_inside(word, target)
    else:
        current.log(word, target, frame)
