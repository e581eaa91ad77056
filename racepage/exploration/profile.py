"""What the first executions of a program were like: who does how many steps with what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from racepage.execution.step import CHANGES
from racepage.exploration.saved import Saved, pairs
from racepage.exploration.strategy import Run

PROFILED: Final = 8
"""As many executions are looked at: a mean of several, for programs whose threads vary."""

EVERYTHING: Final = frozenset({-1})
"""Stands for all targets: every step counts, once."""

LONGEST: Final = 1 << 40
"""More steps than any thread does."""


class Profile:
    """Means over some executions.

    Attributes:
        executions: over how many.
        parents: task -> the one that started it, which has the lower number.
    """

    __slots__ = ("_counts", "_written", "executions", "parents")

    def __init__(self) -> None:
        self.executions = 0
        self.parents: dict[int, int] = {}
        self._counts: dict[int, dict[int, int]] = {}  # target, or -1 -> task -> steps, in total
        self._written: set[int] = set()

    def add(self, run: Run) -> None:
        """Count the steps of one execution more."""
        self.executions += 1
        for step in run.steps:
            targets = set(EVERYTHING)
            for touch in step.touches:
                targets.add(touch.target)
                if touch.how & CHANGES:
                    self._written.add(touch.target)
            for target in targets:
                tasks = self._counts.setdefault(target, {})
                tasks[step.task] = tasks.get(step.task, 0) + 1

    def shared(self) -> list[int]:
        """The targets that several tasks touch and one writes, ascending."""
        return sorted(target for target in self._written if len(self._counts.get(target, ())) > 1)

    def mean(self, targets: Iterable[int]) -> dict[int, float]:
        """Task -> how many steps with these targets it does in an execution."""
        means: dict[int, float] = {}
        for target in targets:
            for task, count in self._counts.get(target, {}).items():
                means[task] = means.get(task, 0.0) + count / self.executions
        return means

    def state(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "profiled": self.executions,
            "parents": pairs(self.parents),
            "counts": [[target, pairs(tasks)] for target, tasks in self._counts.items()],
            "written": sorted(self._written),
        }

    def restore(self, saved: Saved) -> None:
        """Take over a profile.

        Raises:
            RacepageError: it is none.
        """
        self.executions = saved.number("profiled", 0, PROFILED)
        self.parents = saved.table("parents")
        if any(parent >= child for child, parent in self.parents.items()):
            saved.refuse('"parents" has a thread that starts itself or an earlier one')
        self._written = set(saved.numbers("written"))
        for item in saved.items("counts"):
            target, tasks = saved.parts(item, 'an item of "counts"', 2)
            target = saved.whole(target, 'a target in "counts"', -1)
            self._counts[target] = saved.mapping(tasks, '"counts"', 0, LONGEST)
        if self._counts and not self.executions:
            saved.refuse('"counts" are of no execution')
