"""The order that an execution's steps really have: which happened before which, and which race.

Two steps of one thread, or two that touch the same bytes, not both reading, are in order; the rest
follows. A race is two steps of different threads with nothing in between, in that order: they can
be turned round. Of all the earlier steps that touch the same bytes, only the last of each kind can
race with a new one, so the cost of a step follows the number of threads and of distinct ranges, not
the length of the execution. What happened before a step is a set of steps, held in an integer, one
bit for each: to join two is one `|`, and to ask is one shift.

Locks: an unlock and the lock that had to wait for it are in order but cannot be turned round. What
can be turned round is the order of the two sections: the later lock races with the step that took
the lock the time before, unless that happened before it in another way as well (Abdulla et al.,
JACM 2017, on locks: a race is reversible if the second step is not blocked where the first has not
been done). An unlock and a step that awaits it, such as the end of a thread and a join, are in
order for good, whatever else both of them touch.
"""

from __future__ import annotations

from typing import Final

from racepage.execution.step import AWAIT, CHANGES, LOCK, UNLOCK, Step
from racepage.exploration.saved import FAILED

NOBODY: Final = -1


class Bytes:
    """What was done last to a range of bytes.

    Attributes:
        write: the last step that did more than read, or NOBODY.
        reads: task -> its last read since then.
        free: that step was an unlock.
        holder: the step that took the lock, or that would have taken it if it is one, or NOBODY.
        taker: the step that had taken the lock which was given back last, or NOBODY.
    """

    __slots__ = ("free", "holder", "reads", "taker", "write")

    def __init__(self) -> None:
        self.write = NOBODY
        self.reads: dict[int, int] = {}
        self.free = False
        self.holder = NOBODY
        self.taker = NOBODY


Before = tuple[int, dict[int, int], bool, int, int]
"""The attributes of `Bytes`, in this order: write, reads, free, holder, taker."""


class Order:
    """The steps of one execution so far, numbered from 0.

    Attributes:
        past: for each step the set of those that happened before it, and itself.
        direct: for each step those of other threads with nothing in between.
        races: for each step those with which it can change places.
        ranges: target -> all ranges of it that a step ever touched; those of other executions, too.
    """

    __slots__ = ("_done", "_last", "_targets", "direct", "past", "races", "ranges")

    def __init__(self) -> None:
        self.past: list[int] = []
        self.direct: list[list[int]] = []
        self.races: list[list[int]] = []
        self.ranges: dict[int, set[tuple[int, int]]] = {}
        self._last: dict[int, int] = {}  # task -> its last step
        self._targets: dict[int, dict[tuple[int, int], Bytes]] = {}
        self._done: list[tuple[int, int, list[tuple[Bytes, Before]]]] = []  # to be undone

    def rewind(self, count: int) -> None:
        """Go back to when only so many steps were done."""
        del self.past[count:]
        del self.direct[count:]
        del self.races[count:]
        while len(self._done) > count:
            task, last, changes = self._done.pop()
            self._last[task] = last
            for had, before in reversed(changes):
                had.write, had.reads, had.free, had.holder, had.taker = before

    def add(self, step: Step) -> None:
        """Do one more step."""
        number = len(self.past)
        past = started = self._before(step.task)
        direct: list[int] = []
        touched = self._touched(step)
        while touched:
            latest = touched.bit_length() - 1
            touched ^= 1 << latest
            if not past >> latest & 1:
                direct.append(latest)
                past |= self.past[latest]
        self.past.append(past | 1 << number)
        self.direct.append(direct)
        self.races.append(self._reversible(step, direct, started) if direct else direct)
        self._note(step, number)

    def blocked(self, step: Step) -> list[int]:
        """The steps that took a lock for which `step` waits, or waited, and that race with it."""
        known, done = self._awaited(step, self._before(step.task))
        if not done:
            return []
        takers = [
            lock.taker if lock.holder == NOBODY else lock.holder
            for target, start, stop, how in step.touches
            if how == LOCK
            for lock in (self._targets.get(target, {}).get((start, stop)),)
            if lock is not None
        ]
        return [taker for taker in takers if taker != NOBODY and not known >> taker & 1]

    def between(self, first: int, stop: int) -> list[int]:
        """The steps from `first` to `stop`, both excluded, that `first` did not happen before."""
        past = self.past
        return [number for number in range(first + 1, stop) if not past[number] >> first & 1]

    def _before(self, task: int) -> int:
        last = self._last.get(task, NOBODY)
        return 0 if last == NOBODY else self.past[last]

    def _touched(self, step: Step) -> int:
        """The steps that `step` may race with: the last of each kind with the same bytes."""
        found = 0
        for target, start, stop, how in step.touches:
            for (begin, end), had in self._targets.get(target, {}).items():
                if begin < stop and start < end:
                    if had.write != NOBODY:
                        found |= 1 << had.write
                    if how & CHANGES:
                        for read in had.reads.values():
                            found |= 1 << read
        return found

    def _awaited(self, step: Step, known: int) -> tuple[int, bool]:
        """All that happened before `step` for good; and whether all that it awaits is among that.

        For a step that was done the rest was so from the beginning.
        """
        done = True
        for target, start, stop, how in step.touches:
            if how == AWAIT:
                awaited = self._targets.get(target, {}).get((start, stop))
                if awaited is None or not awaited.free:
                    done = False
                else:
                    known |= self.past[awaited.write]
        return known, done

    def _reversible(self, step: Step, races: list[int], started: int) -> list[int]:
        """The races of `step`, with the taker of a lock instead of who gave it back."""
        known, _ = self._awaited(step, started)
        if known != started:
            races = [race for race in races if not known >> race & 1]
        for target, start, stop, how in step.touches:
            if how != LOCK:
                continue
            lock = self._targets.get(target, {}).get((start, stop))
            if lock is None or not lock.free or lock.write not in races:
                continue
            others = [race for race in races if race != lock.write]
            before = known
            for other in others:
                before |= self.past[other]
            taker = lock.taker
            races = others if taker == NOBODY or before >> taker & 1 else [*others, taker]
        return races

    def _note(self, step: Step, number: int) -> None:
        changes: list[tuple[Bytes, Before]] = []
        self._done.append((step.task, self._last.get(step.task, NOBODY), changes))
        self._last[step.task] = number
        for target, start, stop, how in step.touches:
            ranges = self._targets.setdefault(target, {})
            had = ranges.get((start, stop))
            if had is None:
                had = ranges[start, stop] = Bytes()
                self.ranges.setdefault(target, set()).add((start, stop))
            changes.append((had, (had.write, had.reads, had.free, had.holder, had.taker)))
            if not how & CHANGES:
                had.reads = {**had.reads, step.task: number}
                continue
            if how == UNLOCK:
                had.taker = had.holder
                had.holder = NOBODY
                had.free = True
            else:
                if how == LOCK or (had.holder == NOBODY and how != FAILED):
                    had.holder = number
                had.free = False
            had.write = number
            had.reads = {}
