"""PCT: random priorities, and a few points at which the thread that leads falls behind.

Burckhardt, Kothari, Musuvathi and Nagarakatte, A randomized scheduler with probabilistic guarantees
of finding bugs, ASPLOS 2010. Each thread has a priority of its own, in random order; the highest of
those that can go goes. At d - 1 random points of the k in an execution, the thread that would go
gets a priority below all others. A bug of depth d (it needs d ordering constraints) in a program of
n threads is hit with probability at least 1 / (n * k**(d - 1)), in every execution.

What differs:
- k is not given: it is the largest number of points that an execution so far had (as in Coyote and
  Shuttle), so the first execution has priorities only;
- a point is a choice between at least two threads, which makes k smaller (section 4.1 of the paper
  for the time before the second thread; where the others are blocked, the same holds: a change
  there can as well wait for the next choice), and the first point is none: who leads is random
  there anyway;
- the points are different ones, and a thread that starts late gets a random priority among the
  others;
- a thread that leads and yields, or waits for a limited time, falls behind all others for that, as
  otherwise one that looks for something again and again would never see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from racepage.exploration.saved import Saved
from racepage.exploration.seeded import Seeded
from racepage.exploration.strategy import Run, Task, gives_way

DEEPEST: Final = 1000
"""No bug is deeper; a depth costs time at the beginning of every execution."""


class Pct(Seeded):
    """Chooses by random priorities that change at `depth` - 1 points."""

    name: ClassVar[str] = "pct"

    def __init__(self, depth: int = 3, seed: int = 0) -> None:
        super().__init__(seed)
        self._depth = depth
        self._longest = 0  # choices in an execution: k
        self._choices = 0
        self._yields = 0
        self._priorities: dict[int, float] = {}
        self._changes: dict[int, float] = {}

    def begin(self) -> bool:
        super().begin()
        self._priorities.clear()
        self._choices = self._yields = 0
        points = max(self._longest - 1, 0)
        changes = self._chance.sample(points, min(self._depth - 1, points))
        self._changes = {point + 1: -1.0 - at for at, point in enumerate(changes)}
        return True

    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        del last
        if len(tasks) == 1:
            return tasks[0]
        choice = self._choices
        self._choices = choice + 1
        leader = self._leader(tasks)
        if choice in self._changes:
            self._priorities[leader.number] = self._changes[choice]
            leader = self._leader(tasks)
        if gives_way(leader):
            self._yields += 1
            self._priorities[leader.number] = -float(DEEPEST) - self._yields
            leader = self._leader(tasks)
        return leader

    def _leader(self, tasks: Sequence[Task]) -> Task:
        priorities = self._priorities
        leader = tasks[0]
        highest = -1e9
        for task in tasks:
            number = task.number
            priority = priorities.get(number)
            if priority is None:
                priority = priorities[number] = self._chance.fraction()
            if priority > highest:
                highest = priority
                leader = task
        return leader

    def end(self, run: Run) -> None:
        super().end(run)
        self._longest = max(self._longest, self._choices)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "depth": self._depth, "longest": self._longest}

    def restore(self, state: dict[str, Any]) -> None:
        saved = Saved(state, self.name)
        depth = saved.number("depth", 1, DEEPEST)
        longest = saved.number("longest", 0, 1 << 32)
        super().restore(state)
        self._depth, self._longest = depth, longest
