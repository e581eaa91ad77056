"""Replay: one execution, under a schedule that is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from racepage.errors import RacepageError
from racepage.exploration.saved import Saved
from racepage.exploration.strategy import Run, Strategy, Task


class MismatchError(RacepageError):
    """A program does not do what a schedule says.

    Attributes:
        step: at which step.
        what: the matter, in a sentence.
    """

    def __init__(self, step: int, what: str, said: str) -> None:
        self.step = step
        self.what = what
        super().__init__(
            f"step {step} of the schedule does not fit the program{said}: {what}; "
            "replay it with the program, the arguments and the version that it was made with"
        )


class Replay(Strategy):
    """Does the steps of `schedule`, in order: `[thread, pick, …]` each, or a thread alone.

    Whatever does not fit the schedule is a `MismatchError` that says at which step: a thread that
    cannot go, a pick too many or too few or out of range, a program that ends early or goes on.
    """

    name: ClassVar[str] = "replay"

    def __init__(self, schedule: Sequence[int | Sequence[int]], said: Sequence[str] = ()) -> None:
        """Do `schedule`; `said` has its steps in words, for when one does not fit."""
        self._said = said
        self._schedule = [[item] if isinstance(item, int) else list(item) for item in schedule]
        self._done = False
        self._step = 0  # how many have begun
        self._picks = 0  # of the one that began last

    def begin(self) -> bool:
        self._step = self._picks = 0
        return not self._done

    def choose(self, tasks: Sequence[Task], last: int) -> Task:
        del last
        self._all_picked()
        step = self._step
        if step == len(self._schedule):
            self._mismatch(step, f"the schedule ends here, but {_threads(tasks)} can go on")
        wanted = self._schedule[step][0]
        chosen = next((task for task in tasks if task.number == wanted), None)
        if chosen is None:
            self._mismatch(step, f"thread {wanted} is to go, but only {_threads(tasks)} can")
        self._step = step + 1
        self._picks = 0
        return chosen

    def pick(self, count: int) -> int:
        step = self._step - 1
        self._picks += 1
        picks = self._schedule[step]
        if self._picks == len(picks):
            self._mismatch(step, f"one of {count} is to be picked, and the schedule has no pick")
        if picks[self._picks] >= count:
            self._mismatch(
                step, f"the schedule picks number {picks[self._picks]} of {count}, counted from 0"
            )
        return picks[self._picks]

    def end(self, run: Run) -> None:
        self._done = True
        self._all_picked()
        if self._step < len(self._schedule):
            self._mismatch(
                self._step, f"the schedule goes on, but the program is over ({run.outcome})"
            )

    def state(self) -> dict[str, Any]:
        return {
            "strategy": self.name,
            "schedule": [list(item) for item in self._schedule],
            "done": self._done,
        }

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        schedule = []
        for item in saved.items("schedule"):
            parts = [saved.whole(part, '"schedule"') for part in saved.sequence(item, '"schedule"')]
            if not parts:
                saved.refuse('"schedule" has a step of no thread')
            schedule.append(parts)
        self._done = saved.flag("done")
        self._schedule = schedule

    def _all_picked(self) -> None:
        if self._step and self._picks + 1 < len(self._schedule[self._step - 1]):
            self._mismatch(self._step - 1, "the schedule has a pick that the program does not ask")

    def _mismatch(self, step: int, what: str) -> NoReturn:
        said = f" ({self._said[step]})" if step < len(self._said) else ""
        raise MismatchError(step, what, said)


def _threads(tasks: Sequence[Task]) -> str:
    numbers = ", ".join(map(_called, tasks))
    return f"thread {numbers}" if len(tasks) == 1 else f"threads {numbers}"


def _called(task: Task) -> str:
    """A thread by its number, and by its name where it has one."""
    log = getattr(task, "log", None)  # the kernel's tasks have it
    return str(task.number) if log is None else f"{task.number} ({log.name})"
