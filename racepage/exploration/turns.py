"""Turns: what a thread does from the point where it comes on to the one where another one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from racepage.execution.step import Step


class Turn(NamedTuple):
    """Steps [start, stop) of an execution, all of one thread."""

    task: int
    start: int
    stop: int


def turns(steps: Sequence[Step]) -> list[Turn]:
    """The turns of an execution; two that follow each other are of different threads."""
    found: list[Turn] = []
    start = 0
    for number in range(1, len(steps) + 1):
        if number == len(steps) or steps[number].task != steps[start].task:
            found.append(Turn(steps[start].task, start, number))
            start = number
    return found


def switches(steps: Sequence[Step]) -> list[int]:
    """The numbers of the steps before which the turn changes: all of its context switches."""
    return [turn.start for turn in turns(steps)[1:]]
