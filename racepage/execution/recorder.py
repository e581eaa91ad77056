"""Recording: `with racepage.record(path) as recording:`.

A daemon thread looks at the threads' lists every 20 ms and flushes when a second has passed or
65,536 events have come together. It leaves no trace of its own. Without a path the events stay in
memory; with one they go to the file, and memory holds names and sites only.

It also sees when every thread waits for another one, and nothing has moved for a moment: then it
flushes, and calls `Recording.on_deadlock`, where somebody has set that.

The interpreter gives that thread its turn among the others, so busy threads log faster than it
writes. While 65,536 events or more wait, whoever logs another one waits too, until they are
written: so memory stays bounded, and so does what a killed process can lose.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from racepage.errors import RecordingError
from racepage.events import Op
from racepage.execution import current, cut
from racepage.execution.flat import FIELDS
from racepage.execution.tables import Tables
from racepage.execution.waits import everybody_waits
from racepage.order.hb import HappensBefore
from racepage.trace.columns import Columns, Origin, Trace
from racepage.trace.directives import write_label

POLL_SECONDS: Final = 0.02
FLUSH_SECONDS: Final = 1.0
FLUSH_EVENTS: Final = 65_536
STILL_POLLS: Final = 25
"""How often in a row nothing has moved and every thread waited, before that is a deadlock. Even one
thread that has just been given a lock, and not had its turn, moves in that time."""

_STATES: Final = {
    "new": "has not begun; use it in a with statement",
    "on": "is still on; ask after its with block",
    "forked": "belongs to the process that this one was forked from",
}

_lock = threading.Lock()  # held while a recording begins, flushes or ends, and over a fork
_active: Recording | None = None


def record(
    path: str | os.PathLike[str] | None = None,
    *,
    depth: int = 1,
    values: bool = False,
    program: str | None = None,
) -> Recording:
    """A recording of what the body of the `with` does with pages and primitives.

    Args:
        path: an `.arrows` file to write; it exists, and says what it is, before the body runs.
            None keeps the events in memory.
        depth: how many frames of the call stack an event carries; more than 1 costs more.
        values: keep the bytes that accesses read and wrote, the first 256 of each, so that a race
            shows what changed; each access costs several times as much.
        program: what the trace says was recorded; the name of the running script if None.

    Raises:
        ValueError: a depth below 1.
        RecordingError: a path that does not end with `.arrows`; one that cannot be written is an
            error of the `with`, before its body.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}: it counts the frames of a site")
    if path is not None and Path(path).suffix != ".arrows":
        raise RecordingError(
            f"{os.fspath(path)}: a recording is written to a file that ends with .arrows; "
            "`racepage convert` makes others of it"
        )
    return Recording(path, depth=depth, values=values, program=program)


class Recording:
    """One recording: the context manager that makes it, and then what was recorded.

    Attributes:
        path: the file, or None.
        events: how many events were flushed so far.
        warnings: sentences for people: threads that nobody started, threads still running.
        on_deadlock: called by the recorder's thread when all other threads wait for each other;
            it is not called again. To `cut_short` the recording is all that can be done with it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        depth: int,
        values: bool,
        program: str | None,
    ) -> None:
        self.path = None if path is None else os.fspath(path)
        self.events = 0
        self.warnings: tuple[str, ...] = ()
        self.on_deadlock: Callable[[], object] | None = None
        self._depth = depth
        self._values = values
        self._program = Path(sys.argv[0]).name if program is None else program
        self._tables = Tables()
        self._kept: list[Columns] = []
        self._writer: Any = None
        self._process = 0
        self._closed = True  # False: the body has no end, so that what it left says nothing
        self._collector = 0
        self._running: set[str] = set()  # threads that were started, and have not ended
        self._order = HappensBefore()
        self._failure: RecordingError | None = None
        self._state = "new"
        self._stop = threading.Event()
        self._flusher = threading.Thread(
            target=self._flush_now_and_then, name="racepage-flush", daemon=True
        )

    def __enter__(self) -> Self:
        global _active  # noqa: PLW0603  (one recording at a time, by definition)
        with _lock:
            if _active is not None:
                raise RecordingError("a recording is on already; end it before another begins")
            if self._state != "new":
                raise RecordingError("this recording was made already; call record() again")
            self._open()
            self._flusher.start()
            self._process = os.getpid()
            self._collector = current.task().number
            self._state = "on"
            _active = self
            mode = current.SITES if self._depth == 1 else current.STACKS
            current.begin(mode | (current.VALUES if self._values else 0), self._depth)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process != os.getpid():
            return  # a fork came out of the body: the recording is its parent's
        if self._state != "on":
            return  # it was cut short
        self._closed = kind is None or not issubclass(kind, KeyboardInterrupt)
        self._end()
        if self._failure is not None:
            if error is None:
                raise self._failure
            error.add_note(str(self._failure))

    def cut_short(self) -> None:
        """End the recording although its body has no end: what there is, is what there will be."""
        self._closed = False
        self._end()

    def trace(self) -> Trace:
        """What was recorded: from memory, or read back from the file.

        Raises:
            RecordingError: the recording is still on, never began, or belongs to the process that
                this one was forked from.
        """
        state = "forked" if self._process not in (0, os.getpid()) else self._state
        if state != "ended":
            raise RecordingError(f"there is no trace: the recording {_STATES[state]}")
        if self.path is not None:
            files = import_module("racepage.trace.files")
            found: Trace = files.read_trace(self.path)
            return found
        tables = self._tables
        return Trace(
            columns=cut.concatenate(self._kept),
            threads=list(tables.threads),
            targets=list(tables.targets),
            sites=list(tables.sites.stacks),
            page_sizes=dict(tables.page_sizes),
            labels=dict(tables.labels),
            lock_kinds=dict(tables.lock_kinds),
            origin=Origin(
                form="memory",
                program=self._program,
                judge_leaks=True,
                complete=self._closed,
            ),
        )

    def _open(self) -> None:
        if self.path is None:
            return
        arrows = import_module("racepage.trace.arrows")  # pyarrow: only for those who write a file
        try:
            self._writer = arrows.ArrowsWriter(self.path, program=self._program)
        except OSError as error:
            reason = error.strerror or error
            raise RecordingError(
                f"{self.path}: the recording cannot be written: {reason}"
            ) from None

    def _flush_now_and_then(self) -> None:
        due = time.monotonic() + FLUSH_SECONDS
        logged = still = 0
        while not self._stop.wait(POLL_SECONDS):
            if _waiting() >= FLUSH_EVENTS or time.monotonic() >= due:
                with _lock:
                    self._flush()
                due = time.monotonic() + FLUSH_SECONDS
            before, logged = logged, self.events + _waiting()
            still = still + 1 if logged == before and everybody_waits() else 0
            if still == STILL_POLLS:
                with _lock:
                    self._flush(still=True)
                if self.on_deadlock is not None:
                    self.on_deadlock()

    def _flush(self, *, final: bool = False, still: bool = False) -> None:
        """Take what there is, and keep or write it. A failure ends the recording, not the body."""
        if self._failure is not None or not (current.mode or final):
            return
        paused = _pause_if_behind()
        try:
            columns = cut.take(self._tables, collector=self._collector, final=final, still=still)
            paused = paused or _pause_if_behind()
            relabelled = self._tables.relabel()
            if len(columns) or relabelled:
                self._keep(columns, relabelled)
        except Exception as error:  # noqa: BLE001  (raised when the body is done)
            current.end()
            self._failure = RecordingError(
                f"recording stopped after {self.events} events, which can be read: {error}"
            )
            self._failure.__cause__ = error
        finally:
            if paused:
                current.resume()

    def _keep(self, columns: Columns, relabelled: Sequence[int]) -> None:
        tables = self._tables
        if self._writer is None:
            self._kept.append(columns)
        else:
            self._writer.write_batch(
                columns,
                self._order.stamp(columns, tables.threads, tables.targets),
                threads=tables.threads,
                targets=tables.targets,
                sites=tables.sites.stacks,
                page_sizes=tables.page_sizes,
                labels=tables.labels,
                lock_kinds=tables.lock_kinds,
                comments=[
                    write_label(tables.targets[target], tables.labels[target])
                    for target in relabelled
                ],
            )
        self.events += len(columns)
        for target in columns.target[columns.op == Op.START].tolist():
            self._running.add(tables.targets[target].name)
        for thread in columns.thread[columns.op == Op.EXIT].tolist():
            self._running.discard(tables.threads[thread])

    def _end(self) -> None:
        global _active  # noqa: PLW0603
        if self._closed:
            gc.collect()  # a page in a cycle that nothing reaches is freed, not leaked
        self._stop.set()
        with _lock:
            current.end()
        if threading.current_thread() is not self._flusher:
            self._flusher.join()
        with _lock:
            try:
                self._flush(final=True)
                self._close()
            finally:
                self._state = "ended"
                _active = None
                current.tidy()
        here = self._tables.thread(self._collector)
        self.warnings = (
            *(
                f"thread {name} was not started through racepage.sync: nothing is known to happen "
                "before it, so what it touches may look unordered"
                for name in self._tables.foreign
                if name != self._tables.threads[here]
            ),
            *(
                f"thread {name} still ran when the recording ended: what it did later is not there"
                for name in sorted(self._running)
                if self._closed
            ),
        )

    def _close(self) -> None:
        """Close the file; one that is not whole stays without an end, and says so by that."""
        if self._writer is None or self._failure is not None:
            return
        if self._closed:
            self._writer.close()
        else:
            self._writer.abandon()


def _waiting() -> int:
    """How many events stand in the threads' lists."""
    return sum(len(log.events) for log in list(current.logs.values())) // FIELDS


def _pause_if_behind() -> bool:
    if not current.mode or _waiting() < FLUSH_EVENTS:
        return False
    current.pause()
    return True


def _leave_to_parent() -> None:
    """In a forked child: the file and the threads are the parent's."""
    global _active  # noqa: PLW0603
    current.forked()
    _active = None
    _lock.release()


os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_leave_to_parent
)
