"""What steps do not say of themselves, and a search has to mind all the same.

A failed compare-exchange or try reads where it could have written. Done at another place it may
succeed, and what a search concludes from its having read is wrong there. As long as whatever
touches the same bytes touches the same range, each such mistake shows as a race in another
execution, and the search is complete all the same (`dpor`). It need not be where accesses of
different widths overlap, or where threads pick or run out of time. Then a failed write counts as a
write of its own kind: the search is coarse. That costs executions which differ in nothing, and none
is lost.

Where daemons are left that could go on, the last of the other threads ended the execution, and any
of them can be the last. So their last steps depend on each other, and each step of a daemon depends
on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from racepage.execution.step import AWAIT, CHANGES, READ, UNLOCK, WRITE, Step, Touch
from racepage.exploration.saved import FAILED, MOST, Saved
from racepage.exploration.strategy import Run

END: Final = MOST
"""The target that stands for the end of the execution."""

_WROTE: Final = Touch(END, 0, 1, WRITE)

Ranges = dict[int, set[tuple[int, int]]]


class Doubt:
    """How a search has to take what is done.

    Attributes:
        coarse: a failed write is a write.
        targets: those of which a step did less than it announced.
        daemons: the threads that were left by an execution, and could have gone on.
    """

    __slots__ = ("coarse", "daemons", "targets")

    def __init__(self) -> None:
        self.coarse = False
        self.targets: set[int] = set()
        self.daemons: set[int] = set()

    def has_new_daemons(self, run: Run) -> bool:
        """Whether the search has to begin anew, because threads were left that could go on."""
        if run.outcome != "ended" or not run.waiting:
            return False
        unlocked = {
            touch.target for step in run.steps for touch in step.touches if touch.how == UNLOCK
        }
        left = {
            step.task
            for step in run.waiting
            if all(touch.how != AWAIT or touch.target in unlocked for touch in step.touches)
        }
        if left <= self.daemons:
            return False
        self.daemons |= left
        return True

    def cut(self, run: Run) -> bool:
        """Whether its last step kept others from going on."""
        return run.outcome == "failed" or (
            run.outcome == "ended" and any(step.task in self.daemons for step in run.waiting)
        )

    def seen(self, run: Run, announced: Sequence[Step]) -> Run:
        """The execution, as the search has to take it.

        Args:
            run: as it was.
            announced: its last steps, as they were announced; all of them if the search is coarse.
        """
        steps = run.steps
        first = len(steps) - len(announced)
        taken = list(steps)
        for number, (step, before) in enumerate(zip(steps[first:], announced, strict=True), first):
            if step.touches != before.touches and not step.picks:
                failed = _failed(step, before)
                if failed:
                    self.targets.update(touch.target for touch in failed)
                    if self.coarse:
                        taken[number] = step._replace(touches=(*step.touches, *failed))
        if not self.daemons:
            return run._replace(steps=taken)
        going_on = {step.task for step in run.waiting}
        for number, step in reversed(list(enumerate(taken))):
            if step.task in self.daemons:
                taken[number] = _also(step, READ)
            elif step.task not in going_on:
                going_on.add(step.task)
                taken[number] = _also(step, WRITE)
        return run._replace(
            steps=taken,
            waiting=[self.guess(step) for step in run.waiting],
            missed=[(number, self.guess(step)) for number, step in run.missed],
        )

    def guess(self, step: Step) -> Step:
        """A step that was not done; it can be the last of its thread."""
        if not self.daemons or step.touches[-1:] == (_WROTE,):
            return step
        return _also(step, READ if step.task in self.daemons else WRITE)

    def arises(self, ranges: Ranges, *, choices: bool) -> bool:
        """Whether the search has to begin anew, because it was not coarse and has to be."""
        if self.coarse or not self.targets:
            return False
        self.coarse = choices or any(_overlap(ranges.get(target, ())) for target in self.targets)
        return self.coarse

    def state(self, ranges: Ranges) -> dict[str, Any]:
        """All of it, and the ranges, as JSON can hold it."""
        flat = [[target, *pair] for target, pairs in ranges.items() for pair in sorted(pairs)]
        return {
            "coarse": self.coarse,
            "targets": sorted(self.targets),
            "daemons": sorted(self.daemons),
            "ranges": flat,
        }

    def restore(self, saved: Saved) -> Ranges:
        """Take over what `state` wrote; the ranges.

        Raises:
            RacepageError: it is none.
        """
        ranges: Ranges = {}
        for item in saved.items("ranges"):
            parts = saved.parts(item, 'an item of "ranges"', 3)
            target, start, stop = (saved.whole(part, '"ranges"') for part in parts)
            ranges.setdefault(target, set()).add((start, stop))
        self.targets = set(saved.numbers("targets"))
        self.daemons = set(saved.numbers("daemons"))
        self.coarse = saved.flag("coarse")
        return ranges


def _failed(step: Step, before: Step) -> list[Touch]:
    """What `step` was to change, and did not."""
    return [
        touch._replace(how=FAILED)
        for touch in before.touches
        if touch.how & CHANGES and touch not in step.touches
    ]


def _also(step: Step, how: int) -> Step:
    return step._replace(touches=(*step.touches, Touch(END, 0, 1, how)))


def _overlap(ranges: Iterable[tuple[int, int]]) -> bool:
    """Whether any two ranges have bytes in common."""
    end = 0
    for start, stop in sorted(ranges):
        if start < end:
            return True
        end = stop
    return False
