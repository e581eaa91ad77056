"""Compiled code.

Only modules that are themselves imported late may import this one: it loads numba, which takes
most of a second.

`compiled` makes a function that Python calls; `inlined` makes one that compiled functions call. The
first call compiles, says so in one line on stderr, and keeps the result where `racepage.cache`
says; where nothing can be kept, every process compiles anew.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
from numba.core import event

from racepage import cache as kept
from racepage.errors import RacepageError

F = TypeVar("F", bound=Callable[..., Any])

_COMPILED: Final[list[Any]] = []
"""What numba made of the functions that Python calls."""

_NOTICE: Final = "compiling the native engine (once, about 10 s) ..."

if numba.config.DISABLE_JIT:
    raise RacepageError(
        "NUMBA_DISABLE_JIT is set, and the native engine has to be compiled: unset it, or take the "
        "reference engine (--engine reference)"
    )


class _Notice(event.Listener):  # type: ignore[misc]  # numba has no types
    """Says once, before the first function of racepage is compiled, that this takes a while."""

    said = False

    def on_start(self, event: Any) -> None:
        if not self.said and event.data["dispatcher"] in _COMPILED:
            self.said = True
            kept.announce(_NOTICE)

    def on_end(self, event: Any) -> None:
        """Nothing: what was compiled is about to be used."""


event.register("numba:compile", _Notice())


@cache
def compiled(function: F) -> F:
    """The function, compiled at its first call for the types of its arguments, and kept."""
    directory = kept.directory_for(Path(inspect.getfile(function)))
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
    fast: F = numba.njit(function)
    return fast


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
