"""The loop: execute, look for findings, until nothing is left or the budget is spent.

Executions are recorded as sparsely as the detector allows, and looked at many at a time
(`batch`). An execution that shows something new is done again, by its schedule, with all that a
report wants to know (`retell`); the schedule is made small (`shrink`), and that one is reported.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any, Final

from racepage.errors import NondeterminismError
from racepage.execution.kernel import MOST_STEPS, Execution, Kernel, Steps, quiet
from racepage.execution.step import Step
from racepage.exploration import search
from racepage.exploration.attempts import Attempt
from racepage.exploration.batch import Batch
from racepage.exploration.harm import Harm, harm
from racepage.exploration.result import Budget, Exploration, Found
from racepage.exploration.retell import Teller, Told, ended, vanished
from racepage.exploration.same import compare, same
from racepage.exploration.schedule import Program, Schedule, Shown, choices
from racepage.exploration.search import Known
from racepage.exploration.shrink import SHRINKS, shrink
from racepage.exploration.strategy import Run, Strategy
from racepage.finding import Analysis, Finding
from racepage.wording import counted

Progress = Callable[[int, int], object]
"""Told now and then how many executions there were, and how many findings."""

Pause = Callable[[], object]
"""Called now and then between two executions: whoever is called may ask for the state."""

Policy = Callable[[Analysis], Analysis]
"""Marks what is not to count."""

MOST_IN_A_BATCH: Final = 2048
PROGRESS_SECONDS: Final = 0.1
SWEEP_SECONDS: Final = 1.0
SWEEP_LATE: Final = 5.0
"""Seconds after which it is done in the midst of a batch."""
SWEEP_SHARE: Final = 20
"""How much longer a search goes on than a sweep took: it grows with what the search keeps."""
PAUSE_SECONDS: Final = 10.0
SHRINK_STEPS: Final = 2_000_000
"""Steps that may be, in all of those."""


class Explorer:
    """Explores one program.

    Attributes:
        executions: so far.
        steps: in all of them.
        found: what was found so far, what policy says is not to count included.
    """

    def __init__(
        self,
        body: Callable[[], object],
        strategy: Strategy,
        program: Program,
        *,
        parameters: Mapping[str, Any],
        budget: Budget,
        most_steps: int = MOST_STEPS,
        shrinks: int = SHRINKS,
        policy: Policy | None = None,
        progress: Progress | None = None,
        pause: Pause | None = None,
    ) -> None:
        self._strategy = strategy
        self._budget = budget
        self._most = most_steps
        self._shrinks = shrinks
        self._progress = progress
        self._pause = pause
        self._policy = policy
        self._body = body
        self._program = program
        self._parameters = parameters
        self._kernel = Kernel(most_steps)
        self._batch = Batch(self._kernel)
        self._teller = Teller(self._kernel, body, program.name)
        self._pending: dict[int, Steps] = {}  # of the executions in the batch
        self._size = 1  # of this batch: small at first, for findings that every execution has
        self._seen: set[str] = set()
        self._outcomes: Counter[str] = Counter()
        self._known: list[Known] = []  # found before this search went on
        self._spent = 0.0  # seconds until then
        self._began = self._next_progress = self._next_sweep = self._next_pause = 0.0
        self._next = 0.0  # the earliest of what is due
        self._until = inf if budget.executions is None else float(budget.executions)
        self._stopped = self._exhausted = False
        self._end = ""
        self.executions = 0
        self.steps = 0
        self.found: list[Found] = []

    def explore(self) -> Exploration:
        """Explore until nothing is left to try, or the budget is spent.

        Raises:
            NondeterminismError: the program is not the same in every execution.
            RacepageError: something that it does cannot be done under control.
        """
        self._began = time.perf_counter()
        self._next_pause = self._began + PAUSE_SECONDS
        self._next_sweep = self._began + SWEEP_SECONDS
        with quiet():
            try:
                try:
                    self._find_again()
                    while (
                        self.executions < self._until
                        and time.perf_counter() < self._next
                        and not self._stopped
                    ) or self._look_around():
                        if not self._strategy.begin():
                            self._exhausted = True
                            break
                        self._execute()
                except KeyboardInterrupt:
                    self._stopped, self._end = True, "was interrupted"
                self._look()
            finally:  # whatever it was: the guard must not stay
                self._kernel.close()
        why = self._why_incomplete()
        return Exploration(
            program=self._program.name,
            strategy=self._strategy.name,
            parameters=dict(self._parameters),
            executions=self.executions,
            steps=self.steps,
            seconds=self._seconds(),
            findings=tuple(self.found),
            exhaustive=why is None,
            why_incomplete=why,
            outcomes=dict(self._outcomes),
            interrupted=self._stopped,
        )

    def stop(self) -> None:
        """End the search after the execution that is under way."""
        self._stopped = True

    def _seconds(self) -> float:
        return self._spent + time.perf_counter() - self._began

    def _look_around(self) -> bool:
        """Do what is due, and say whether there is to be another execution."""
        now = time.perf_counter()
        if now >= self._next_progress:
            self._tell_progress(now)
        if now >= self._next_sweep + SWEEP_LATE:
            self._sweep()
        if now >= self._next_pause and self._pause is not None:
            self._pause()
            self._next_pause = time.perf_counter() + PAUSE_SECONDS
        budget = self._budget
        end = inf if budget.seconds is None else self._began + budget.seconds
        late = self._next_sweep + SWEEP_LATE
        self._next = min(self._next_progress, late, self._next_pause, end)
        if self._stopped:
            self._end = "was interrupted"
        elif budget.findings is not None and self._counted() >= budget.findings:
            self._end = f"was to end after {counted(budget.findings, 'finding')}"
        elif budget.executions is not None and self.executions >= self._until:
            self._end = f"was to end after {counted(budget.executions, 'execution')}"
        elif budget.seconds is not None and now >= end:
            self._end = f"was to end after {budget.seconds:g} seconds"
        else:
            return True
        return False

    def _tell_progress(self, now: float) -> None:
        self._next_progress = now + PROGRESS_SECONDS
        if self._progress is not None:
            self._progress(self.executions, len(self.found))

    def _sweep(self) -> None:
        """Let go of what executions left that only the garbage collector finds."""
        before = time.perf_counter()
        gc.collect()
        after = time.perf_counter()
        self._next_sweep = after + max(SWEEP_SECONDS, SWEEP_SHARE * (after - before))

    def _counted(self) -> int:
        return sum(found.finding.suppressed is None for found in self.found)

    def _why_incomplete(self) -> str | None:
        if not self._strategy.exhaustive:
            return f"{self._strategy.name} tries some schedules, not all"
        if not self._exhausted:
            return f"the search {self._end}, and had not tried everything"
        cut = self._outcomes["limit"] + self._outcomes["livelock"]
        if cut:
            return f"{counted(cut, 'execution')} had more than {self._most:,} steps"
        return None

    def _execute(self) -> None:
        strategy = self._strategy
        done = self._kernel.execute(self._body, strategy.choose, strategy.pick, strategy.draw)
        outcome, steps = done.outcome, done.steps
        self._outcomes[outcome] += 1
        strategy.end(Run.of(done, self._most))
        self.executions += 1
        self.steps += len(steps)
        self._pending[self.executions] = steps
        self._batch.close_execution(self.executions, outcome)
        if outcome in {"failed", "deadlock", "livelock"}:
            self._end_badly(done)
        elif len(self._pending) >= self._size or self._batch.full:
            self._look()
            if time.perf_counter() >= self._next_sweep:
                self._sweep()  # now that there is little to look at

    def _end_badly(self, done: Execution) -> None:
        """Look at an execution that did not end as programs should."""
        key = ended(done)
        if key in self._seen:
            return
        self._seen.add(key)
        number = self.executions
        self._look()
        self._tell(number, done.outcome, done.steps, None)

    def _look(self) -> None:
        """Look for findings in the executions since the last time."""
        pending, self._pending = self._pending, {}
        found = self._batch.flush()
        self._size = min(2 * self._size, MOST_IN_A_BATCH)
        if 1 in pending or len(pending) >= MOST_IN_A_BATCH:
            number = max(pending)
            compare(self._kernel, self._body, number, pending[number])
        for number, kind, key in found:
            if key not in self._seen:
                self._tell(number, kind, pending[number], key)

    def _tell(self, number: int, kind: str, steps: Iterable[Step], key: str | None) -> None:
        """Report what an execution shows: the finding with that key, or how it ended."""
        told = self._have_again(choices(steps))
        analysis = told.only(key)
        if analysis is None:
            vanished(kind, number)
            return
        key = analysis.findings[0].identity
        if key in self._seen:
            return
        self._seen.add(key)
        if self._policy is not None:
            analysis = self._policy(analysis)
        preemptions = None
        if self._shrinks and analysis.findings[0].suppressed is None:
            told, preemptions = self._shrink(told, key)
            if (smaller := told.only(key)) is not None:
                analysis = replace(smaller, policy=analysis.policy)
        finding = analysis.findings[0]
        schedule = Schedule(
            self._program,
            *told.numbered,
            preemptions,
            Shown(finding.kind, finding.fingerprint),
            self._strategy.name,
            dict(self._parameters),
        )
        shrunk = preemptions is not None
        done = self._harm(told, finding)
        self.found.append(Found(analysis, schedule, number, shrunk, told, done))
        self._next = 0.0  # it may have been the last one that is wanted

    def _have_again(self, schedule: Sequence[Sequence[int]]) -> Told:
        with same():
            return self._teller.tell(schedule)

    # Going on another time

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on from here, as JSON can hold it; between two executions."""
        self._look()
        return search.state(
            self._search(),
            self._kernel,
            self._strategy,
            {
                "executions": self.executions,
                "steps": self.steps,
                "milliseconds": int(self._seconds() * 1000),
                "outcomes": dict(self._outcomes),
                "seen": sorted(self._seen),
            },
            self.found,
        )

    def restore(self, state: object) -> None:
        """Go on from where `state` was taken, by another process perhaps; before `explore`.

        Raises:
            RacepageError: it is no state, or that of another search.
        """
        saved = search.restore(state, self._search(), self._kernel, self._strategy)
        self.executions = saved.executions
        self._until += saved.executions
        self.steps = saved.steps
        self._spent = saved.milliseconds / 1000
        self._outcomes.update(saved.outcomes)
        self._seen.update(saved.seen)
        self._known = saved.known

    def _search(self) -> dict[str, Any]:
        """What has to be the same for a search to go on."""
        return search.identity(self._program, self._strategy.name, self._parameters, self._most)

    def _find_again(self) -> None:
        """Tell once more what the search had found before it went on."""
        known, self._known = self._known, []
        for one in known:
            told = self._have_again(search.choices(one.schedule, self._kernel))
            shown = one.schedule.finding
            analysis = None if shown is None else told.only(shown.fingerprint)
            if analysis is None:
                raise NondeterminismError(
                    f"execution {one.execution} does not show again what it "
                    "had shown; begin the search anew, without a saved state"
                )
            if self._policy is not None:
                analysis = self._policy(analysis)
            done = self._harm(told, analysis.findings[0])
            self.found.append(Found(analysis, one.schedule, one.execution, one.shrunk, told, done))

    def _harm(self, told: Told, finding: Finding) -> Harm | None:
        """What comes of a race, where it counts."""
        if finding.suppressed is not None:
            return None
        return harm(told, finding, partial(self._teller.run, places=True))

    def _shrink(self, told: Told, key: str) -> tuple[Told, tuple[int, ...] | None]:
        """The same finding by a smaller schedule, where there is one, and its preemptions."""

        def attempt(plan: Strategy) -> Attempt:
            now = time.perf_counter()
            if now >= self._next_progress:
                self._tell_progress(now)
            if self._stopped:
                return Attempt(False, ())
            tried = self._teller.run(plan)
            return Attempt(tried.only(key) is not None, tried.steps)

        most = max(1, min(self._shrinks, SHRINK_STEPS // max(len(told.steps), 1)))
        shrunk = shrink(told.steps, attempt, most)
        if shrunk is None:
            return told, None
        again = self._have_again(choices(shrunk.steps))
        return (told, None) if again.only(key) is None else (again, shrunk.preemptions)
