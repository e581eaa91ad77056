"""What a search does not know of steps that do less than they announced.

A failed compare-exchange or try reads where it could have written. Done at another place it may
succeed, and what a search concludes from its having read is wrong there. As long as whatever
touches the same bytes touches the same range, each such mistake shows as a race in another
execution, and the search is complete all the same (`dpor`). It need not be where accesses of
different widths overlap, or where threads pick or run out of time. Then a failed write counts as a
write of its own kind: the search is coarse. That costs executions which differ in
nothing, and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from racepage.execution.step import CHANGES, Step, Touch
from racepage.explore.saved import FAILED, Saved

Ranges = dict[int, set[tuple[int, int]]]


class Doubt:
    """Whether a search has to be coarse.

    Attributes:
        coarse: it is.
        targets: those of which a step did less than it announced.
    """

    __slots__ = ("coarse", "targets")

    def __init__(self) -> None:
        self.coarse = False
        self.targets: set[int] = set()

    def seen(self, steps: Sequence[Step], announced: Sequence[Step]) -> Sequence[Step]:
        """The steps of an execution, as the search has to take them.

        Args:
            steps: as they were done.
            announced: the last of them, as they were announced; all of them if the search is
                coarse.
        """
        first = len(steps) - len(announced)
        taken: list[Step] = list(steps)
        for number, (step, before) in enumerate(zip(steps[first:], announced, strict=True), first):
            if step.touches != before.touches and not step.picks:
                failed = _failed(step, before)
                if failed:
                    self.targets.update(touch.target for touch in failed)
                    if self.coarse:
                        taken[number] = step._replace(touches=(*step.touches, *failed))
        return taken

    def arises(self, ranges: Ranges, *, choices: bool) -> bool:
        """Whether the search has to begin anew, because it was not coarse and has to be."""
        if self.coarse or not self.targets:
            return False
        self.coarse = choices or any(_overlap(ranges.get(target, ())) for target in self.targets)
        return self.coarse

    def state(self, ranges: Ranges) -> dict[str, Any]:
        """All of it, and the ranges, as JSON can hold it."""
        flat = [[target, *pair] for target, pairs in ranges.items() for pair in sorted(pairs)]
        return {"coarse": self.coarse, "targets": sorted(self.targets), "ranges": flat}

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
        self.coarse = saved.flag("coarse")
        return ranges


def _failed(step: Step, before: Step) -> list[Touch]:
    """What `step` was to change, and did not."""
    return [
        touch._replace(how=FAILED)
        for touch in before.touches
        if touch.how & CHANGES and touch not in step.touches
    ]


def _overlap(ranges: Iterable[tuple[int, int]]) -> bool:
    """Whether any two ranges have bytes in common."""
    end = 0
    for start, stop in sorted(ranges):
        if start < end:
            return True
        end = stop
    return False
