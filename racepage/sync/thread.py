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
from sys import _getframe
from types import FrameType
from typing import Any, Final

from racepage.execution import current, waits
from racepage.execution.current import CONTROLLED
from racepage.execution.kernel import Task
from racepage.execution.step import READ, WRITE
from racepage.sync._monitor import may_wait
from racepage.sync.event import SilentEvent


class Thread(threading.Thread):
    """`threading.Thread` whose start, end and join are recorded."""

    _racepage_log: current.ThreadLog | None = None
    _racepage_detached = False  # nobody has to join it, although it is no daemon
    _racepage_task: Task | None = None  # where it runs under control
    _racepage_ready: current.ThreadLog | None = None  # made under control, to be started there

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
        if current.mode < CONTROLLED or group is not None:
            super().__init__(group, target, name, args, kwargs, daemon=daemon)
            return
        # No thread of the operating system is going to run it. To make what that takes (an event, a
        # place among those that a fork has to mend) would take longer than all the rest.
        self._target = target
        self._name = str(name) if name else _made_up(target)
        self._args = args
        self._kwargs = {} if kwargs is None else kwargs
        self._daemonic = current.kernel.running.daemon if daemon is None else daemon
        self._initialized = True
        self._racepage_ready = current.new_thread("")  # it has a number from the beginning

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
            current.kernel.also(READ, task.log.number, *_STARTED)
            current.kernel.point(READ, task.log.number)
        return not task.ended

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end, for `timeout` seconds where given; see `is_alive` then.

        Raises:
            RuntimeError: it was not started, or is the current thread.
        """
        if self._racepage_task is None:
            join(self, super().join, timeout, _getframe(1))
        else:
            join_started(self, self._racepage_task, timeout, _getframe(1))


_STARTED: Final = (2, 3)
"""The byte of a thread under control that says whether it was started; the kernel has others."""

for _name, _value in vars(threading.Thread(name="racepage", daemon=False)).items():
    # What the others have of their own as well, and those under control have never changed.
    if _name not in {"_target", "_name", "_args", "_kwargs", "_daemonic", "_initialized"}:
        setattr(Thread, _name, _value)


def _made_up(target: Callable[..., object] | None) -> str:
    """The name of a thread that was given none, as `threading` makes it up."""
    name: str = threading._newname("Thread-%d")  # type: ignore[attr-defined]
    of = getattr(target, "__name__", None)
    return name if of is None else f"{name} ({of})"


def stop_unless_started(thread: Thread) -> None:
    """Stop, under control, before it matters that nobody has started `thread`."""
    ready = thread._racepage_ready
    if thread._racepage_task is None and ready is not None and current.mode >= CONTROLLED:
        current.kernel.point(READ, ready.number, *_STARTED)


# Functions, so that a subclass of Thread may call its own methods as it likes.


def start(
    thread: Thread, really: Callable[[], None], frame: FrameType, *, stops: bool = True
) -> None:
    """Log that the thread at `frame` starts `thread`, and do it by `really`.

    Under control that is a point, unless the step under way has stopped for it.
    """
    try:
        name = thread.name
    except (AssertionError, AttributeError):
        raise RuntimeError("thread.__init__() not called") from None
    log = thread._racepage_log or thread._racepage_ready or current.new_thread(name)
    if stops and current.mode >= CONTROLLED:
        current.kernel.point(WRITE, log.number, *_STARTED)
    if thread._racepage_log is not None:
        raise RuntimeError("threads can only be started once")
    log.name = name
    body = thread.run
    thread._racepage_log = log
    current.start(log, frame)
    daemon = thread.daemon
    if daemon or thread._racepage_detached:
        current.detach(log, frame)
    if current.mode >= CONTROLLED:
        task = current.kernel.adopt(log, body, daemon=daemon)
        task.thread = thread
        thread._racepage_task = task
        current.kernel.let_begin(task)
        return
    if thread._racepage_ready is not None:  # made under control, and begun when that was over
        made = [vars(thread)[each] for each in ("_target", "_name", "_args", "_kwargs")]
        threading.Thread.__init__(thread, None, *made, daemon=thread.daemon)
    thread.run = lambda: _live(thread, log, body)  # type: ignore[method-assign]
    try:
        really()
    except BaseException:
        thread._racepage_log = None
        thread.run = body  # type: ignore[method-assign]
        raise


def join(
    thread: Thread,
    really: Callable[[float | None], None],
    timeout: float | None,
    frame: FrameType,
) -> None:
    """Wait for the end of `thread` by `really`, and log that the thread at `frame` did."""
    stop_unless_started(thread)
    log, task = thread._racepage_log, thread._racepage_task
    if task is not None:
        join_started(thread, task, timeout, frame)
        return
    if log is None or thread is threading.current_thread():
        really(timeout)  # raises
        return
    waiting = thread.is_alive() and may_wait(timeout)
    if waiting:
        waits.block_for_end(log, frame, timed=timeout is not None)
    try:
        really(timeout)
    finally:
        if waiting:
            waits.wake(frame)
    if not thread.is_alive():
        current.join(log, frame)


def join_started(thread: Thread, task: Task, timeout: float | None, frame: FrameType) -> None:
    """Wait for the end of a thread that was started under control, as `join` does."""
    if current.mode >= CONTROLLED:
        if current.kernel.running is task:
            raise RuntimeError("cannot join current thread")
        if thread._racepage_ready is not None:
            current.kernel.also(READ, task.log.number, *_STARTED)
    join_task(task, timeout, frame)


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
