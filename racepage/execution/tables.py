"""The names of one recording: process-wide numbers become the small ids of a trace's tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from racepage.events import Kind, LockKind, Target
from racepage.execution import current
from racepage.execution.sites import Sites
from racepage.execution.targets import KIND_MASK, NO_TARGET, SMALLEST_PAGE
from racepage.trace.columns import NOTHING


class _Ids(dict[int, int]):
    """number -> id; a number that is new is given the next one."""

    def __init__(self, tables: Tables) -> None:
        super().__init__({NO_TARGET: NOTHING})
        self._tables = tables

    def __missing__(self, number: int) -> int:
        found = self._tables.add(number)
        self[number] = found
        return found


class Tables:
    """Threads, targets, sizes and labels of one recording; every table only grows.

    Attributes:
        threads: unique names; the index is the thread's number in the trace.
        targets: unique.
        page_sizes: target id of a page -> bytes.
        labels: target id -> what people call it.
        lock_kinds: target id -> what a lock is, where it is not PLAIN.
        sites: the call sites.
        foreign: the threads that nobody started through racepage.
    """

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.targets: list[Target] = []
        self.page_sizes: dict[int, int] = {}
        self.labels: dict[int, str] = {}
        self.lock_kinds: dict[int, LockKind] = {}
        self.sites = Sites()
        self.foreign: list[str] = []
        self._ids = _Ids(self)
        self._thread_ids: dict[int, int] = {}
        self._taken: set[Target] = set()
        self._clashes: dict[Target, int] = {}
        self._anonymous = dict.fromkeys(Kind, 0)

    def ids(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """The target ids of `numbers`."""
        return np.fromiter(map(self._ids.__getitem__, numbers), np.int32, len(numbers))

    def id(self, number: int) -> int:
        """The target id of one number."""
        return self._ids[number]

    def knows(self, number: int) -> bool:
        """Whether that number was asked for before."""
        return number in self._ids

    def thread(self, number: int) -> int:
        """The index of the thread with that number."""
        found = self._thread_ids.get(number)
        if found is None:
            log = current.logs.get(number)
            name = current.given[number] if log is None else log.name
            name = self._unique(Target(Kind.THREAD, name)).name
            found = self._thread_ids[number] = len(self.threads)
            self.threads.append(name)
            if log is not None and log.foreign:
                self.foreign.append(name)
        return found

    def add(self, number: int) -> int:
        """Give a number that is new its name and its id."""
        kind = Kind(number & KIND_MASK)
        found = len(self.targets)
        if kind is Kind.THREAD:
            self.targets.append(Target(kind, self.threads[self.thread(number)]))
            return found
        given = current.given.get(number)
        if kind in (Kind.PAGE, Kind.USER):
            if given is not None:
                self.labels[found] = given
            given = None
        if given is None:
            given = str(self._anonymous[kind])
            self._anonymous[kind] += 1
        self.targets.append(self._unique(Target(kind, given)))
        if number in current.lock_kinds:
            self.lock_kinds[found] = current.lock_kinds[number]
        if kind is Kind.PAGE:
            self.page_sizes[found] = current.sizes.get(number, SMALLEST_PAGE)
        return found

    def relabel(self) -> list[int]:
        """Take over the labels that were given since the last time; the target ids that have one.

        What this recording has not met yet gets its label when it does.
        """
        changed = []
        while current.relabelled:
            number = current.relabelled.pop()
            if self.knows(number):
                self.labels[self._ids[number]] = current.given[number]
                changed.append(self._ids[number])
        return changed

    def _unique(self, target: Target) -> Target:
        """`target`, or with `#2`, `#3` … after its name if that is taken."""
        free = target
        while free in self._taken:
            self._clashes[target] = self._clashes.get(target, 1) + 1
            free = Target(target.kind, f"{target.name}#{self._clashes[target]}")
        self._taken.add(free)
        return free
