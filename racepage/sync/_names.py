"""What primitives are called in a trace: their numbers, and the names that people give them."""

from __future__ import annotations

from weakref import finalize

from racepage.events import LockKind
from racepage.execution import current
from racepage.execution.current import CONTROLLED


def lock_number(owner: object, name: str | None, kind: LockKind = LockKind.PLAIN) -> int:
    """The number of the lock `owner`; what is known of it is forgotten when `owner` is gone."""
    number = current.new_lock(name, kind)
    if name is not None or kind is not LockKind.PLAIN:
        _forget(owner, [number])
    return number


def sync_number(owner: object, name: str | None) -> int:
    """The number of a synchronisation object of `owner`, likewise."""
    number = current.new_sync(name)
    if name is not None:
        _forget(owner, [number])
    return number


def cell_number(owner: object, name: str | None) -> int:
    """The number of the atomic cell `owner`, likewise."""
    number = current.new_cell(name)
    if name is not None:
        _forget(owner, [number])
    return number


class HandOvers:
    """One-shot synchronisation objects of one primitive, each used again once it was taken.

    A named primitive keeps its own, so that they bear its name: `sync:jobs`, `sync:jobs#2`. One
    without a name shares them with all others. The primitive's mutex guards `new` and `done`.

    Under control an execution makes its own, and uses none of them again.

    Attributes:
        whole: what stands for the primitive itself: threads wait for it, nothing is handed over.
    """

    __slots__ = ("_name", "_numbers", "_spare", "whole")

    def __init__(self, owner: object, name: str | None) -> None:
        self._name = name
        self._numbers: list[int] = []
        self._spare: list[int] = []
        self.whole = current.new_sync(name)
        if name is not None:
            self._numbers.append(self.whole)
            _forget(owner, self._numbers)

    def new(self) -> int:
        """An object that nobody else uses now. It may have been used: begin with a `release`."""
        if self._name is None:
            return current.one_shot()
        if current.mode >= CONTROLLED:
            return current.new_sync(self._name)
        if self._spare:
            return self._spare.pop()
        number = current.new_sync(self._name)
        self._numbers.append(number)
        return number

    def done(self, number: int) -> None:
        """Let another hand-over use `number`: it was taken, or never will be."""
        if self._name is None:
            current.recycle(number)
        elif current.mode < CONTROLLED:
            self._spare.append(number)


def _forget(owner: object, numbers: list[int]) -> None:
    finalize(owner, _drop, numbers).atexit = False


def _drop(numbers: list[int]) -> None:
    for number in numbers:
        current.drop(number)


def shown(primitive: object, name: str | None) -> str:
    """`sync.Lock 'mmap'`: the start of every primitive's `repr`."""
    kind = type(primitive)
    room = "sync" if kind.__module__.startswith(__package__) else kind.__module__
    return f"{room}.{kind.__qualname__}" + ("" if name is None else f" {name!r}")
