"""What the page knows beside the columns: names, places, findings; as JSON, with numbers into it.

An event is named by its number, for the page has the event itself in the columns; so a finding of
a trace with thousands of threads costs what it says, and not what its events know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from racepage import __version__
from racepage.events import CLASS_OF, WRITES, Frame, Op
from racepage.finding import RULES, Analysis, Finding, LastSync, Side
from racepage.report.frames import of_the_program, place
from racepage.report.source import Sources
from racepage.report.variables import variables
from racepage.report.viewer.density import SORT_OF
from racepage.trace.columns import Columns, Trace

Object = dict[str, Any]

LONGEST_NAME: Final = 300
"""Characters of a name, a message or a source line that the page carries."""

MOST_LINES: Final = 5_000
"""Places whose source line the page carries; the others have their file and number."""

_COMPONENTS: Final = 64  # of a vector
_VALUES: Final = 256  # bytes before and after


def facts(trace: Trace, analysis: Analysis) -> Object:
    """All that `model.mjs` asks for, ready for JSON."""
    tables = Tables(trace)
    return {
        **_facts(trace, analysis),
        "sizes": sorted(trace.page_sizes.items()),
        "targets": [tables.target(at) for at in range(len(trace.targets))],
        "sites": [tables.site(at) for at in range(len(trace.sites))],
        "frames": tables.frames,
    }


def some_facts(trace: Trace, analysis: Analysis, tables: Tables, pages: Iterable[int]) -> Object:
    """The same where a page holds some events only: of the tables, what `tables` was asked for.

    Targets and places then go by their numbers in the trace. Of the pages there are `pages`.
    """
    told = _facts(trace, analysis)
    told["sizes"] = [(page, trace.page_sizes[page]) for page in pages]
    for page, _ in (*told["sizes"], *told["racy"]):
        tables.target(page)
    for finding in told["findings"]:
        sides = [side for side in (finding["first"], finding["second"]) if side]
        locks = [lock for side in sides for lock, _ in side["locks"]]
        for target in (finding["page"], *(side["target"] for side in sides), *locks):
            if target is not None:
                tables.target(target)
    return {**told, **tables.told()}


def _facts(trace: Trace, analysis: Analysis) -> Object:
    number = {name: at for at, name in enumerate(trace.threads)}
    target = {str(one): at for at, one in enumerate(trace.targets)}
    return {
        "racepage": __version__,
        "path": _short(analysis.path),
        "program": _short(trace.origin.program),
        "form": trace.origin.form,
        "verdict": analysis.verdict,
        "order": analysis.order,
        "events": len(trace),
        "complete": analysis.complete,
        "lost": analysis.lost_bytes,
        "racyEvents": analysis.racy_events,
        "warnings": [_short(one) for one in analysis.warnings],
        "ops": [op.name.lower() for op in Op],
        "classes": [one.name.lower() for one in CLASS_OF],
        "writes": [int(op in WRITES) for op in Op],
        "sorts": SORT_OF,
        "rules": {rule.kind: [rule.id, rule.summary] for rule in RULES.values()},
        "threads": [_short(name) for name in trace.threads],
        "pages": len(trace.page_sizes),
        "racy": sorted(
            (target[page], [list(piece) for piece in pieces])
            for page, pieces in analysis.racy_bytes.items()
        ),
        "findings": [_finding(analysis, one, number, target) for one in analysis.findings],
    }


class Tables:
    """What events point into, told as it is asked for: targets, places, and their frames.

    Attributes:
        frames: each once: [place, function, source line or null].
    """

    def __init__(self, trace: Trace) -> None:
        self.frames: list[list[str | None]] = []
        self._trace = trace
        self._targets: dict[int, list[int | str | None]] = {}
        self._sites: dict[int, list[int]] = {}
        self._numbers: dict[Frame, int] = {}
        self._sources = Sources()

    def target(self, at: int) -> list[int | str | None]:
        """A target: [kind, name, label or null]."""
        if at not in self._targets:
            one = self._trace.targets[at]
            label = self._trace.labels.get(at)
            self._targets[at] = [int(one.kind), _short(one.name), _short(label)]
        return self._targets[at]

    def site(self, at: int) -> list[int]:
        """A place: the numbers of its frames, innermost first."""
        if at not in self._sites:
            stack = of_the_program(self._trace.sites[at])
            self._sites[at] = [self._number(frame) for frame in stack]
        return self._sites[at]

    def ask(self, columns: Columns) -> None:
        """Ask for whatever some events point to."""
        for look_up, values in ((self.target, columns.target), (self.site, columns.site)):
            for one in np.unique(values[values >= 0]).tolist():
                look_up(one)

    def told(self) -> Object:
        """All that was asked for: targets and sites by their numbers."""
        return {"targets": self._targets, "sites": self._sites, "frames": self.frames}

    def _number(self, frame: Frame) -> int:
        if frame not in self._numbers:
            self._numbers[frame] = len(self.frames)
            code = self._sources.line(frame) if len(self.frames) < MOST_LINES else None
            where = place(frame._replace(function=""))
            self.frames.append([_short(where), _short(frame.function), _short(code)])
        return self._numbers[frame]


def _finding(
    analysis: Analysis, one: Finding, number: dict[str, int], target: dict[str, int]
) -> Object:
    return {
        "rule": one.rule,
        "kind": one.kind,
        "message": _short(one.message),
        "count": one.count,
        "fingerprint": one.fingerprint,
        "page": None if one.page is None else target.get(one.page),
        "overlap": None if one.overlap is None else list(one.overlap),
        "variables": [_short(name) for name in variables(analysis, one.page, one.overlap)[:8]],
        "first": _side(one.first, number, target),
        "second": _side(one.second, number, target),
        "related": [side.event for side in one.related],
        "why": one.why
        and {
            "first": _known(one.why.last_of_first_known_to_second),
            "second": _known(one.why.last_of_second_known_to_first),
        },
        "old": _hex(None if one.values is None else one.values.old),
        "new": _hex(None if one.values is None else one.values.new),
        "suppressed": _short(one.suppressed),
        "known": one.known,
    }


def _side(side: Side | None, number: dict[str, int], target: dict[str, int]) -> Object | None:
    if side is None:
        return None
    vector = sorted((number[name], clock) for name, clock in side.vector.items())
    return {
        "event": side.event,
        "range": None if side.range is None else list(side.range),
        "target": None if side.target is None else target.get(side.target),
        "clock": side.clock,
        "vector": vector[:_COMPONENTS],
        "more": max(0, len(vector) - _COMPONENTS),
        "locks": [[target.get(f"lock:{lock.name}"), lock.mode] for lock in side.locks],
    }


def _known(sync: LastSync) -> Object:
    """The last that one side knows of the other's thread; `event` is null for nothing."""
    return {"event": sync.event, "clock": sync.clock}


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value[:_VALUES].hex()


def _short(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST_NAME:
        return text
    return text[: LONGEST_NAME - 1] + "…"
