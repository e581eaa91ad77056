from __future__ import annotations

import json
from typing import Any, Final

import jsonschema
import pytest

from racepage.finding import Analysis, Unusable
from tests.report.analyses import CRASH, LEAK, RACE, analysis, changed
from tests.report.formats import of_trace, of_traces
from tests.report.hostile import NAMES, hostile

SCHEMA: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32,}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^\./"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What docs.gitlab.com demands of the report, under "Code Quality report format"."""


def told(*found: Analysis | Unusable) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(of_traces("gitlab", *found))
    jsonschema.validate(rows, SCHEMA)
    prints = [row["fingerprint"] for row in rows]
    assert len(set(prints)) == len(prints)
    return rows


def test_a_finding_is_put_where_its_second_side_stands_and_names_the_other() -> None:
    [row] = told(analysis(RACE))
    assert row["check_name"] == "data-race"
    assert row["location"] == {"path": "binder.py", "lines": {"begin": 131}}
    assert row["description"].startswith("RP001 data-race: t1 wrote bytes that t2 read")
    assert row["description"].endswith("; the other side is at binder.py:120")
    assert row["severity"] == "critical"


def test_a_leak_is_minor() -> None:
    assert [row["severity"] for row in told(analysis(LEAK))] == ["minor"]


def test_clean_is_an_empty_array_and_so_is_what_does_not_count() -> None:
    assert told(analysis(), Unusable("gone.trace", "cannot be read")) == []
    assert told(analysis(changed(RACE, suppressed="meant"))) == []


def test_findings_that_share_a_fingerprint_have_their_own_here_each_time_the_same() -> None:
    twice = analysis(RACE, changed(RACE, message="again"))
    first, second = told(twice)
    assert [first, second] == told(twice)
    assert [first] == told(analysis(RACE))


def test_moved_lines_leave_the_fingerprint() -> None:
    assert RACE.second is not None
    moved = tuple(frame._replace(line=frame.line + 9) for frame in RACE.second.stack)
    [there] = told(analysis(changed(RACE, second=changed(RACE.second, stack=moved))))
    [here] = told(analysis(RACE))
    assert there["location"] != here["location"]
    assert there["fingerprint"] == here["fingerprint"]


def test_a_run_without_a_place_points_to_its_program() -> None:
    text = of_trace("gitlab", changed(analysis(CRASH), path=None), "early.py:main")
    assert json.loads(text)[0]["location"] == {"path": "early.py", "lines": {"begin": 1}}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_and_no_more(name: str) -> None:
    [row] = told(hostile(NAMES[name]))
    assert row["description"].isprintable()
    assert row["location"]["path"].isprintable()
    assert len(json.dumps(row)) < 10_000
