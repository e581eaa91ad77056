"""The kernel: threads of a program take turns, and a strategy says who goes next.

The threads are greenlets of one thread of the operating system. Each runs until its next *point*,
which stands before an operation on something shared, and says there what the operation is going to
touch. Whoever comes to a point asks the strategy for the next one to go, and switches to it
directly. What lies between two points is nobody's business: so a thread that was started, or woken,
runs to its next point at once, and is then one of those that can be chosen.

A thread cannot be chosen while its *gate* is closed (a lock that is held), nor while it waits for
the end of others, or to be woken. A wait that may run out of time can always be chosen: then
time runs out.

An execution is over when all threads but daemons have ended, at the first exception that nothing
caught, when nobody can go, and when the strategy abandons it. After a limit of steps the strategy
is not asked any more: threads take turns, which is fair, and one that does not end in as many steps
again never will, as far as anybody can tell. What is left of an execution that is over is unwound
with `GreenletExit`; points do nothing any more, and waits raise.

The numbers of what a program makes are the same in every execution: the n-th page that a task makes
has one number, whatever happens around it, and so have its locks, its threads and so on. So steps
can be compared between executions, and events keep their targets.
"""

from __future__ import annotations

import threading
from _thread import get_ident
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final

from greenlet import GreenletExit, getcurrent, greenlet

from racepage.errors import RacepageError
from racepage.events import Kind, Op
from racepage.execution import current, guard, targets
from racepage.execution.current import ThreadLog, own
from racepage.execution.garbage import note_collected, quiet
from racepage.execution.step import AWAIT, UNLOCK
from racepage.execution.steps import Execution, Outcome, Steps
from racepage.execution.targets import KIND_BITS
from racepage.execution.task import NOBODY, NOTHING, Path, Place, Task, Wait, nothing
from racepage.execution.turns import Choose, Draw, Pick
from racepage.execution.waiting import Waiting

__all__ = [
    "MOST_STEPS",
    "NOTHING",
    "Execution",
    "Kernel",
    "Outcome",
    "Path",
    "Steps",
    "Task",
    "Wait",
    "quiet",
]

MOST_STEPS: Final = 20_000

PATIENCE_SECONDS: Final = 10.0

_BEGIN: Final = (1, 2)
"""The byte of a thread that stands for its beginning; [0, 1) stands for its end."""

_THREAD: Final = Kind.THREAD
_LOCK: Final = Kind.LOCK
_PAGE: Final = Kind.PAGE
_THREADS: Final = len(Kind)
_EACH: Final = 1 << KIND_BITS
_EXIT: Final = int(Op.EXIT)


class Kernel(Waiting):
    """Runs a program again and again, each time as `choose` and `pick` say.

    Attributes:
        mode: what executions record: SITES or STACKS, and VALUES (`execution.current`).
        depth: how many frames of the stack an event carries.
        patience: how long a step may take, in seconds (`execution.guard`).
        os_thread: the thread of the operating system that explores.
    """

    __slots__ = (
        "__weakref__",
        "_begin",
        "_count",
        "_failed",
        "_first",
        "_idle",
        "_origins",
        "_pages",
        "_tasks",
        "_unguard",
        "depth",
        "mode",
        "os_thread",
        "patience",
    )

    def __init__(self, most: int = MOST_STEPS, paths: Sequence[Path] = ()) -> None:
        """A kernel.

        Args:
            most: steps in an execution, before threads take turns.
            paths: of the tasks 0, 1 and so on, where somebody knows them; further ones are numbered
                as they are met.
        """
        self.mode = current.SITES
        self.depth = 1
        self._first = Place()
        self._tasks: list[Place] = []  # by the number of the task
        self._origins: dict[int, Path] = {}
        self.number_as(paths, {})
        self._idle: list[Any] = []
        self.patience = PATIENCE_SECONDS
        self.os_thread = 0
        self._unguard: Callable[[], object] | None = None
        self._count = 0  # of executions
        super().__init__(most)

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._count += 1
        self._failed: Task | None = None
        self._begin = len(self.events)
        self._pages: list[int] = []  # made in this execution

    # An execution

    def execute(
        self,
        program: Callable[[], object],
        choose: Choose,
        pick: Pick,
        draw: Draw | None = None,
    ) -> Execution:
        """Run `program` once, as the task 0.

        Args:
            program: what to run; it returns nothing.
            choose: which of the tasks that can go, ascending by number, goes next; given the number
                of the last one, -1 at first. None abandons the execution.
            pick: a number below the one given.
            draw: where `choose` draws lots, all of them alike, a number below `1 << LOT_BITS` that
                decides: at most points it is asked instead, which saves a call of Python's.

        Raises:
            RacepageError: the program did what cannot be done under control, or what `choose` said
                cannot be done.
        """
        self._begin_anew()
        self._choose, self._pick, self._draw = choose, pick, draw
        self._home = getcurrent()
        self.os_thread = get_ident()
        if self._unguard is None:
            self._unguard = guard.stand(self)
        before = getattr(own, "extend", None)
        counter = threading._counter  # type: ignore[attr-defined]  # noqa: SLF001  (of names)
        current.control(self, self.mode | current.CONTROLLED, self.depth)
        targets.numbering = self.number
        threading._counter = count(1).__next__  # type: ignore[attr-defined]  # noqa: SLF001
        own.extend = self.extend = self.events.extend
        try:
            root = self._root(program)
            self._starters.append((self._home, root))
            self._to(root)
            if not self._dead:  # at its first point
                self._go_on(None)
            left = self._all.copy()
            waiting = [one.upcoming for one in left if one is not self._failed] if left else []
            self._note_collected(root)
            self._dead = True
            if left:
                self._unwind(left)
        finally:
            self._dead = True
            targets.numbering = None
            threading._counter = counter  # type: ignore[attr-defined]  # noqa: SLF001
            current.end_control()
            if before is None:
                del own.extend
            else:
                own.extend = before
        if self._error is not None:
            raise self._error
        done, failed = self._done, self._failed
        return Execution(self._outcome, done, waiting, self._missed, failed, left, self._met)

    def _note_collected(self, root: Task) -> None:
        """Log which of its pages the execution let go of, before what is left lets go of more."""
        end, ended = len(self.events), self._outcome == "ended"
        current.unwind()  # what finalizers do from here on is not the program's
        if note_collected(self.events, self._begin, self._pages, ended=ended):
            self.runs += (end, root.log.number)

    def _unwind(self, left: Sequence[Task]) -> None:
        """Have every task that is left end, wherever it stands."""
        for task in left:
            if task is self._failed:
                continue
            self.running = task
            if task.wait is None and (task.must or task.next[1] == UNLOCK):
                task.doomed = True
                task.greenlet.switch()
            else:
                task.greenlet.throw(GreenletExit)

    # Tasks

    def spawn(self, log: ThreadLog, body: Callable[[], object], *, daemon: bool = False) -> Task:
        """Start a task, which runs to its first point before this returns.

        Raises:
            GreenletExit: the execution is over.
        """
        task = self.adopt(log, body, daemon=daemon)
        self.let_begin(task)
        return task

    def adopt(self, log: ThreadLog, body: Callable[[], object], *, daemon: bool) -> Task:
        """A new task of the running one, which is not to be asked for more before it has begun.

        Raises:
            GreenletExit: the execution is over.
        """
        if self._dead:
            self.leave()
        me = self.running
        nth = me.made[_THREADS]
        me.made[_THREADS] = nth + 1
        place = me.place.children.get(nth) or me.place.below((nth,))
        if place.number == NOBODY:
            self._number_task(place)
        task = Task(place, body)
        task.clock = me.clock
        task.daemon = daemon
        self._name(task, log)
        return task

    def let_begin(self, task: Task) -> None:
        """Let a task that was adopted run to its first point."""
        if self._steps:
            target = task.log.number
            self.touch(UNLOCK, target, *_BEGIN)
            task.more = ((target, *_BEGIN, AWAIT),)
        self._starters.append((getcurrent(), self.running))
        self._calm = 0
        self._to(task)

    def _root(self, program: Callable[[], object]) -> Task:
        if self._first.number == NOBODY:
            self._number_task(self._first)
        self.running = root = Task(self._first, program)
        self._name(root, ThreadLog("main"))
        return root

    def _number_task(self, place: Place) -> None:
        place.number = len(self._tasks)
        self._tasks.append(place)

    def _name(self, task: Task, log: ThreadLog) -> None:
        """Let events know a task, and reports its name."""
        task.log = log
        log.ident = -2 - log.number  # threads of the operating system have positive ones
        current.given[log.number] = log.name
        self._all.append(task)
        self._met.append(task)

    def _hire(self) -> Any:
        """A greenlet for a task: an idle one, if there is one."""
        return self._idle.pop() if self._idle else greenlet(self._work, self._home)

    def _work(self) -> None:
        while True:
            task = self.running
            try:
                task.body()
                task.body = nothing  # this frame stays, and what the body held does not
            except (GreenletExit, SystemExit):
                pass
            except BaseException as error:  # noqa: BLE001  (it is the program's)
                if isinstance(error, KeyboardInterrupt):
                    self._error = self._error or error
                if not self._dead:
                    task.failed = error
                    self._failed = task
                    task.forget()
                    self._idle.append(getcurrent())
                    self._over("failed")
                    continue
            self._idle.append(getcurrent())
            self._end(task)

    def _end(self, task: Task) -> None:
        """The last act of a task that has ended: let another one go."""
        task.ended = True
        task.forget()
        if self._dead:
            self._home.switch()
            return
        self.extend((_EXIT, current.NO_TARGET, 0, 0, None, -1))
        task.log.ended = True
        self._all.remove(task)
        if task in self._ready:
            self._ready.remove(task)
        if self._steps:
            self.touch(UNLOCK, task.log.number)
        if self._joining:
            self._let_join()
        if self._starters:
            self._back()
        else:
            self._go_on(None)

    # What stands for a task, and for an execution

    def stands(self) -> tuple[int, int]:
        """Where the execution is: it is the same only as long as no step is done."""
        return self._count, len(self._steps)

    def threads(self) -> list[threading.Thread]:
        """The threads that have been started, and have not ended."""
        was, found = self.running, []
        for task in self._all:
            self.running = task
            found.append(task.thread or self.name_thread())
        self.running = was
        return found

    def name_thread(self) -> threading.Thread:
        """What `threading.current_thread` is for a task that nobody started as a thread."""
        me = self.running
        known = threading._active  # type: ignore[attr-defined]  # noqa: SLF001  (as there)
        found: threading.Thread | None = None if me.place.parent else known.get(self.os_thread)
        me.thread = found or threading.Thread(name=me.log.name, daemon=me.daemon)
        return me.thread

    # Numbers

    def number(self, kind: Kind) -> int:
        """The number of the next thing of that kind that the running task makes."""
        me = self.running
        made = me.made
        key = made[kind]
        made[kind] = key + _EACH
        number = me.place.numbers.get(key)
        if number is None:
            number = targets.fresh(kind)
            self._number_as((*me.place.path, kind, key >> KIND_BITS), number)
        elif kind is not _THREAD:  # what an earlier execution made may have been another thing
            targets.given.pop(number, None)
            if kind is _LOCK:
                targets.lock_kinds.pop(number, None)
            elif kind is _PAGE:
                targets.sizes.pop(number, None)
        if kind is _PAGE:
            self._pages.append(number)
        return number

    def _number_as(self, origin: Path, number: int) -> None:
        *path, kind, nth = origin
        place = self._first.below(tuple(path))
        place.numbers[nth << KIND_BITS | kind] = number
        self._origins[number] = origin

    def origin(self, number: int) -> Path | None:
        """Where a target comes from: a task's path, its kind, and which of that kind it is.

        None: it was there before.
        """
        return self._origins.get(number)

    @property
    def numbers(self) -> Mapping[Path, int]:
        """The numbers that things have, by where they come from."""
        return {origin: number for number, origin in self._origins.items()}

    @property
    def paths(self) -> Sequence[Path]:
        """Where each task comes from, by number."""
        return [place.path for place in self._tasks]

    def number_as(self, paths: Sequence[Path], numbers: Mapping[Path, int]) -> None:
        """Number tasks and things as another kernel did: that of an exploration which goes on.

        Raises:
            RacepageError: such a number was given to something else in this process.
        """
        if not targets.reserve(numbers.values()):
            raise RacepageError(
                "a saved search that cannot go on here: there are things already that have the "
                "numbers of its own; let another process do it"
            )
        self._first, self._tasks, self._origins = Place(), [], {}
        for path in paths:
            self._number_task(self._first.below(path))
        for origin, number in numbers.items():
            self._number_as(origin, number)

    # Between executions

    def clear(self) -> None:
        """Forget the events of the executions so far."""
        self.events.clear()
        self.runs.clear()

    def close(self) -> None:
        """Let the greenlets go, take away the guard, and forget the names of what is gone."""
        if self._unguard is not None:
            self._unguard()
            self._unguard = None
        while self._idle:
            self._idle.pop().throw(GreenletExit)
        if not current.mode:  # where a recording is on, that is why nothing was explored
            current.tidy()
