"""Executions in words: the turns that threads take, and a plan with the lines of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from racepage.execution.step import Step
from racepage.exploration.plan import NOBODY, Plan, Switch
from racepage.exploration.turns import turns

USUAL: Final = "each thread runs until it waits or ends, then the one that was started first"


class Said(NamedTuple):
    """A step in words.

    Attributes:
        thread: who does it.
        operation: what is done: `write page:0[0:64]`.
        place: from where: `ring.py:12 fill`; empty where that is not known.
    """

    thread: str
    operation: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.operation} at {self.place}" if self.place else self.operation


def describe_turns(
    steps: Sequence[Step], names: Sequence[str], preemptions: Sequence[int] = ()
) -> list[str]:
    """Who does how many steps after whom: `t1: 3 steps, though main could go on`.

    Args:
        steps: an execution.
        names: of its threads, by number.
        preemptions: the steps before which a thread lost its turn though it could have gone on.
    """
    found = turns(steps)
    lost_at = set(preemptions)
    last = {turn.task: number for number, turn in enumerate(found)}
    lines = []
    for number, (task, start, stop) in enumerate(found):
        one = stop == start + 1
        count = f"{stop - start:,} step{'' if one else 's'}"
        over = f", its last{'' if one else ' ones'}" if last[task] == number else ""
        lost = f", though {names[found[number - 1].task]} could go on" if start in lost_at else ""
        lines.append(f"{names[task]}: {count}{over}{lost}")
    return lines


def describe_plan(plan: Plan, steps: Sequence[Step], said: Sequence[Said]) -> list[str]:
    """A plan as "run to completion, except at these points".

    Args:
        plan: one in which nothing is in vain, such as shrinking leaves.
        steps: of the execution under it.
        said: the same steps in words, as they are to be printed.

    Returns:
        Lines, those that go on with a point indented.
    """
    points = _points(plan, steps, said)
    if not points:
        return [f"run to completion: {USUAL}"]
    lines = [f"run to completion, except at these points ({USUAL}):"]
    for number, point in enumerate(points, 1):
        lines.append(f"{number}. {point[0]}")
        lines.extend(" " * len(f"{number}. ") + more for more in point[1:])
    return lines


def _points(plan: Plan, steps: Sequence[Step], said: Sequence[Said]) -> list[list[str]]:
    """Each in its own lines, in the order in which they come."""
    switches = {(switch.task, switch.after): switch for switch in plan.switches}
    picks = {(task, after) for task, after, _ in plan.picks}
    done = {NOBODY: 0}
    last = NOBODY
    points = []
    for number, step in enumerate(steps):
        switch = switches.get((last, done[last]))
        if switch is not None:
            points.append(_switch(switch, number, steps, said))
        at = done.get(step.task, 0)
        if (step.task, at) in picks:
            which = ", ".join(map(str, step.picks))
            told = said[number]
            points.append([f"{told.thread} picks number {which}, counted from 0, in: {told}"])
        done[step.task] = at + 1
        last = step.task
    return points


def _switch(switch: Switch, at: int, steps: Sequence[Step], said: Sequence[Said]) -> list[str]:
    coming = said[at]
    if switch.task == NOBODY:
        return [f"{coming.thread} begins: {coming}"]
    left = said[at - 1]
    if switch.to == switch.task:
        return [f"{left.thread} goes on without waiting for others: {coming}", f"after: {left}"]
    rest = [said[n] for n in range(at, len(steps)) if steps[n].task == switch.task]
    before = [f"before: {rest[0]}"] if rest else []
    if switch.preempts:
        return [
            f"{left.thread} is interrupted after: {left}",
            *before,
            f"{coming.thread} goes on: {coming}",
        ]
    return [
        f"{left.thread} waits, yields or ends after: {left}",
        f"{coming.thread} goes on: {coming}",
    ]
