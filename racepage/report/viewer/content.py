"""What goes into a page: of a trace that it can hold, every event; of a longer one, an excerpt.

The columns of both are the same, and events are numbered from 0 in both. In an excerpt, a column
`at` says which event of the trace each one is, and there are besides

- `density`, and `slow` where the trace has times: counts of *all* events, by order and by the clock
  (`density.py`), one plane after the other;
- `heat` and `last`: what `touched.py` says of each page of a race; `last` names the trace's events.

Facts name events by their numbers in the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racepage.finding import Analysis
from racepage.order.history import History
from racepage.report.arrows import Arrows, arrows, stamped
from racepage.report.viewer.density import Density, density, shift_for
from racepage.report.viewer.facts import Object, Tables, facts, some_facts
from racepage.report.viewer.kept import Keeping, Limits
from racepage.report.viewer.some_arrows import some_arrows
from racepage.report.viewer.times import Times
from racepage.report.viewer.touched import CELLS, touched
from racepage.trace.columns import Columns, Trace

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """The facts of a page, ready for JSON, and its columns by name."""

    facts: Object
    columns: dict[str, NDArray[Any]]


def whole(trace: Trace, analysis: Analysis) -> Content:
    """Everything."""
    events = trace.columns
    timed = np.flatnonzero(events.time)
    begin = int(events.time[timed].min()) if len(timed) else 0
    columns = {
        **_events(events),
        "timed": timed,
        "time": events.time[timed] - begin,
        "racy": np.array(analysis.racy_event_ids, dtype=np.int64),
        **_edges(arrows(trace)),
    }
    return Content(facts(trace, analysis), columns)


class Excerpt:
    """What a page holds of a trace that is too long for it.

    Args:
        trace: the trace.
        analysis: what was found in it.
        limits: how much there is room for.

    Attributes:
        marked: the events that race, and the sides of findings; int64, ascending.
    """

    def __init__(self, trace: Trace, analysis: Analysis, limits: Limits) -> None:
        self._trace = trace
        self._analysis = analysis
        self._limits = limits
        self._history = History(trace.columns.thread, stamped(trace))
        most = max(CELLS, limits.pairs // (int(self._history.slot.max(initial=0)) + 1))
        self._touched = touched(trace, _pages(trace, analysis)[: limits.pages]).with_few(most)
        self._pages = self._touched.pages
        last = np.unique(self._touched.last)
        self._keeping = Keeping(trace, analysis, limits, last[last >= 0])
        self._times = Times(trace.columns, len(trace.threads))
        self._when = self._times.of(self._keeping.rows)
        sides = (side for one in analysis.findings for side in (one.first, one.second))
        events = [side.event for side in sides if side is not None]
        self.marked = np.unique(np.array([*analysis.racy_event_ids, *events], dtype=np.int64))

    def content(self, counts: Density | None = None) -> Content:
        """The page.

        Args:
            counts: the trace's density, where somebody has it already and finer.
        """
        trace, limits = self._trace, self._limits
        most = {"most_buckets": limits.buckets, "most_cells": limits.cells}
        shift = shift_for(len(trace), len(trace.threads), **most)
        if counts is not None:
            shift = max(shift, counts.shift)
        else:
            counts = density(trace.columns, len(trace.threads), shift, self.marked)
        told = counts.tile(shift, 0, limits.buckets)
        columns, tables = self._held(self._keeping.rows)
        columns |= {
            "density": told.ravel(),
            "heat": self._touched.heat.ravel(),
            "last": self._touched.last.ravel(),
        }
        if self._times.last is not None:
            columns["slow"] = self._times.density(told.shape[2], self.marked).ravel()
        known = {
            **some_facts(trace, self._analysis, tables, self._pages),
            "windows": self._keeping.windows,
            "density": {"shift": shift, "buckets": told.shape[2]},
            "latest": self._times.last,
            "touched": list(zip(self._pages, self._touched.events.tolist(), strict=True)),
        }
        return Content(known, columns)

    def window(self, start: int, stop: int, singles: Sequence[int] = ()) -> Content:
        """The events of a page that holds the window [start, stop) besides, and their tables.

        `singles` are further events to hold.
        """
        columns, tables = self._held(self._keeping.with_window(start, stop, singles))
        return Content(tables.told(), columns)

    def _held(self, rows: Ints) -> tuple[dict[str, NDArray[Any]], Tables]:
        trace = self._trace
        events = replace(trace.columns, details={}).rows(rows)
        tables = Tables(trace)
        tables.ask(events)
        timed = self._times.last is not None
        when = np.empty(len(rows))
        always = np.isin(rows, self._keeping.rows, assume_unique=True)
        when[always] = self._when
        when[~always] = self._times.of(rows[~always])
        columns = {
            "at": rows,
            **_events(events),
            "timed": np.arange(len(rows) if timed else 0),
            "time": when.astype(np.int64)[: len(rows) if timed else 0],
            "racy": np.flatnonzero(np.isin(rows, self.marked, assume_unique=True)),
            **_edges(some_arrows(self._history, trace.columns.thread, rows)),
        }
        return columns, tables


def _events(columns: Columns) -> dict[str, NDArray[Any]]:
    return {
        "thread": columns.thread,
        "op": columns.op,
        "target": columns.target,
        "offset": columns.offset,
        "length": columns.length,
        "site": columns.site,
        "flags": columns.flags,
        "order": columns.order,
    }


def _edges(edges: Arrows) -> dict[str, NDArray[Any]]:
    return {"arrowTo": edges.to, "arrowBack": edges.to - edges.source}


def _pages(trace: Trace, analysis: Analysis) -> list[int]:
    """The pages that findings are on, and then those with racy bytes: target ids."""
    named = [one.page for one in analysis.findings if one.page is not None]
    wanted = dict.fromkeys((*named, *analysis.racy_bytes))
    number = {str(trace.targets[page]): page for page in trace.page_sizes}
    return [number[name] for name in wanted if name in number]
