"""Turns: who goes next, at each point that somebody comes to.

This is the part of the kernel (`execution.kernel`) that every operation goes through. `point` is
the hot path: most operations find nobody woken and no gate to look at.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final, NoReturn

from greenlet import GreenletExit, getcurrent

from racepage.errors import RacepageError
from racepage.events import Op
from racepage.execution.flat import Event
from racepage.execution.frames import outside
from racepage.execution.step import READ, UNLOCK, Touched
from racepage.execution.steps import Outcome, Steps
from racepage.execution.task import NOTHING, Task

_BLOCK: Final = int(Op.BLOCK)

_MOST_TOLD: Final = 1_000
"""How often a task is told to end."""

_left_alone: Final[list[Any]] = []
"""Greenlets that do not end: the garbage collector would wait for them for ever."""

Choose = Callable[[Sequence[Task], int], Any]
Pick = Callable[[int], int]
Draw = Callable[[], int]

LOT_BITS: Final = 28
"""What is drawn is below `1 << LOT_BITS`."""


class Turns(ABC):
    """Lets tasks take turns, in one execution after the other.

    Attributes:
        running: the task that goes now.
        events: what all tasks logged, in order (`execution.flat`).
        extend: logs an event there; nothing any more when the execution has ended.
        runs: flat: where in `events` another task went on, and the number of its thread.
        on_step: told of each task that is chosen, with the frame that it stands in, where set.
        most: steps in an execution, before threads take turns.
    """

    __slots__ = (
        "_all",
        "_calm",
        "_choose",
        "_dead",
        "_done",
        "_draw",
        "_error",
        "_gates",
        "_home",
        "_joining",
        "_met",
        "_more",
        "_outcome",
        "_pick",
        "_ready",
        "_starters",
        "_steps",
        "_watched",
        "_woken",
        "events",
        "extend",
        "most",
        "on_step",
        "running",
        "runs",
    )

    _choose: Choose
    _pick: Pick
    _draw: Draw | None

    def __init__(self, most: int) -> None:
        self.most = most
        self.events: list[Any] = []
        self.extend: Callable[[Event], object] = self.events.extend
        self.runs: list[int] = []
        self.running: Task = None  # type: ignore[assignment]  # set before anything runs
        self.on_step: Callable[[Task, FrameType], object] | None = None
        self._home: Any = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Forget the execution before."""
        self._done = Steps()
        self._steps = self._done._done  # noqa: SLF001  (filled here, read there)
        self._more = self._done._more  # noqa: SLF001
        self._ready: list[Task] = []  # at a point, ascending
        self._gates = 0  # of those
        self._met: list[Task] = []
        self._all: list[Task] = []  # of those, not ended
        self._joining: list[Task] = []  # wait for the end of others
        self._woken: list[Task] = []  # on their way to a point
        self._starters: list[tuple[Any, Task]] = []  # who goes on when the running one is at one
        self._watched = False  # somebody waits for a step to write something
        self._calm = 0  # before so many steps there is nothing to do at a point but to choose
        self._outcome: Outcome = "ended"
        self._error: BaseException | None = None
        self._dead = False

    @property
    def now(self) -> int:
        """How many steps there were."""
        return len(self._steps)

    @property
    def over(self) -> bool:
        """Whether the execution has ended, and what is left of it is being unwound."""
        return self._dead

    # Points

    def point(self, how: int, target: int, start: int = 0, stop: int = 1) -> None:
        """Stand before an operation that touches these bytes, until it is to be done."""
        me = self.running
        me.next = me.number, how, target, start, stop
        steps = self._steps
        if len(steps) >= self._calm:
            self._stand(me)
            return
        # The rest is `_go_on`, for the common case.
        able = self._ready
        if self._gates:
            able = self._able()
            if not able:
                self._stuck()
                return
        draw = self._draw
        if draw is not None:
            chosen = able[draw() * len(able) >> LOT_BITS]
        else:
            choose = self._choose  # looked up so, and not in the call, it is found at once
            try:
                chosen = choose(able, me.number)
            except BaseException as error:  # noqa: BLE001  (not the program's to catch)
                self._wrong(error)
                return
            if chosen is None:
                self._over("abandoned")
                return
        steps.append(chosen.next)
        if chosen.more or chosen.gate is not None:
            self._pass(chosen)
        if chosen is not me:
            self.running = chosen
            self.runs += (len(self.events), chosen.log.number)
            chosen.greenlet.switch()

    def touching(self, *touches: Touched) -> None:
        """As `point`, for an operation that touches several ranges; an empty one is no touch."""
        touches = tuple([touch for touch in touches if touch[1] < touch[2]])
        if touches:
            (target, start, stop, how), *others = touches
            if others:
                self.running.more = (*others, *self.running.more)
            self.point(how, target, start, stop)
        elif self._dead:
            self._unwound()

    def gated(self, gate: Callable[[], object], how: int, target: int) -> None:
        """As `point`, for an operation that cannot be done while `gate()` is true.

        Raises:
            GreenletExit: the execution is over, and it is.
        """
        if self._dead:
            self._unwound()
            if gate():
                self.leave()
            return
        me = self.running
        me.gate = gate
        self._gates += 1
        self.point(how, target)

    def _unwound(self, how: int = NOTHING) -> None:
        """Come to a point after the execution has ended: pass, but for who had to go on."""
        me = self.running
        if me.doomed and how != UNLOCK and not me.must:
            me.doomed = False
            self.leave()

    def _able(self) -> list[Task]:
        """Those that can be chosen: whose gates are open."""
        return [task for task in self._ready if task.gate is None or not task.gate()]

    def _pass(self, task: Task) -> None:
        """Note what else a step touches that is going to be done, and that its gate is passed."""
        if task.more:
            self._more[len(self._steps) - 1] = list(task.more)
            task.more = ()
        if task.gate is not None:
            task.gate = None
            self._gates -= 1

    def _stand(self, me: Task) -> None:
        """Come to a point, whatever there is to do."""
        if self._dead:
            self._unwound(me.next[1])
            return
        if me not in self._ready:
            self._line_up(me)
        if self._starters:
            self._back()
        else:
            self._go_on(me)

    def _line_up(self, task: Task) -> None:
        ready, number = self._ready, task.number
        at = len(ready)
        while at and ready[at - 1].number > number:
            at -= 1
        ready.insert(at, task)

    def _back(self) -> None:
        """Let the one go on that has let this one run to its point."""
        at, task = self._starters.pop()
        self._become(task)
        at.switch()

    def _go_on(self, me: Task | None) -> None:  # noqa: C901  (one choice, from end to end)
        """Let the next one go: the running one stands at a point, or waits, or has ended."""
        if self._watched:
            self._look()
        if self._woken:
            self._wake_up()
        self._calm = 0 if self._starters or self._watched or self.on_step else self.most
        if me is None and self._only_daemons():
            self._over(self._outcome)
            return
        able = self._able() if self._gates else self._ready
        if not able:
            self._stuck()
            return
        choose = self._choose
        if len(self._steps) >= self.most:
            self._outcome = "limit"
            if len(self._steps) >= 2 * self.most:
                self._over("livelock")
                return
            choose = _in_turn
        try:
            chosen = choose(able, self._steps[-1][0] if self._steps else -1)
            if chosen is not None and self.on_step is not None:
                self.on_step(chosen, self._frame(chosen))
        except BaseException as error:  # noqa: BLE001  (the strategy's: not the program's to catch)
            self._wrong(error)
            return
        if chosen is None:
            self._over("abandoned")
            return
        self._steps.append(chosen.next)
        if chosen.more or chosen.gate is not None:
            self._pass(chosen)
        if chosen is not me:
            self._to(chosen)

    def _to(self, task: Task) -> None:
        if task.greenlet is None:
            task.greenlet = self._hire()
        self._become(task)
        task.greenlet.switch()

    def _become(self, task: Task) -> None:
        self.running = task
        self.runs += (len(self.events), task.log.number)

    def _wrong(self, error: BaseException) -> None:
        self._error = error
        self._over("abandoned")

    def _stuck(self) -> None:
        """Nobody can go: the program is over, or it is a deadlock."""
        if self._only_daemons():
            self._over(self._outcome)
            return
        for task in (*self._ready, *self._joining):
            if task.gate is not None or task.joins:
                frame = outside(self._frame(task))
                self._become(task)
                target = task.next[2]
                self.events.extend((_BLOCK, target, 0, 0, frame.f_code, frame.f_lasti))
        self._over("deadlock")

    def _only_daemons(self) -> bool:
        """Whether those that are left keep no program from ending; who is idle may become one."""
        for task in self._all:  # noqa: SIM110  (`all` takes longer than to find the first one)
            if not task.daemon:
                return False
        return True

    def _frame(self, task: Task) -> FrameType:
        """Where a task stands."""
        frame: FrameType | None = task.greenlet.gr_frame
        return sys._getframe(1) if frame is None else frame  # noqa: SLF001

    def _wake_up(self) -> None:
        """Let those run to their next point that the last step has woken."""
        while self._woken:
            task = self._woken.pop(0)
            self._starters.append((getcurrent(), self.running))
            self._to(task)

    @abstractmethod
    def _look(self) -> None:
        """Wake those that wait for what the last step has written."""

    @abstractmethod
    def _hire(self) -> Any:
        """A greenlet for a task."""

    # The end

    def leave(self) -> NoReturn:
        """End the running task, since the execution is over.

        A task that catches that again and again is left where it is, and so is the exploration.
        """
        me = self.running
        me.told += 1
        if me.told > _MOST_TOLD:
            _left_alone.append(getcurrent())
            self._error = self._error or RacepageError(
                f"{me.log.name} catches GreenletExit, which ends it when an execution is over: let "
                "it catch Exception, not everything"
            )
            self._home.switch()
        raise GreenletExit

    def _over(self, outcome: Outcome) -> None:
        """End the execution here. Whoever calls this is unwound, or has ended."""
        if not self._dead:
            self._dead = True
            self._calm = 0
            self._outcome = outcome
        self._home.switch()

    def refuse(self, error: BaseException) -> NoReturn:
        """End the exploration by an error, which is not the program's to catch."""
        if not self._dead:
            self._wrong(error)
        self.leave()

    # What a step does besides

    def touch(self, how: int, target: int, start: int = 0, stop: int = 1) -> None:
        """Say that the step under way touches this, too."""
        if self._steps and not self._dead:
            self._more.setdefault(len(self._steps) - 1, []).append((target, start, stop, how))

    def also(self, how: int, target: int, start: int = 0, stop: int = 1) -> None:
        """Say that the next step of the running task touches this, too."""
        me = self.running
        me.more = (*me.more, (target, start, stop, how))

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


def _in_turn(able: Sequence[Task], last: int) -> Task:
    return next((task for task in able if task.number > last), able[0])
