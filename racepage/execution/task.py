"""Tasks: what the kernel knows of a thread of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from racepage.events import Kind
from racepage.execution.current import ThreadLog
from racepage.execution.step import AWAIT, Step, Touch, Touched

Path = tuple[int, ...]

_MADE: Final = [*map(int, Kind), 0]

NOTHING: Final = -1
"""How a point touches that touches nothing."""

NOBODY: Final = -1

Announced = tuple[int, int, int, int, int]
"""`(task, how, target, start, stop)`: the first of the touches of a step, and who does it."""


class Place:
    """Where a task comes from, and what it has made there in all executions so far.

    Attributes:
        number: of the task; NOBODY before there was one.
        parent: the place of the task that starts it; None for the first.
        nth: which of those that its parent starts it is.
        children: the places of those that it starts, by `nth`.
        numbers: of the things that it makes, by what they are and how many it made before.
    """

    __slots__ = ("children", "nth", "number", "numbers", "parent")

    def __init__(self, parent: Place | None = None, nth: int = 0) -> None:
        self.number = NOBODY
        self.parent = parent
        self.nth = nth
        self.children: dict[int, Place] = {}
        self.numbers: dict[int, int] = {}

    @property
    def path(self) -> Path:
        """Which thread of its parent each of its ancestors is, and it is itself."""
        path = []
        at = self
        while at.parent is not None:
            path.append(at.nth)
            at = at.parent
        return tuple(reversed(path))

    def below(self, path: Path) -> Place:
        """The place that is reached from here by that path."""
        at = self
        for nth in path:
            child = at.children.get(nth)
            if child is None:
                child = at.children[nth] = Place(at, nth)
            at = child
        return at


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
        place: where it comes from, which is the same as well.
        log: the thread as events know it.
        next: what its next operation touches.
        more: what it touches besides.
        gate: is true while it cannot go, or None.
        wait: what it waits on, or None.
        joins: the tasks whose end it waits for.
        clock: its own time, in seconds.
        own: what it has for itself (`execution.per_thread`), if anything.
        thread: what `threading.current_thread` is, where that was asked or is known.
        must: what it is about to do gives something back, and is done even if the execution ends.
        told: how often it was told to end.
        doomed: it is, and this is unwound from its next point on.
        made: of the next thing of each kind that it makes, by which place.numbers has it; and how
            many threads it has started.
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
        "joins",
        "log",
        "made",
        "more",
        "must",
        "next",
        "number",
        "own",
        "place",
        "thread",
        "told",
        "wait",
    )

    log: ThreadLog

    def __init__(self, place: Place, body: Callable[[], object]) -> None:
        self.number = number = place.number
        self.place = place
        self.body = body
        self.greenlet: Any = None
        self.next: Announced = (number, NOTHING, 0, 0, 0)
        self.more: tuple[Touched, ...] = ()
        self.gate: Callable[[], object] | None = None
        self.wait: Wait | None = None
        self.joins: Sequence[Task] = ()
        self.clock = 0.0
        self.own: dict[Any, Any] | None = None
        self.thread: threading.Thread | None = None
        self.made = _MADE.copy()
        self.must = False
        self.doomed = False
        self.told = 0
        self.daemon = False
        self.ended = False
        self.failed: BaseException | None = None

    def forget(self) -> None:
        """Let go of what the program may want to see freed."""
        self.body = nothing
        self.thread = None
        self.own = None

    @property
    def upcoming(self) -> Step:
        """What it is about to do; for one that only others can wake, to be woken."""
        if self.wait is not None and not self.wait.timed:
            return Step(self.number, (Touch(self.wait.token, 0, 1, AWAIT),))
        _, how, target, start, stop = self.next
        touches = () if how == NOTHING else (Touch(target, start, stop, how),)
        return Step(self.number, (*touches, *map(Touch._make, self.more)))


def nothing() -> None:
    """The body of a task that has ended."""
