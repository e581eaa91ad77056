"""`ThreadPool`: threads that do what is submitted. `concurrent.futures.ThreadPoolExecutor`.

Edges: the `submit` to the task; the task's end to whatever returns its future (`future.py` says
what does), and the end of every task to `shutdown(wait=True)`. Workers are threads: what one of
them does, it does in order, and its `initializer` comes after the pool was made.

A worker that a `submit` starts does that task first. So the start of a worker orders no more than
the submit does. Everything else goes through one queue, as one-shot objects.
"""

# ruff: noqa: SLF001  (a pool settles futures, and starts threads, with frames of its caller's)

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from concurrent.futures.thread import BrokenThreadPool
from functools import partial
from itertools import count
from sys import _getframe
from types import FrameType, TracebackType
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar

from greenlet import GreenletExit

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.step import WRITE
from racepage.sync._monitor import FOREVER, Ticket, Waiters
from racepage.sync._names import HandOvers, shown, sync_number
from racepage.sync._section import Section
from racepage.sync._sections import log
from racepage.sync.barrier import TAKE
from racepage.sync.clock import monotonic
from racepage.sync.event import ACQUIRE, RELEASE
from racepage.sync.future import LOGGER, Future
from racepage.sync.thread import Thread, join, start

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["BrokenExecutor", "BrokenThreadPool", "ThreadPool"]

_POOLS = count()
_BROKEN = "A thread initializer failed, the thread pool is not usable anymore"


class ThreadPool:
    """`concurrent.futures.ThreadPoolExecutor` with a name.

    Args:
        max_workers: how many threads there may be.
        thread_name_prefix: what they are called, before a number.
        initializer: called first by each of them; if it raises, the pool is broken.
        initargs: its arguments.

    Raises:
        ValueError: fewer than one worker.
        TypeError: the initializer cannot be called.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        name: str | None = None,
    ) -> None:
        if max_workers is None:
            max_workers = min(32, (os.cpu_count() or 1) + 4)
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._name = name
        self._max_workers = max_workers
        self._prefix = thread_name_prefix or name or f"ThreadPool-{next(_POOLS)}"
        self._crew = _Crew(self, name, initializer and partial(initializer, *initargs))
        if initializer is not None and current.mode:
            current.log(RELEASE, self._crew.number, _getframe(1))
        # A pool that nobody knows any more needs no workers; nor does one at the program's end.
        weakref.finalize(self, self._crew.dismiss).atexit = False
        _crews.add(self._crew)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let a worker call `fn(*args, **kwargs)`; the future of what it returns.

        Raises:
            RuntimeError: the pool was shut down, or the interpreter is about to be.
            BrokenThreadPool: an initializer has raised.
        """
        return self._submit(partial(fn, *args, **kwargs), _getframe(1))

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,  # noqa: ARG002  (for processes)
    ) -> Iterator[T]:
        """What `fn` returns for each, in order. All are submitted at once.

        Raises:
            TimeoutError: by the iterator, `timeout` seconds after this call.
        """
        frame = _getframe(1)
        end = None if timeout is None else timeout + monotonic()
        tasks = zip(*iterables, strict=False)
        return _results(deque(self._submit(partial(fn, *task), frame) for task in tasks), end)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; wait for the end of those that are there.

        Args:
            wait: whether to wait.
            cancel_futures: whether to cancel those that have not begun.
        """
        self._shutdown(wait, cancel_futures, _getframe(1))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._shutdown(True, False, _getframe(1))

    def __repr__(self) -> str:
        crew = self._crew
        busy = f"workers={len(crew.workers)}/{self._max_workers}, waiting={len(crew.tasks)}"
        return f"<{shown(self, self._name)} at {id(self):#x}: {busy}>"

    def _submit(self, body: Callable[[], T], frame: FrameType) -> Future[T]:
        crew = self._crew
        with crew.mutex:
            if crew.broken:
                raise BrokenThreadPool(_BROKEN)
            if crew.dismissed:
                at_exit = "interpreter " if _exiting else ""
                raise RuntimeError(f"cannot schedule new futures after {at_exit}shutdown")
            future: Future[T] = Future(name=self._name)
            if crew.idle <= len(crew.tasks) and len(crew.workers) < self._max_workers:
                first = _Task(future, body, None)
                name = f"{self._prefix}_{len(crew.workers)}"
                worker = Thread(target=crew.work, args=([first],), name=name)
                worker._racepage_detached = True
                really = partial(threading.Thread.start, worker)
                start(worker, really, frame, stops=False)  # but where this entered the section
                crew.workers.append(worker)
            else:
                number = None
                if current.mode:
                    number = crew.objects.new()
                    current.log(RELEASE, number, frame)
                crew.tasks.append(_Task(future, body, number))
                crew.changed.notify()
            return future

    def _shutdown(self, wait: bool, cancel_futures: bool, frame: FrameType) -> None:
        crew = self._crew
        with crew.mutex:
            crew.dismiss()
        if cancel_futures:
            crew.drop_tasks(lambda future: future.cancel())
        if wait:
            for worker in crew.workers:
                join(worker, partial(threading.Thread.join, worker), None, frame)


class _Task(NamedTuple):
    future: Future[Any]
    body: Callable[[], Any]
    number: int | None  # released when it was submitted


class _Crew:
    """The workers of a pool and what they share. It does not know the pool, which may go."""

    def __init__(
        self, pool: ThreadPool, name: str | None, initializer: Callable[[], object] | None
    ) -> None:
        self.mutex = Section()
        self.changed = Waiters()
        self.tasks: deque[_Task] = deque()
        self.workers: list[Thread] = []
        self.idle = 0
        self.dismissed = False
        self.broken = False
        self.objects = HandOvers(pool, name)
        self.initializer = initializer
        self.number = sync_number(pool, name and f"{name}.initializer")

    def work(self, first: list[_Task]) -> None:
        """All that a worker does; it begins with the one task in `first`."""
        task: _Task | None = first.pop()  # so that the thread does not hold it
        if not self._initialised():
            if task:
                task.future._finish(None, BrokenThreadPool(_BROKEN), None)
            return
        while task:
            self._do(task)
            del task  # it holds what the task returned
            task = self._next()

    def dismiss(self) -> None:
        """Let the workers end when there is nothing left to do.

        Without the mutex: a finalizer may run in a thread that holds it.
        """
        if current.mode >= CONTROLLED:
            current.kernel.touch(WRITE, self.mutex.number)
        self.dismissed = True
        self.changed.notify_all()

    def drop_tasks(self, drop: Callable[[Future[Any]], object]) -> None:
        """Forget the tasks that have not begun."""
        with self.mutex:
            dropped = list(self.tasks)
            self.tasks.clear()
            for task in dropped:
                self._used(task)
        for task in dropped:
            drop(task.future)

    def _next(self) -> _Task | None:
        with self.mutex:
            self.idle += 1
            while not self.tasks and not self.dismissed:
                ticket = self.changed.enrol()
                if self.dismissed:  # said before this ticket was there to be woken
                    break
                self.mutex.release()
                self._idle(ticket)
                self.mutex.acquire()
            self.idle -= 1
            return self.tasks.popleft() if self.tasks else None

    def _idle(self, ticket: Ticket) -> None:
        """Wait for something to do; a program whose workers all do may end."""
        me = current.kernel.running if current.mode >= CONTROLLED else None
        if me:
            me.daemon = True
        ticket.park(FOREVER, self.objects.whole, None)
        if me:
            me.daemon = False

    def _do(self, task: _Task) -> None:
        future, body, number = task
        begins = future.set_running_or_notify_cancel()
        if begins and number is not None and current.mode:
            log(TAKE, number, None)
        with self.mutex:
            self._used(task)
        if not begins:
            return
        try:
            result = body()
        except GreenletExit:
            raise
        except BaseException as error:  # noqa: BLE001  (the future raises it)
            future._finish(None, error, None)
        else:
            future._finish(result, None, None)

    def _used(self, task: _Task) -> None:
        if task.number is not None:
            self.objects.done(task.number)

    def _initialised(self) -> bool:
        if self.initializer is None:
            return True
        if current.mode:
            log(ACQUIRE, self.number, None)
        try:
            self.initializer()
        except GreenletExit:  # the end of an execution under control
            raise
        except BaseException:  # noqa: BLE001  (it breaks the pool, as there)
            LOGGER.critical("Exception in initializer:", exc_info=True)
            with self.mutex:
                self.broken = True
            self.drop_tasks(lambda future: future._finish(None, BrokenThreadPool(_BROKEN), None))
            return False
        return True


def _results(futures: deque[Future[T]], end: float | None) -> Iterator[T]:
    """The results, in order; what was not asked for is cancelled."""
    try:
        while futures:
            left = None if end is None else end - monotonic()
            future = futures.popleft()
            try:
                result = future._get(left, _getframe(1))
            finally:
                future.cancel()
            del future
            yield result
    finally:
        for future in futures:
            future.cancel()


# At the program's end workers finish what was submitted, and are waited for: as those of
# `concurrent.futures`, which uses the same hook, since `atexit` comes after that wait.

_crews: weakref.WeakSet[_Crew] = weakref.WeakSet()
_exiting = False


def dismiss_all() -> None:
    """Let the workers of all pools end when they have nothing left to do, as `shutdown` does."""
    for crew in list(_crews):
        crew.dismiss()


def _exit() -> None:
    global _exiting  # noqa: PLW0603  (there is one interpreter)
    _exiting = True
    dismiss_all()


threading._register_atexit(_exit)  # type: ignore[attr-defined]
