"""The report for programs: JSON, schema version 1 (DESIGN.md section 6.4).

The contract stands in `schema/report-1.json` beside this file. A new key may be added to version
1; a key that changes its meaning or goes away makes version 2.

History: 1, the first. Since then: `variables` in a finding of an imported trace; the events that a
thread or a page begins and ends with have no `vector` and no `locks`, which were always empty;
`labels` and `policy`; in an event `target`, and in a finding `known`; after an exploration more of
`exploration`, and in a finding `execution` (`racepage.report.exploration_json`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, Final

from racepage.events import Frame, Stack
from racepage.finding import (
    Analysis,
    Finding,
    LastSync,
    PageInfo,
    PolicyUse,
    Side,
    Values,
    Why,
)
from racepage.report.variables import variables

SCHEMA: Final = "racepage-report/1"

Object = dict[str, Any]

_LARGE: Final = ("threads", "pages", "labels", "racy_bytes")
_dumps = json.JSONEncoder().encode


def render(analysis: Analysis, *, list_events: bool = False) -> str:
    """The report on one trace as text: one object, ending with a newline.

    The text is ASCII, so that no name in it can mean anything to a terminal. Each thread, page and
    finding has a line of its own, and is forgotten once it is written: of thousands of findings in
    thousands of threads the text is large, and anything else would be many times larger.
    """
    return "".join(_pieces(analysis, list_events=list_events)) + "\n"


def render_all(analyses: Iterable[Analysis], *, list_events: bool = False) -> str:
    """The reports on several traces: an array. Each is let go before the next is asked for."""
    objects = ("".join(_pieces(one, list_events=list_events)) for one in analyses)
    return f"[\n{text}\n]\n" if (text := ",\n".join(objects)) else "[]\n"


def _pieces(analysis: Analysis, *, list_events: bool) -> Iterator[str]:
    """The object's text; its large members a line for each of theirs."""
    before = "{\n"
    for key, value in _head(analysis, list_events=list_events).items():
        yield f"{before}  {_dumps(key)}: "
        before = ",\n"
        if key in _LARGE and value:
            inner = (f"    {_dumps(name)}: {_dumps(member)}" for name, member in value.items())
            yield "{\n" + ",\n".join(inner) + "\n  }"
        else:
            yield _dumps(value)
    yield ',\n  "findings": ['
    before = "\n    "
    for one in analysis.findings:
        yield before + _dumps(finding(analysis, one))
        before = ",\n    "
    yield "\n  ]\n}" if analysis.findings else "]\n}"


def report(analysis: Analysis, *, list_events: bool = False) -> Object:
    """One analysis as plain data, in the order in which it is to be read."""
    head = _head(analysis, list_events=list_events)
    return {**head, "findings": [finding(analysis, one) for one in analysis.findings]}


def _head(analysis: Analysis, *, list_events: bool) -> Object:
    """All but the findings."""
    return {
        "schema": SCHEMA,
        "trace": {
            "path": analysis.path,
            "events": analysis.events,
            "threads": len(analysis.threads),
            "pages": len(analysis.pages),
            "lost_bytes": analysis.lost_bytes,
        },
        "threads": {
            name: {"start": _event(info.start), "end": _event(info.end)}
            for name, info in analysis.threads.items()
        },
        "pages": {name: _page(info) for name, info in analysis.pages.items()},
        "labels": analysis.labels,
        "order": analysis.order,
        "verdict": analysis.verdict,
        "racy_events": analysis.racy_events,
        **({"racy_event_ids": list(analysis.racy_event_ids)} if list_events else {}),
        "racy_bytes": {
            page: [list(piece) for piece in pieces] for page, pieces in analysis.racy_bytes.items()
        },
        "exploration": None,
        "policy": policy(analysis.policy),
    }


def schema() -> Object:
    """The JSON Schema (draft 2020-12) that every report keeps."""
    text = files("racepage.report").joinpath("schema", "report-1.json").read_text("utf-8")
    loaded: Object = json.loads(text)
    return loaded


def finding(analysis: Analysis, one: Finding) -> Object:
    """One finding of an analysis."""
    named = variables(analysis, one.page, one.overlap)
    return {
        "rule": one.rule,
        "kind": one.kind,
        "fingerprint": one.fingerprint,
        "count": one.count,
        "message": one.message,
        "page": one.page,
        "overlap": _range(one.overlap),
        **({"variables": list(named)} if named else {}),
        "values": _values(one.values),
        "why": _why(one.why),
        "first": _side(one.first),
        "second": _side(one.second),
        "related": [_side(side) for side in one.related],
        "suppressed": one.suppressed,
        "known": one.known,
    }


def _side(side: Side | None) -> Object | None:
    """An event that a finding names, with what its thread knew and held."""
    event = _event(side)
    if event is None or side is None:
        return None
    event["vector"] = dict(side.vector)
    event["locks"] = [{"name": lock.name, "mode": lock.mode} for lock in side.locks]
    return event


def _event(side: Side | None) -> Object | None:
    """An event as such."""
    if side is None:
        return None
    return {
        "event": side.event,
        "thread": side.thread,
        "op": side.op,
        "target": side.target,
        "range": _range(side.range),
        "class": side.access,
        "clock": side.clock,
        "site": _site(side.stack),
        "stack": [frame(one) for one in side.stack],
    }


def _page(page: PageInfo) -> Object:
    return {
        "size": page.size,
        "label": page.label,
        "alloc": _event(page.alloc),
        "free": _event(page.free),
    }


def _why(why: Why | None) -> Object | None:
    if why is None:
        return None
    return {
        "last_of_first_known_to_second": _sync(why.last_of_first_known_to_second),
        "last_of_second_known_to_first": _sync(why.last_of_second_known_to_first),
    }


def _sync(sync: LastSync) -> Object:
    return {
        "thread": sync.thread,
        "clock": sync.clock,
        "event": sync.event,
        "op": sync.op,
        "target": sync.target,
        "site": _site(sync.stack),
        "stack": [frame(one) for one in sync.stack],
    }


def _values(values: Values | None) -> Object | None:
    if values is None:
        return None
    return {
        "old": None if values.old is None else values.old.hex(),
        "new": None if values.new is None else values.new.hex(),
    }


def policy(use: PolicyUse | None) -> Object | None:
    """What became of suppressions and a baseline."""
    if use is None:
        return None
    baseline = use.baseline
    return {
        "suppressions": [
            {
                "source": one.source,
                "entry": one.entry,
                "reason": one.reason,
                "conditions": dict(one.conditions),
                "until": None if one.until is None else one.until.isoformat(),
                "expired": one.expired,
                "matched": one.matched,
            }
            for one in use.suppressions
        ],
        "baseline": baseline
        and {
            "path": baseline.path,
            "known": baseline.known,
            "gone": [
                {
                    "fingerprint": one.fingerprint,
                    "rule": one.rule,
                    "count": one.count,
                    "places": [list(place) for place in one.places],
                }
                for one in baseline.gone
            ],
        },
    }


def _range(touched: tuple[int, int] | None) -> list[int] | None:
    return None if touched is None else list(touched)


def frame(one: Frame) -> Object:
    """A place in a program."""
    return {"file": one.file, "line": one.line, "function": one.function}


def _site(stack: Stack) -> Object | None:
    return frame(stack[0]) if stack else None
