"""Waiting: for the end of other tasks, to be woken, for something to be written.

This is the part of the kernel (`execution.kernel`) that primitives wait by. A task that waits, and
whose time cannot run out, is not one of those that can be chosen. Whoever wakes it lets it run to
its next point, which then awaits the step that woke it.
"""

from __future__ import annotations

from math import inf, nextafter

from racepage.events import Kind
from racepage.execution import targets
from racepage.execution.step import AWAIT, UNLOCK, Step, Touch, Touched
from racepage.execution.task import Task, Wait
from racepage.execution.turns import Turns
from racepage.execution.watch import Watch, watch, written


class Waiting(Turns):
    """Lets tasks wait."""

    __slots__ = ("_missed", "_watching")

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._watching: list[Wait] = []  # those with watches
        self._missed: list[tuple[int, Step]] = []

    def join(self, *tasks: Task) -> None:
        """As `point`, for what cannot be done before these tasks, one or more, have ended.

        Raises:
            GreenletExit: the execution is over, and they have not.
        """
        me = self.running
        left = [task for task in tasks if not task.ended]
        if self._dead:
            self._unwound()
            if left:
                self.leave()
            return
        for task in tasks[1:]:
            self.also(AWAIT, task.log.number)
        if not left:
            self.point(AWAIT, tasks[0].log.number)
            return
        me.next = me.number, AWAIT, tasks[0].log.number, 0, 1
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
        for joiner in self._joining.copy():
            joiner.joins = [task for task in joiner.joins if not task.ended]
            if not joiner.joins:
                self._joining.remove(joiner)
                self._line_up(joiner)

    def waiting(self) -> Wait:
        """What the running task is going to wait on."""
        return Wait(self.running, targets.new(Kind.SYNC))

    def park(self, wait: Wait, *touches: Touched) -> bool:
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
            self.leave()
        me = self.running
        me.wait = wait
        if touches:
            wait.timed, wait.more = True, len(touches) - 1
            target, start, stop, how = touches[0]
            me.next = me.number, how, target, start, stop
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
        task.more = (*task.more, (wait.token, 0, 1, AWAIT))
        self.touch(UNLOCK, wait.token)
        self._woken.append(task)
        self._calm = 0

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
        self._watched = True
        self._calm = 0
        woken = self.park(wait, *(touches if timed else ()))
        if not woken:
            self._watch_no_more(wait)
        return woken

    def _look(self) -> None:
        """Wake those that wait for what the last step has written."""
        for who, touches in self._done.since(len(self._steps) - 1):
            for wait in self._watching.copy():
                if wait.task.number != who and written(wait.watches, touches):
                    self._watch_no_more(wait)
                    self.wake(wait)

    def pass_time(self, seconds: float | None) -> None:
        """Let time go by for the running task; None is for ever.

        Raises:
            GreenletExit: it would be, as the execution is over.
        """
        if seconds is None:
            self.leave()
        # A trifle more than that, as of all clocks: `end - now` seconds from now, it is over.
        self.running.clock = nextafter(self.running.clock + max(seconds, 0), inf)

    def _watch_no_more(self, wait: Wait) -> None:
        self._watching.remove(wait)
        self._watched = bool(self._watching)
