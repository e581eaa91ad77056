"""Traces in files: the suffix says which format.

.trace .trace.gz   text, `racepage.trace.text`
.arrows            a recording, `racepage.trace.arrows`
.std .std.gz       RAPID's format, `racepage.trace.std`
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from racepage.errors import RecordingError, TraceError
from racepage.trace import lines
from racepage.trace.columns import Trace

if TYPE_CHECKING:
    from racepage.trace.arrows_clocks import StampColumns

SUFFIXES: Final = (".trace", ".trace.gz", ".arrows", ".std", ".std.gz")


def read_trace(path: str | os.PathLike[str], *, large: bool = False) -> Trace:
    """Read a trace of any format.

    Args:
        path: the file.
        large: the columns of a large recording may be put on disk, and not into memory.

    Raises:
        TraceError: a file that cannot be opened, whose suffix names no format, or that is not what
            its suffix says; with the place. A recording that was cut off is not an error: it reads
            to its last complete batch, and `origin.complete` and `origin.lost_bytes` say so.
    """
    where = Path(path)
    form = _form(where)
    if form == ".arrows":
        from racepage.trace import arrows, room  # noqa: PLC0415  (loads pyarrow)

        return arrows.read(where, room=room.on_disk if large else room.in_memory)
    if form == ".std":
        from racepage.trace import std  # noqa: PLC0415  (for those who have one)

        return std.read_lines(lines.read_lines(where), str(where))
    from racepage.trace import text_reader  # noqa: PLC0415  (for those who have one)

    return text_reader.read_lines(lines.read_lines(where), str(where))


def write_trace(
    trace: Trace, path: str | os.PathLike[str], *, stamps: StampColumns | None = None
) -> None:
    """Write a trace in any format.

    Args:
        trace: the trace.
        path: the file, overwritten if it exists.
        stamps: of all events as one batch, `racepage.order.stamps.Stamps`: what the columns `clock`
            and `vector` of an `.arrows` file are made from; they are null without. Other formats
            have no use for them.

    Raises:
        TraceError: a suffix that names no format, or an event that the format cannot say.
        RecordingError: a file that cannot be written.
    """
    where = Path(path)
    form = _form(where)
    try:
        if form == ".arrows":
            from racepage.trace import arrows  # noqa: PLC0415  (loads pyarrow)

            arrows.write(trace, where, stamps)
        elif form == ".std":
            from racepage.trace import std  # noqa: PLC0415  (for those who want one)

            lines.write_lines(std.write_lines(trace), where)
        else:
            from racepage.trace import text_writer  # noqa: PLC0415  (for those who want one)

            lines.write_lines(text_writer.write_lines(trace), where)
    except OSError as error:
        raise RecordingError(f"{where}: cannot be written: {error.strerror or error}") from None


def _form(path: Path) -> str:
    suffix = next((each for each in SUFFIXES if path.name.endswith(each)), None)
    if suffix is None:
        raise TraceError(
            f"its suffix names no trace format; use one of {', '.join(SUFFIXES)}", path=str(path)
        )
    return suffix.removesuffix(".gz")
