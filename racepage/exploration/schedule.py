"""Schedules: one execution of a program, so that anybody can have it again.

A schedule is in operations on pages and primitives, not in byte codes or lines, so it replays on
another version of Python, and after changes to the program that leave its operations alone. It says
of each step who does it, what is picked within it, and what it touches; the last is there to tell
where a program does something else than it did.

Numbers mean nothing outside a schedule. Targets are counted in the order in which this execution
touches them, which is the same whenever it is replayed; their names are for people. Threads keep
the order that they have in the search that found the schedule, and each has its path: the
how-manyth thing each of its ancestors made, and it itself is of its parent's.

`racepage.exploration.schedule_file` reads and writes them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, Literal, NamedTuple

from racepage import __version__
from racepage.execution.step import AWAIT, LOCK, READ, UNLOCK, WRITE, Step, Touch

HOWS: Final = {READ: "read", WRITE: "write", LOCK: "lock", UNLOCK: "unlock", AWAIT: "await"}
"""How a step touches something, in words."""

LONGEST: Final = 200
"""Characters of the name of a thread or a target, as in reports; it is for people only."""

Kind = Literal["target", "test", "function"]
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Program:
    """The program of a schedule, and how to find it.

    Attributes:
        kind: whether `name` is a TARGET of `racepage explore`, the node id of a test, or a function
            that only the program itself can call.
        name: `binder:early-free`, `race.py:main` or `tests/test_ring.py::test_wraps`.
        arguments: what it was given on the command line.
        digest: of its source text, to tell whether it is still the same; None where it had none.
    """

    kind: Kind
    name: str
    arguments: tuple[str, ...] = ()
    digest: str | None = None


class Shown(NamedTuple):
    """The finding that a schedule shows: a key of `finding.RULES`, and `Finding.fingerprint`."""

    kind: str
    fingerprint: str


class Thread(NamedTuple):
    """A thread, as people call it, and where it comes from."""

    name: str
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """One execution of a program.

    Attributes:
        program: of what.
        steps: what is done, in order; tasks are indices into `threads`, targets into `targets`.
        threads: all of the execution, those that do no step included.
        targets: what people call what is touched, in the order in which it first is.
        preemptions: the steps before which a thread lost its turn though it could have gone on;
            None where that is not known.
        finding: what it shows, if anything.
        strategy: which one found it.
        parameters: of the strategy, the seed included.
        racepage: the version that made it.
        python: the version of Python that it was made with.
    """

    program: Program
    steps: tuple[Step, ...]
    threads: tuple[Thread, ...]
    targets: tuple[str, ...]
    preemptions: tuple[int, ...] | None = None
    finding: Shown | None = None
    strategy: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    racepage: str = __version__
    python: str = field(default_factory=platform.python_version)

    @property
    def choices(self) -> list[list[int]]:
        """What the strategy `Replay` wants to know: `[thread, pick, …]` for each step."""
        return [[step.task, *step.picks] for step in self.steps]


class Numbered(NamedTuple):
    """An execution, numbered as in a schedule: see `Schedule` for each."""

    steps: tuple[Step, ...]
    threads: tuple[Thread, ...]
    targets: tuple[str, ...]


def numbered(
    steps: Sequence[Step], threads: Mapping[int, Thread], name: Callable[[int], str]
) -> Numbered:
    """Number what an execution touches, and its threads, as a schedule does.

    Args:
        steps: the execution.
        threads: all of them, by the number that they have in `steps`.
        name: what people call a target of `steps`. Names are cut where they are too long.
    """
    order = sorted(threads)
    task_of = {task: number for number, task in enumerate(order)}
    target_of: dict[int, int] = {}
    known: dict[Step, Step] = {}  # most steps are done more than once
    renumbered = []
    for step in steps:
        if step not in known:
            touches = tuple(
                touch._replace(target=target_of.setdefault(touch.target, len(target_of)))
                for touch in step.touches
            )
            known[step] = Step(task_of[step.task], touches, step.picks)
        renumbered.append(known[step])
    return Numbered(
        tuple(renumbered),
        tuple(Thread(threads[task].name[:LONGEST], threads[task].path) for task in order),
        tuple(name(target)[:LONGEST] for target in target_of),
    )


def difference(schedule: Schedule, replayed: Numbered) -> str | None:
    """Where an execution is not the one of the schedule, in one sentence; None if it is."""
    for number, (wanted, done) in enumerate(zip_longest(schedule.steps, replayed.steps)):
        if wanted is None:
            return f"step {number}: the schedule ends here, and the program goes on"
        if done is None:
            return f"step {number}: the program ends here, and the schedule goes on"
        ends = number == len(schedule.steps) - 1 and wanted[::2] == done[::2]
        if ends and wanted.touches == done.touches[: len(wanted.touches)]:
            continue  # a thread that raised there may come to its end now
        if wanted != done:
            there = operation(wanted, schedule.targets)
            here = operation(done, replayed.targets)
            who = _name(schedule.threads, wanted.task), _name(replayed.threads, done.task)
            if wanted.task != done.task:
                return f"step {number} is {there} of {who[0]!r}, and now {here} of {who[1]!r}"
            if wanted.touches != done.touches:
                return f"step {number}, of {who[0]!r}, is {there}, and now {here}"
            return f"step {number}, of {who[0]!r}, picks {wanted.picks}, and now {done.picks}"
    return None


def _name(threads: Sequence[Thread], task: int) -> str:
    return threads[task].name if task < len(threads) else f"thread {task}"


def operation(step: Step, targets: Sequence[str]) -> str:
    """A step in words: `write page:0[0:64]`, `lock lock:m`, `yield`."""
    return ", ".join(_touched(touch, targets) for touch in step.touches) or "yield"


def _touched(touch: Touch, targets: Sequence[str]) -> str:
    name = targets[touch.target] if touch.target < len(targets) else f"target {touch.target}"
    whole = (touch.start, touch.stop) == (0, 1) and not name.startswith("page:")
    place = "" if whole else f"[{touch.start}:{touch.stop}]"
    return f"{HOWS[touch.how]} {name}{place}"
