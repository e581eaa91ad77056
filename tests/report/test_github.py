from __future__ import annotations

from typing import NamedTuple

import pytest

from racepage.finding import Analysis, Unusable
from tests.report.analyses import CRASH, RACE, analysis, changed
from tests.report.formats import of_trace, of_traces
from tests.report.hostile import NAMES, hostile


class Command(NamedTuple):
    """A workflow command, as the runner takes it apart."""

    name: str
    properties: dict[str, str]
    message: str


def commands(text: str) -> list[Command]:
    """As `ActionCommand.TryParseV2` of actions/runner does it, and nothing but commands."""
    found = []
    for line in text.splitlines():
        assert line.startswith("::")
        head, message = line.removeprefix("::").split("::", 1)
        name, told = head.split(" ", 1)
        properties = dict(part.split("=", 1) for part in told.split(","))
        for code, char in (("%3A", ":"), ("%2C", ",")):
            properties = {key: value.replace(code, char) for key, value in properties.items()}
        properties = {key: _unescaped(value) for key, value in properties.items()}
        found.append(Command(name, properties, _unescaped(message)))
    return found


def _unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def told(*found: Analysis | Unusable) -> list[Command]:
    return commands(of_traces("github", *found))


def test_a_finding_is_an_error_at_its_second_side_with_both_sides_in_its_message() -> None:
    [error] = told(analysis(RACE))
    assert error.name == "error"
    assert error.properties == {
        "file": "binder.py",
        "line": "131",
        "endLine": "131",
        "title": "RP001 data-race",
    }
    first, second, *why = error.message.splitlines()[1:]
    assert first == "first: t1 write page:0[0:64] at binder.py:120 in copy_in (event 3)"
    assert second == "second: t2 read page:0[32:96] at binder.py:131 in read_back (event 6)"
    assert why[0] == "Nothing that t1 did is ordered before t2's read."
    assert "unlock lock:range" in why[1]


def test_clean_says_nothing_and_neither_does_what_does_not_count() -> None:
    assert of_trace("github", analysis()) == ""
    assert told(analysis(changed(RACE, suppressed="meant"))) == []


def test_what_is_missing_or_remarked_is_a_warning_of_the_trace() -> None:
    cut, stranger = told(analysis(lost_bytes=2, warnings=("thread x was not started",)))
    assert (cut.name, stranger.name) == ("warning", "warning")
    assert cut.message.startswith("inbox.trace: cut off: its last 2 bytes")
    assert stranger.message == "inbox.trace: thread x was not started"


def test_a_trace_that_could_not_be_analysed_is_an_error() -> None:
    [error] = told(Unusable("gone.trace", "cannot be read"))
    assert (error.name, error.message) == ("error", "gone.trace: cannot be read")


def test_a_run_without_a_place_points_to_its_program() -> None:
    text = of_trace("github", changed(analysis(CRASH), path=None), "tests/a,b.py")
    assert text == (
        "::error file=tests/a%2Cb.py,line=1,endLine=1,title=RP013 program-error::ValueError: no\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_name_ends_a_command_or_begins_another(name: str) -> None:
    text = of_trace("github", hostile(NAMES[name]))
    assert text.replace("\n", "").isprintable()
    error, *warnings = commands(text)
    assert [error.name, *(one.name for one in warnings)] == ["error", "notice", "warning"]
    assert set(error.properties) == {"file", "line", "endLine", "title"}
    assert error.properties["title"] == "RP001 data-race"
    assert len(text) < 10_000
