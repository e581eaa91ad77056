"""One finding a line, as JSON, and then a line with what it comes to.

A line is the object that the JSON report has under `findings`, and the trace's path (after an
exploration null: each finding has its execution). The last line has a `schema`, and no other line
has; where it is missing the report was cut off. The contract stands in `schema/lines-1.json` beside
this file. The same input gives the same characters: of a search, how long it took is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from racepage.finding import Analysis
from racepage.report import json as one_trace
from racepage.report.formats import How, OfExploration
from racepage.report.parts import Listed, Part

SCHEMA: Final = "racepage-lines/1"

_WORST: Final = ("unusable", "findings", "incomplete", "clean")

Object = dict[str, Any]


def render(parts: Iterable[Part], how: How) -> str:
    """The lines; ASCII, each ends with a newline."""
    lines: list[str] = []
    traces: list[Object] = []
    searches: list[Object] = []
    verdicts = {"clean"}
    counts = {"findings": 0, "suppressed": 0, "known": 0}
    for part in parts:
        lines += (json.dumps(_line(part, one)) for one in part.findings)
        known = sum(one.finding.known for one in part.findings)
        counts["findings"] += len(part.counting)
        counts["suppressed"] += len(part.findings) - len(part.counting) - known
        counts["known"] += known
        verdicts.add(part.verdict)
        if part.exploration is None:
            traces.append(_trace(part, list_events=how.style.list_events))
        else:
            searches.append(_search(part.exploration))
    summary = {
        "schema": SCHEMA,
        "verdict": min(verdicts, key=_WORST.index),
        **counts,
        "traces": traces,
        "exploration": searches[0] if searches else None,
    }
    return "".join(f"{line}\n" for line in (*lines, json.dumps(summary)))


def _line(part: Part, one: Listed) -> Object:
    if one.found is None or part.exploration is None:
        return {"trace": one.analysis.path, **one_trace.finding(one.analysis, one.finding)}
    from racepage.report.exploration import first  # noqa: PLC0415  (for explorations only)
    from racepage.report.exploration_json import finding  # noqa: PLC0415

    kept = one.found is first(part.exploration.exploration)
    return {"trace": None, **finding(one.found, part.exploration.file if kept else None)}


def _trace(part: Part, *, list_events: bool) -> Object:
    analysis = part.analysis
    if analysis is None:
        return {"path": part.subject, "verdict": part.verdict, "reason": part.lacking}
    return {
        **_sizes(analysis),
        "verdict": analysis.verdict,
        "racy_events": analysis.racy_events,
        **({"racy_event_ids": list(analysis.racy_event_ids)} if list_events else {}),
    }


def _sizes(analysis: Analysis) -> Object:
    return {
        "path": analysis.path,
        "events": analysis.events,
        "threads": len(analysis.threads),
        "pages": len(analysis.pages),
        "lost_bytes": analysis.lost_bytes,
        "complete": analysis.complete,
    }


def _search(asked: OfExploration) -> Object:
    from racepage.report.exploration_json import search  # noqa: PLC0415  (for explorations only)

    told = search(asked.exploration)
    del told["seconds"]
    return told if asked.replay is None else {**told, "replay": dict(asked.replay)}
