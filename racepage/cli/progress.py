"""Progress of long work, on standard error: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from racepage.cli.output import say
from racepage.report.escape import plain

Tick = Callable[[int, int], None]

_BAR_AFTER: Final = 0.5  # seconds; what is over sooner needs no bar
LINE_EVERY: Final = 10.0


@contextmanager
def watched(what: str) -> Iterator[Tick]:
    """A function to call with the events done and the events there are, as often as one likes."""
    with _bar(what) if sys.stderr.isatty() else _lines(what) as tick:
        yield tick


@contextmanager
def _bar(what: str) -> Iterator[Tick]:
    from rich.console import Console  # noqa: PLC0415  (most work is over before it is needed)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    begin = time.monotonic()
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = progress.add_task(plain(what), total=None)

    def tick(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        if time.monotonic() - begin > _BAR_AFTER and done < total:
            progress.start()

    try:
        yield tick
    finally:
        progress.stop()


@contextmanager
def _lines(what: str) -> Iterator[Tick]:
    last = time.monotonic()

    def tick(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > LINE_EVERY and done < total:
            last = time.monotonic()
            say(f"{what}: {done:,} of {total:,} events")

    yield tick
