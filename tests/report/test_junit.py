from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from racepage import sync
from racepage.exploration.api import explore
from racepage.exploration.result import Exploration
from racepage.finding import Analysis, Unusable
from tests.report.analyses import CRASH, LEAK, RACE, analysis, changed
from tests.report.formats import of_exploration, of_trace, of_traces
from tests.report.hostile import NAMES, hostile

CASES = ("failure", "error", "skipped")


def suites(text: str) -> list[ET.Element]:
    """The suites, whose counts are what they hold, as are those of them all."""
    root = ET.fromstring(text.encode())  # noqa: S314  (our own)
    assert root.tag == "testsuites"
    for one in (root, *root):
        cases = list(one.iter("testcase"))
        assert int(one.get("tests", "")) == len(cases)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(one.get(name, "")) == sum(case.find(tag) is not None for case in cases)
    for suite in root:
        names = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
        assert len(set(names)) == len(names)
    return list(root)


def outcomes(suite: ET.Element) -> list[str]:
    """What came of each case."""
    found = []
    for case in suite.iter("testcase"):
        inner = [child.tag for child in case]
        assert inner in ([], *([tag] for tag in CASES))
        found.append(inner[0] if inner else "passed")
    return found


def told(*found: Analysis | Unusable) -> list[ET.Element]:
    return suites(of_traces("junit", *found))


def test_a_clean_trace_is_a_suite_with_a_case_that_passes() -> None:
    [suite] = told(analysis())
    assert (suite.get("name"), outcomes(suite)) == ("inbox.trace", ["passed"])


def test_a_finding_is_a_failure_and_its_text_is_the_report() -> None:
    [suite] = told(analysis(RACE))
    assert outcomes(suite) == ["passed", "failure"]
    case = suite.findall("testcase")[1]
    assert case.get("name") == "RP001 data-race: binder.py copy_in, binder.py read_back"
    assert (case.get("file"), case.get("line")) == ("binder.py", "131")
    failure = case[0]
    assert (failure.get("type"), failure.get("message")) == ("data-race", RACE.message)
    assert "  first   t1 write page:0[0:64]" in (failure.text or "")
    assert "== RP001 data-race ==" in (failure.text or "")


def test_what_does_not_count_is_skipped_with_the_reason() -> None:
    [suite] = told(analysis(changed(RACE, suppressed="meant <so>")))
    assert outcomes(suite) == ["passed", "skipped"]
    assert suite.findall("testcase")[1][0].get("message") == "meant <so>"


def test_an_incomplete_trace_is_an_error_and_never_a_pass() -> None:
    cut, both, gone = told(
        analysis(lost_bytes=2), analysis(LEAK, lost_bytes=2), Unusable("gone", "cannot be read")
    )
    assert [outcomes(one) for one in (cut, both, gone)] == [
        ["error"],
        ["skipped", "failure"],
        ["error"],
    ]
    assert cut.findall("testcase")[0][0].get("type") == "incomplete"
    assert gone.findall("testcase")[0][0].attrib == {
        "type": "unusable",
        "message": "cannot be read",
    }


def test_findings_between_the_same_functions_are_numbered() -> None:
    [suite] = told(analysis(RACE, RACE, CRASH))
    first, second, crash = (case.get("name", "") for case in suite.findall("testcase")[1:])
    assert second == f"{first} (2)"
    assert crash == "RP013 program-error: ValueError"


def test_warnings_are_what_the_suite_printed() -> None:
    [suite] = told(analysis(warnings=("a < b", "c")))
    assert suite.findtext("system-out") == "a < b\nc\n"


def test_no_trace_is_no_suite() -> None:
    assert told() == []


@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_the_markup(name: str) -> None:
    text = of_trace("junit", hostile(NAMES[name]))
    assert text.isascii()
    [suite] = suites(text)
    assert outcomes(suite) == ["skipped", "failure", "skipped"]
    assert all(char.isprintable() or char == "\n" for char in "".join(suite.itertext()))


def _explored(body: Callable[[], None], executions: int) -> Exploration:
    return explore(body, executions=executions, seconds=None)


def _lost() -> None:
    cell = sync.Atomic(0)

    def hit() -> None:
        before = cell.load()
        cell.store(before + 1)

    threads = [sync.Thread(target=hit, name=f"t{number}") for number in "12"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cell.load() == 2, "a hit is lost"


def test_an_exploration_is_a_suite_that_says_how_to_have_a_finding_again() -> None:
    [suite] = suites(of_exploration("junit", _explored(_lost, 100), "lost.json"))
    assert outcomes(suite) == ["skipped", "failure"]
    text = suite.findall("testcase")[1][0].text or ""
    assert "is interrupted after: read" in text


def test_a_search_that_its_budget_ended_is_an_error() -> None:
    [suite] = suites(of_exploration("junit", _explored(_lost, 1)))
    assert outcomes(suite) == ["error"]
    assert "not all was seen" in (suite.findall("testcase")[0][0].get("message") or "")
