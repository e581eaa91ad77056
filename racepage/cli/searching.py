"""A search while it runs: what it says, how it is stopped, and where it is kept."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from racepage.cli.output import say
from racepage.cli.progress import LINE_EVERY
from racepage.errors import RacepageError
from racepage.exploration import api
from racepage.report.escape import plain
from racepage.report.words import counted

if TYPE_CHECKING:
    from racepage.cli.controlled import Heard, Target
    from racepage.cli.options import Reporting
    from racepage.exploration.explorer import Explorer

Told = Callable[[int, int], None]

_LARGEST: Final = 1 << 28  # bytes of a saved search
_DRAW_AFTER: Final = 0.5  # seconds; what is over sooner needs no progress


@contextmanager
def progress(what: str, seconds: float | None, heard: Heard) -> Iterator[Told]:
    """What to tell the executions and the findings so far; it says them, now and then.

    On a terminal that is one line, which goes away in the end.
    """
    began = last = time.monotonic()
    drawn = False
    with heard():
        terminal = sys.stderr.isatty()

    def tell(executions: int, findings: int) -> None:
        nonlocal last, drawn
        now = time.monotonic()
        if now - began < _DRAW_AFTER or now - last < (0 if terminal else LINE_EVERY):
            return
        last = now
        text = _line(what, executions, findings, now - began, seconds)
        with heard():
            if terminal:
                drawn = True
                _draw(text)
            else:
                say(text)

    try:
        yield tell
    finally:
        if drawn:
            with heard():
                _draw("")


def _line(what: str, executions: int, findings: int, elapsed: float, seconds: float | None) -> str:
    budget = "" if seconds is None else f" of {seconds:g}"
    return (
        f"{what}: {counted(executions, 'execution')} ({executions / elapsed:,.0f}/s), "
        f"{counted(findings, 'finding')}, {elapsed:.0f}{budget} s"
    )


def _draw(text: str) -> None:
    """Put `text` in the terminal's line, in place of what stood there."""
    with suppress(OSError, UnicodeEncodeError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write(f"\r\x1b[K{plain(text)[: columns - 1]}")
        sys.stderr.flush()


class Stop:
    """Ctrl-C ends the search after the execution that is under way; twice ends that, too.

    Attributes:
        torn: it was ended in the middle of an execution.
    """

    def __init__(self, stop: Callable[[], None], heard: Heard) -> None:
        self.torn = False
        self._stop = stop
        self._heard = heard
        self._asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        del number, frame
        if self._asked:
            self.torn = True
            raise KeyboardInterrupt
        self._asked = True
        self._stop()
        with self._heard():
            say("ending after this execution; Ctrl-C again ends at once")


@contextmanager
def stopping(stop: Callable[[], None], heard: Heard) -> Iterator[Stop]:
    """Where Ctrl-C calls `stop`, if this is the thread that signals come to."""
    handler = Stop(stop, heard)
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield handler
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def searching(
    found: Target,
    wanted: api.Options,
    options: Reporting,
    state_file: Path | None,
    heard: Heard,
) -> Iterator[tuple[Explorer, Stop]]:
    """Who explores, and what Ctrl-C does meanwhile.

    Raises:
        RacepageError: the state cannot be gone on with.
    """
    name = found.program.name
    with progress(f"exploring {name}", wanted.budget.seconds, heard) as tell:

        def pause() -> None:
            saved(state_file, explorer, heard)

        explorer = api.explorer(
            found.body,
            wanted,
            found.program,
            policy=options.policy.apply,
            progress=tell,
            pause=pause,
        )
        state = None if state_file is None else read_state(state_file)
        if state is not None:
            try:
                explorer.restore(state)
            except RacepageError as error:
                raise RacepageError(f"{state_file}: {error}") from None
            with heard():
                told_of = counted(explorer.executions, "execution")
                say(f"going on with {state_file}: {told_of} so far")
        with stopping(explorer.stop, heard) as stop:
            yield explorer, stop


# Where it is kept


def read_state(path: Path) -> Any:
    """What was saved in a file; None where there is no such file.

    Raises:
        RacepageError: it cannot be read, or is no JSON.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RacepageError(f"{path}: no saved search: it is too large; name another file")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RacepageError(f"{path}: {error.strerror}; name a file for the search") from None
    except (ValueError, RecursionError) as error:
        raise RacepageError(
            f"{path}: no saved search, since it is no JSON ({error}); name another file"
        ) from None


def write_state(path: Path, state: Any) -> None:
    """Save a search, so that there is a whole one in the file at any time.

    Raises:
        RacepageError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="ascii") as file:
            json.dump(state, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise RacepageError(f"{path}: cannot be written: {error.strerror}") from None


def saved(path: Path | None, explorer: Explorer, heard: Heard) -> bool:
    """Save the search, if that was asked for; False, and a line on stderr, where it cannot be."""
    if path is None:
        return True
    state = explorer.state()
    try:
        write_state(path, state)
    except RacepageError as error:  # which is no reason to end the search, or to keep it back
        with heard():
            say(str(error))
        return False
    return True
