"""Races that the program says are meant: the scopes of `racy_ok`.

A finding of one of the kinds in `MEANT` is suppressed when one of its sides lies in such a scope of
its thread; the innermost scope gives the reason. One place in the program may be inside a scope at
one time and outside at another, or have two reasons; so for the detectors, an access in a scope has
a place of its own, one for each site and reason, and no class of findings is half meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.places import places, ranked
from racepage.detect.rows import which
from racepage.events import Flag, Op
from racepage.trace.columns import NOTHING, Columns, Trace

MEANT: Final = frozenset({"data-race", "mixed-size-atomic", "exclusive-violation", "double-fetch"})
"""The kinds that a program may mean. Nobody means a use after free."""

Ints = NDArray[np.int64]


class Scopes:
    """The scopes of one trace.

    Args:
        trace: the trace.
        rare: the rows that `rows.rare` chose.
    """

    def __init__(self, trace: Trace, rare: Ints) -> None:
        self._trace = trace
        changes = list(_changes(trace.columns, which(trace.columns, rare, Op.RACY_OK)))
        event, thread, reason = np.array(changes, dtype=np.int64).reshape(-1, 3).T
        order = np.lexsort((event, thread))
        self._keys = self._key(thread[order], event[order])
        self._reasons = reason[order]

    def apart(self) -> Trace:
        """The trace with sites of their own for what is in a scope.

        Those numbers are in no table. They are for detectors, which only compare them.
        """
        trace, columns = self._trace, self._trace.columns
        if not len(self._keys):
            return trace
        scoped = np.zeros(len(trace.threads), dtype=np.bool_)
        scoped[self._keys // (len(trace) + 1)] = True
        rows = np.flatnonzero(scoped[columns.thread])
        reasons = self._at(rows)
        rows, reasons = rows[reasons != NOTHING], reasons[reasons != NOTHING]
        site = columns.site.copy()
        site[rows] = len(trace.sites) + ranked(places(columns, rows), reasons)
        return replace(trace, columns=replace(columns, site=site))

    def reason(self, one: Evidence) -> str | None:
        """Why a finding is meant, if it is: what the second side says, or else the first."""
        if one.kind not in MEANT or not len(self._keys):
            return None
        sides = [event for event in (one.second, one.first) if event != NONE]
        reasons = self._at(np.array(sides, dtype=np.int64))
        said = reasons[reasons != NOTHING]
        return self._trace.targets[int(said[0])].name if len(said) else None

    def _key(self, thread: NDArray[np.integer], event: Ints) -> Ints:
        return thread.astype(np.int64) * (len(self._trace) + 1) + event

    def _at(self, events: Ints) -> Ints:
        """The reason that is in force at each event, as a target, or NOTHING."""
        thread = self._trace.columns.thread[events]
        last = np.searchsorted(self._keys, self._key(thread, events), side="right") - 1
        known = (last >= 0) & (self._keys[last] >= self._key(thread, np.zeros_like(events)))
        return np.where(known, self._reasons[last], NOTHING)


def _changes(columns: Columns, rows: Ints) -> Iterator[tuple[int, int, int]]:
    """Event, thread, and the reason from there on; `rows` begin and end scopes.

    An end closes the innermost scope; where there is none, it is that of a scope which began before
    the trace.
    """
    scopes: defaultdict[int, list[int]] = defaultdict(list)
    fields = (columns.thread, columns.target, columns.flags)
    told = zip(rows.tolist(), *(field[rows].tolist() for field in fields), strict=True)
    for event, thread, reason, flags in told:
        inside = scopes[thread]
        if flags & Flag.BEGIN:
            inside.append(reason)
        elif flags & Flag.END and inside:
            inside.pop()
        yield event, thread, inside[-1] if inside else NOTHING
