"""Random priorities: of those that can go, the one with the highest goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from racepage.exploration.chance import Chance
from racepage.exploration.strategy import Task

_LOWEST: Final = float("-inf")


def leading(tasks: Sequence[Task], priorities: dict[int, float], chance: Chance) -> Task:
    """The task with the highest priority; one that has none yet is given one from 0 to 1."""
    leader = tasks[0]
    highest = _LOWEST
    for task in tasks:
        number = task.number
        priority = priorities.get(number)
        if priority is None:
            priority = priorities[number] = chance.fraction()
        if priority > highest:
            highest = priority
            leader = task
    return leader
