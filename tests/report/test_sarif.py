from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from racepage.events import Frame
from racepage.finding import RULES, Analysis, BaselineUse, HeldLock, PolicyUse, Side, Unusable
from racepage.report.explain import rule_pages
from tests.report.analyses import CRASH, FIRST, LEAK, RACE, SECOND, analysis, changed
from tests.report.formats import of_exploration, of_trace, of_traces
from tests.report.hostile import NAMES, hostile
from tests.report.test_exploration import explored, lost, ordered, racy

_FILE: Final = Path(__file__).with_name("sarif") / "sarif-2.1.0.json"
SCHEMA: Final = jsonschema.Draft202012Validator(json.loads(_FILE.read_text("utf-8")))

_URI: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+")
_LINK: Final = re.compile(r"\[[^\[\]]*\]\(([^)]*)\)")

Object = dict[str, Any]


def every(part: Any, key: str) -> Iterator[Any]:
    """What stands under a key, anywhere."""
    if isinstance(part, list):
        for one in part:
            yield from every(one, key)
    elif isinstance(part, dict):
        if key in part:
            yield part[key]
        for one in part.values():
            yield from every(one, key)


def run(text: str) -> Object:
    """The one run of a report that keeps the schema, and what the specification says besides."""
    assert text.isascii()
    log = json.loads(text)
    SCHEMA.validate(log)
    [found] = log["runs"]
    ids = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert ids == sorted({result["ruleId"] for result in found["results"]})
    for uri in every(found, "artifactLocation"):
        assert _URI.fullmatch(uri["uri"])
        assert (urlsplit(uri["uri"]).scheme == "file") is ("uriBaseId" not in uri)
    for result in found["results"]:
        _check(result)
    states = ["baselineState" in result for result in found["results"]]
    assert all(states) or not any(states)
    checked: Object = found
    return checked


def _check(result: Object) -> None:
    assert result["locations"]
    ids = [one["id"] for one in result["relatedLocations"]]
    assert len(set(ids)) == len(ids)
    links = _LINK.findall(result["message"]["text"])
    assert set(map(int, links)) <= set(ids)
    for text in every([result["relatedLocations"], result.get("codeFlows")], "message"):
        assert not _LINK.search(text["text"])
    for flow in every(result, "threadFlows"):
        assert len({one["id"] for one in flow}) == len(flow)
        for thread in flow:
            order = [step["executionOrder"] for step in thread["locations"]]
            assert order == sorted(set(order))


def result_of(*found: Analysis) -> Object:
    [result] = run(of_traces("sarif", *found))["results"]
    told: Object = result
    return told


def line_of(location: Object) -> tuple[str, int]:
    where = location["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_clean_is_a_run_without_results() -> None:
    found = run(of_trace("sarif", analysis(), code=0))
    assert found["results"] == found["tool"]["driver"]["rules"] == []
    assert found["invocations"] == [
        {"executionSuccessful": True, "exitCode": 0, "toolExecutionNotifications": []}
    ]


def test_a_race_is_at_both_its_sides_the_second_one_first() -> None:
    locations = result_of(analysis(RACE))["locations"]
    assert [line_of(one) for one in locations] == [("binder.py", 131), ("binder.py", 120)]


def test_its_message_links_to_both_sides_and_says_why() -> None:
    result = result_of(analysis(RACE))
    text = result["message"]["text"]
    assert text.startswith("t1 wrote bytes that t2 read, and nothing orders the two ([first](")
    assert "Nothing that t1 did is ordered before t2's read." in text
    related = {one["id"]: one for one in result["relatedLocations"]}
    first, second = (related[int(one)] for one in _LINK.findall(text))
    assert (line_of(first), line_of(second)) == (("binder.py", 120), ("binder.py", 131))


def test_every_event_that_a_finding_names_is_a_related_location_once() -> None:
    related = result_of(analysis(RACE))["relatedLocations"]
    told = [one["message"]["text"] for one in related]
    events = [int(found[1]) for text in told if (found := re.search(r"\(event (\d+)\)", text))]
    assert events == [0, 1, 2, 3, 5, 6]  # alloc, both starts, first, the unlock, second


def test_a_flow_has_one_part_for_each_thread_in_the_order_of_events() -> None:
    [flow] = result_of(analysis(RACE))["codeFlows"]
    threads = {one["id"]: one["locations"] for one in flow["threadFlows"]}
    order = {name: [one["executionOrder"] for one in steps] for name, steps in threads.items()}
    assert order == {"main": [0, 1, 2], "t1": [3], "t2": [5, 6]}
    assert [one["importance"] for one in threads["t2"]] == ["important", "essential"]
    frames = threads["t1"][0]["stack"]["frames"]
    assert [line_of(one["location"])[1] for one in frames] == [120, 88]


def test_the_fingerprint_is_the_findings_and_survives_moved_lines() -> None:
    assert result_of(analysis(RACE))["partialFingerprints"] == {"racepage/v1": RACE.fingerprint}


def test_a_rule_has_its_page_of_explain() -> None:
    driver = run(of_traces("sarif", analysis(RACE, LEAK)))["tool"]["driver"]
    race, leak = driver["rules"]
    page = rule_pages()[0].text
    assert (race["id"], race["name"], leak["id"]) == ("RP001", "data-race", "RP006")
    assert race["shortDescription"]["text"] == RULES["data-race"].summary
    assert page.endswith(race["help"]["markdown"].replace("{{", "{").replace("}}", "}"))
    assert "\n" not in race["fullDescription"]["text"]


def test_every_rules_page_makes_a_rule() -> None:
    findings = [changed(CRASH, kind=kind) for kind in RULES]
    rules = run(of_traces("sarif", analysis(*findings)))["tool"]["driver"]["rules"]
    assert len(rules) == len(RULES)
    assert all(len(rule["fullDescription"]["text"]) <= 1024 for rule in rules)  # GitHub's limit


def test_who_suppressed_it_is_the_program_or_a_file() -> None:
    meant = changed(RACE, suppressed="a statistic", meant=True)
    listed = changed(RACE, suppressed="known to Ann")
    results = run(of_traces("sarif", analysis(RACE, meant, listed)))["results"]
    assert [result["suppressions"] for result in results] == [
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "a statistic"}],
        [{"kind": "external", "status": "accepted", "justification": "known to Ann"}],
    ]


def test_with_a_baseline_every_result_is_known_or_new() -> None:
    known = changed(RACE, suppressed="in the baseline known.json", known=True)
    policy = PolicyUse(baseline=BaselineUse("known.json", 1, ()))
    results = run(of_traces("sarif", changed(analysis(known, LEAK), policy=policy)))["results"]
    assert [result["baselineState"] for result in results] == ["unchanged", "new"]
    assert results[0]["suppressions"] == []
    assert "baselineState" not in result_of(analysis(RACE))


def test_a_command_that_could_not_do_all_was_no_success() -> None:
    text = of_traces("sarif", analysis(), Unusable("gone.trace", "cannot be read"), code=2)
    [invocation] = run(text)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert invocation["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "gone.trace: cannot be read"}}
    ]


def test_losses_and_warnings_are_notifications() -> None:
    text = of_trace("sarif", analysis(lost_bytes=2, warnings=("a stranger",)), code=3)
    [invocation] = run(text)["invocations"]
    cut, stranger = invocation["toolExecutionNotifications"]
    assert (invocation["executionSuccessful"], cut["level"]) == (True, "warning")
    assert cut["message"]["text"].startswith("inbox.trace: cut off: its last 2 bytes")
    assert stranger["message"]["text"] == "inbox.trace: a stranger"


def test_several_traces_are_one_run_whose_results_name_theirs() -> None:
    other = changed(analysis(RACE), path="other.trace")
    results = run(of_traces("sarif", analysis(RACE), other))["results"]
    assert [one["analysisTarget"]["uri"] for one in results] == ["inbox.trace", "other.trace"]


def test_what_has_no_place_is_at_the_trace_or_at_the_program() -> None:
    bare = changed(RACE, first=changed(FIRST, stack=()), second=changed(SECOND, stack=()))
    result = result_of(analysis(bare))
    assert [line_of(one) for one in result["locations"]] == [("inbox.trace", 1)]
    assert "analysisTarget" not in result  # which says the same
    text = of_trace("sarif", changed(analysis(CRASH), path=None), "a b.py:main")
    [crash] = run(text)["results"]
    assert [line_of(one) for one in crash["locations"]] == [("a%20b.py", 1)]
    assert "codeFlows" not in crash


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/usr/lib/a b.py", "lib/a%20b.py"),
        ("/opt/a#b?c.py", "file:///opt/a%23b%3Fc.py"),
        ("c:x.py", "c%3Ax.py"),
        ("lib/é.py", "lib/%C3%A9.py"),
        ("100%.py", "100%25.py"),
        ("../x.py", "../x.py"),
    ],
)
def test_uris_are_from_the_working_directory_and_encoded(
    monkeypatch: pytest.MonkeyPatch, file: str, uri: str
) -> None:
    monkeypatch.chdir("/usr")
    there = changed(SECOND, stack=(Frame(file, 2, "f"),))
    [location] = result_of(analysis(changed(RACE, first=None, second=there)))["locations"]
    assert line_of(location) == (uri, 2)
    name = Path("/usr", unquote(urlsplit(uri).path)).resolve()
    assert name == Path("/usr", file).resolve()


def test_a_cycle_of_thousands_of_events_names_a_hundred() -> None:
    def held(event: int) -> Side:
        return Side(event, "t1", "lock", None, "none", 1, {}, (), (HeldLock("a", "write"),))

    many = changed(RACE, related=tuple(held(event) for event in range(10, 3000)))
    result = result_of(analysis(many))
    assert len(result["relatedLocations"]) == 100
    assert len(_LINK.findall(result["message"]["text"])) == 2


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_and_no_more(name: str) -> None:
    text = of_trace("sarif", hostile(NAMES[name]))
    results = run(text)["results"]
    assert len(results) == 2
    for message in every(results, "message"):
        assert message["text"].isprintable()
        assert "{0}" not in message["text"].replace("{{", "").replace("}}", "")
    assert len(text) < 200_000


def test_what_is_too_long_for_a_files_name_is_none() -> None:
    there = changed(SECOND, stack=(Frame("x" * 5000, 2, "f"),))
    [location] = result_of(analysis(changed(RACE, first=None, second=there)))["locations"]
    assert line_of(location) == ("inbox.trace", 1)


def test_an_exploration_says_how_to_have_a_finding_again() -> None:
    found = run(of_exploration("sarif", explored(racy), "race.json"))
    [result] = found["results"]
    assert result["properties"]["replay"] == "racepage replay race.json"
    assert "analysisTarget" not in result
    [invocation] = found["invocations"]
    assert [one["level"] for one in invocation["toolExecutionNotifications"]] == ["note"]


def test_an_exploration_that_saw_all_has_nothing_to_remark() -> None:
    [invocation] = run(of_exploration("sarif", explored(ordered)))["invocations"]
    assert invocation["toolExecutionNotifications"] == []


def test_the_same_exploration_makes_the_same_text() -> None:
    slower = changed(explored(lost), seconds=1e6)
    assert of_exploration("sarif", slower) == of_exploration("sarif", explored(lost))
