"""Reading the saved state of a search, which anybody may have written.

What a strategy does with its state later must not go wrong, so everything is checked here: a
`RacepageError` says which field is wrong and what it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Final, NoReturn

from racepage.errors import RacepageError
from racepage.execution.step import Step, Touch

FAILED: Final = 5
"""How a step touches what it could have changed and did not, for a search that takes no chances
(`doubt`). It depends on what a WRITE depends on."""

MOST: Final = 1 << 53
"""The largest number in a state: every reader of JSON has it exactly."""


class Saved:
    """The state of the search `strategy`."""

    __slots__ = ("_fields", "_strategy")

    def __init__(self, state: object, strategy: str) -> None:
        """Take `state`.

        Raises:
            RacepageError: it is no dictionary, or the state of another strategy.
        """
        self._strategy = strategy
        self._fields = self._object(state, "it")
        if self.any("strategy") != strategy:
            self.refuse(f'its "strategy" is not "{strategy}"')

    def part(self, value: object, what: str) -> Saved:
        """An object inside the state."""
        part = copy(self)
        part._fields = self._object(value, what)
        return part

    def refuse(self, why: str) -> NoReturn:
        """Say that this is no state of the strategy, and why.

        Raises:
            RacepageError: always.
        """
        raise RacepageError(
            f"this is no saved state of the strategy {self._strategy}: {why}; "
            "begin the search anew, without a saved state"
        )

    def _object(self, value: object, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.refuse(f"{what} is no JSON object")
        return value

    def any(self, field: str) -> Any:
        """A field, unchecked."""
        if field not in self._fields:
            self.refuse(f'it has no "{field}"')
        return self._fields[field]

    def number(self, field: str, low: int = 0, high: int = MOST) -> int:
        """A field that is a whole number from `low` to `high`."""
        return self.whole(self.any(field), f'"{field}"', low, high)

    def flag(self, field: str) -> bool:
        """A field that is true or false."""
        value = self.any(field)
        if not isinstance(value, bool):
            self.refuse(f'"{field}" is neither true nor false')
        return value

    def items(self, field: str, most: int = MOST) -> list[Any]:
        """A field that is a list of something, at most so long."""
        items = self.sequence(self.any(field), f'"{field}"')
        if len(items) > most:
            self.refuse(f'"{field}" has more than {most} items')
        return items

    def numbers(self, field: str, low: int = 0, high: int = MOST) -> list[int]:
        """A field that is a list of whole numbers from `low` to `high`."""
        return [self.whole(item, f'"{field}"', low, high) for item in self.items(field)]

    def table(self, field: str, low: int = 0, high: int = MOST) -> dict[int, int]:
        """A field that is a table, as `pairs` writes it, with values from `low` to `high`."""
        return self.mapping(self.any(field), f'"{field}"', low, high)

    def whole(self, value: object, what: str, low: int = 0, high: int = MOST) -> int:
        """A whole number from `low` to `high`."""
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(f"{what} is not a whole number from {low} to {high}")
        return value

    def sequence(self, value: object, what: str) -> list[Any]:
        """A list."""
        if not isinstance(value, list):
            self.refuse(f"{what} is not a list")
        return value

    def parts(self, value: object, what: str, count: int) -> list[Any]:
        """A list of so many items."""
        parts = self.sequence(value, what)
        if len(parts) != count:
            self.refuse(f"{what} has not {count} parts")
        return parts

    def mapping(self, value: object, what: str, low: int = 0, high: int = MOST) -> dict[int, int]:
        """A table, as `pairs` writes it, with values from `low` to `high`."""
        table = {}
        for item in self.sequence(value, what):
            left, right = self.parts(item, f"an item of {what}", 2)
            key = self.whole(left, what)
            if key in table:
                self.refuse(f"{what} has {key} twice")
            table[key] = self.whole(right, what, low, high)
        return table

    def step(self, value: object, what: str) -> Step:
        """A step, as `written` writes it."""
        task, touched, picked = self.parts(value, what, 3)
        flat = [self.whole(item, what) for item in self.sequence(touched, what)]
        if len(flat) % 4:
            self.refuse(f"{what} has a touch without all of its four numbers")
        touches = tuple(Touch(*flat[at : at + 4]) for at in range(0, len(flat), 4))
        if any(touch.start >= touch.stop or touch.how > FAILED for touch in touches):
            self.refuse(f"{what} has a touch of nothing, or of an unknown kind")
        picks = tuple(self.whole(item, what) for item in self.sequence(picked, what))
        return Step(self.whole(task, what), touches, picks)


def written(step: Step) -> list[Any]:
    """A step, as JSON can hold it: `[thread, [target, start, stop, how, …], [pick, …]]`."""
    flat: list[int] = []
    for touch in step.touches:
        flat.extend(touch)
    return [step.task, flat, list(step.picks)]


def pairs(table: dict[int, int]) -> list[Sequence[int]]:
    """A table, as JSON can hold it."""
    return [[key, value] for key, value in table.items()]
