"""Steps: what a controlled thread does between two scheduling points, as far as others can tell.

A step is one operation on something shared, and the code after it up to the thread's next
operation. Two steps that do not depend on each other may change places, and nobody notices; that is
all that a search for schedules has to know of a program.

Targets are small numbers that mean the same page, lock or cell in every execution of a program.
Bytes matter: two accesses of disjoint bytes of a page do not depend on each other. What is no range
of bytes (a lock, a cell, a primitive) is the byte [0, 1) of its target.
"""

from __future__ import annotations

from typing import Final, NamedTuple

READ: Final = 0
WRITE: Final = 1
LOCK: Final = 2
UNLOCK: Final = 3
AWAIT: Final = 4
"""How a step touches something. READ and AWAIT depend on the others of the same bytes, these depend
on all. A LOCK can be done only while nobody holds the lock: the thread is not enabled until its
UNLOCK. An AWAIT can be done only after the UNLOCK of its target, such as the end of a thread or a
wake-up, which is held from the beginning and taken by nobody."""

CHANGES: Final = 3
"""The bits of a touch's kind of which READ and AWAIT have none."""


Touched = tuple[int, int, int, int]
"""What a `Touch` has, where one is made at every step and looked at seldom."""


class Touch(NamedTuple):
    """Bytes of one target: [start, stop)."""

    target: int
    start: int
    stop: int
    how: int


class Step(NamedTuple):
    """One step of one thread.

    Attributes:
        task: the thread's number, the same in every execution.
        touches: what it touches; a failed compare-exchange reads.
        picks: what was picked where the step itself had a choice (whom to wake, whether time ran
            out), in order.
    """

    task: int
    touches: tuple[Touch, ...]
    picks: tuple[int, ...] = ()


def dependent(one: Step, other: Step) -> bool:
    """Whether the order of two steps can matter: of one thread, or of touches that clash."""
    if one.task == other.task:
        return True
    for mine in one.touches:
        for theirs in other.touches:
            if (
                mine.target == theirs.target
                and (mine.how | theirs.how) & CHANGES
                and mine.start < theirs.stop
                and theirs.start < mine.stop
            ):
                return True
    return False
