"""`Future`, `wait` and `as_completed`: what is not there yet, and will be.

Edges: the end of the task (`set_result`, `set_exception`) to every `result`, `exception`, `wait`
and `as_completed` that returns it as finished, and to every callback; and the `add_done_callback`
to the callback, which could not be called before. A future that was cancelled has no end: nothing
is ordered by it. `done`, `running`, `cancelled` and what ran out of time order nothing.
"""

# ruff: noqa: SLF001  (waiting for several futures reaches into each)

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    InvalidStateError,
)
from sys import _getframe
from types import FrameType
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar, cast

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.sync._monitor import Monitor, may_wait
from racepage.sync._names import HandOvers, shown
from racepage.sync._section import Section
from racepage.sync._sections import log
from racepage.sync.barrier import TAKE
from racepage.sync.clock import monotonic
from racepage.sync.event import ACQUIRE, ACQUIRE_WAITING, RELEASE

T = TypeVar("T")

LOGGER: Final = logging.getLogger("concurrent.futures")

_State = Literal["pending", "running", "cancelled", "finished"]


class Future(Generic[T]):
    """`concurrent.futures.Future` with a name.

    Unlike there, `wait` and `as_completed` see a cancelled future at once, and not when a worker
    comes across it.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._objects = HandOvers(self, name)
        self._mutex = Section()
        self._settled = Monitor(self._mutex, self._objects)
        self._state: _State = "pending"
        self._told = False  # the executor knows that it was cancelled
        self._result: T | None = None
        self._exception: BaseException | None = None
        self._callbacks: list[_Callback] = []
        self._watches: list[_Watch] = []
        self._end: int | None = None
        self._end_serves_again = True

    def __del__(self) -> None:
        if getattr(self, "_end", None) is not None and self._end_serves_again:
            self._objects.done(cast("int", self._end))

    def cancel(self) -> bool:
        """Keep the task from being begun; False when it is running or finished."""
        with self._mutex:
            if self._state in {"running", "finished"}:
                return False
            if self._state == "cancelled":
                return True
            self._state = "cancelled"
            self._tell()
        self._call_back(_getframe(1))
        return True

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        self._mutex.look()
        return self._state == "cancelled"

    def running(self) -> bool:
        """Whether its task has begun and not ended."""
        self._mutex.look()
        return self._state == "running"

    def done(self) -> bool:
        """Whether it was cancelled or its task has ended; orders nothing."""
        self._mutex.look()
        return self._is_done()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the end; return what the task returned, raise what it raised.

        Raises:
            CancelledError: it was cancelled.
            TimeoutError: it did not end within `timeout` seconds.
        """
        return self._get(timeout, _getframe(1))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; return what the task raised, or None.

        Raises:
            CancelledError: it was cancelled.
            TimeoutError: it did not end within `timeout` seconds.
        """
        self._await(timeout, _getframe(1))
        return self._exception

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Let `fn(self)` be called at the end, by whoever brings it about; now, if it was.

        Callbacks are called in the order in which they were added; what they raise is logged with
        `logging`, and ignored.
        """
        frame = _getframe(1)
        with self._mutex:
            if not self._is_done():
                number = None
                if current.mode:
                    number = self._objects.new()
                    current.log(RELEASE, number, frame)
                self._callbacks.append(_Callback(fn, number))
                return
            self._acknowledge(ACQUIRE, frame)
        self._guarded(fn)

    # For executors and tests, as in `concurrent.futures`.

    def set_running_or_notify_cancel(self) -> bool:
        """Say that the task begins; False when it must not, since the future was cancelled.

        Raises:
            RuntimeError: called before, or after the end.
        """
        with self._mutex:
            if self._state == "cancelled" and not self._told:
                self._told = True
                return False
            if self._state != "pending":
                LOGGER.critical("Future %s in unexpected state: %s", id(self), self._state)
                raise RuntimeError("Future in unexpected state")
            self._state = "running"
            return True

    def set_result(self, result: T) -> None:
        """Say that the task ended, and what it returned.

        Raises:
            InvalidStateError: the future is done.
        """
        self._finish(result, None, _getframe(1))

    def set_exception(self, exception: BaseException | None) -> None:
        """Say that the task ended, and what it raised.

        Raises:
            InvalidStateError: the future is done.
        """
        self._finish(None, exception, _getframe(1))

    def __repr__(self) -> str:
        state: str = self._state
        if state == "finished":
            if self._exception is None:
                state += f" returned {type(self._result).__name__}"
            else:
                state += f" raised {type(self._exception).__name__}"
        return f"<{shown(self, self._name)} at {id(self):#x} state={state}>"

    def _is_done(self) -> bool:
        return self._state in {"cancelled", "finished"}

    def _finish(
        self, result: T | None, error: BaseException | None, frame: FrameType | None
    ) -> None:
        """Settle the future; without a frame, a pool does."""
        with self._mutex:
            if self._is_done():
                raise InvalidStateError(f"{self._state}: {self!r}")
            if current.mode:
                self._end = self._objects.new()
                # A controlled execution has its own objects, and this may outlive it.
                self._end_serves_again = current.mode < CONTROLLED
                log(RELEASE, self._end, frame)
            self._result, self._exception = result, error
            self._state = "finished"
            self._tell()
        self._call_back(frame)

    def _tell(self) -> None:
        self._settled.notify_all()
        for watch in self._watches:
            watch.add(self)

    def _call_back(self, frame: FrameType | None) -> None:
        for callback in self._callbacks:
            if callback.number is not None:
                if current.mode:
                    log(TAKE, callback.number, frame)
                self._objects.done(callback.number)
            self._guarded(callback.function)

    def _guarded(self, function: Callable[[Future[T]], object]) -> None:
        try:
            function(self)
        except Exception:
            LOGGER.exception("exception calling callback for %r", self)

    def _get(self, timeout: float | None, frame: FrameType) -> T:
        self._await(timeout, frame)
        if self._exception is not None:
            try:
                raise self._exception
            finally:
                del self  # the exception's traceback would hold it
        return cast("T", self._result)

    def _await(self, timeout: float | None, frame: FrameType) -> None:
        with self._mutex:
            if not self._settled.wait_for(self._is_done, timeout, frame):
                raise TimeoutError
            if self._state == "cancelled":
                raise CancelledError
            self._acknowledge(ACQUIRE_WAITING if may_wait(timeout) else ACQUIRE, frame)

    def _acknowledge(self, word: int, frame: FrameType) -> None:
        """Know of the end, if there was one: under the mutex."""
        if self._end is not None and self._state == "finished" and current.mode:
            current.log(word, self._end, frame)

    def _watch(self, watch: _Watch) -> bool:
        """Tell `watch` of the end; False when that was already."""
        with self._mutex:
            if self._is_done():
                return False
            self._watches.append(watch)
            return True

    def _unwatch(self, watch: _Watch) -> None:
        with self._mutex:
            if watch in self._watches:
                self._watches.remove(watch)


class _Callback(NamedTuple):
    function: Callable[[Future[Any]], object]
    number: int | None  # released when it was added


class _Watch:
    """The futures among several that are done, in the order in which they were."""

    __slots__ = ("_changed", "_mutex", "done")

    def __init__(self, futures: Iterable[Future[Any]]) -> None:
        self._mutex = Section()
        self._changed = Monitor(self._mutex, HandOvers(self, None))
        self.done: list[Future[Any]] = []
        for future in futures:
            if not future._watch(self):
                self.add(future)

    def add(self, future: Future[Any]) -> None:
        with self._mutex:
            self.done.append(future)
            self._changed.notify_all()

    def wait_for(self, ready: Callable[[], bool], timeout: float | None, frame: FrameType) -> bool:
        with self._mutex:
            return self._changed.wait_for(ready, timeout, frame)


class DoneAndNotDoneFutures(NamedTuple):
    """What `wait` returns."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


def wait(
    fs: Iterable[Future[Any]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> DoneAndNotDoneFutures:
    """Wait for the futures that `return_when` says, for `timeout` seconds where given.

    Args:
        fs: the futures.
        timeout: in seconds; when it has passed, this returns what there is.
        return_when: `FIRST_COMPLETED`, `FIRST_EXCEPTION` or `ALL_COMPLETED`.

    Raises:
        ValueError: another `return_when`.
    """
    if return_when not in {FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED}:
        raise ValueError(f"Invalid return condition: {return_when!r}")
    frame = _getframe(1)
    futures = dict.fromkeys(fs)
    watch = _Watch(futures)

    def enough() -> bool:
        if len(watch.done) == len(futures):
            return True
        if return_when == FIRST_COMPLETED:
            return bool(watch.done)
        if return_when == FIRST_EXCEPTION:
            return any(one._exception is not None for one in watch.done)
        return False

    try:
        watch.wait_for(enough, timeout, frame)
    finally:
        for future in futures:
            future._unwatch(watch)
    done = set(watch.done)
    word = ACQUIRE_WAITING if may_wait(timeout) else ACQUIRE
    for future in watch.done:
        with future._mutex:
            future._acknowledge(word, frame)
        word = ACQUIRE  # it is one wait
    return DoneAndNotDoneFutures(done, set(futures) - done)


def as_completed(fs: Iterable[Future[T]], timeout: float | None = None) -> Iterator[Future[T]]:
    """Each of the futures once, as they are done.

    Raises:
        TimeoutError: some were not, within `timeout` seconds from the first step.
    """
    end = None if timeout is None else timeout + monotonic()
    futures = dict.fromkeys(fs)
    watch = _Watch(futures)
    try:
        for seen in range(len(futures)):
            left = None if end is None else end - monotonic()
            frame = _getframe(1)
            if not watch.wait_for(lambda seen=seen: len(watch.done) > seen, left, frame):  # type: ignore[misc]
                unfinished = len(futures) - seen
                raise TimeoutError(f"{unfinished} (of {len(futures)}) futures unfinished")
            future = watch.done[seen]
            with future._mutex:
                future._acknowledge(ACQUIRE_WAITING, frame)
            yield future
    finally:
        for future in futures:
            future._unwatch(watch)
