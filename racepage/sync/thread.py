"""`Thread` and `Timer`.

Edges: `start()` to the child's first event; the child's last event to a `join()` that succeeded.
The start is logged before the child can run, the exit before it is gone, and the join afterwards.

A `Thread` is a `threading.Thread`, so that `current_thread`, `enumerate` and what else asks for
threads knows it. What happens between its first and its last event is `run` and, if that raised,
`threading.excepthook`, which may log as well: hence the exit stands behind the hook.
"""

# ruff: noqa: SLF001  (the functions are what the class is made of)

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from sys import _getframe
from types import FrameType
from typing import Any

from racepage.events import Kind
from racepage.execution import current, targets, waits
from racepage.execution.current import CONTROLLED
from racepage.execution.kernel import Task
from racepage.execution.step import READ, WRITE, Touch
from racepage.sync._monitor import may_wait
from racepage.sync.event import SilentEvent


class Thread(threading.Thread):
    """`threading.Thread` whose start, end and join are recorded."""

    _racepage_log: current.ThreadLog | None = None
    _racepage_detached = False  # nobody has to join it, although it is no daemon
    _racepage_task: Task | None = None  # where it runs under control
    _racepage_state: int | None = None  # under control: what stands for whether it was started

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        super().__init__(group, target, name, args, kwargs, daemon=daemon)
        if current.mode >= CONTROLLED:
            self._racepage_state = targets.new(Kind.THREAD)

    def start(self) -> None:
        """Begin to `run` in a thread of its own.

        Raises:
            RuntimeError: it was started before, or there is no room for another thread.
        """
        start(self, super().start, _getframe(1))

    @property
    def ident(self) -> int | None:
        """What `get_ident` is in this thread; None as long as it was not started."""
        task = self._racepage_task
        return super().ident if task is None else task.log.ident

    def __repr__(self) -> str:
        task = self._racepage_task
        if task is None:
            return super().__repr__()
        daemon = " daemon" if self.daemon else ""
        state = "stopped" if task.ended else "started"
        return f"<{type(self).__name__}({self.name}, {state}{daemon} {task.log.ident})>"

    def is_alive(self) -> bool:
        """Whether it was started, and has not ended."""
        stop_unless_started(self)
        task = self._racepage_task
        if task is None:
            return super().is_alive()
        if current.mode >= CONTROLLED:
            current.kernel.touching(Touch(task.log.number, 0, 1, READ), *started(self, READ))
        return not task.ended

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end, for `timeout` seconds where given; see `is_alive` then.

        Raises:
            RuntimeError: it was not started, or is the current thread.
        """
        join(self, partial(super().join, timeout), timeout, _getframe(1))


def started(thread: Thread, how: int) -> tuple[Touch, ...]:
    """What a step touches that depends on whether `thread` was started, or starts it."""
    number = thread._racepage_state
    return () if number is None else (Touch(number, 0, 1, how),)


def stop_unless_started(thread: Thread) -> None:
    """Stop, under control, before it matters that nobody has started `thread`."""
    if thread._racepage_task is None and current.mode >= CONTROLLED:
        current.kernel.touching(*started(thread, READ))


# Functions, so that a subclass of Thread may call its own methods as it likes.


def start(
    thread: Thread, really: Callable[[], None], frame: FrameType, *, stops: bool = True
) -> None:
    """Log that the thread at `frame` starts `thread`, and do it by `really`.

    Under control that is a point, unless the step under way has stopped for it.
    """
    if thread._racepage_log is not None:
        raise RuntimeError("threads can only be started once")
    try:
        log = current.new_thread(thread.name)
    except (AssertionError, AttributeError):
        raise RuntimeError("thread.__init__() not called") from None
    if stops and current.mode >= CONTROLLED:
        current.kernel.touching(Touch(log.number, 0, 1, WRITE), *started(thread, WRITE))
    body = thread.run
    thread._racepage_log = log
    current.start(log, frame)
    if thread.daemon or thread._racepage_detached:
        current.detach(log, frame)
    if current.mode >= CONTROLLED:
        run = partial(_run, thread, body)
        current.kernel.spawn(log, run, daemon=thread.daemon, thread=thread)
        return
    thread.run = lambda: _live(thread, log, body)  # type: ignore[method-assign]
    try:
        really()
    except BaseException:
        thread._racepage_log = None
        thread.run = body  # type: ignore[method-assign]
        raise


def join(
    thread: Thread, really: Callable[[], None], timeout: float | None, frame: FrameType
) -> None:
    """Wait for the end of `thread` by `really`, and log that the thread at `frame` did."""
    stop_unless_started(thread)
    log, task = thread._racepage_log, thread._racepage_task
    if log is None or (task is None and thread is threading.current_thread()):
        really()  # raises
        return
    if task is not None:
        if current.mode >= CONTROLLED and current.kernel.running is task:
            raise RuntimeError("cannot join current thread")
        for touch in started(thread, READ):
            current.kernel.also(touch.how, touch.target)
        join_task(task, timeout, frame)
        return
    waiting = thread.is_alive() and may_wait(timeout)
    if waiting:
        waits.block_for_end(log, frame, timed=timeout is not None)
    try:
        really()
    finally:
        if waiting:
            waits.wake(frame)
    if not thread.is_alive():
        current.join(log, frame)


def join_task(task: Task, timeout: float | None, frame: FrameType) -> None:
    """Wait for the end of a thread under control, as `join` does."""
    kernel = current.kernel
    if timeout is None:
        kernel.join(task)
    else:
        kernel.point(READ, task.log.number)
    if task.ended:
        current.join(task.log, frame)
    else:
        kernel.pass_time(timeout)


def await_end(thread: threading.Thread) -> None:
    """Wait for the end of `thread` as a process does at its own end, which orders nothing."""
    log = thread._racepage_log if isinstance(thread, Thread) else None
    if log is not None:
        waits.block_for_end(log, None, timed=False)
    try:
        threading.Thread.join(thread)
    finally:
        if log is not None:
            waits.wake(None)


def _run(thread: Thread, body: Callable[[], object]) -> None:
    """All that a thread does under control."""
    thread._racepage_task = current.kernel.running
    body()


def _live(thread: Thread, log: current.ThreadLog, body: Callable[[], object]) -> None:
    """All that a thread does, from its first event to its last."""
    current.enter(log)
    try:
        body()
    except BaseException as error:  # noqa: BLE001  (as every thread ends)
        report(thread, log, error)
    finally:
        del thread.run  # it holds the thread, which holds it
        current.leave()


def report(thread: threading.Thread, log: current.ThreadLog, error: BaseException) -> None:
    """What `threading` does with an exception that nothing in the thread caught."""
    if not isinstance(error, SystemExit):
        for hook in current.uncaught:
            hook(log, error)
    try:
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, thread))
        )
    except Exception as worse:  # noqa: BLE001  (a hook must not end the report)
        sys.excepthook(type(worse), worse, worse.__traceback__)


def get_ident() -> int:
    """A number that no other thread has as long as this one lives: `threading.get_ident`."""
    return current.ident()


def current_thread() -> threading.Thread:
    """The thread that calls: `threading.current_thread`."""
    return threading.current_thread()


def enumerate() -> list[threading.Thread]:  # noqa: A001  (threading's own name)
    """All threads that were started and have not ended: `threading.enumerate`."""
    return current.kernel.threads() if current.mode >= CONTROLLED else threading.enumerate()


def active_count() -> int:
    """How many there are: `threading.active_count`."""
    return len(enumerate())


class Timer(Thread):
    """`threading.Timer`: calls a function after `interval` seconds unless it is cancelled.

    Cancelling orders nothing: it only keeps the function from being called. Nobody has to join it.
    """

    _racepage_detached = True

    def __init__(
        self,
        interval: float,
        function: Callable[..., object],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.interval = interval
        self.function = function
        self.args = [] if args is None else args
        self.kwargs = {} if kwargs is None else kwargs
        self.finished = SilentEvent()

    def cancel(self) -> None:
        """Do not call the function, if it was not called yet."""
        self.finished.set()

    def run(self) -> None:
        """Wait, and call the function."""
        self.finished.wait(self.interval)
        if not self.finished.is_set():
            self.function(*self.args, **self.kwargs)
        self.finished.set()
