from __future__ import annotations

import shlex
import time

import pytest

from tests.pytest_plugin.conftest import IMPORTS, Pytest

RACY = """
@pytest.mark.racepage
def test_racy():
    programs.racy()
"""
LOST = """
@pytest.mark.racepage(MARKED)
def test_lost():
    assert programs.total() == 2
"""
CLEAN = """
@pytest.mark.racepage
def test_clean():
    programs.clean()
"""


def replay_command(result: pytest.RunResult) -> list[str]:
    """What the report says to type, without `pytest`."""
    [line] = [line for line in result.outlines if line.startswith("pytest ")]
    return shlex.split(line)[1:]


def test_a_racy_test_fails_with_the_report_and_no_traceback(run: Pytest) -> None:
    result = run(RACY)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "━━ RP001 data-race ━*",
            "t1 writes and t2 writes page:0*, and nothing orders the two",
            "1 finding: data-race",
            "racepage: 1 test explored in 1 execution: 1 with findings",
            "FAILED test_it.py::test_racy - RP001 data-race: t1 writes and t2 writes*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")
    result.stdout.no_fnmatch_line("*Error*")


def test_the_command_of_the_report_shows_the_same_again(run: Pytest) -> None:
    found = run(LOST.replace("MARKED", ""))
    again = run(None, *replay_command(found))
    for result in (found, again):
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["AssertionError: assert 1 == 2 (in thread main, test_it.py*"])
    again.stdout.fnmatch_lines(
        [
            "the finding of the schedule came back",
            "racepage: 1 test replayed: 1 with findings (the finding of the schedule came back)",
        ]
    )


def test_the_command_is_one_for_where_pytest_was_called(
    run: Pytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(**{"below/test_odd name": IMPORTS + RACY})
    monkeypatch.chdir(pytester.path / "below")
    found = run(None)
    assert replay_command(found)[0] == "test_odd name.py::test_racy"
    again = run(None, *replay_command(found))
    again.stdout.fnmatch_lines(["the finding of the schedule came back"])


def test_a_fixture_in_which_executions_leave_something_is_named(run: Pytest) -> None:
    test = """
@pytest.mark.racepage
@pytest.mark.parametrize("number", [1])
def test_makes_a_directory(number, tmp_path):
    (tmp_path / "made").mkdir()
    programs.clean()
"""
    result = run(test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["racepage: RP023 *FileExistsError*; all executions share tmp_path"]
    )


def test_a_race_is_replayed_with_what_really_happens_and_is_heard_once(run: Pytest) -> None:
    """Its other order, in which it fails besides, is looked at without a word."""
    test = """
@pytest.mark.racepage
def test_racy():
    print("printed")
    with programs.Page.alloc_page(programs.GFP_KERNEL | programs.__GFP_ZERO) as page:
        main = programs.sync.Thread(target=lambda: page.write_raw(b"x", 0, 1), name="x")
        main.start()
        page.write_raw(b"y", 0, 1)
        main.join()
        assert bytes(page.view()[0:1]) == b"x"
"""
    found = run(test)
    again = run(None, *replay_command(found))
    for result in (found, again):
        result.stdout.fnmatch_lines(["*What really happened: lost: *", "1 finding: data-race"])
        assert result.outlines.count("printed") == 1
        result.stdout.no_fnmatch_line("*>*assert*")


def test_a_replay_needs_no_name_and_deselects_the_others(run: Pytest) -> None:
    test = LOST.replace("MARKED", "") + CLEAN
    [_, option] = replay_command(run(test, "-k", "lost"))
    result = run(None, option)
    result.assert_outcomes(failed=1, deselected=1)


def test_a_replay_of_what_was_mended_says_where_it_is_another_program(run: Pytest) -> None:
    command = replay_command(run(LOST.replace("MARKED", "")))
    result = run(LOST.replace("MARKED", "").replace("programs.total() == 2", "True"), *command)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["racepage: step 0 of the schedule does not fit the program*"])


def test_a_replay_that_shows_nothing_says_so(run: Pytest) -> None:
    command = replay_command(run(LOST.replace("MARKED", "")))
    result = run(LOST.replace("MARKED", "").replace("== 2", "> 0"), *command)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["racepage: 1 test replayed: 1 clean (the finding of the schedule did not come back*)"]
    )


def test_a_replay_goes_to_the_only_explored_test_whatever_its_name_is(run: Pytest) -> None:
    [_, option] = replay_command(run(LOST.replace("MARKED", "")))
    renamed = LOST.replace("MARKED", "").replace("test_lost", "test_renamed")
    run(renamed, option).assert_outcomes(failed=1)


def test_a_replay_of_a_test_that_is_not_there_is_a_usage_error(run: Pytest) -> None:
    [_, option] = replay_command(run(RACY))
    result = run(CLEAN + CLEAN.replace("test_clean", "test_other"), option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0] == (
        "ERROR: --racepage-replay: it is of test_it.py::test_racy, and of the 2 explored tests "
        "here none is that; name one test"
    )


def test_clean_is_silent(run: Pytest) -> None:
    for option in ("-q", "-rN"):
        result = run(CLEAN, option)
        result.assert_outcomes(passed=1)
        assert "racepage:" not in result.stdout.str()


def test_clean_is_one_line_with_v(run: Pytest) -> None:
    result = run(CLEAN, "-v")
    [line] = [line for line in result.outlines if "racepage:" in line]
    assert line == "racepage: 1 test explored in 2 executions: 1 clean"


def test_an_incomplete_exploration_passes_and_is_counted(run: Pytest) -> None:
    test = CLEAN.replace("racepage", 'racepage(strategy="random", executions=3)')
    result = run(test)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["racepage: 1 test explored in 3 executions: 1 incomplete"])
    assert "racepage" not in run(None, "-q").stdout.str()


def test_the_values_of_an_assertion_are_told(run: Pytest) -> None:
    result = run(LOST.replace("MARKED", ""))
    result.stdout.fnmatch_lines(
        [
            "  order   run to completion, except at these points*",
            "    def test_lost():",
            ">       assert programs.total() == 2",
            "E       assert 1 == 2",
            "E        +  where 1 = <function total at *>()",
        ]
    )


def test_what_the_failing_execution_prints_is_shown_once(run: Pytest) -> None:
    result = run(
        LOST.replace("MARKED", "")
        + """
    print("printed")

@pytest.mark.racepage
def test_prints(capsys):
    print("captured")
    assert capsys.readouterr().out == "captured\\n"
"""
    )
    result.assert_outcomes(failed=1, passed=1)
    assert "printed" not in result.stdout.str()
    result = run(LOST.replace("MARKED", "").replace("assert", "print('printed')\n    assert"))
    assert result.outlines.count("printed") == 1


def test_fixtures_have_one_value_for_all_executions(run: Pytest) -> None:
    result = run(
        """
made, called = [], []

@pytest.fixture
def numbers():
    made.append(0)
    return made

@pytest.mark.racepage
@pytest.mark.parametrize("more", [1, 2])
def test_clean(numbers, more):
    called.append(more)
    programs.clean()

def test_what_was_made():
    assert len(made) == 2
    assert called.count(1) == called.count(2) > 1
"""
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "test",
    [
        """
from racepage import explore

@explore(strategy="pct", depth=2)
def test_decorated():
    programs.racy()
""",
        """
import functools
from racepage import explore

def other(test):
    return functools.wraps(test)(lambda: test())

@other
@explore()
def test_decorated():
    programs.racy()
""",
        """
@pytest.mark.racepage
class TestClass:
    def test_method(self):
        assert type(self) is TestClass
        programs.racy()
""",
        """
import unittest

class Case(unittest.TestCase):
    def setUp(self):
        self.program = programs.racy

    @pytest.mark.racepage
    def test_method(self):
        self.program()
""",
        """
pytestmark = pytest.mark.racepage

def test_of_a_module():
    programs.racy()
""",
    ],
    ids=["decorator", "below another", "class", "unittest", "module"],
)
def test_all_kinds_of_tests_are_explored_and_replayed(run: Pytest, test: str) -> None:
    found = run(test)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["racepage: 1 test explored in 1 execution: 1 with findings"])
    again = run(None, *replay_command(found))
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["the finding of the schedule came back"])


def test_skips_and_expected_failures_mean_what_they_mean(run: Pytest) -> None:
    result = run(
        """
import unittest

pytestmark = pytest.mark.racepage

def test_skipped():
    pytest.skip("not here")

def test_expected():
    pytest.xfail("known")

@pytest.mark.xfail(raises=AssertionError, strict=True)
def test_known():
    programs.racy()

class Case(unittest.TestCase):
    def test_skipped(self):
        self.skipTest("nor here")
""",
        "-rs",
    )
    result.assert_outcomes(skipped=2, xfailed=2)
    result.stdout.fnmatch_lines(["SKIPPED*not here"])


def test_what_cannot_be_controlled_is_said_in_a_line(run: Pytest) -> None:
    before = time.sleep
    result = run(
        """
import time

@pytest.mark.racepage
def test_sleeps():
    programs.together(lambda: time.sleep(1))
"""
    )
    result.assert_outcomes(failed=1)
    [said] = [line for line in result.outlines if line.startswith("racepage: ") and "sleep" in line]
    assert "racepage.sync.sleep" in said
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(["racepage: 1 test explored in 0 executions: 1 failed"])
    assert time.sleep is before


def test_what_the_project_suppresses_does_not_count(run: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(
        """
        [[tool.racepage.suppress]]
        rule = "data-race"
        reason = "known"
        """
    )
    run(RACY).assert_outcomes(passed=1)


def test_a_bad_policy_is_said_in_a_line(run: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.racepage]\nbaselin = 1\n")
    result = run(RACY)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["racepage: *has no setting 'baselin'; did you mean baseline?"])


def test_the_order_of_pytest_randomly_changes_nothing(run: Pytest) -> None:
    result = run(RACY + CLEAN, "-v", plugins="randomly")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["racepage: 2 tests explored in 3 executions: 1 with findings, 1 clean"]
    )
