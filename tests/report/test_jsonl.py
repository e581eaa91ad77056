from __future__ import annotations

import json
from copy import deepcopy
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from racepage.finding import Analysis, Unusable
from racepage.report.json import report, schema
from racepage.report.text import Style
from tests.report.analyses import LEAK, RACE, analysis, changed
from tests.report.formats import of_exploration, of_trace, of_traces
from tests.report.hostile import NAMES, hostile
from tests.report.test_exploration import explored, lost, ordered, racy

SCHEMA = json.loads(files("racepage.report").joinpath("schema", "lines-1.json").read_text("utf-8"))
LINE = jsonschema.Draft202012Validator(
    {"$ref": SCHEMA["$id"], "$defs": {"lines": SCHEMA, "report": schema()}}  # it refers to that
)


def lines(text: str) -> list[dict[str, Any]]:
    """The lines, each as the schema has it, the last one the summary and no other."""
    assert text.isascii()
    assert text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    for line in found:
        LINE.validate(line)
    assert [number for number, line in enumerate(found, 1) if "schema" in line] == [len(found)]
    return found


def told(*found: Analysis | Unusable) -> list[dict[str, Any]]:
    return lines(of_traces("jsonl", *found))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_line_is_what_the_json_report_has_and_the_trace() -> None:
    there = analysis(RACE, LEAK)
    *findings, _ = told(there)
    assert findings == [{"trace": "inbox.trace", **one} for one in report(there)["findings"]]


def test_the_last_line_has_every_trace_and_the_worst_of_them() -> None:
    meant, known = changed(RACE, suppressed="meant"), changed(RACE, suppressed="b", known=True)
    *findings, last = told(analysis(meant, known), analysis(LEAK), analysis(lost_bytes=2))
    assert len(findings) == 3
    assert (last["findings"], last["suppressed"], last["known"]) == (1, 1, 1)
    assert last["verdict"] == "findings"
    assert [one["verdict"] for one in last["traces"]] == ["clean", "findings", "incomplete"]
    assert [one["lost_bytes"] for one in last["traces"]] == [0, 0, 2]


def test_a_trace_that_could_not_be_analysed_is_the_worst() -> None:
    [last] = told(analysis(), Unusable("gone.trace", "cannot be read"))
    assert last["verdict"] == "unusable"
    assert last["traces"][1] == {
        "path": "gone.trace",
        "verdict": "unusable",
        "reason": "cannot be read",
    }


def test_clean_is_the_last_line_alone() -> None:
    [last] = told(analysis())
    assert (last["verdict"], last["exploration"]) == ("clean", None)


def test_the_events_that_race_are_there_where_they_were_asked_for() -> None:
    *_, last = lines(of_trace("jsonl", analysis(RACE), style=Style(list_events=True)))
    assert last["traces"][0]["racy_event_ids"] == [6, 7, 8]


def test_a_finding_of_an_exploration_has_its_execution() -> None:
    finding, last = lines(of_exploration("jsonl", explored(racy), "race.json"))
    assert finding["trace"] is None
    assert finding["execution"]["command"] == "racepage replay race.json"
    assert last["exploration"]["program"] == "file.py:racy"
    assert last["traces"] == []


def test_a_search_is_told_without_the_time_it_took() -> None:
    [last] = lines(of_exploration("jsonl", explored(ordered)))
    assert "seconds" not in last["exploration"]
    slower = changed(explored(lost), seconds=1e6)
    assert of_exploration("jsonl", slower) == of_exploration("jsonl", explored(lost))


@pytest.mark.parametrize("key", ["trace", "rule", "schema", "verdict", "exploration"])
def test_a_line_that_lacks_something_is_seen(key: str) -> None:
    for line in told(analysis(RACE)):
        if key in line:
            less = deepcopy(line)
            del less[key]
            assert not LINE.is_valid(less)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_makes_a_line_of_its_own(name: str) -> None:
    first, second, _ = lines(of_trace("jsonl", hostile(NAMES[name])))
    assert first["message"] == second["message"] == f"{NAMES[name]} writes {NAMES[name]}"
