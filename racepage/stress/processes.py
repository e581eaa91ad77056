"""Cells, explored by several processes at once.

Each process explores one cell after the other. One that dies (killed, out of memory) takes nothing
with it: its cell is tried once more in a new one. One that stays silent long after its budget is
spent is ended, and counts as dead: a program that really blocks stops the only thread there is.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Final, NamedTuple

from racepage.exploration.limits import Limits
from racepage.stress.cell import Cell, Result, explore

TRIES: Final = 2
PATIENCE_SECONDS: Final = 120.0
"""How much longer than its budget a cell may take: executions and reports end when they end."""

_TICK_SECONDS: Final = 0.25
_TELL_SECONDS: Final = 0.2


class Underway(NamedTuple):
    """Told now and then: how far a process is.

    Attributes:
        place: which process, from 0.
        cell: what it explores.
        executions: how many there were.
    """

    place: int
    cell: Cell
    executions: int


class Died(NamedTuple):
    """A process died.

    Attributes:
        cell: what it explored.
        how: in a few words.
        again: whether the cell is tried again.
    """

    cell: Cell
    how: str
    again: bool


Event = Underway | Died | Result


def explored(cells: Sequence[Cell], limits: Limits, jobs: int) -> Generator[Event, None, None]:
    """Explore every cell, in `jobs` processes; yields what happens as it happens.

    Closing it ends the processes.
    """
    waiting = deque((cell, 1) for cell in cells)
    workers: dict[int, _Worker] = {}
    try:
        while waiting or workers:
            for place in range(jobs):
                if waiting and place not in workers:
                    workers[place] = _Worker(place, limits)
                if waiting and place in workers and workers[place].cell is None:
                    workers[place].begin(*waiting.popleft())
            for place in [place for place, one in workers.items() if one.cell is None]:
                workers.pop(place).dismiss()
            yield from _heard(workers, waiting)
    finally:
        for worker in workers.values():
            worker.kill()


def _heard(workers: dict[int, _Worker], waiting: deque[tuple[Cell, int]]) -> Iterator[Event]:
    """What the processes have to say now."""
    pipes = {worker.pipe: worker for worker in workers.values()}
    ready = wait(list(pipes), _TICK_SECONDS)
    for pipe, worker in pipes.items():
        how, event = worker.hung(), None  # hung, though it may say how far it is
        try:
            if pipe in ready:
                event = worker.heard()
        except (EOFError, OSError):
            how = worker.death()
        if event is not None:
            yield event
        if how is None or worker.cell is None:
            continue
        worker.kill()
        del workers[worker.place]
        again = worker.tries < TRIES
        if again:
            waiting.appendleft((worker.cell, worker.tries + 1))
        yield Died(worker.cell, how, again)


class _Worker:
    """A process, and the cell that it explores."""

    def __init__(self, place: int, limits: Limits) -> None:
        context = get_context("spawn")  # a fork of this process would have its threads' locks
        self.place = place
        self.cell: Cell | None = None
        self.tries = 0
        self.pipe, theirs = context.Pipe()
        self._limits = limits
        self._began = 0.0
        self._process = context.Process(target=_work, args=(theirs, limits), daemon=True)
        with _uninterrupted():
            self._process.start()
        theirs.close()

    def begin(self, cell: Cell, tries: int) -> None:
        """Have it explore a cell, for the `tries`-th time."""
        self.cell, self.tries, self._began = cell, tries, time.monotonic()
        with suppress(OSError):  # it has died, which its pipe is about to tell
            self.pipe.send(cell)

    def heard(self) -> Underway | Result | None:
        """What it says.

        Raises:
            EOFError, OSError: it has died.
        """
        said: int | Result = self.pipe.recv()
        if isinstance(said, Result):
            self.cell = None
            return said
        return None if self.cell is None else Underway(self.place, self.cell, said)

    def hung(self) -> str | None:
        """What is wrong with it, if it has been at its cell for too long."""
        if self.cell is None or self._limits.seconds is None:
            return None
        taken = time.monotonic() - self._began
        if taken < self._limits.seconds + PATIENCE_SECONDS:
            return None
        return f"did not end within {taken:.0f} s"

    def death(self) -> str:
        """What it died of."""
        self._process.join(1.0)
        code = self._process.exitcode
        if code is None:
            return "stopped talking"
        if code < 0:
            with suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"exited with code {code}"

    def dismiss(self) -> None:
        """Let it end by itself, which it is about to do."""
        with suppress(OSError):
            self.pipe.send(None)
        self.pipe.close()
        self._process.join()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process that is started here never hears of Ctrl-C, not even while it begins."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not hasattr(signal, "pthread_sigmask"):  # or this is not POSIX
        yield
        return
    resource_tracker.ensure_running()  # which lets Ctrl-C in, where it has to begin
    # The mask is what the process inherits. It does not keep the signal from our other threads, and
    # so not from us: we hear of it when the process has all that it is told at its beginning.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if heard:
            signal.raise_signal(signal.SIGINT)


def _work(pipe: Connection, limits: Limits) -> None:
    """What a process does: explore what it is told, until there is nothing more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it will end it
    told = 0.0

    def tell(executions: int) -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            pipe.send(executions)

    try:
        while (cell := pipe.recv()) is not None:
            pipe.send(explore(cell, limits, tell))
    except (EOFError, OSError):  # whoever listened was killed
        os._exit(1)
