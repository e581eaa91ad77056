"""Partial order sampling: every step has a random priority, drawn anew when it loses a race.

Yuan, Yang and Gu, Partial order aware concurrency sampling, CAV 2018. The step with the highest
priority is done; the steps of other threads that race with it (one and the same bytes, and one of
them writes) get new priorities, so that which of three racing steps is last does not depend on
which of them was first. That samples partial orders more evenly than a random walk does, which
favours those with many interleavings.

What differs: a step that was blocked keeps the priority that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from racepage.execution.step import dependent
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Task


class PartialOrderSampling(Seeded):
    """Chooses by the random priorities of the steps that come next."""

    name: ClassVar[str] = "pos"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._priorities: dict[int, float] = {}

    def begin(self) -> bool:
        self._priorities.clear()
        return super().begin()

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        priorities = self._priorities
        if len(tasks) == 1:
            priorities.pop(tasks[0].number, None)
            return tasks[0]
        leader = tasks[0]
        highest = -1.0
        for task in tasks:
            number = task.number
            priority = priorities.get(number)
            if priority is None:
                priority = priorities[number] = self._chance.fraction()
            if priority > highest:
                highest = priority
                leader = task
        step = leader.upcoming
        for task in tasks:
            if task is leader or dependent(step, task.upcoming):
                del priorities[task.number]
        return leader
