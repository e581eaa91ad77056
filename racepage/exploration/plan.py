"""Plans: run to completion, except at these points.

A schedule says of every step who does it. Most of that nobody wants to know: a thread goes on
because nothing happens. A plan says only where something does. Each thread runs until it waits or
ends, then comes the one with the lowest number; and at some points another one goes:

    after 3 steps of thread 1, thread 2 goes, although thread 1 could go on      (a preemption)
    after 5 steps of thread 2, where it waits or is over, thread 3 goes and not thread 0

A point is a thread and a number of its own steps, so that it still means something when others are
taken out of the plan. A thread that comes to such a point elsewhere in the execution, or never, or
whose successor cannot go there, does as if the point were not in the plan: a plan fits every
program, and may come to nothing there. A switch that was free stays free: where the thread could
go on, it does.

A thread that says `yield_now` (its next step touches nothing) is taken at its word: the next one in
turn goes, and that is no preemption. Otherwise a thread that waits for another one by looking again
and again would run for ever (Musuvathi and Qadeer, Fair stateless model checking, PLDI 2008). So is
one that waits for a limited time: it waits, though its time could run out at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from racepage.execution.step import Step
from racepage.exploration.saved import MOST, Saved
from racepage.exploration.strategy import Run, Strategy, Task

NOBODY: Final = -1


class Switch(NamedTuple):
    """One point of a plan.

    Attributes:
        task: the thread that went last; NOBODY at the beginning.
        after: how many steps it has done by then.
        to: the thread that goes next.
        preempts: that one goes even where `task` could go on; otherwise only where it cannot,
            yields, or waits for a limited time.
    """

    task: int
    after: int
    to: int
    preempts: bool


class Picked(NamedTuple):
    """What is picked within the step of a thread that comes after so many of its steps."""

    task: int
    after: int
    picks: tuple[int, ...]


class Plan(NamedTuple):
    """A plan: the switches in the order in which they are met, and what is not the first pick."""

    switches: tuple[Switch, ...] = ()
    picks: tuple[Picked, ...] = ()


class Point(NamedTuple):
    """A point of an execution that followed a plan: before each step there is one.

    Attributes:
        ready: the threads that could go.
        usual: the one that goes unless the plan says otherwise.
        held: the one that went last could go on, and neither yields nor waits: whatever else is
            done here is a preemption.
    """

    ready: tuple[int, ...]
    usual: int
    held: bool


class Planned(Strategy):
    """One execution, under a plan.

    Attributes:
        points: the points of the execution so far, one for each step.
    """

    name: ClassVar[str] = "plan"

    def __init__(self, plan: Plan | None = None, longest: int = MOST) -> None:
        """Follow `plan`; abandon the execution when it has more than `longest` steps."""
        self._plan = plan or Plan()
        self._longest = longest
        self._over = False
        self._prepare()

    def _prepare(self) -> None:
        self.points: list[Point] = []
        self._switches = {(switch.task, switch.after): switch for switch in self._plan.switches}
        self._picks = {(picked.task, picked.after): picked.picks for picked in self._plan.picks}
        self._done = {NOBODY: 0}  # thread -> its steps so far
        self._coming: tuple[int, ...] = ()  # picks of the step that began last
        self._asked = 0

    def begin(self) -> bool:
        self._prepare()
        return not self._over

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        if len(self.points) == self._longest:
            return None
        ready = tuple(task.number for task in tasks)
        usual, held = usual_next(tasks, ready, last)
        chosen = usual
        switch = self._switches.get((last, self._done[last]))
        if switch is not None and switch.to in ready and (switch.preempts or not held):
            chosen = switch.to
        self.points.append(Point(ready, usual, held))
        before = self._done.get(chosen, 0)
        self._done[chosen] = before + 1
        self._coming = self._picks.get((chosen, before), ())
        self._asked = 0
        return tasks[ready.index(chosen)]

    def pick(self, count: int) -> int:
        asked = self._asked
        self._asked = asked + 1
        if asked < len(self._coming) and self._coming[asked] < count:
            return self._coming[asked]
        return 0

    def end(self, run: Run) -> None:
        del run
        self._over = True

    def state(self) -> dict[str, Any]:
        return {
            "strategy": self.name,
            "switches": [[*switch[:3], int(switch.preempts)] for switch in self._plan.switches],
            "picks": [[task, after, *picks] for task, after, picks in self._plan.picks],
            "longest": self._longest,
            "over": self._over,
        }

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        switches, picks = [], []
        for item in saved.items("switches"):
            task, after, to, preempts = saved.parts(item, '"switches"', 4)
            switches.append(
                Switch(
                    saved.whole(task, '"switches"', NOBODY),
                    saved.whole(after, '"switches"'),
                    saved.whole(to, '"switches"'),
                    bool(saved.whole(preempts, '"switches"', 0, 1)),
                )
            )
        for item in saved.items("picks"):
            numbers = [saved.whole(one, '"picks"') for one in saved.sequence(item, '"picks"')]
            if len(numbers) < 3:
                saved.refuse('"picks" has a step that picks nothing')
            picks.append(Picked(numbers[0], numbers[1], tuple(numbers[2:])))
        longest, self._over = saved.number("longest"), saved.flag("over")
        self._longest = longest
        self._plan = Plan(tuple(switches), tuple(picks))
        self._prepare()


def usual_next(tasks: Sequence[Task], ready: tuple[int, ...], last: int) -> tuple[int, bool]:
    """Who goes unless the plan says otherwise, and whether anything else is a preemption."""
    if last not in ready:
        return ready[0], False
    task = tasks[ready.index(last)]
    waits = getattr(task, "wait", None) is not None  # the kernel's: it can go when its time is up
    if task.upcoming.touches and not waits:
        return last, True
    return next((number for number in ready if number > last), ready[0]), False


# Making plans ------------------------------------------------------------------------------------


def following(tasks: Iterable[int], picks: tuple[Picked, ...] = ()) -> Plan:
    """The plan under which just these threads go, one step each, and then as usual."""
    done = {NOBODY: 0}
    switches = []
    last = NOBODY
    for task in tasks:
        switches.append(Switch(last, done[last], task, preempts=True))
        done[task] = done.get(task, 0) + 1
        last = task
    return Plan(tuple(switches), picks)


def picked(steps: Iterable[Step]) -> tuple[Picked, ...]:
    """What was picked in an execution, where it was not the first of what there was."""
    done: dict[int, int] = {}
    picks = []
    for step in steps:
        after = done.get(step.task, 0)
        done[step.task] = after + 1
        if any(step.picks):
            picks.append(Picked(step.task, after, step.picks))
    return tuple(picks)


def shortest(steps: Sequence[Step], points: Sequence[Point]) -> Plan:
    """The plan under which an execution comes out as it did, and nothing in it is in vain.

    Args:
        steps: the execution's.
        points: those of the strategy `Planned` in that execution; at least as many.
    """
    switches = []
    done = {NOBODY: 0}
    last = NOBODY
    for step, point in zip(steps, points, strict=False):
        task = step.task
        if task != point.usual:
            switches.append(Switch(last, done[last], task, preempts=point.held))
        done[task] = done.get(task, 0) + 1
        last = task
    return Plan(tuple(switches), picked(steps))


def preemptions(steps: Sequence[Step], points: Sequence[Point]) -> list[int]:
    """The numbers of the steps before which a thread lost its turn though it could have gone on."""
    found = []
    last = NOBODY
    for number, (step, point) in enumerate(zip(steps, points, strict=False)):
        if point.held and step.task != last:
            found.append(number)
        last = step.task
    return found
