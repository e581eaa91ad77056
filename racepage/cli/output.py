"""Where words go: reports to standard output or a file, everything else to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TextIO

import click

from racepage.report.escape import ASCII, plain

Color = Literal["auto", "always", "never"]

WIDTH: Final = 80
"""Columns of a report that no terminal shows."""

WIDEST: Final = 120
"""Columns beyond which lines are hard to read, however wide a terminal is."""

_LONGEST_LINE: Final = 2000
_drawn: Final[list[str]] = []  # what stands in the terminal's last line


def say(message: str) -> None:
    """One line on standard error; names in it may come from anywhere."""
    line = plain(" ".join(message.split("\n")), longest=_LONGEST_LINE)
    try:
        sys.stderr.write(_fit(f"{_over_what_was_drawn()}racepage: {line}\n", sys.stderr))
        sys.stderr.flush()
    except OSError:  # nobody listens, and there is nowhere left to say so
        _hush(sys.stderr)


def draw(text: str) -> None:
    """Put `text` in the last line of the terminal that shows standard error, until the next one.

    What was drawn there before goes away, as it does when something is said.
    """
    with suppress(OSError, UnicodeEncodeError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        shown = plain(text)[: columns - 1]
        sys.stderr.write(f"{_over_what_was_drawn()}{shown}")
        sys.stderr.flush()
        if shown:
            _drawn.append(shown)


def _over_what_was_drawn() -> str:
    """What a terminal has to be told so that what is written next stands there instead."""
    if not _drawn:
        return ""
    _drawn.clear()
    return "\r\x1b[K"


def emit(text: str, target: Path | None) -> None:
    """Write a report: to `target` as UTF-8, or to standard output.

    A reader that stops reading (`| head`) is no error.

    Raises:
        click.ClickException: it cannot be written.
    """
    if target is not None:
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{target}: {error.strerror}") from None
        say(f"wrote {target}")
        return
    try:
        sys.stdout.write(_fit(text, sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        _hush(sys.stdout)
    except OSError as error:
        _hush(sys.stdout)
        raise click.ClickException(f"standard output: {error.strerror}") from None


def colored(wish: Color, target: Path | None) -> bool:
    """Whether a report is to have colours; NO_COLOR and FORCE_COLOR are obeyed."""
    if wish != "auto":
        return wish == "always"
    if target is not None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width(target: Path | None) -> int:
    """The columns that a report has."""
    if target is None and sys.stdout.isatty():
        return min(shutil.get_terminal_size().columns, WIDEST)
    return WIDTH


def writable(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """The callback of an option that names a file to write: refuse it before any work is done."""
    if value is None:
        return None
    folder = value.parent
    if value.is_dir():
        reason = f"{value} is a directory; name a file in it"
    elif not folder.is_dir():
        reason = f"{value}: there is no directory {folder}"
    elif not os.access(value if value.exists() else folder, os.W_OK):
        reason = f"{value}: permission denied"
    else:
        return value
    raise click.BadParameter(reason, ctx, param)


@contextmanager
def own_stdout(target: Path | None) -> Iterator[None]:
    """Keep standard output for the report: what the program under test prints goes to stderr.

    Where the report goes to a file the program keeps its standard output.
    """
    if target is not None:
        yield
        return
    sys.stdout.flush()
    real, sys.stdout = sys.stdout, sys.stderr
    try:
        with _children_too():
            yield
    finally:
        sys.stdout = real


@contextmanager
def _children_too() -> Iterator[None]:
    """Standard output's file descriptor leads to standard error, for child processes and C."""
    try:
        kept = os.dup(1)
    except OSError:  # closed by whoever started us
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _fit(text: str, stream: TextIO) -> str:
    """`text` in characters that `stream` can encode."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text


def _hush(stream: TextIO) -> None:
    """Let the interpreter's last flush of a broken stream go nowhere, quietly."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
