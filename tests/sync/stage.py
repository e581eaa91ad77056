"""Drives threads one operation at a time, records them, and reads what was recorded.

Which thread does what when is decided here, by queues that leave no event, so that a test is the
same each time and nothing but the primitive under test orders anything. What happens before what is
asked of the brute force, which shares no code with racepage.
"""

from __future__ import annotations

import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from sys import _getframe
from time import monotonic
from typing import Any, TypeVar

import numpy as np

from racepage import sync
from racepage.events import Flag, Kind, Op
from racepage.execution import current
from racepage.execution.recorder import record
from racepage.trace.columns import Trace
from tests.oracle import brute

T = TypeVar("T")

PATIENCE = 30
"""Seconds until a test that got stuck gives up; none takes long."""


class Task:
    """A thread of racepage.sync that does what it is told, one thing after the other."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self.thread = sync.Thread(target=self._work, name=name, daemon=True)

    def do(self, job: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Let the thread call `job`; return what it returned, raise what it raised."""
        future = self._submit(partial(job, *args, **kwargs))
        result: T = future.result(PATIENCE)
        return result

    def begin(self, job: Callable[..., object], *args: Any, inside: str = "park") -> Future[Any]:
        """Let the thread call `job`, and return once it is in the function called `inside`.

        That is the one in which primitives wait for each other.
        """
        future = self._submit(partial(job, *args))
        until(lambda: future.done() or inside in self._calls())
        return future

    def mark(self, name: str) -> None:
        """Let the thread touch a byte of its own, to ask later what happened before that."""
        self.do(self._stage.mark, name)

    def end(self) -> None:
        """Let the thread end, unless something holds it up; it is not joined."""
        self._jobs.put(None)

    def _submit(self, job: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.put((future, job))
        return future

    def _work(self) -> None:
        while (told := self._jobs.get()) is not None:
            future, job = told
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001  (the test's thread raises it)
                future.set_exception(error)

    def _calls(self) -> list[str]:
        ident = self.thread.ident
        frame = None if ident is None else sys._current_frames().get(ident)
        names = []
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names


class Stage:
    """A recording, threads that are driven, and the questions to the trace."""

    def __init__(self) -> None:
        self._marks: list[str] = []
        self._marking = threading.Lock()
        self._page = current.new_page(4096)
        self._trace: Trace | None = None

    @contextmanager
    def tasks(self, *names: str) -> Iterator[list[Task]]:
        """Record threads of these names, from their start to their end."""
        tasks = [Task(self, name) for name in names]
        with record() as recording:
            for task in tasks:
                task.thread.start()
            try:
                yield tasks
            finally:
                for task in tasks:
                    task.end()
                for task in tasks:
                    task.thread.join(PATIENCE)
        self._trace = recording.trace()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the body does itself."""
        with record() as recording:
            yield
        self._trace = recording.trace()

    def mark(self, name: str) -> None:
        """Touch a byte that stands for `name`."""
        with self._marking:
            place = len(self._marks)
            self._marks.append(name)
        current.note(int(Op.WRITE), self._page, place, 1, _getframe(1))

    @property
    def trace(self) -> Trace:
        assert self._trace is not None
        return self._trace

    @property
    def rows(self) -> list[str]:
        """What primitives logged that orders, or might have, as `thread op target`.

        What has no name is numbered as it comes.
        """
        rows = [row.removesuffix(" sleeps") for row in self.all_rows]
        numbers: dict[str, int] = {}
        return [
            re.sub(
                r"(?<= sync:)\d+\b", lambda it: str(numbers.setdefault(it[0], len(numbers))), row
            )
            for row in rows
            if row.split()[1] not in ("start", "exit", "join")
        ]

    @property
    def all_rows(self) -> list[str]:
        """The synchronising events, `thread op target [flags]`, but waits and detaches."""
        return [row for row in self._every_row if row.split()[1] not in ("block", "wake", "detach")]

    @property
    def waits(self) -> list[str]:
        """The waits that were logged, and that each thread went on: they order nothing."""
        return [row for row in self._every_row if row.split()[1] in ("block", "wake")]

    @property
    def detached(self) -> list[str]:
        """The threads that nobody has to join."""
        return [row for row in self._every_row if row.split()[1] == "detach"]

    @property
    def _every_row(self) -> list[str]:
        trace, found = self.trace, []
        columns = trace.columns
        for number in range(len(columns)):
            op = Op(columns.op[number])
            if op < Op.LOCK:
                continue
            row = [trace.threads[columns.thread[number]], op.name.lower()]
            target = int(columns.target[number])
            row += [str(trace.targets[target])] * (target >= 0)
            flags = Flag(int(columns.flags[number]))
            row += [str(flag.name).lower() for flag in flags]
            found.append(" ".join(row))
        return found

    def lines(self, test: Callable[..., object]) -> list[int]:
        """The lines of `test`, from 0, at which the main thread did what orders."""
        columns, others = self.trace.columns, (Op.BLOCK, Op.WAKE, Op.DETACH)
        main = columns.thread == self.trace.threads.index("main")
        sites = columns.site[main & ~np.isin(columns.op, others)].tolist()
        return [self.trace.sites[site][0].line - test.__code__.co_firstlineno for site in sites]

    def ordered(self, first: str, second: str) -> bool:
        """Whether the mark `first` happens before the mark `second`."""
        events = brute.events_of(self.trace)
        return brute.happens_before(brute.order(events), self._event(first), self._event(second))

    def unordered(self, one: str, other: str) -> bool:
        """Whether neither mark happens before the other."""
        return not self.ordered(one, other) and not self.ordered(other, one)

    def orders(self, marks: list[str]) -> set[tuple[str, str]]:
        """Of all pairs of these marks, those whose first happens before the second."""
        before = brute.order(brute.events_of(self.trace))
        event = {mark: self._event(mark) for mark in marks}
        return {
            (first, second)
            for first in marks
            for second in marks
            if brute.happens_before(before, event[first], event[second])
        }

    def _event(self, mark: str) -> int:
        columns, place = self.trace.columns, self._marks.index(mark)
        pages = [t for t, target in enumerate(self.trace.targets) if target.kind is Kind.PAGE]
        found = np.isin(columns.target, pages) & (columns.offset == place)
        return int(np.flatnonzero(found)[0])


def until(come: Callable[[], bool]) -> None:
    """Give other threads the processor until something has come about."""
    end = monotonic() + PATIENCE
    while not come():
        assert monotonic() < end, "it did not come about"
        os.sched_yield()
