"""What the page knows beside the columns: names, places, findings; as JSON, with numbers into it.

An event is named by its number, for the page has the event itself in the columns; so a finding of
a trace with thousands of threads costs what it says, and not what its events know.
"""

from __future__ import annotations

from typing import Any, Final

from racepage import __version__
from racepage.events import CLASS_OF, WRITES, Frame, Op
from racepage.finding import RULES, Analysis, Finding, LastSync, Side
from racepage.report.frames import of_the_program, place
from racepage.report.source import Sources
from racepage.report.variables import variables
from racepage.trace.columns import Trace

Object = dict[str, Any]

LONGEST_NAME: Final = 300
"""Characters of a name, a message or a source line that the page carries."""

MOST_LINES: Final = 5_000
"""Places whose source line the page carries; the others have their file and number."""

_COMPONENTS: Final = 64  # of a vector
_VALUES: Final = 256  # bytes before and after


def facts(trace: Trace, analysis: Analysis) -> Object:
    """All that `model.mjs` asks for, ready for JSON."""
    frames = _Frames()
    sites = [frames.numbers(of_the_program(stack)) for stack in trace.sites]
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
        "rules": {rule.kind: [rule.id, rule.summary] for rule in RULES.values()},
        "threads": [_short(name) for name in trace.threads],
        "targets": [
            [int(one.kind), _short(one.name), _short(trace.labels.get(at))]
            for at, one in enumerate(trace.targets)
        ],
        "sizes": sorted(trace.page_sizes.items()),
        "racy": sorted(
            (target[page], [list(piece) for piece in pieces])
            for page, pieces in analysis.racy_bytes.items()
        ),
        "sites": sites,
        "frames": frames.told,
        "findings": [_finding(analysis, one, number, target) for one in analysis.findings],
    }


class _Frames:
    """The frames of all stacks, each once: [place, function, source line or null]."""

    def __init__(self) -> None:
        self.told: list[list[str | None]] = []
        self._numbers: dict[Frame, int] = {}
        self._sources = Sources()

    def numbers(self, stack: tuple[Frame, ...]) -> list[int]:
        return [self._number(frame) for frame in stack]

    def _number(self, frame: Frame) -> int:
        if frame not in self._numbers:
            self._numbers[frame] = len(self.told)
            code = self._sources.line(frame) if len(self.told) < MOST_LINES else None
            where = place(frame._replace(function=""))
            self.told.append([_short(where), _short(frame.function), _short(code)])
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
