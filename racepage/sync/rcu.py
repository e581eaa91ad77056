"""`RCU`: readers that wait for nobody, and writers that wait until nobody can see the old.

Edges: everything before `synchronize` began, to every reader section that begins after that; the
ends of the reader sections that began before it, to its return. `call`: its site, and the ends of
the reader sections that began before it, to the callback; the ends of the callbacks that were asked
for before a `barrier`, to its return. Of nested sections only the outermost counts. Callbacks do
not order each other, though one thread calls them all: each is a thread of its own in the trace.

A reader logs the end of its section, and its beginning where there is something new to know.

Source: Linux, Documentation/RCU/Design/Requirements; the guarantee for grace periods.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from sys import _getframe
from types import FrameType
from typing import Final, NamedTuple, ParamSpec

from racepage.events import Flag, Op
from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.execution.per_thread import PerThread
from racepage.sync._names import HandOvers, shown, sync_number
from racepage.sync._section import Section
from racepage.sync._sections import Bucket, Sections
from racepage.sync.event import ACQUIRE
from racepage.sync.rwlock import Side
from racepage.sync.thread import report

P = ParamSpec("P")

RELEASE_MERGE_WAITING: Final = current.word(Op.RELEASE_MERGE, Flag.SLEEPS)


class _Callback(NamedTuple):
    body: Callable[[], object]
    log: current.ThreadLog
    readers: list[Bucket]  # whose ends it comes after
    bucket: Bucket  # it counts as a section for `barrier`


class _Own:
    """What an RCU knows of a thread."""

    __slots__ = ("calling", "depth", "knows", "section")
    section: Bucket

    def __init__(self) -> None:
        self.depth = 0
        self.knows = (-1, 0)  # the thread in the trace, and how many grace periods it has learnt of
        self.calling = False  # is in a callback


class RCU:
    """Read, copy, update: `with rcu.read():` here, and there `synchronize` or `call`."""

    def __init__(self, *, name: str | None = None) -> None:
        self._mutex = Section()
        self._readers = Sections(self._mutex, HandOvers(self, name and f"{name}.readers"))
        self._callbacks = Sections(self._mutex, HandOvers(self, name and f"{name}.callbacks"))
        self._waiting: deque[_Callback] = deque()
        self._unjoined: list[current.ThreadLog] = []
        self._serving = False  # a thread is there that calls callbacks
        self._periods = 0  # grace periods that were logged
        self._own = PerThread(_Own)
        self._name = name
        self._number = sync_number(self, name)

    def read(self) -> Side:
        """A context that is a reader section."""
        return Side(self._read_lock, self._read_unlock)

    def read_lock(self) -> None:
        """Begin a reader section, or an inner one, which counts for nothing."""
        self._read_lock(_getframe(1))

    def read_unlock(self) -> None:
        """End a reader section.

        Raises:
            RuntimeError: the calling thread is in none.
        """
        self._read_unlock(_getframe(1))

    def synchronize(self) -> None:
        """Wait for the end of every reader section that has begun by now.

        Raises:
            RuntimeError: called in a reader section, which would wait for itself.
        """
        self._expect_no_section("synchronize")
        frame = _getframe(1)
        with self._mutex:
            if current.mode:
                self._periods += 1
                current.log(RELEASE_MERGE_WAITING, self._number, frame)
            _await(self._readers, frame)

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Let `function` be called, by another thread, after every section that has begun by now.

        What it raises goes where what a thread raises goes.
        """
        with self._mutex:
            log = current.new_thread(f"{self._name or 'rcu'}.callback")
            current.start(log, _getframe(1))
            current.detach(log, _getframe(1))
            if current.mode:
                self._unjoined.append(log)
            callback = _Callback(
                body=partial(function, *args, **kwargs),
                log=log,
                readers=self._readers.before_now(),
                bucket=self._callbacks.begin(),
            )
            self._waiting.append(callback)
            if current.mode >= CONTROLLED:
                current.kernel.spawn(log, partial(self._serve_one, callback), daemon=True)
            elif not self._serving:
                name = f"{shown(self, self._name)} callbacks"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
                self._serving = True

    def barrier(self) -> None:
        """Wait until every callback that has been asked for by now has been called.

        Raises:
            RuntimeError: called in a reader section or in a callback, which would wait for itself.
        """
        self._expect_no_section("barrier")
        if self._own.here().calling:
            raise RuntimeError(f"{self!r}: barrier() in a callback, which would wait for itself")
        frame = _getframe(1)
        with self._mutex:
            ended, self._unjoined = self._unjoined, []
            _await(self._callbacks, frame)
            for log in ended:
                current.join(log, frame)

    def __repr__(self) -> str:
        return f"<{shown(self, self._name)} at {id(self):#x}: callbacks={len(self._waiting)}>"

    def _read_lock(self, frame: FrameType) -> bool:
        own = self._own.here()
        if not own.depth:
            with self._mutex:
                own.section = self._readers.begin()
                if current.mode:
                    knows = (current.task().number, self._periods)
                    if self._periods and own.knows != knows:
                        own.knows = knows
                        current.log(ACQUIRE, self._number, frame)
        own.depth += 1
        return True

    def _read_unlock(self, frame: FrameType) -> None:
        own = self._own.here()
        if not own.depth:
            raise RuntimeError(f"{self!r}: read_unlock() by a thread that is in no reader section")
        own.depth -= 1
        if not own.depth:
            with self._mutex.giving_back:
                self._readers.release(own.section, frame)
                self._readers.end(own.section)

    def _expect_no_section(self, what: str) -> None:
        if self._own.here().depth:
            raise RuntimeError(
                f"{self!r}: {what}() in a reader section, which would wait for itself"
            )

    def _serve(self) -> None:
        """Call what is asked for, in turn, until nothing is."""
        self._own.here().calling = True
        while True:
            with self._mutex:
                if not self._waiting:
                    self._serving = False
                    return
                callback = self._waiting[0]
                current.enter(callback.log)
                self._readers.wait(callback.readers, None)
                self._waiting.popleft()
            self._run(callback)

    def _serve_one(self, callback: _Callback) -> None:
        """The same under control, where each callback is a thread of its own as it is in traces."""
        self._own.here().calling = True
        with self._mutex:
            self._readers.wait(callback.readers, None)
            self._waiting.remove(callback)
        self._run(callback)

    def _run(self, callback: _Callback) -> None:
        with self._mutex:
            self._readers.acquire(callback.readers, None)
            self._readers.forget(callback.readers)
        try:
            callback.body()
        except BaseException as error:
            if current.mode >= CONTROLLED:
                raise
            report(threading.current_thread(), callback.log, error)
        with self._mutex:
            self._callbacks.release(callback.bucket, None)
        if current.mode < CONTROLLED:
            current.leave()
        with self._mutex:
            self._callbacks.end(callback.bucket)


def _await(sections: Sections, frame: FrameType) -> None:
    """Wait for the ends of the sections that have begun by now, and know of them."""
    buckets = sections.before_now()
    try:
        sections.wait(buckets, frame)
        sections.acquire(buckets, frame)
    finally:
        sections.forget(buckets)
