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

import gc
import sys
import threading
from _thread import get_ident
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from math import inf, nextafter
from time import perf_counter_ns
from types import FrameType
from typing import Any, Final, Literal, NamedTuple, NoReturn, overload

from greenlet import GreenletExit, getcurrent, greenlet

from racepage.errors import RacepageError
from racepage.events import Kind, Op
from racepage.execution import current, guard, targets
from racepage.execution.current import ThreadLog, own
from racepage.execution.frames import outside
from racepage.execution.garbage import note_collected
from racepage.execution.step import AWAIT, READ, UNLOCK, Step, Touch
from racepage.execution.watch import Watch, watch, written

Outcome = Literal["ended", "deadlock", "failed", "limit", "livelock", "abandoned"]
Path = tuple[int, ...]

NOTHING: Final = -1
"""How a point touches that touches nothing."""

MOST_STEPS: Final = 20_000

_START: Final = (1, 2)
"""The byte of a thread that stands for its start; [0, 1) stands for its end."""

PATIENCE_SECONDS: Final = 10.0

_THREADS: Final = len(Kind)
_EXIT: Final = int(Op.EXIT)
_BLOCK: Final = int(Op.BLOCK)


class Wait:
    """What a task waits on, once, until another one wakes it.

    Attributes:
        task: who waits.
        token: what stands for the wait in steps.
        timed: time may run out.
        more: how much that touches, besides one range.
        watches: what a step has to write that wakes it.
        woken: somebody has woken it.
    """

    __slots__ = ("more", "task", "timed", "token", "watches", "woken")

    def __init__(self, task: Task, token: int) -> None:
        self.task = task
        self.token = token
        self.timed = False
        self.more = 0
        self.watches: tuple[Touch, ...] = ()
        self.woken = False


class Task:
    """A thread of the program, at a point.

    Attributes:
        number: the same in every execution; the first is 0.
        path: where it comes from: the how-manyth thread of its parent each of its ancestors is.
        log: the thread as events know it.
        how, target, start, stop: what its next operation touches.
        more: what it touches besides.
        gate: is true while it cannot go, or None.
        wait: what it waits on, or None.
        joins: the tasks whose end it waits for.
        clock: its own time, in seconds.
        own: what it has for itself (`execution.per_thread`).
        thread: what `threading.current_thread` is, where that was asked or is known.
        must: what it is about to do gives something back, and is done even if the execution ends.
        doomed: it is, and this is unwound from its next point on.
        made: how many things of each kind it has made, and how many threads started.
        failed: what it raised, and nothing caught.
    """

    __slots__ = (
        "body",
        "clock",
        "daemon",
        "doomed",
        "ended",
        "failed",
        "gate",
        "greenlet",
        "how",
        "joins",
        "log",
        "made",
        "more",
        "must",
        "number",
        "own",
        "path",
        "start",
        "stop",
        "target",
        "thread",
        "wait",
    )

    def __init__(self, number: int, path: Path, log: ThreadLog, body: Callable[[], object]) -> None:
        self.number = number
        self.path = path
        self.log = log
        self.body = body
        self.greenlet: Any = None
        self.how = NOTHING
        self.target = self.start = self.stop = 0
        self.more: tuple[Touch, ...] = ()
        self.gate: Callable[[], object] | None = None
        self.wait: Wait | None = None
        self.joins: Sequence[Task] = ()
        self.clock = 0.0
        self.own: dict[Any, Any] = {}
        self.thread: threading.Thread | None = None
        self.made = [0] * (len(Kind) + 1)
        self.must = False
        self.doomed = False
        self.daemon = False
        self.ended = False
        self.failed: BaseException | None = None

    def runs(self) -> bool:
        """Whether it has not ended."""
        return not self.ended

    def forget(self) -> None:
        """Let go of what the program may want to see freed."""
        self.body = _nothing
        self.thread = None
        self.own = {}

    @property
    def upcoming(self) -> Step:
        """What it is about to do; for one that only others can wake, to be woken."""
        if self.wait is not None and not self.wait.timed:
            return Step(self.number, (Touch(self.wait.token, 0, 1, AWAIT),))
        if self.how == NOTHING:
            return Step(self.number, self.more)
        return Step(self.number, (Touch(self.target, self.start, self.stop, self.how), *self.more))


class Steps(Sequence[Step]):
    """What was done in an execution, put together where somebody looks."""

    __slots__ = ("_done", "_made", "_more", "_picks")

    def __init__(self) -> None:
        self._done: list[tuple[int, int, int, int, int]] = []
        self._more: dict[int, list[Touch]] = {}
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
            made.append(
                Step(
                    task,
                    (*touches, *self._more.get(number, ())),
                    tuple(self._picks.get(number, ())),
                )
            )
        return made

    def since(self, number: int) -> list[tuple[int, list[Touch]]]:
        """Who did each from a number on, and what it has touched so far."""
        found = []
        for at in range(number, len(self._done)):
            task, how, target, start, stop = self._done[at]
            touches = [] if how == NOTHING else [Touch(target, start, stop, how)]
            found.append((task, touches + self._more.get(at, [])))
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


Choose = Callable[[Sequence[Task], int], Any]
Pick = Callable[[int], int]


class Kernel:
    """Runs a program again and again, each time as `choose` and `pick` say.

    Attributes:
        running: the task that goes now.
        events: what all tasks logged, in order (`execution.flat`).
        runs: flat: where in `events` another task went on, and the number of its thread.
        on_step: told of each task that is chosen, with the frame that it stands in, where set.
        mode: what executions record: SITES or STACKS, and VALUES (`execution.current`).
        depth: how many frames of the stack an event carries.
        paths: where each task comes from, by number.
        patience: how long a step may take, in seconds (`execution.guard`).
        os_thread: the thread of the operating system that explores.
    """

    def __init__(self, most: int = MOST_STEPS, paths: Sequence[Path] = ()) -> None:
        """A kernel.

        Args:
            most: steps in an execution, before threads take turns.
            paths: of the tasks 0, 1 and so on, where somebody knows them; further ones are numbered
                as they are met.
        """
        self.mode = current.SITES
        self.depth = 1
        self._most = most
        self.events: list[Any] = []
        self.runs: list[int] = []
        self.running: Task = None  # type: ignore[assignment]  # set before anything runs
        self.on_step: Callable[[Task, FrameType], object] | None = None
        self.paths = list(paths)
        self._numbers: dict[Path, int] = {}
        self._tasks = {path: number for number, path in enumerate(paths)}
        self._origins: dict[int, Path] = {}
        self._idle: list[Any] = []
        self.patience = PATIENCE_SECONDS
        self.os_thread = 0
        self._unguard: Callable[[], object] | None = None
        self._home: Any = None
        self._count = 0  # of executions
        self._reset()

    def _reset(self) -> None:
        self._count += 1
        self._done = Steps()
        self._steps = self._done._done  # noqa: SLF001  (filled here, read there)
        self._more = self._done._more  # noqa: SLF001
        self._ready: list[Task] = []  # at a point, ascending
        self._gates = 0  # of those
        self._met: list[Task] = []
        self._all: list[Task] = []  # of those, not ended
        self._joining: list[Task] = []  # wait for the end of others
        self._watching: list[Wait] = []  # those with watches
        self._woken: list[Task] = []  # on their way to a point
        self._starters: list[tuple[Any, Task]] = []  # who goes on when the running one is at one
        self._missed: list[tuple[int, Step]] = []
        self._last = -1
        self._outcome: Outcome = "ended"
        self._failed: Task | None = None
        self._error: BaseException | None = None
        self._dead = False
        self._begin = len(self.events)
        self._pages: list[int] = []  # made in this execution

    @property
    def now(self) -> int:
        """How many steps there were."""
        return len(self._steps)

    @property
    def over(self) -> bool:
        """Whether the execution has ended, and what is left of it is being unwound."""
        return self._dead

    # An execution

    def execute(self, program: Callable[[], object], choose: Choose, pick: Pick) -> Execution:
        """Run `program` once, as the task 0.

        Args:
            program: what to run; it returns nothing.
            choose: which of the tasks that can go, ascending by number, goes next; given the number
                of the last one, -1 at first. None abandons the execution.
            pick: a number below the one given.

        Raises:
            RacepageError: the program did what cannot be done under control, or what `choose` said
                cannot be done.
        """
        self._reset()
        self._choose, self._pick = choose, pick
        self._home = getcurrent()
        self.os_thread = get_ident()
        if self._unguard is None:
            self._unguard = guard.stand(self)
        before = own.__dict__.copy()
        counter = threading._counter  # type: ignore[attr-defined]  # noqa: SLF001  (of names)
        current.control(self, self.mode | current.CONTROLLED, self.depth)
        targets.numbering = self.number
        threading._counter = count(1).__next__  # type: ignore[attr-defined]  # noqa: SLF001
        own.extend = self.events.extend
        try:
            root = self._root(program)
            self._starters.append((self._home, root))
            self._to(root)
            if not self._dead:  # at its first point
                self._go_on(None)
            left = self._all.copy()
            waiting = [task.upcoming for task in left if task is not self._failed]
            self._note_collected(root)
            self._unwind(left)
        finally:
            self._dead = True
            targets.numbering = None
            threading._counter = counter  # type: ignore[attr-defined]  # noqa: SLF001
            current.end_control()
            own.__dict__.clear()
            own.__dict__.update(before)
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
        self._dead = True
        current.unwind()
        for task in left:
            if task is self._failed:
                continue
            self.running = task
            own.log = task.log
            if task.wait is None and (task.must or task.how == UNLOCK):
                task.doomed = True
                task.greenlet.switch()
            else:
                task.greenlet.throw(GreenletExit)

    def _over(self, outcome: Outcome) -> None:
        """End the execution here. Whoever calls this is unwound, or has ended."""
        if not self._dead:
            self._dead = True
            self._outcome = outcome
        self._home.switch()

    # Tasks

    def spawn(
        self,
        log: ThreadLog,
        body: Callable[[], object],
        *,
        daemon: bool = False,
        thread: threading.Thread | None = None,
    ) -> Task:
        """Start a task, which runs to its first point before this returns.

        Raises:
            GreenletExit: the execution is over.
        """
        if self._dead:
            raise GreenletExit
        me = self.running
        task = self._adopt((*me.path, me.made[_THREADS]), log, body)
        me.made[_THREADS] += 1
        task.daemon = daemon
        task.thread = thread
        if self._steps:
            self.touch(UNLOCK, log.number, *_START)
            task.more = (Touch(log.number, *_START, AWAIT),)
        self._starters.append((getcurrent(), me))
        self._to(task)
        return task

    def _root(self, program: Callable[[], object]) -> Task:
        self.running = Task(0, (), None, program)  # type: ignore[arg-type]  # it makes its own log
        root = self._adopt((), ThreadLog("main"), program)
        root.made[Kind.THREAD] = 1
        return root

    def _adopt(self, path: Path, log: ThreadLog, body: Callable[[], object]) -> Task:
        number = self._tasks.get(path)
        if number is None:
            number = self._tasks[path] = len(self.paths)
            self.paths.append(path)
        task = Task(number, path, log, body)
        log.events = self.events
        log.ident = -2 - log.number  # threads of the operating system have positive ones
        current.given[log.number] = log.name
        self._all.append(task)
        self._met.append(task)
        return task

    def _hire(self) -> Any:
        """A greenlet for a task: an idle one, if there is one."""
        return self._idle.pop() if self._idle else greenlet(self._work, self._home)

    def _work(self) -> None:
        while True:
            task = self.running
            try:
                task.body()
                task.body = _nothing  # this frame stays, and what the body held does not
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
        self.events.extend((_EXIT, current.NO_TARGET, perf_counter_ns(), 0, None, -1))
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

    # Points

    def point(self, how: int, target: int, start: int = 0, stop: int = 1) -> None:
        """Stand before an operation that touches these bytes, until it is to be done."""
        if self._dead:
            self._unwound(how)
            return
        me = self.running
        me.how = how
        me.target = target
        me.start = start
        me.stop = stop
        steps = self._steps
        if (
            self._starters
            or self._woken
            or self._watching
            or self.on_step
            or len(steps) >= self._most
        ):
            self._stand(me)
            return
        # The rest is `_go_on`, for the common case.
        able = self._ready
        if self._gates:
            able = [task for task in able if task.gate is None or not task.gate()]
            if not able:
                self._stuck()
                return
        try:
            chosen = self._choose(able, self._last)
        except BaseException as error:  # noqa: BLE001  (the strategy's: not the program's to catch)
            self._wrong(error)
            return
        if chosen is None:
            self._over("abandoned")
            return
        self._last = number = chosen.number
        steps.append((number, chosen.how, chosen.target, chosen.start, chosen.stop))
        if chosen.more:
            self._more[len(steps) - 1] = list(chosen.more)
            chosen.more = ()
        if chosen.gate is not None:
            chosen.gate = None
            self._gates -= 1
        if chosen is not me:
            self._to(chosen)

    def touching(self, *touches: Touch) -> None:
        """As `point`, for an operation that touches several ranges; an empty one is no touch."""
        touches = tuple(touch for touch in touches if touch.start < touch.stop)
        if self._dead:
            self._unwound()
            return
        if not touches:
            return
        self.running.more = touches[1:] + self.running.more
        target, start, stop, how = touches[0]
        self.point(how, target, start, stop)

    def gated(self, gate: Callable[[], object], how: int, target: int) -> None:
        """As `point`, for an operation that cannot be done while `gate()` is true.

        Raises:
            GreenletExit: the execution is over, and it is.
        """
        if self._dead:
            self._unwound()
            if gate():
                raise GreenletExit
            return
        me = self.running
        me.gate = gate
        self._gates += 1
        self.point(how, target)

    def join(self, *tasks: Task) -> None:
        """As `point`, for what cannot be done before these tasks, one or more, have ended.

        Raises:
            GreenletExit: the execution is over, and they have not.
        """
        me = self.running
        going_on = any(task.runs() for task in tasks)
        if self._dead:
            self._unwound()
            if going_on:
                raise GreenletExit
            return
        me.more = (*(Touch(task.log.number, 0, 1, AWAIT) for task in tasks[1:]), *me.more)
        if not going_on:
            self.point(AWAIT, tasks[0].log.number)
            return
        me.how, me.target, me.start, me.stop = AWAIT, tasks[0].log.number, 0, 1
        me.joins = tasks
        self._joining.append(me)
        if me in self._ready:
            self._ready.remove(me)
        if self._starters:
            self._back()
        else:
            self._go_on(me)

    def _let_join(self) -> None:
        """Let those go on whose tasks have all ended."""
        for joiner in [one for one in self._joining if not any(t.runs() for t in one.joins)]:
            joiner.joins = ()
            self._joining.remove(joiner)
            self._line_up(joiner)

    def _unwound(self, how: int = NOTHING) -> None:
        """Come to a point after the execution has ended: pass, but for who had to go on."""
        me = self.running
        if me.doomed and how != UNLOCK and not me.must:
            me.doomed = False
            raise GreenletExit

    def _stand(self, me: Task) -> None:
        if me not in self._ready:
            self._line_up(me)
        if self._starters:
            self._back()
        else:
            self._go_on(me)

    def _line_up(self, task: Task) -> None:
        ready = self._ready
        ready.append(task)
        ready.sort(key=_number)

    def _back(self) -> None:
        """Let the one go on that has let this one run to its point."""
        at, task = self._starters.pop()
        self._become(task)
        at.switch()

    def _go_on(self, me: Task | None) -> None:  # noqa: C901  (one choice, from end to end)
        """Let the next one go: the running one stands at a point, or waits, or has ended."""
        self._wake_up()
        if me is None and all(task.daemon for task in self._all):
            self._over(self._outcome)
            return
        able = self._ready
        if self._gates:
            able = [task for task in able if task.gate is None or not task.gate()]
        if not able:
            self._stuck()
            return
        steps = self._steps
        if len(steps) >= self._most:
            self._outcome = "limit"
            if len(steps) >= 2 * self._most:
                self._over("livelock")
                return
        try:
            choose = self._choose if len(steps) < self._most else _in_turn
            chosen = choose(able, self._last)
            if chosen is not None and self.on_step is not None:
                self.on_step(chosen, self._frame(chosen))
        except BaseException as error:  # noqa: BLE001  (the strategy's: not the program's to catch)
            self._wrong(error)
            return
        if chosen is None:
            self._over("abandoned")
            return
        steps.append((chosen.number, chosen.how, chosen.target, chosen.start, chosen.stop))
        if chosen.more:
            self._more[len(steps) - 1] = list(chosen.more)
            chosen.more = ()
        if chosen.gate is not None:
            chosen.gate = None
            self._gates -= 1
        self._last = chosen.number
        if chosen is not me:
            self._to(chosen)

    def _wake_up(self) -> None:
        """Let those run to their next point that the last step has woken."""
        if self._watching:
            self._look()
        while self._woken:
            task = self._woken.pop(0)
            self._starters.append((getcurrent(), self.running))
            self._to(task)

    def _to(self, task: Task) -> None:
        self._become(task)
        if task.greenlet is None:
            task.greenlet = self._hire()
        task.greenlet.switch()

    def _become(self, task: Task) -> None:
        self.running = task
        own.log = task.log
        self.runs += (len(self.events), task.log.number)

    def refuse(self, error: BaseException) -> NoReturn:
        """End the exploration by an error, which is not the program's to catch."""
        if not self._dead:
            self._wrong(error)
        raise GreenletExit

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
        found: threading.Thread | None = None if me.path else known.get(self.os_thread)
        me.thread = found or threading.Thread(name=me.log.name, daemon=me.daemon)
        return me.thread

    def _wrong(self, error: BaseException) -> None:
        self._error = error
        self._over("abandoned")

    def _stuck(self) -> None:
        """Nobody can go: the program is over, or it is a deadlock."""
        if all(task.daemon for task in self._all):
            self._over(self._outcome)
            return
        for task in (*self._ready, *self._joining):
            if task.gate is not None or task.joins:
                frame = outside(self._frame(task))
                self._become(task)
                self.events.extend(
                    (_BLOCK, task.target, perf_counter_ns(), 0, frame.f_code, frame.f_lasti)
                )
        self._over("deadlock")

    def _frame(self, task: Task) -> FrameType:
        """Where a task stands."""
        frame: FrameType | None = task.greenlet.gr_frame
        return sys._getframe(1) if frame is None else frame  # noqa: SLF001

    # What a step does besides

    def touch(self, how: int, target: int, start: int = 0, stop: int = 1) -> None:
        """Say that the step under way touches this, too."""
        if self._steps and not self._dead:
            touch = Touch(target, start, stop, how)
            self._more.setdefault(len(self._steps) - 1, []).append(touch)

    def also(self, how: int, target: int) -> None:
        """Say that the next step of the running task touches this, too."""
        me = self.running
        me.more = (*me.more, Touch(target, 0, 1, how))

    def only_read(self) -> None:
        """Say that the step under way has only read what it announced to write."""
        if not self._dead:
            task, _, target, start, stop = self._steps[-1]
            self._steps[-1] = (task, READ, target, start, stop)

    def pick(self, count: int) -> int:
        """A number below `count`: which of several that are as good."""
        if count < 2 or self._dead:
            return 0
        try:
            picked = self._pick(count)
        except BaseException as error:  # noqa: BLE001  (the strategy's: not the program's to catch)
            self._wrong(error)
            return 0
        if self._steps:
            self._done._picks.setdefault(len(self._steps) - 1, []).append(picked)  # noqa: SLF001
        return picked

    def number(self, kind: Kind) -> int:
        """The number of the next thing of that kind that the running task makes."""
        me = self.running
        origin = (*me.path, kind, me.made[kind])
        me.made[kind] += 1
        number = self._numbers.get(origin)
        if number is None:
            number = self._numbers[origin] = targets.fresh(kind)
            self._origins[number] = origin
        if kind is Kind.PAGE:
            self._pages.append(number)
        return number

    def origin(self, number: int) -> Path | None:
        """Where a target comes from: a task's path, its kind, and which of that kind it is.

        None: it was there before.
        """
        return self._origins.get(number)

    # Waiting

    def waiting(self) -> Wait:
        """What the running task is going to wait on."""
        return Wait(self.running, self.number(Kind.SYNC))

    def park(self, wait: Wait, *touches: Touch) -> bool:
        """Wait until somebody wakes `wait`; False when time ran out before.

        Args:
            wait: made by the running task.
            touches: what it touches that time runs out; none where it does not.

        Raises:
            GreenletExit: the execution is over.
        """
        if wait.woken:
            return True
        if self._dead:
            raise GreenletExit
        me = self.running
        me.wait = wait
        if touches:
            wait.timed, wait.more = True, len(touches) - 1
            me.target, me.start, me.stop, me.how = touches[0]
            me.more += touches[1:]
            if me not in self._ready:
                self._line_up(me)
        elif me in self._ready:
            self._ready.remove(me)
        if self._starters:
            self._back()
        else:
            self._go_on(me)
        me.wait = None
        return wait.woken

    def wake(self, wait: Wait) -> None:
        """Let whoever waits there go on."""
        wait.woken = True
        task = wait.task
        if self._dead or task.wait is not wait:
            return
        if wait.timed:
            self._missed.append((len(self._steps) - 1, task.upcoming))
            self._ready.remove(task)
            task.more = task.more[: len(task.more) - wait.more]
        task.wait = None
        task.more = (*task.more, Touch(wait.token, 0, 1, AWAIT))
        self.touch(UNLOCK, wait.token)
        self._woken.append(task)

    def watch(self, since: int) -> Watch:
        """What the running task has read from step number `since` on."""
        return watch(self._done.since(since), self.running.number)

    def await_write(self, touches: tuple[Touch, ...], *, timed: bool) -> bool:
        """Wait until another task writes any of what was read; False when time ran out before.

        Raises:
            GreenletExit: the execution is over.
        """
        wait = self.waiting()
        wait.watches = touches
        self._watching.append(wait)
        woken = self.park(wait, *(touches if timed else ()))
        if not woken:
            self._watching.remove(wait)
        return woken

    def _look(self) -> None:
        """Wake those that wait for what the last step has written."""
        for who, touches in self._done.since(len(self._steps) - 1):
            for wait in self._watching.copy():
                if wait.task.number != who and written(wait.watches, touches):
                    self._watching.remove(wait)
                    self.wake(wait)

    def pass_time(self, seconds: float | None) -> None:
        """Let time go by for the running task; None is for ever.

        Raises:
            GreenletExit: it would be, as the execution is over.
        """
        if seconds is None:
            raise GreenletExit
        # A trifle more than that, as of all clocks: `end - now` seconds from now, it is over.
        self.running.clock = nextafter(self.running.clock + seconds, inf)

    # Between executions

    @property
    def numbers(self) -> Mapping[Path, int]:
        """The numbers that things have, by where they come from."""
        return self._numbers

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
        self.paths = list(paths)
        self._tasks = {path: number for number, path in enumerate(paths)}
        self._numbers = dict(numbers)
        self._origins = {number: path for path, number in numbers.items()}

    def clear(self) -> None:
        """Forget the events of the executions so far."""
        self.events.clear()
        self.runs.clear()

    def close(self) -> None:
        """Let the greenlets go, and take away the guard."""
        if self._unguard is not None:
            self._unguard()
            self._unguard = None
        while self._idle:
            self._idle.pop().throw(GreenletExit)


def _nothing() -> None:
    pass


def _in_turn(able: Sequence[Task], last: int) -> Task:
    return next((task for task in able if task.number > last), able[0])


def _number(task: Task) -> int:
    return task.number


class quiet:  # noqa: N801  (a context, used as one)
    """No garbage collection of Python's own: it would run finalizers anywhere.

    What was there before is put aside unseen: to look at all of it takes longer than to explore a
    small program.
    """

    def __enter__(self) -> None:
        self._was = gc.isenabled()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        if self._was:
            gc.enable()
