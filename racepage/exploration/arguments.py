"""What an exploration can be told by name in Python, and whether that makes sense.

It loads nothing, so that pytest can ask while it collects tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from racepage.errors import RacepageError

ATTRIBUTE: Final = "__racepage__"
"""What a function that `explore` decorates has: its `Options`."""

_NUMBERS: Final = {
    "executions": (1, True),
    "seconds": (0, True),
    "findings": (1, True),
    "steps": (1, False),
    "shrinks": (0, False),
}
"""What is a number: the least that it may be, and whether None stands for no limit."""

ARGUMENTS: Final = ("strategy", *_NUMBERS)
"""All but the parameters of a strategy."""


def check(said: Mapping[str, Any]) -> None:
    """Refuse what is no value of an argument; those that are not there are as they should be.

    Raises:
        RacepageError: one is not.
    """
    for name, (least, may_be_none) in _NUMBERS.items():
        value = said.get(name, least)
        kinds = (int, float) if name == "seconds" else (int,)
        good = isinstance(value, kinds) and not isinstance(value, bool) and value >= least
        if not (good or (value is None and may_be_none)):
            what = "a number" if name == "seconds" else "a whole number"
            told = f"{what} from {least}" + (", or None for no limit" if may_be_none else "")
            raise RacepageError(f"{name} is {value!r:.40}; it is {told}")
    if not isinstance(said.get("strategy", ""), str):
        raise RacepageError(f"strategy is {said['strategy']!r:.40}; it is a name such as 'pct'")


def refuse_misspelt(names: Iterable[str], parameters: Container[str]) -> None:
    """Take what is nearly an argument for that, and not for a parameter of a strategy.

    Args:
        names: what somebody gave.
        parameters: those that strategies have.

    Raises:
        RacepageError: one is.
    """
    for name in names:
        near = get_close_matches(name, ARGUMENTS, n=1)
        if near and name not in parameters:
            raise RacepageError(f"there is no argument {name!r}; did you mean {near[0]}?")


def refuse_async(function: Callable[..., object]) -> None:
    """Refuse what does nothing when it is called.

    Raises:
        RacepageError: it is an async function.
    """
    inner = inspect.unwrap(function)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        raise RacepageError(
            "an async function cannot be explored: its tasks are no threads; explore a "
            "function that starts racepage.sync.Thread"
        )
