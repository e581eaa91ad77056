"""`Queue`, `LifoQueue`, `PriorityQueue`, `SimpleQueue`.

Edges: the put of an item to the get that returns it; with capacity c, the k-th get to the *return*
of the (k+c)-th put (so the put hands on what came before it, and learns of the get afterwards);
every `task_done` to a `join` that returns; a `shutdown` to a get that saw it, as a channel's close.
What fails orders nothing, nor do sizes.

Each put is a one-shot object, released by the put and taken by the get of that item. Which item is
whose is a matter of identity, kept beside the queue (`_Puts`), since the queue itself belongs to
the program: it may be looked at, emptied under `mutex`, and organised anew by a subclass that
overrides `_init`, `_qsize`, `_put` and `_get`. Where one object was put several times, the oldest
put counts first, in a LIFO queue the newest. What a `_get` returns that was never put has no edge.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from queue import Empty, Full
from sys import _getframe
from types import FrameType
from typing import Any, Generic, TypeVar

from racepage.execution import current
from racepage.sync._monitor import FOREVER, Monitor, may_wait
from racepage.sync._names import HandOvers, shown, sync_number
from racepage.sync._section import Section
from racepage.sync.barrier import TAKE, TAKE_WAITING
from racepage.sync.event import (
    ACQUIRE,
    ACQUIRE_WAITING,
    RELEASE,
    RELEASE_MERGE,
    RELEASE_WAITING,
)

T = TypeVar("T")

if sys.version_info >= (3, 13):
    from queue import ShutDown
else:

    class ShutDown(Exception):  # noqa: N818  (queue.ShutDown's own name)
        """Raised by put and get of a queue that was shut down."""


class Queue(Generic[T]):
    """`queue.Queue` with a name: first in, first out.

    Args:
        maxsize: how many items it holds; as many as come where that is not positive.
    """

    _newest_first = False

    def __init__(self, maxsize: int = 0, *, name: str | None = None) -> None:
        self.maxsize = maxsize
        self._init(maxsize)
        self._name = name
        self._objects = HandOvers(self, name)
        self._tasks = sync_number(self, name and f"{name}.tasks")
        self._closed = sync_number(self, name and f"{name}.closed")
        self.mutex = Section()
        self.not_empty = Monitor(self.mutex, self._objects)
        self.not_full = Monitor(self.mutex, self._objects)
        self.all_tasks_done = Monitor(self.mutex, self._tasks)
        self.unfinished_tasks = 0
        self.is_shutdown = False
        self._puts = _Puts(self._objects, newest_first=self._newest_first)
        self._put_count = 0
        self._freed: deque[int | None] = deque()  # gets that no put has followed up yet, in order

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item in, waiting while the queue is full.

        Raises:
            Full: it stayed full, for `timeout` seconds where given.
            ShutDown: the queue was shut down.
            ValueError: a negative timeout.
        """
        self._insert(item, block, timeout, _getframe(1))

    def put_nowait(self, item: T) -> None:
        """`put(item, block=False)`."""
        self._insert(item, False, None, _getframe(1))

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the next item out, waiting while there is none.

        Raises:
            Empty: none came, within `timeout` seconds where given.
            ShutDown: the queue is empty and was shut down.
            ValueError: a negative timeout.
        """
        return self._remove(block, timeout, _getframe(1))

    def get_nowait(self) -> T:
        """`get(block=False)`."""
        return self._remove(False, None, _getframe(1))

    def task_done(self) -> None:
        """Say that an item that was got is dealt with.

        Raises:
            ValueError: called more often than items were put.
        """
        with self.mutex:
            unfinished = self.unfinished_tasks - 1
            if unfinished < 0:
                raise ValueError("task_done() called too many times")
            if current.mode:
                current.log(RELEASE_MERGE, self._tasks, _getframe(1))
            self.unfinished_tasks = unfinished
            if not unfinished:
                self.all_tasks_done.notify_all()

    def join(self) -> None:
        """Wait until every item that was put is dealt with."""
        frame = _getframe(1)
        with self.mutex:
            while self.unfinished_tasks:
                self.all_tasks_done.wait(FOREVER, frame)
            if current.mode:
                current.log(ACQUIRE_WAITING, self._tasks, frame)

    def qsize(self) -> int:
        """How many items there are just now."""
        with self.mutex:
            self.mutex.unchanged()
            return self._qsize()

    def empty(self) -> bool:
        """Whether there are none just now."""
        with self.mutex:
            self.mutex.unchanged()
            return not self._qsize()

    def full(self) -> bool:
        """Whether there is no room just now."""
        with self.mutex:
            self.mutex.unchanged()
            return 0 < self.maxsize <= self._qsize()

    def shutdown(self, immediate: bool = False) -> None:
        """Let no item in any more, and with `immediate` drop those that are there.

        What is dropped counts as dealt with, so that `join` may return.
        """
        frame = _getframe(1)
        with self.mutex:
            if current.mode:
                current.log(RELEASE_MERGE, self._closed, frame)
            self.is_shutdown = True
            if immediate:
                if current.mode and self._qsize():
                    current.log(RELEASE_MERGE, self._tasks, frame)
                while self._qsize():
                    self._get()
                    self.unfinished_tasks = max(0, self.unfinished_tasks - 1)
                self._puts.clear()
                self.all_tasks_done.notify_all()
            self.not_empty.notify_all()
            self.not_full.notify_all()

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)} at {id(self):#x} maxsize={self.maxsize}>"

    # What a subclass may override, as in `queue`.

    def _init(self, maxsize: int) -> None:  # noqa: ARG002  (the signature of queue.Queue)
        self.queue: Any = deque()

    def _qsize(self) -> int:
        return len(self.queue)

    def _put(self, item: T) -> None:
        self.queue.append(item)

    def _get(self) -> T:
        item: T = self.queue.popleft()
        return item

    def _insert(self, item: T, block: bool, timeout: float | None, frame: FrameType) -> None:
        waits = block and self.maxsize > 0 and may_wait(timeout)
        with self.mutex:
            if self.is_shutdown:
                raise ShutDown
            if self.maxsize > 0 and (timeout is not None or not self._has_room()):
                limit = _limit(block, timeout)
                if not self.not_full.wait_for(self._has_room, limit, frame):
                    raise Full
                if self.is_shutdown:
                    raise ShutDown
            if self._puts.pending and not self._qsize():
                self._puts.clear()  # the program emptied the queue itself, as in queue.clear()
            self._put(item)
            self._log_put(item, frame, RELEASE_WAITING if waits else RELEASE)
            self.unfinished_tasks += 1
            self.not_empty.notify()

    def _remove(self, block: bool, timeout: float | None, frame: FrameType) -> T:
        with self.mutex:
            if timeout is not None or not self._qsize():
                limit = _limit(block, timeout)
                if not self.not_empty.wait_for(self._has_item, limit, frame):
                    raise Empty
            if not self._qsize():
                if current.mode:
                    current.log(ACQUIRE, self._closed, frame)
                raise ShutDown
            item = self._get()
            self._log_get(item, frame, TAKE_WAITING if block and may_wait(timeout) else TAKE)
            self.not_full.notify()
            return item

    def _has_room(self) -> bool:
        return self.is_shutdown or not 0 < self.maxsize <= self._qsize()

    def _has_item(self) -> bool:
        return self.is_shutdown or self._qsize() > 0

    def _log_put(self, item: T, frame: FrameType, word: int) -> None:
        number = None
        if current.mode:
            number = self._objects.new()
            current.log(word, number, frame)
        self._puts.add(item, number)
        self._put_count += 1
        if self._freed and self._put_count > self.maxsize:
            self._take(self._freed.popleft(), frame, TAKE)

    def _log_get(self, item: T, frame: FrameType, word: int) -> None:
        self._take(self._puts.pop(item), frame, word)
        if self.maxsize > 0:
            number = None
            if current.mode:
                number = self._objects.new()
                current.log(RELEASE, number, frame)
            self._freed.append(number)

    def _take(self, number: int | None, frame: FrameType, word: int) -> None:
        if number is not None:
            if current.mode:
                current.log(word, number, frame)
            self._objects.done(number)


class LifoQueue(Queue[T]):
    """`queue.LifoQueue`: the newest item comes first."""

    _newest_first = True

    def _init(self, maxsize: int) -> None:  # noqa: ARG002  (the signature of queue.Queue)
        self.queue = []

    def _get(self) -> T:
        item: T = self.queue.pop()
        return item


class PriorityQueue(Queue[T]):
    """`queue.PriorityQueue`: the smallest item comes first."""

    def _init(self, maxsize: int) -> None:  # noqa: ARG002  (the signature of queue.Queue)
        self.queue = []

    def _put(self, item: T) -> None:
        heapq.heappush(self.queue, item)

    def _get(self) -> T:
        item: T = heapq.heappop(self.queue)
        return item


class SimpleQueue(Generic[T]):
    """`queue.SimpleQueue`: no bound, no tasks. Unlike that one, `put` is not re-entrant."""

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._objects = HandOvers(self, name)
        self._mutex = Section()
        self._not_empty = Monitor(self._mutex, self._objects)
        self._items: deque[tuple[T, int | None]] = deque()

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Put an item in; never waits, so `block` and `timeout` say nothing."""
        self._insert(item, _getframe(1))

    def put_nowait(self, item: T) -> None:
        """`put(item)`."""
        self._insert(item, _getframe(1))

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the oldest item out, waiting while there is none.

        Raises:
            Empty: none came, within `timeout` seconds where given.
            ValueError: a negative timeout.
        """
        return self._remove(_limit(block, timeout), _getframe(1))

    def get_nowait(self) -> T:
        """`get(block=False)`."""
        return self._remove(0, _getframe(1))

    def qsize(self) -> int:
        """How many items there are just now."""
        self._mutex.look()
        return len(self._items)

    def empty(self) -> bool:
        """Whether there are none just now."""
        self._mutex.look()
        return not self._items

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)} at {id(self):#x}>"

    def _insert(self, item: T, frame: FrameType) -> None:
        with self._mutex:
            number = None
            if current.mode:
                number = self._objects.new()
                current.log(RELEASE, number, frame)
            self._items.append((item, number))
            self._not_empty.notify()

    def _remove(self, timeout: float | None, frame: FrameType) -> T:
        with self._mutex:
            if not self._items and not self._not_empty.wait_for(
                self._items.__len__, timeout, frame
            ):
                raise Empty
            item, number = self._items.popleft()
            if number is not None:
                if current.mode:
                    current.log(TAKE_WAITING if may_wait(timeout) else TAKE, number, frame)
                self._objects.done(number)
            return item


def _limit(block: bool, timeout: float | None) -> float | None:
    """How long to wait at most; None for ever."""
    if not block:
        return 0
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout


class _Puts:
    """The puts whose items are in the queue: for each object, its one-shots in order of put.

    The item is kept with them, so that its identity is not given to another object.
    """

    __slots__ = ("_objects", "_take_at", "pending")

    def __init__(self, objects: HandOvers, *, newest_first: bool) -> None:
        self.pending: dict[int, list[tuple[object, int | None]]] = {}
        self._objects = objects
        self._take_at = -1 if newest_first else 0

    def add(self, item: object, number: int | None) -> None:
        self.pending.setdefault(id(item), []).append((item, number))

    def pop(self, item: object) -> int | None:
        puts = self.pending.get(id(item))
        if puts is None:
            return None
        _, number = puts.pop(self._take_at)
        if not puts:
            del self.pending[id(item)]
        return number

    def clear(self) -> None:
        for puts in self.pending.values():
            for _, number in puts:
                if number is not None:
                    self._objects.done(number)
        self.pending.clear()
