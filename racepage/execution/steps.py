"""What was done in an execution, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, overload

from racepage.execution.step import Step, Touch, Touched
from racepage.execution.task import NOTHING, Announced, Task

Outcome = Literal["ended", "deadlock", "failed", "limit", "livelock", "abandoned"]


class Steps(Sequence[Step]):
    """What was done in an execution, put together where somebody looks."""

    __slots__ = ("_done", "_made", "_more", "_picks")

    def __init__(self) -> None:
        self._done: list[Announced] = []
        self._more: dict[int, list[Touched]] = {}
        self._picks: dict[int, list[int]] = {}
        self._made: list[Step] = []

    def __len__(self) -> int:
        return len(self._done)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self._all())

    def _all(self) -> list[Step]:
        made = self._made
        for number in range(len(made), len(self._done)):
            task, how, target, start, stop = self._done[number]
            touches = () if how == NOTHING else (Touch(target, start, stop, how),)
            more = map(Touch._make, self._more.get(number, ()))
            made.append(Step(task, (*touches, *more), tuple(self._picks.get(number, ()))))
        return made

    def since(self, number: int) -> list[tuple[int, list[Touch]]]:
        """Who did each from a number on, and what it has touched so far."""
        found = []
        for at in range(number, len(self._done)):
            task, how, target, start, stop = self._done[at]
            touches = [] if how == NOTHING else [Touch(target, start, stop, how)]
            found.append((task, [*touches, *map(Touch._make, self._more.get(at, ()))]))
        return found

    def tasks(self) -> list[int]:
        """Who did each."""
        return [done[0] for done in self._done]


class Execution(NamedTuple):
    """One execution, when it is over.

    Attributes:
        outcome: how it ended.
        steps: what was done.
        waiting: what those that are left were about to do.
        missed: (n, what a task could have done before step n, and could not any more after it).
        failed: the task that raised, where one did.
        left: the tasks that are left, waiting or not.
        tasks: all of them.
    """

    outcome: Outcome
    steps: Steps
    waiting: Sequence[Step]
    missed: Sequence[tuple[int, Step]]
    failed: Task | None
    left: Sequence[Task]
    tasks: Sequence[Task]
