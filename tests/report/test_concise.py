from __future__ import annotations

import re

import pytest

from racepage.events import Frame
from racepage.finding import Analysis
from tests.report.analyses import CRASH, FIRST, LEAK, RACE, SECOND, analysis, changed
from tests.report.formats import of_trace, of_traces
from tests.report.hostile import NAMES, hostile


def concise(*found: Analysis) -> list[str]:
    return of_traces("concise", *found).splitlines()


def test_a_finding_is_a_line_at_its_second_side_that_names_the_other() -> None:
    [line] = concise(analysis(RACE))
    assert line == (
        "binder.py:131: RP001 data-race: t1 wrote bytes that t2 read, and nothing orders the two "
        f"(also binder.py:120) [{RACE.fingerprint}]"
    )


def test_clean_is_nothing_at_all() -> None:
    assert of_trace("concise", analysis()) == ""


def test_what_does_not_count_is_not_told() -> None:
    assert concise(analysis(changed(RACE, suppressed="meant"))) == []


def test_without_a_place_it_is_the_trace_and_the_events() -> None:
    bare = changed(RACE, first=changed(FIRST, stack=()), second=changed(SECOND, stack=()))
    [line] = concise(analysis(bare))
    assert line.startswith("inbox.trace:1: RP001 data-race: ")
    assert "(event 3 and event 6)" in line


def test_two_sides_on_one_line_name_it_once() -> None:
    [line] = concise(analysis(changed(RACE, first=changed(FIRST, stack=SECOND.stack))))
    assert line.count("binder.py") == 1


def test_what_has_no_sides_stands_for_the_program() -> None:
    text = of_trace("concise", changed(analysis(CRASH), path=None), "early.py:main")
    assert text == f"early.py:1: RP013 program-error: ValueError: no [{CRASH.fingerprint}]\n"


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("early.py:16 in main", 16),
        ("early.py:7", 7),
        ("other.py:16 in main", 1),
        ("early.py:99999999999999999999 in f", 1),
    ],
)
def test_an_exception_stands_where_it_was_raised_if_that_is_in_the_program(
    place: str, line: int
) -> None:
    raised = changed(CRASH, message=f"ValueError: a, (b) (in thread t, 1, {place})")
    text = of_trace("concise", changed(analysis(raised), path=None), "lib/early.py:main")
    assert text.startswith(f"lib/early.py:{line}: RP013 ")


def test_several_traces_are_one_list() -> None:
    assert len(concise(analysis(RACE, LEAK), analysis(), analysis(RACE))) == 3


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        ("/usr/lib/x.py", "lib/x.py"),
        ("/opt/x.py", "/opt/x.py"),
        ("/usr/../opt/x.py", "/opt/x.py"),
        ("./lib/x.py", "lib/x.py"),
        ("lib/../x.py", "x.py"),
        ("/usrs/x.py", "/usrs/x.py"),
    ],
)
def test_a_files_name_is_as_one_would_type_it_here(
    monkeypatch: pytest.MonkeyPatch, file: str, seen: str
) -> None:
    monkeypatch.chdir("/usr")
    there = changed(SECOND, stack=(Frame(file, 2, "f"),))
    [line] = concise(analysis(changed(RACE, first=None, second=there)))
    assert line.startswith(f"{seen}:2: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_is_one_printable_line_whatever_it_names(name: str) -> None:
    text = of_trace("concise", hostile(NAMES[name]))
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert re.search(r":(7|1): RP001 data-race: .* \[[0-9a-f]{16}\]$", text)
    assert len(text) < 5000
