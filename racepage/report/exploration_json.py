"""The report on an exploration for programs: JSON, in the schema that every report has.

It is one object: that of the execution which shows the first finding that counts, or where there is
none of one without events. `exploration` says what there is to say of all executions, and
`findings` has all findings. Each has its `execution`: which one it was, how to have it again, and
its own threads and pages, since `page:0` need not be the same in two of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from racepage.errors import RacepageError
from racepage.exploration.schedule_file import to_line
from racepage.exploration.schedule_json import to_data
from racepage.exploration.turns import turns
from racepage.finding import Analysis
from racepage.report import json as one_trace
from racepage.report.exploration import command, explained, first, merged

if TYPE_CHECKING:
    from racepage.exploration.harm import Harm
    from racepage.exploration.result import Exploration, Found
    from racepage.exploration.schedule import Schedule

Object = dict[str, Any]

_NOTHING: Final = Analysis(
    path=None,
    events=0,
    lost_bytes=0,
    order="hb",
    engine="reference",
    findings=(),
    racy_events=0,
    racy_event_ids=(),
    racy_bytes={},
)
_OF_ITS_OWN: Final = ("trace", "threads", "pages", "labels", "racy_events", "racy_bytes")
"""What an execution has, and a finding names things of."""


def render(
    exploration: Exploration, *, file: str | None = None, replay: Mapping[str, Any] | None = None
) -> str:
    """The report as text: one object, a line for each member and finding, ending with a newline.

    Args:
        exploration: what to report.
        file: where the schedule of the first finding was put.
        replay: of a replay, what it came to.
    """
    document = report(exploration, file=file)
    if replay is not None:
        document["exploration"]["replay"] = dict(replay)
    findings = ",\n".join(f"    {json.dumps(one)}" for one in document.pop("findings"))
    members = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    members.append(f'  "findings": [\n{findings}\n  ]' if findings else '  "findings": []')
    return "{\n" + ",\n".join(members) + "\n}\n"


def report(exploration: Exploration, *, file: str | None = None) -> Object:
    """An exploration as plain data, in the order in which it is to be read."""
    found = first(exploration)
    document = one_trace.report(_NOTHING if found is None else found.analysis)
    everything = merged(exploration)
    document |= {
        "verdict": exploration.verdict,
        "exploration": search(exploration),
        "policy": None if everything is None else one_trace.policy(everything.policy),
        "findings": [finding(one, file if one is found else None) for one in exploration.findings],
    }
    return document


def search(exploration: Exploration) -> Object:
    """What there is to say of all executions."""
    found = first(exploration)
    return {
        "program": exploration.program,
        "strategy": exploration.strategy,
        "parameters": dict(exploration.parameters),
        "executions": exploration.executions,
        "steps": exploration.steps,
        "seconds": exploration.seconds,
        "exhaustive": exploration.exhaustive,
        "why_incomplete": exploration.why_incomplete,
        "interrupted": exploration.interrupted,
        "outcomes": dict(exploration.outcomes),
        "schedule": None if found is None else _line(found.schedule),
    }


def finding(found: Found, file: str | None) -> Object:
    """One finding, and the execution that shows it; `file` is where its schedule was put."""
    document = one_trace.report(found.analysis)
    told: Object = document["findings"][0]
    told["execution"] = {
        "number": found.execution,
        "shrunk": found.shrunk,
        "outcome": found.told.outcome,
        "steps": len(found.schedule.steps),
        "order": explained(found.told),
        "harm": _harm(found.harm),
        "sites": [_site(found, turn.start) for turn in turns(found.told.steps)],
        "command": command(found.schedule, file),
        "line": _line(found.schedule),
        "schedule": to_data(found.schedule),
        **{key: document[key] for key in _OF_ITS_OWN},
    }
    return told


def _harm(harm: Harm | None) -> Object | None:
    """What really happened, in both orders."""
    if harm is None:
        return None
    orders = [asdict(one) for one in harm.orders]
    for one in orders:
        one["in_the_end"] = one.pop("finally_")
    return {**asdict(harm), "orders": orders}


def _site(found: Found, step: int) -> Object | None:
    """Where a thread stood before a step."""
    places = found.told.places
    return one_trace.frame(places[step].frame) if step < len(places) else None


def _line(schedule: Schedule) -> str | None:
    """A schedule as one line; None where that would be too long to be read again."""
    try:
        return to_line(schedule)
    except RacepageError:
        return None
