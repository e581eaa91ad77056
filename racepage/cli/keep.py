"""Writing a trace to a file, and saying what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from racepage.cli.output import say
from racepage.errors import RacepageError
from racepage.report.words import counted, listed

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.order.stamps import Stamps
    from racepage.trace.columns import Trace

_MOST = 5  # operations in one line


def keep(trace: Trace, path: str | Path) -> None:
    """Write `trace` to `path` and say so, and what the format has no words for.

    Raises:
        TraceError: a suffix that names no format, or an event that the format cannot say.
        RecordingError: a file that cannot be written.
    """
    from racepage.trace.files import write_trace  # noqa: PLC0415  (not needed to print help)

    write_trace(trace, path, stamps=_stamps(trace) if Path(path).suffix == ".arrows" else None)
    if str(path).endswith((".std", ".std.gz")):
        said(path, _lines(path), "line")
        _tell_what_std_lacks(trace, path)
    else:
        said(path, len(trace), "event")


def keep_if_asked(trace: Trace, path: str | Path | None) -> bool:
    """Keep `trace` if that is asked for; False, and a line on stderr, where it cannot be done.

    That is no reason to keep a report back.
    """
    if path is not None:
        try:
            keep(trace, path)
        except RacepageError as error:
            say(str(error))
            return False
    return True


def said(path: str | Path, count: int, noun: str) -> None:
    """Say what was written."""
    say(f"wrote {path}: {counted(count, noun)}")


def _stamps(trace: Trace) -> Stamps:
    """The clocks of all events."""
    from racepage.order.hb import HappensBefore  # noqa: PLC0415  (not needed to print help)

    return HappensBefore().stamp(trace.columns, trace.threads, trace.targets)


def _lines(path: str | Path) -> int:
    """The lines of a text file: an access may make several in STD, and other events none."""
    from racepage.trace.lines import read_lines  # noqa: PLC0415  (not needed to print help)

    return sum(1 for _ in read_lines(Path(path)))


def _tell_what_std_lacks(trace: Trace, path: str | Path) -> None:
    from racepage.events import Op  # noqa: PLC0415  (not needed to print help)
    from racepage.trace.std import left_out  # noqa: PLC0415

    missing = left_out(trace)
    if missing:
        told = listed(
            (f"{count:,} {operation}" for operation, count in missing.items()), len(missing), _MOST
        )
        say(f"{path} has no line for {told}: no race depends on them, other findings may")
    ops = set(trace.columns.op.tolist())
    lives = [op.name.lower() for op in (Op.ALLOC, Op.FREE) if op in ops]
    if lives:
        say(
            f"{path} has {' and '.join(lives)} as writes of the whole page: what is wrong with a "
            "page's life (use after free, leaks, uninitialised reads) is not found there"
        )
    if not trace.origin.complete or trace.origin.lost_bytes:
        say(f"{path} cannot say that the trace is not complete, and may be taken for clean")
