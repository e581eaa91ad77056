"""Tasks: what the kernel knows of a thread of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from racepage.events import Kind
from racepage.execution.current import ThreadLog
from racepage.execution.step import AWAIT, Step, Touch

Path = tuple[int, ...]

_MADE: Final = len(Kind) + 1

NOTHING: Final = -1
"""How a point touches that touches nothing."""


class Wait:
    """What a task waits on, once, until another one wakes it.

    Attributes:
        task: who waits.
        token: what stands for the wait in steps.
        timed: time may run out.
        more: how much that touches, besides one range.
        watches: what a step has to write that wakes it.
        woken: somebody has woken it.
    """

    __slots__ = ("more", "task", "timed", "token", "watches", "woken")

    def __init__(self, task: Task, token: int) -> None:
        self.task = task
        self.token = token
        self.timed = False
        self.more = 0
        self.watches: tuple[Touch, ...] = ()
        self.woken = False


class Task:
    """A thread of the program, at a point.

    Attributes:
        number: the same in every execution; the first is 0.
        path: where it comes from: the how-manyth thread of its parent each of its ancestors is.
        log: the thread as events know it.
        how, target, start, stop: what its next operation touches.
        more: what it touches besides.
        gate: is true while it cannot go, or None.
        wait: what it waits on, or None.
        joins: the tasks whose end it waits for.
        clock: its own time, in seconds.
        own: what it has for itself (`execution.per_thread`).
        thread: what `threading.current_thread` is, where that was asked or is known.
        must: what it is about to do gives something back, and is done even if the execution ends.
        told: how often it was told to end.
        doomed: it is, and this is unwound from its next point on.
        made: how many things of each kind it has made, and how many threads started.
        failed: what it raised, and nothing caught.
    """

    __slots__ = (
        "body",
        "clock",
        "daemon",
        "doomed",
        "ended",
        "failed",
        "gate",
        "greenlet",
        "how",
        "joins",
        "log",
        "made",
        "more",
        "must",
        "number",
        "own",
        "path",
        "start",
        "stop",
        "target",
        "thread",
        "told",
        "wait",
    )

    def __init__(self, number: int, path: Path, log: ThreadLog, body: Callable[[], object]) -> None:
        self.number = number
        self.path = path
        self.log = log
        self.body = body
        self.greenlet: Any = None
        self.how = NOTHING
        self.target = self.start = self.stop = 0
        self.more: tuple[Touch, ...] = ()
        self.gate: Callable[[], object] | None = None
        self.wait: Wait | None = None
        self.joins: Sequence[Task] = ()
        self.clock = 0.0
        self.own: dict[Any, Any] = {}
        self.thread: threading.Thread | None = None
        self.made = [0] * _MADE
        self.must = False
        self.doomed = False
        self.told = 0
        self.daemon = False
        self.ended = False
        self.failed: BaseException | None = None

    def runs(self) -> bool:
        """Whether it has not ended."""
        return not self.ended

    def forget(self) -> None:
        """Let go of what the program may want to see freed."""
        self.body = nothing
        self.thread = None
        self.own = {}

    @property
    def upcoming(self) -> Step:
        """What it is about to do; for one that only others can wake, to be woken."""
        if self.wait is not None and not self.wait.timed:
            return Step(self.number, (Touch(self.wait.token, 0, 1, AWAIT),))
        if self.how == NOTHING:
            return Step(self.number, self.more)
        return Step(self.number, (Touch(self.target, self.start, self.stop, self.how), *self.more))


def nothing() -> None:
    """The body of a task that has ended."""
