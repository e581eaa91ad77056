"""Whole processes: one, and one with workers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.pytest_plugin.conftest import Pytest

TESTS = """
@pytest.mark.xdist_group("one")
@pytest.mark.racepage(strategy="random")
@pytest.mark.parametrize("number", [1, 2])
def test_racy(number):
    programs.racy()

@pytest.mark.racepage
def test_clean():
    programs.clean()

@pytest.mark.racepage(strategy="pct", executions=4)
def test_incomplete():
    programs.clean()

def test_recorded(racepage_recording):
    programs.racy()

@pytest.mark.racepage
def test_odd():
    raise ValueError("odd \\x1b[31m \\x00 \\ufffe < & ]]>")
"""
WRONG = """
@pytest.mark.racepage(exections=1)
def test_wrong():
    pass
"""
SUMMARY = (
    "racepage: 5 tests explored in 9 executions: 3 with findings, 1 incomplete, 1 clean; "
    "1 test recorded: 1 with findings"
)


def seeds(folder: Path) -> dict[str, int]:
    """The seeds of the tests that were explored by lot, as they were reported."""
    found = {}
    for path in folder.glob("*racy*/report.json"):
        exploration = json.loads(path.read_text("ascii"))["exploration"]
        found[exploration["program"]] = exploration["parameters"]["seed"]
    return found


def test_workers_come_to_the_same_as_one_process(run: Pytest, pytester: pytest.Pytester) -> None:
    alone = run(TESTS, "--racepage-report=alone", "--racepage-seed=5")
    pytester.makepyfile(test_wrong="import pytest\n\n" + WRONG)  # alone, this ends all
    workers = pytester.runpytest_subprocess(
        *("-n", "2", "--racepage-report=workers", "--racepage-seed=5", "--junitxml=junit.xml"),
        *("--dist=loadgroup", "-p", "no:cacheprovider"),
    )
    alone.assert_outcomes(failed=4, passed=2)
    workers.assert_outcomes(failed=5, passed=2)
    workers.stdout.fnmatch_lines(
        ["racepage: test_wrong.py::test_wrong: there is no argument 'exections'; did you mean*"]
    )
    for result in (alone, workers):
        assert [line for line in result.outlines if "explored in" in line] == [SUMMARY]
        assert result.stdout.str().count("━━ RP001 data-race ━") == 3
        assert result.stdout.str().count(" --racepage-replay=rp1:") == 3
    found = seeds(pytester.path / "alone")
    assert found == seeds(pytester.path / "workers")
    assert len(set(found.values())) == 2

    suite = ET.parse(pytester.path / "junit.xml").getroot()  # noqa: S314  (our own)
    [odd] = suite.iterfind(".//testcase[@name='test_odd']/failure")
    assert odd.get("message", "").startswith("RP013 program-error: ValueError: odd ")
    [recorded] = suite.iterfind(".//testcase[@name='test_recorded']/failure")
    assert "━━ RP001 data-race ━" in (recorded.text or "")


def test_a_deadlock_of_real_threads_fails_the_test_and_ends(
    run: Pytest, pytester: pytest.Pytester
) -> None:
    del run
    pytester.makepyfile(
        """
        from racepage import sync

        def test_stuck(racepage_recording):
            locks = sync.Lock(name="a"), sync.Lock(name="b")
            meeting = sync.invisible_barrier(2)

            def take(one, other):
                try:
                    with one:
                        meeting.wait()
                        with other:
                            pass
                except Exception:
                    pass

            threads = [sync.Thread(target=take, args=order) for order in (locks, locks[::-1])]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        def test_next(racepage_recording):
            pass
        """
    )
    options = ("-p", "no:cacheprovider", "-p", "no:randomly")
    result = pytester.runpytest_subprocess(*options, timeout=120)  # it hung, once
    result.assert_outcomes(failed=1, passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["━━ RP019 deadlock *━*", "racepage: 2 tests recorded: 1 with*"])


def test_tests_that_ask_for_nothing_load_nothing(pytester: pytest.Pytester) -> None:
    path = pytester.makepyfile(
        """
        import sys

        def test_plain():
            assert "racepage.pytest_plugin" in sys.modules
            slow = {"numpy", "numba", "pyarrow", "greenlet", "rich", "click"}
            assert not slow.intersection(sys.modules)
        """
    )
    others = ("-p", "no:randomly", "-p", "no:hypothesispytest")  # which load what they like
    result = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *others, path)
    result.assert_outcomes(passed=1)
