"""Selectively uniform random walk: every order of the interesting steps is equally likely.

Zhao, Wolff, Mathur and Roychoudhury, Selectively uniform concurrency testing, ASPLOS 2025. With
c(t) steps of thread t still to come, (sum of c)! / product of c! interleavings lie ahead; a walk
that takes thread t with probability c(t) / sum of c is therefore uniform over interleavings, while
the plain random walk favours short threads at the beginning. To be uniform over all steps spreads
thin, so only some are interesting: a thread is drawn that is to do the next interesting step, by
the interesting steps that each has left; the others go on, by a random priority for each step, but
wait before their own interesting steps until it was done. Exact where the counts are, and where
threads do not block each other; every interleaving remains possible in any case.

Counts and the interesting targets can be given. Otherwise they are learnt from the first
`PROFILED` executions, and each execution is about one target, drawn from those that several threads
touch and one of them writes (all targets, if `selective` is off or there are none).

What differs from the authors' tool (which profiles one execution, and is told one address): the
profile is a mean of several, and the target changes. As there, the steps of a thread that was not
started yet count for the thread that will start it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from racepage.exploration.profile import EVERYTHING, LONGEST, PROFILED, Profile
from racepage.exploration.saved import Saved, pairs
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Run, Task


class SelectivelyUniform(Seeded):
    """Chooses so that the interesting steps come in a uniformly random order."""

    name: ClassVar[str] = "surw"

    def __init__(
        self,
        seed: int = 0,
        counts: Mapping[int, int] | None = None,
        targets: Sequence[int] | None = None,
        selective: bool = True,
    ) -> None:
        """Take what is known.

        Args:
            seed: decides everything, with what is learnt.
            counts: thread -> its interesting steps, without those of threads that it starts.
            targets: those of which each touch is interesting; None means all if there are counts,
                and otherwise one of those that were seen, in turns.
            selective: whether the targets that were seen are taken one by one.
        """
        super().__init__(seed)
        self._given = None if counts is None else dict(counts)
        self._targets = None if targets is None else frozenset(targets)
        self._selective = selective
        self._profile = Profile()
        self._interesting: frozenset[int] | None = None  # targets; None: every step is interesting
        self._left: dict[int, float] = {}  # task -> interesting steps to come
        self._intended = -1  # the task that is to do the next interesting step
        self._waiting: set[int] = set()  # those that wait for it
        self._priorities: dict[int, float] = {}
        self._met: set[int] = set()

    def begin(self) -> bool:
        super().begin()
        self._intended = -1
        self._waiting.clear()
        self._priorities.clear()
        self._met.clear()
        self._expect()
        return True

    def _expect(self) -> None:
        """Settle what is interesting in this execution, and how much of it each task has."""
        profile = self._profile
        self._interesting = self._targets
        if self._given is not None:
            self._left = {task: float(count) for task, count in self._given.items()}
        elif self._targets is not None:
            self._left = profile.mean(self._targets)
        else:
            shared = profile.shared() if self._selective else []
            if shared:
                self._interesting = frozenset({shared[self._chance.below(len(shared))]})
            self._left = profile.mean(self._interesting or EVERYTHING)
        for child in sorted(profile.parents, reverse=True):
            parent = profile.parents[child]
            self._left[parent] = self._left.get(parent, 0.0) + self._left.get(child, 0.0)

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        for task in tasks:
            if task.number not in self._met:
                self._meet(task.number, last)
        waiting = self._waiting
        while True:
            task = self._leader([task for task in tasks if task.number not in waiting] or tasks)
            number = task.number
            if number in waiting:  # all wait for one that is blocked: another one is to go
                waiting.clear()
                self._intended = -1
            if not self._is_interesting(task):
                break
            self._left[number] = max(self._left.get(number, 0.0), 1.0)
            if self._intended < 0:
                self._intended = self._draw(tasks)
            if number == self._intended:
                self._left[number] -= 1.0
                self._intended = -1
                waiting.clear()
                break
            waiting.add(number)
        self._priorities.pop(number, None)
        return task

    def _meet(self, task: int, last: int) -> None:
        """Take the steps of a new task from the account of the one that started it."""
        self._met.add(task)
        if last < 0:
            return
        parents = self._profile.parents
        if last < task and self._profile.executions < PROFILED:
            parents.setdefault(task, last)
        if self._executions == 0 or parents.get(task) != last:
            return
        before = self._left.get(last, 0.0)
        moved = min(self._left.get(task, 0.0), before)
        self._left[last] = before - moved
        if self._intended == last and self._chance.fraction() * before < moved:
            self._intended = task

    def _leader(self, tasks: Sequence[Task]) -> Task:
        leader = tasks[0]
        highest = -1.0
        for task in tasks:
            priority = self._priorities.get(task.number)
            if priority is None:
                priority = self._priorities[task.number] = self._chance.fraction()
            if priority > highest:
                highest = priority
                leader = task
        return leader

    def _is_interesting(self, task: Task) -> bool:
        interesting = self._interesting
        return interesting is None or any(
            touch.target in interesting for touch in task.upcoming.touches
        )

    def _draw(self, tasks: Sequence[Task]) -> int:
        """The task that is to do the next interesting step, by the steps that each has left."""
        point = self._chance.fraction() * sum(self._left.get(task.number, 0.0) for task in tasks)
        for task in tasks:
            point -= self._left.get(task.number, 0.0)
            if point < 0.0:
                return task.number
        return tasks[-1].number

    def end(self, run: Run) -> None:
        super().end(run)
        if self._profile.executions < PROFILED:
            self._profile.add(run)

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "given": None if self._given is None else pairs(self._given),
            "targets": None if self._targets is None else sorted(self._targets),
            "selective": self._selective,
            **self._profile.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        given = None if saved.any("given") is None else saved.table("given", 0, LONGEST)
        targets = None if saved.any("targets") is None else saved.numbers("targets")
        selective = saved.flag("selective")
        profile = Profile()
        profile.restore(saved)
        super().restore(state)
        self._given = given
        self._targets = None if targets is None else frozenset(targets)
        self._selective = selective
        self._profile = profile
