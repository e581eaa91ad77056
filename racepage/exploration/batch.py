"""Many executions in one trace, so that the detector looks at them once for all.

What happens in one execution has nothing to do with another. So every execution has threads and
targets of its own in the trace, those that were there before the exploration included. A thread of
the batch starts the first thread of each, after it has joined all of the one before: the slots of
their clocks serve again, and vectors stay as narrow as one execution needs them.

Executions that came to their end are judged for what they leave behind, and the others are not; so
there are two traces. Threads that never end are joined all the same. What a join orders comes after
all that is of interest, and no check asks who joined what in no world (`detect/worlds.py`).

An execution whose events are those of an earlier one, thread by thread and site by site, shows
nothing new, and is left out. Executions are compared by digests of 64 bits: of a million different
ones two agree with a chance of one to forty million.

Cost: `benchmarks/explore.py`. Numbers become columns, columns become a trace, and the engines look
at it: no step of Python's own for an event or a thread, and names for none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.analysis import examine
from racepage.detect.compiling import taking_turns
from racepage.detect.evidence import NONE
from racepage.detect.rows import following
from racepage.detect.worlds import Worlds
from racepage.events import Op
from racepage.execution.decode import decode, words
from racepage.execution.flat import FIELDS
from racepage.execution.kernel import Kernel, Outcome
from racepage.execution.retrace import runs
from racepage.exploration.digests import digests
from racepage.exploration.numbering import Batched, Canonical, batched
from racepage.finding import Finding, Side
from racepage.trace.columns import NOTHING, Columns, Trace

Ints = NDArray[np.int64]

MOST_EVENTS: Final = 65_536
"""Events from which a batch is full."""

MOST_DIGESTS: Final = 1 << 20
"""Executions that are remembered."""


class Seen(NamedTuple):
    """A finding, and the first execution that showed it.

    Attributes:
        execution: its number.
        kind: a key of `finding.RULES`.
        key: `Finding.identity` of it, in any trace of that execution.
    """

    execution: int
    kind: str
    key: str


class Batch:
    """The executions of one exploration, a few thousand at a time.

    Args:
        kernel: has run nothing that is still in its events.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._names = Canonical()
        self._ends: list[int] = []  # of each execution, in the kernel's events
        self._last = 0  # the number of the last of them
        self._whole: list[bool] = []
        self._digests: set[int] = set()
        self._keys: set[str] = set()
        self._examined = 0

    @property
    def full(self) -> bool:
        """Whether it is time to flush."""
        return len(self._kernel.events) >= FIELDS * MOST_EVENTS

    def close_execution(self, number: int, outcome: Outcome) -> None:
        """Say that the events since the last time are one execution: the next number."""
        self._ends.append(len(self._kernel.events))
        self._last = number
        self._whole.append(outcome == "ended")

    def flush(self) -> list[Seen]:
        """The findings that no earlier flush had, by execution; the kernel's events are cleared."""
        kernel, ends = self._kernel, self._ends
        first = self._last - len(ends) + 1
        found: list[Seen] = []
        if ends:
            columns = self._decoded()
            begin = np.array([0, *ends[:-1]], dtype=np.int64) // FIELDS
            some = np.flatnonzero(np.diff(begin, append=len(columns)))
            new = some[self._are_new(columns, begin, some)]
            for whole in (True, False):
                chosen = new[np.array(self._whole)[new] == whole]
                if len(chosen):
                    told = batched(*_chosen(columns, begin, chosen), self._names, judge_leaks=whole)
                    found += self._examine(told, (first + chosen).tolist())
        kernel.clear()
        self._ends, self._whole = [], []
        return self._first_seen(found)

    def _decoded(self) -> Columns:
        """The events of the batch, with canonical numbers."""
        events = self._kernel.events
        said = words(events)
        running, count = runs(self._kernel.runs, len(said.word))
        threads = self._names.ids(running)
        return decode(events, said, np.repeat(threads, count), self._names)

    def _are_new(self, columns: Columns, begin: Ints, some: Ints) -> NDArray[np.bool_]:
        """Which of the executions, none of them empty, are not like an earlier one."""
        known, new = self._digests, []
        whole = np.array(self._whole)[some]
        for digest in (digests(columns, begin[some]) ^ whole).tolist():
            new.append(digest not in known)
            if len(known) < MOST_DIGESTS:
                known.add(digest)
        return np.array(new, dtype=np.bool_)

    def _examine(self, told: Batched, numbers: Sequence[int]) -> Iterator[Seen]:
        trace = told.trace
        events = self._examined + len(trace)
        with taking_turns(events), following(self._examined):
            examined = examine(trace, worlds=Worlds(told.world))
        self._examined = events
        for one in examined.evidence:
            event = one.first if one.second == NONE else one.second
            finding = Finding(
                kind=one.kind,
                message=one.message,
                first=_side(trace, one.first),
                second=_side(trace, one.second),
                suppressed=examined.scopes.reason(one),
            )
            yield Seen(numbers[told.execution(event)], one.kind, finding.identity)

    def _first_seen(self, found: Sequence[Seen]) -> list[Seen]:
        """What was not seen before, each once."""
        first: list[Seen] = []
        for one in sorted(found):
            if one.key not in self._keys:
                self._keys.add(one.key)
                first.append(one)
        return first


def _chosen(columns: Columns, begin: Ints, which: Ints) -> tuple[Columns, Ints]:
    """Some of the executions, and where each begins then."""
    if len(which) == len(begin):
        return columns, begin
    count = np.diff(begin, append=len(columns))
    chosen = np.zeros(len(begin), dtype=np.bool_)
    chosen[which] = True
    rows = np.flatnonzero(np.repeat(chosen, count))
    return columns.rows(rows), np.cumsum(count[which]) - count[which]


def _side(trace: Trace, event: int) -> Side | None:
    """As much of a side as tells findings apart."""
    if event == NONE:
        return None
    site = int(trace.columns.site[event])
    return Side(
        event=event,
        thread="",
        op=Op(trace.columns.op[event]).name.lower(),
        range=None,
        access="",
        clock=0,
        vector={},
        stack=() if site == NOTHING else trace.sites[site],
    )
