"""Finished cells in a file, so that a run goes on where it was killed.

JSON lines. The first one says what was run: format, version, budget, and all that decides which
cells there are; a file that says anything else is not gone on with. Every other line is the result
of a cell, written at once. A last line without its end was being written when the run was killed:
it is cut off, and its cell explored again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from racepage import __version__
from racepage.errors import RacepageError
from racepage.exploration.limits import Limits
from racepage.stress.cell import Cell, Result, Surprise

FORMAT: Final = "racepage-stress-state/1"
LARGEST: Final = 1 << 26
"""Bytes; a result takes a few hundred, and a command that replays a surprise some thousand."""


class State:
    """A file of finished cells.

    Attributes:
        results: those that were in it.
    """

    def __init__(self, path: Path, cells: Sequence[Cell], limits: Limits) -> None:
        """Open the file, or begin it.

        Raises:
            RacepageError: it cannot be read or written, or is of another run; in one line.
        """
        self._path = path
        self.results: dict[Cell, Result] = {}
        head = _head(cells, limits)
        lines = self._lines()
        if lines:
            self._compare(lines[0], head)
        known = {str(cell): cell for cell in cells}
        for number, line in enumerate(lines[1:], 2):
            result = self._result(number, line, known)
            self.results[result.cell] = result
        try:
            self._file = path.open("ab", buffering=0)
            self._file.truncate(sum(map(len, lines)))  # a torn last line
            if not lines:
                self._write(head)
        except OSError as error:
            raise RacepageError(f"{path}: {error.strerror}; name a file to write") from None

    def add(self, result: Result) -> None:
        """Write down the result of a cell.

        Raises:
            RacepageError: it cannot be written.
        """
        data = {
            "cell": str(result.cell),
            "executions": result.executions,
            "steps": result.steps,
            "seconds": round(result.seconds, 3),
            "exhaustive": result.exhaustive,
            "first": result.first,
            "surprises": [surprise._asdict() for surprise in result.surprises],
        }
        try:
            self._write(data)
        except OSError as error:
            raise RacepageError(f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _write(self, data: dict[str, Any]) -> None:
        self._file.write(json.dumps(data).encode("ascii") + b"\n")

    def _lines(self) -> list[bytes]:
        """The whole lines of the file; none if there is no file."""
        try:
            if not self._path.exists():
                return []
            if not self._path.is_file():  # to open a pipe would wait for whoever writes to it
                raise RacepageError(f"{self._path} is no file; name another one")
            if self._path.stat().st_size > LARGEST:
                raise self._wrong(f"is longer than {LARGEST:,} bytes, and no state of a run")
            data = self._path.read_bytes()
        except OSError as error:
            raise RacepageError(f"{self._path}: {error.strerror}; name another file") from None
        lines = data.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            torn = lines.pop()
            if not lines and not b'{"format": "racepage-stress'.startswith(torn[:27]):
                raise self._wrong("is no state of a run")
        return lines

    def _compare(self, line: bytes, head: dict[str, Any]) -> None:
        found = _object(line)
        if found is None or not str(found.get("format")).startswith("racepage-stress-state/"):
            raise self._wrong("is no state of a run")
        for name, value in head.items():
            if found.get(name) != value:
                there, here = json.dumps(found.get(name)), json.dumps(value)
                told = f": {there}, not {here}" if max(len(there), len(here)) < 80 else ""
                other = "other" if name.endswith("s") else "another"
                raise self._wrong(f"is the state of a run with {other} {name}{told}")

    def _result(self, number: int, line: bytes, known: dict[str, Cell]) -> Result:
        try:
            return _read(json.loads(line), known)
        except (KeyError, TypeError, ValueError, RecursionError):
            raise self._wrong(f"line {number} is no result of this run") from None

    def _wrong(self, what: str) -> RacepageError:
        told = f" {what}" if what.startswith("is ") else f": {what}"
        return RacepageError(f"{self._path}{told}; name another file, or remove this one")


def _head(cells: Sequence[Cell], limits: Limits) -> dict[str, Any]:
    seeds = {cell.seed for cell in cells if cell.seed is not None}
    return {
        "format": FORMAT,
        "version": __version__,
        "budget": limits._asdict(),
        "seeds": sorted(seeds),
        "strategies": list(dict.fromkeys(cell.strategy for cell in cells)),
        "subjects": list(dict.fromkeys(str(cell.subject) for cell in cells)),
    }


def _read(data: Any, known: Mapping[str, Cell]) -> Result:
    """The result that a line holds.

    Raises:
        KeyError, TypeError, ValueError: it holds none.
    """
    cell = known[data["cell"]]
    firsts = zip(cell.subject.expected, data["first"], strict=True)
    return Result(
        cell,
        int(data["executions"]),
        int(data["steps"]),
        float(data["seconds"]),
        bool(data["exhaustive"]),
        tuple(None if first is None else int(first) for _, first in firsts),
        tuple(
            Surprise(
                str(one["kind"]), str(one["message"]), int(one["execution"]), str(one["command"])
            )
            for one in data["surprises"]
        ),
    )


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
