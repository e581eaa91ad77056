from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import Pytest

RACY = """
def test_racy(racepage_recording):
    programs.racy()
"""


def test_a_recorded_test_fails_itself_with_the_report(run: Pytest) -> None:
    result = run(RACY, "-rfE")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "━━ RP001 data-race ━*",
            "1 finding: data-race",
            "racepage: 1 test recorded: 1 with findings",
            "FAILED test_it.py::test_racy - RP001 data-race: t1 writes and t2 writes*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")


def test_a_clean_recording_is_silent_and_is_given(run: Pytest) -> None:
    result = run(
        """
def test_clean(racepage_recording):
    programs.clean()
    assert racepage_recording.path is None
"""
    )
    result.assert_outcomes(passed=1)
    assert "racepage:" not in result.stdout.str()
    run(None, "-v").stdout.fnmatch_lines(["racepage: 1 test recorded: 1 clean"])


def test_a_test_that_fails_on_its_own_keeps_its_failure_and_has_the_report(run: Pytest) -> None:
    result = run(RACY + "    assert False, 'its own'\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: its own",
            "*- Captured racepage call -*",
            "━━ RP001 data-race ━*",
            "FAILED test_it.py::test_racy - AssertionError: its own*",
        ]
    )


def test_a_recording_that_is_asked_for_too_late_is_refused_in_a_line(run: Pytest) -> None:
    result = run("def test_it(request):\n    request.getfixturevalue('racepage_recording')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["racepage: racepage_recording has to be an argument of a test or fixture"]
    )


def test_a_fixture_of_that_name_is_the_test_s_own(run: Pytest) -> None:
    own = "@pytest.fixture\ndef racepage_recording():\n    return None\n"
    run(own + RACY).assert_outcomes(passed=1)


def test_a_skip_is_not_judged(run: Pytest) -> None:
    run(RACY + "    pytest.skip('enough')\n").assert_outcomes(skipped=1)


def test_what_fixtures_allocate_is_no_leak_and_what_the_test_does_is(run: Pytest) -> None:
    result = run(
        """
@pytest.fixture
def page():
    with programs.Page.alloc_page(programs.GFP_KERNEL) as page:
        yield page

def test_uses(racepage_recording, page):
    page.view()[0:1] = b"x"

def test_leaks(racepage_recording):
    global kept
    kept = programs.Page.alloc_page(programs.GFP_KERNEL)
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_leaks - RP006 page-leak:*"])


def test_what_a_thread_dies_of_is_found(run: Pytest) -> None:
    result = run(
        """
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_dies(racepage_recording):
    programs.together(lambda: 1 / 0)
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ZeroDivisionError: division by zero (in thread t1, test_it.py*"])


def test_the_marker_says_how_much_is_kept(run: Pytest) -> None:
    test = """
@pytest.mark.racepage(MARKED)
def test_it(racepage_recording):
    with programs.Page.alloc_page(programs.GFP_KERNEL) as page:

        def write(byte):
            page.view()[0:1] = byte

        write(b"m")
        programs.together(lambda: write(b"t"))
"""
    shown = {}
    for marked in ("", "depth=8, values=True"):
        result = run(test.replace("MARKED", marked))
        result.assert_outcomes(failed=1)
        shown[marked] = result.stdout.str()
    assert ["in <lambda>" in report for report in shown.values()] == [False, True]
    assert ["value" in report for report in shown.values()] == [False, True]


def test_what_the_project_suppresses_or_knows_does_not_count(
    run: Pytest, pytester: pytest.Pytester
) -> None:
    pytester.makepyprojecttoml(
        """
        [[tool.racepage.suppress]]
        rule = "data-race"
        page = "shared"
        reason = "known"
        """
    )
    run(RACY).assert_outcomes(passed=1)


def test_the_next_recording_begins_after_a_failed_one(run: Pytest) -> None:
    test = RACY + RACY.replace("test_racy", "test_again") + "    raise KeyError\n"
    run(test + RACY.replace("test_racy", "test_third")).assert_outcomes(failed=3)


def test_a_recording_that_is_on_already_is_said_in_a_line(run: Pytest) -> None:
    result = run(
        """
import racepage

@pytest.fixture
def other():
    with racepage.record() as recording:
        yield

def test_it(racepage_recording, other):
    pass
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["racepage: a recording is on already*"])
