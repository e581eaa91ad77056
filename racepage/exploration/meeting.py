"""Where two steps that nothing orders can be done next to each other, in either order.

A schedule shows the two with others in between. Some of those have to be done before the second one
can be: what its own thread does until then, and what others have to do for that. None of these
needs the first one, or it would be ordered with the second: so they can as well be done before it,
and both stand at the same point.

What is needed is not known exactly: a step says what it touches, and not what of that matters. So
whoever takes a schedule from here has to look whether it came out as it should.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from racepage.events import Kind
from racepage.execution.step import CHANGES, Step, Touch
from racepage.execution.targets import KIND_MASK

_MEMORY: Final = (Kind.PAGE, Kind.USER)
"""Kinds of targets whose accesses order nothing; an atomic access may, and is taken for one."""


class Meeting(NamedTuple):
    """Two steps next to each other, and the rest of the execution around them.

    Attributes:
        before: the numbers of the steps that come before both.
        first: the one that came first.
        second: the other one.
        after: the numbers of the steps that may come after both.
    """

    before: tuple[int, ...]
    first: int
    second: int
    after: tuple[int, ...]

    def orders(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """All steps, with the two as they were, and the other way round."""
        return (
            (*self.before, self.first, self.second, *self.after),
            (*self.before, self.second, self.first, *self.after),
        )


def meeting(steps: Sequence[Step], first: int, second: int) -> Meeting:
    """Have the steps `first` and `second`, of different threads, next to each other."""
    needed = _needed(steps, first, second)
    after = [
        number
        for number in range(first + 1, len(steps))
        if number != second and number not in needed
    ]
    return Meeting((*range(first), *sorted(needed)), first, second, tuple(after))


def follows(steps: Sequence[Step], first: int, stop: int) -> set[int]:
    """The steps before `stop` that synchronisation may have put after `first`, and that one."""
    found = {first}
    tasks = {steps[first].task}
    changed: dict[int, bool] = {}  # target -> whether it was more than read

    def add(step: Step) -> None:
        tasks.add(step.task)
        for touch in _synchronising(step):
            changed[touch.target] = bool(touch.how & CHANGES) or changed.get(touch.target, False)

    add(steps[first])
    for number in range(first + 1, stop):
        step = steps[number]
        if step.task in tasks or any(
            touch.target in changed and (touch.how & CHANGES or changed[touch.target])
            for touch in _synchronising(step)
        ):
            found.add(number)
            add(step)
    return found


def _synchronising(step: Step) -> Iterable[Touch]:
    return (touch for touch in step.touches if touch.target & KIND_MASK not in _MEMORY)


def _needed(steps: Sequence[Step], first: int, second: int) -> set[int]:
    """The steps between the two that are done before `second`, and can be without `first`."""
    late = follows(steps, first, second)
    mine = steps[second].task
    tasks = {mine}
    touched: dict[int, set[Touch]] = {}  # target -> how what is needed touches it
    needed: set[int] = set()

    def add(step: Step) -> None:
        tasks.add(step.task)
        for touch in step.touches:
            touched.setdefault(touch.target, set()).add(touch)

    add(steps[second])
    for number in range(second - 1, first, -1):
        step = steps[number]
        wanted = step.task in tasks or any(
            _clash(touch, other)
            for touch in step.touches
            for other in touched.get(touch.target, ())
        )
        if step.task == mine or (wanted and number not in late):
            needed.add(number)
            add(step)
    return needed


def _clash(one: Touch, other: Touch) -> bool:
    """Whether the order of two touches of one target can matter."""
    return bool(
        (one.how | other.how) & CHANGES and one.start < other.stop and other.start < one.stop
    )
