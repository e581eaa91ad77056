"""What a program is called, and how to tell whether it is still the same one."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """A program, and what it is explored with.

    Attributes:
        name: what people call it.
        replay: the command that replays a schedule of it, with `{}` for the schedule; None where
            there is no such command.
        digest: of its source text; None where that cannot be read.
        strategy: which one explores it.
        parameters: of the strategy, the seed included.
    """

    name: str
    replay: str | None = None
    digest: str | None = None
    strategy: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def digest(program: Callable[..., object]) -> str | None:
    """A digest of the text of the file in which a program stands; None where there is none."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(program))
        if file is None:
            return None
        with open(file, "rb") as text:  # noqa: PTH123  (a path would be made and dropped)
            return hashlib.sha256(text.read()).hexdigest()[:16]
    except (OSError, TypeError):
        return None
