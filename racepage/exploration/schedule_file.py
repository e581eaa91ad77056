"""Schedules in files, and as one line to paste: the same JSON (`schedule_json`).

The line is `rp1:` and that JSON, packed (`line`). Both may come from anybody: what is too large is
refused before it is looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

from racepage.errors import RacepageError
from racepage.exploration import line
from racepage.exploration.schedule import Schedule
from racepage.exploration.schedule_json import from_data, to_data

LARGEST: Final = 1 << 22
"""Bytes of a schedule; what is larger is something else, or no help to anybody."""

_dumps = json.JSONEncoder(allow_nan=False).encode
_packed = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


# Writing -----------------------------------------------------------------------------------------


def render(schedule: Schedule) -> str:
    """A schedule as JSON: ASCII, a line for each field, ending with a newline.

    Raises:
        RacepageError: it is too long to be of use.
    """
    fields = (f"  {_dumps(key)}: {_dumps(value)}" for key, value in to_data(schedule).items())
    return _small("{\n" + ",\n".join(fields) + "\n}\n")


def write(schedule: Schedule, path: Path) -> None:
    """Put a schedule in a file.

    Raises:
        RacepageError: it is too long to be of use, or the file cannot be written.
    """
    text = render(schedule)
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise RacepageError(f"{path}: {error.strerror}; name a file that can be written") from None


def to_line(schedule: Schedule) -> str:
    """A schedule as one line without spaces, quotes or anything else that a shell looks at.

    Raises:
        RacepageError: it is too long to be of use.
    """
    return line.wrap(_small(_packed(to_data(schedule))))


def _small(text: str) -> str:
    if len(text) > LARGEST:
        raise RacepageError(
            f"a schedule of {len(text):,} bytes is longer than any that can be read "
            f"({LARGEST:,}); limit the steps of an execution"
        )
    return text


# Reading -----------------------------------------------------------------------------------------


def given(text: str) -> Schedule:
    """The schedule that people mean: a line, or else the name of a file.

    Raises:
        RacepageError: it is neither; the message says what, where, and the mend.
    """
    return from_line(text) if line.is_one(text) else read(Path(text))


def read(path: Path) -> Schedule:
    """The schedule in a file, in JSON or as a line.

    Raises:
        RacepageError: there is none; the message names the file, and the place in it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise RacepageError(
            f"{path}: there is no such file; name a schedule, or paste one that begins with "
            f"{line.PREFIX}"
        ) from None
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        told = error.strerror if isinstance(error, OSError) else error
        raise RacepageError(f"{path}: {told}; name a schedule") from None
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise RacepageError(
            f"{path}: no schedule: byte {error.start} is not ASCII, and racepage writes no other"
        ) from None
    try:
        return from_line(text) if line.is_one(text) else parse(text)
    except RacepageError as error:
        raise RacepageError(f"{path}: {error}") from None


def from_line(text: str) -> Schedule:
    """The schedule of a line.

    Raises:
        RacepageError: it is none.
    """
    return parse(line.unwrap(text, LARGEST))


def parse(text: str) -> Schedule:
    """The schedule of a JSON text.

    Raises:
        RacepageError: it is none, of another version, or not in the form that schedules have.
    """
    if len(text) > LARGEST:
        raise RacepageError(f"no schedule is larger than {LARGEST:,} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RacepageError(f"no schedule, since it is no JSON: {told}") from None
    return from_data(document)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
