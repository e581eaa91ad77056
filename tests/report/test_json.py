from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from typing import Any

import jsonschema
import pytest

from racepage.finding import (
    Analysis,
    BaselineUse,
    Known,
    PageInfo,
    PolicyUse,
    SuppressionUse,
    Values,
)
from racepage.report.json import render, render_all, report, schema
from tests.report.analyses import CRASH, FIRST, LEAK, RACE, analysis, changed

ANALYSES = {
    "clean": analysis(),
    "race": analysis(RACE),
    "one-sided": analysis(LEAK),
    "no-side": analysis(CRASH),
    "cut-off": analysis(lost_bytes=12),
    "suppressed": analysis(changed(RACE, suppressed="known")),
    "values": analysis(changed(RACE, values=Values(None, b"\x00\xff"))),
    "imported": changed(
        analysis(RACE), pages={"page:0": PageInfo(4096, variables=tuple("abcdefgh"))}
    ),
    "in memory": changed(analysis(RACE), path=None),
    "policy": changed(
        analysis(changed(RACE, suppressed="in the baseline known.json", known=True)),
        policy=PolicyUse(
            (
                SuppressionUse("a.toml", 1, "r", {"rule": "data-race"}, None, False, 0),
                SuppressionUse("a.toml", 2, "r", {"file": ["a", "b"]}, date(2026, 1, 2), True, 0),
            ),
            BaselineUse("known.json", 1, (Known("0123456789abcdef", "RP001", 2, (("a", "b"),)),)),
        ),
    ),
    "no baseline": changed(analysis(), policy=PolicyUse()),
    "labels": changed(
        analysis(changed(RACE, first=changed(FIRST, target="page:0"))), labels={"lock:0": "mmap"}
    ),
}


def closed(part: Any) -> Any:
    """The schema, with no other keys allowed than those it names."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    shut = {key: closed(value) for key, value in part.items()}
    if "properties" in part and part.get("type") == "object":
        shut["additionalProperties"] = False
    return shut


def validator(*, exact: bool = False) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(closed(schema()) if exact else schema())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize("list_events", [False, True])
def test_reports_keep_the_schema_and_have_no_key_beyond_it(name: str, *, list_events: bool) -> None:
    made = json.loads(render(ANALYSES[name], list_events=list_events))
    validator(exact=True).validate(made)
    assert ("racy_event_ids" in made) is list_events


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (["schema"], "racepage-report/2"),
        (["verdict"], "fine"),
        (["trace", "events"], -1),
        (["racy_bytes", "page:0"], [[1, 2, 3]]),
        (["threads", "t1", "start"], {}),
        (["pages", "page:0", "size"], "4096"),
        (["findings", 0, "rule"], "RP1"),
        (["findings", 0, "count"], 0),
        (["findings", 0, "overlap"], [1]),
        (["findings", 0, "first", "class"], "weird"),
        (["findings", 0, "first", "locks"], ["m"]),
        (["findings", 0, "first", "stack"], [{"file": "a.py"}]),
        (["findings", 0, "why"], {}),
    ],
)
def test_the_schema_refuses_what_is_no_report(path: list[str | int], wrong: object) -> None:
    made: Any = deepcopy(report(analysis(RACE)))
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = wrong
    assert not validator().is_valid(made)


@pytest.mark.parametrize("key", ["racy_events", "findings", "exploration", "order"])
def test_no_key_may_be_missing(key: str) -> None:
    made = report(analysis(RACE))
    del made[key]
    assert not validator().is_valid(made)


def test_a_race_is_told_as_the_design_has_it() -> None:
    made = report(analysis(RACE), list_events=True)
    assert made["schema"] == "racepage-report/1"
    assert made["trace"] == {
        "path": "inbox.trace", "events": 9, "threads": 3, "pages": 2, "lost_bytes": 0,
    }  # fmt: skip
    assert made["verdict"] == "findings"
    assert made["racy_events"] == 3
    assert made["racy_event_ids"] == [6, 7, 8]
    assert made["racy_bytes"] == {"page:0": [[32, 64]]}
    assert made["exploration"] is None
    [finding] = made["findings"]
    assert (finding["rule"], finding["kind"], finding["count"]) == ("RP001", "data-race", 3)
    assert (finding["page"], finding["overlap"]) == ("page:0", [32, 64])
    assert finding["first"] == {
        "event": 3,
        "thread": "t1",
        "op": "write",
        "target": None,
        "range": [0, 64],
        "class": "plain",
        "clock": 1,
        "vector": {"main": 2, "t1": 1},
        "site": {"file": "binder.py", "line": 120, "function": "copy_in"},
        "stack": [
            {"file": "binder.py", "line": 120, "function": "copy_in"},
            {"file": "binder.py", "line": 88, "function": "transact"},
        ],
        "locks": [{"name": "mmap", "mode": "read"}, {"name": "range", "mode": "write"}],
    }
    assert finding["why"]["last_of_first_known_to_second"]["event"] is None
    assert finding["why"]["last_of_second_known_to_first"]["event"] == 5
    assert made["threads"]["t1"]["start"]["event"] == 1
    assert made["threads"]["main"] == {"start": None, "end": None}
    assert made["pages"]["page:1"] == {"size": 8192, "label": None, "alloc": None, "free": None}


def test_a_program_error_has_no_sides() -> None:
    [finding] = report(analysis(CRASH))["findings"]
    assert [finding[key] for key in ("first", "second", "page", "overlap", "why")] == [None] * 5


def test_what_a_policy_came_to_is_told() -> None:
    made = report(ANALYSES["policy"])
    [finding] = made["findings"]
    assert (finding["suppressed"], finding["known"]) == ("in the baseline known.json", True)
    assert made["policy"] == {
        "suppressions": [
            {
                "source": "a.toml",
                "entry": 1,
                "reason": "r",
                "conditions": {"rule": "data-race"},
                "until": None,
                "expired": False,
                "matched": 0,
            },
            {
                "source": "a.toml",
                "entry": 2,
                "reason": "r",
                "conditions": {"file": ["a", "b"]},
                "until": "2026-01-02",
                "expired": True,
                "matched": 0,
            },
        ],
        "baseline": {
            "path": "known.json",
            "known": 1,
            "gone": [
                {
                    "fingerprint": "0123456789abcdef",
                    "rule": "RP001",
                    "count": 2,
                    "places": [["a", "b"]],
                }
            ],
        },
    }
    assert report(analysis())["policy"] is None


def test_labels_and_what_a_side_acts_on_are_told() -> None:
    made = report(ANALYSES["labels"])
    assert made["labels"] == {"lock:0": "mmap"}
    assert made["findings"][0]["first"]["target"] == "page:0"


def test_values_are_hexadecimal() -> None:
    [finding] = report(ANALYSES["values"])["findings"]
    assert finding["values"] == {"old": None, "new": "00ff"}


def test_the_text_is_the_report() -> None:
    for made in ANALYSES.values():
        assert json.loads(render(made, list_events=True)) == report(made, list_events=True)


def test_every_finding_thread_and_page_has_a_line_of_its_own() -> None:
    lines = render(analysis(RACE, LEAK, CRASH)).splitlines()
    for key in ('"rule": "RP001"', '"rule": "RP013"', '    "t1": {', '    "page:1": {'):
        [line] = [line for line in lines if key in line]
        json.loads("{" + line.rstrip(",") + "}" if ": {" in line[:20] else line.rstrip(","))


def test_what_begins_and_ends_threads_and_pages_has_no_vector_and_no_locks() -> None:
    made = report(analysis(RACE))
    assert {"vector", "locks"}.isdisjoint(made["threads"]["t1"]["start"])
    assert {"vector", "locks"}.isdisjoint(made["pages"]["page:0"]["alloc"])
    assert made["findings"][0]["related"][0]["vector"] == {"main": 1}


def test_a_finding_in_an_imported_page_names_its_variables() -> None:
    [finding] = report(ANALYSES["imported"])["findings"]
    assert finding["variables"] == ["e", "f", "g", "h"]  # bytes 32 to 64, 8 each


def test_several_traces_make_an_array() -> None:
    both: list[Analysis] = [analysis(), analysis(RACE)]
    assert [made["verdict"] for made in json.loads(render_all(both))] == ["clean", "findings"]
    assert len(json.loads(render_all(both[:1]))) == 1
    assert json.loads(render_all([])) == []


def test_names_cannot_reach_a_terminal() -> None:
    text = render(changed(analysis(), path="\x1b]0;gotcha\x07\u202e"))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["trace"]["path"] == "\x1b]0;gotcha\x07\u202e"
