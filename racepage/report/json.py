"""The report for programs: JSON, schema version 1 (DESIGN.md section 6.4).

The contract stands in `schema/report-1.json` beside this file. A new key may be added to version
1; a key that changes its meaning or goes away makes version 2.

History: 1, the first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from racepage.events import Frame, Stack
from racepage.finding import Analysis, Finding, LastSync, PageInfo, Side, Values, Why

SCHEMA: Final = "racepage-report/1"

Object = dict[str, Any]


def render(analyses: Sequence[Analysis], *, list_events: bool = False, many: bool = False) -> str:
    """The reports as text, ending with a newline: one object, or an array of them if `many`.

    The text is ASCII, so that no name in it can mean anything to a terminal.
    """
    reports = [report(analysis, list_events=list_events) for analysis in analyses]
    if not many and len(reports) != 1:
        msg = "one report makes an object; ask for an array with many=True"
        raise ValueError(msg)
    return json.dumps(reports if many else reports[0], indent=2) + "\n"


def report(analysis: Analysis, *, list_events: bool = False) -> Object:
    """One analysis as plain data, in the order in which it is to be read."""
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
            name: {"start": _side(info.start), "end": _side(info.end)}
            for name, info in analysis.threads.items()
        },
        "pages": {name: _page(info) for name, info in analysis.pages.items()},
        "order": analysis.order,
        "verdict": analysis.verdict,
        "racy_events": analysis.racy_events,
        **({"racy_event_ids": list(analysis.racy_event_ids)} if list_events else {}),
        "racy_bytes": {
            page: [list(piece) for piece in pieces] for page, pieces in analysis.racy_bytes.items()
        },
        "exploration": None,
        "findings": [_finding(finding) for finding in analysis.findings],
    }


def schema() -> Object:
    """The JSON Schema (draft 2020-12) that every report keeps."""
    text = files("racepage.report").joinpath("schema", "report-1.json").read_text("utf-8")
    loaded: Object = json.loads(text)
    return loaded


def _finding(finding: Finding) -> Object:
    return {
        "rule": finding.rule,
        "kind": finding.kind,
        "fingerprint": finding.fingerprint,
        "count": finding.count,
        "message": finding.message,
        "page": finding.page,
        "overlap": _range(finding.overlap),
        "values": _values(finding.values),
        "why": _why(finding.why),
        "first": _side(finding.first),
        "second": _side(finding.second),
        "related": [_side(side) for side in finding.related],
        "suppressed": finding.suppressed,
    }


def _side(side: Side | None) -> Object | None:
    if side is None:
        return None
    return {
        "event": side.event,
        "thread": side.thread,
        "op": side.op,
        "range": _range(side.range),
        "class": side.access,
        "clock": side.clock,
        "vector": dict(side.vector),
        "site": _site(side.stack),
        "stack": [_frame(frame) for frame in side.stack],
        "locks": [{"name": lock.name, "mode": lock.mode} for lock in side.locks],
    }


def _page(page: PageInfo) -> Object:
    return {
        "size": page.size,
        "label": page.label,
        "alloc": _side(page.alloc),
        "free": _side(page.free),
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
        "stack": [_frame(frame) for frame in sync.stack],
    }


def _values(values: Values | None) -> Object | None:
    if values is None:
        return None
    return {
        "old": None if values.old is None else values.old.hex(),
        "new": None if values.new is None else values.new.hex(),
    }


def _range(touched: tuple[int, int] | None) -> list[int] | None:
    return None if touched is None else list(touched)


def _frame(frame: Frame) -> Object:
    return {"file": frame.file, "line": frame.line, "function": frame.function}


def _site(stack: Stack) -> Object | None:
    return _frame(stack[0]) if stack else None
