"""Compiled code: when it is compiled, and where it is kept.

Only modules that are themselves imported late may import this one: it loads numba, which takes
most of a second.

`compiled` makes a function that Python calls; `inlined` makes one that compiled
functions call. The first call compiles, says so in one line on stderr, and keeps the result in the
user's cache directory; where that cannot be written, every process compiles anew. What is kept
lies in a directory that is named by a digest of the sources it was made from: numba itself looks
only at the file of the function that Python calls, not at those of what that function calls.
Processes may compile at the same time: numba replaces its files atomically, and what they hold is
the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
from numba.core import event

F = TypeVar("F", bound=Callable[..., Any])

_SOURCES: Final[list[str]] = []
"""The files that functions came from which are inlined into others."""

_COMPILED: Final[list[Any]] = []
"""What numba made of the functions that Python calls."""

_NOTICE: Final = "racepage: compiling the native engine (once, about 10 s) ..."


class _Notice(event.Listener):  # type: ignore[misc]  # numba has no types
    """Says once, before the first function of racepage is compiled, that this takes a while."""

    said = False

    def on_start(self, event: Any) -> None:
        if not self.said and event.data["dispatcher"] in _COMPILED:
            self.said = True
            print(_NOTICE, file=sys.stderr, flush=True)  # noqa: T201  (progress is for stderr)

    def on_end(self, event: Any) -> None:
        """Nothing: what was compiled is about to be used."""


event.register("numba:compile", _Notice())


@cache
def compiled(function: F) -> F:
    """The function, compiled at its first call for the types of its arguments, and kept."""
    directory = _cache_directory(inspect.getfile(function))
    with _numba_cache(directory):
        fast = numba.njit(function, cache=directory is not None, nogil=True)
    _COMPILED.append(fast)

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return fast(*arguments)
        except OSError:  # it was compiled, but could not be kept: the disk is full
            return fast(*arguments)

    return call  # type: ignore[return-value]  # the same signature


def inlined(function: F) -> F:
    """The function, for compiled functions to call; Python cannot."""
    _SOURCES.append(inspect.getfile(function))
    fast: F = numba.njit(function)
    return fast


def _cache_directory(source: str) -> Path | None:
    """Where code from the file `source` is kept; None for nowhere.

    What it is made from is that file, floor 0, and what its room has to inline: that was imported
    before.
    """
    room, ground = Path(source).parent, Path(__file__).parent
    inner = {Path(file) for file in _SOURCES if Path(file).parent == room}
    digest = hashlib.sha256()
    for file in sorted({Path(source), *inner, *ground.glob("*.py")}):
        digest.update(file.read_bytes())
    try:
        own = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        base = Path(numba.config.CACHE_DIR or Path(own, "racepage"))
        directory = base / f"native-{digest.hexdigest()[:16]}"
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except (OSError, RuntimeError):  # not writable, or no home at all
        return None
    return directory


@contextlib.contextmanager
def _numba_cache(directory: Path | None) -> Iterator[None]:
    """Within, numba chooses `directory` to keep what it compiles."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(directory or before)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@inlined
def smaller(one: int, other: int) -> int:
    """`min`, of which numba would compile a version for every combination of constants."""
    return one if one < other else other  # noqa: FURB136


@inlined
def larger(one: int, other: int) -> int:
    """`max`, for the same reason."""
    return one if one > other else other  # noqa: FURB136
