from __future__ import annotations

import json
from pathlib import Path

import pytest

from racepage.exploration.schedule_file import read
from racepage.pytest_plugin.left import name_for
from racepage.report.json import schema
from racepage.trace.files import read_trace
from tests.pytest_plugin.conftest import Pytest

TESTS = """
@pytest.mark.racepage
@pytest.mark.parametrize("name", ["../../a b"])
def test_explored(name):
    programs.racy()

def test_recorded(racepage_recording):
    programs.racy()

@pytest.mark.racepage
def test_clean():
    programs.clean()
"""


def test_each_failing_test_leaves_a_report_its_schedule_and_its_trace(
    run: Pytest, pytester: pytest.Pytester
) -> None:
    result = run(TESTS, "--racepage-report=left/there")
    result.assert_outcomes(failed=2, passed=1)
    folder = pytester.path / "left" / "there"
    explored, recorded = sorted(folder.iterdir())
    assert explored.name.startswith("test_it.py-test_explored-..-..-a-b-")
    result.stdout.fnmatch_lines([f"more of it: {explored}", f"more of it: {recorded}"])
    files = {"report.txt", "report.json", "trace.arrows", "view.html"}
    assert {path.name for path in recorded.iterdir()} == files
    assert {path.name for path in explored.iterdir()} == {*files, "schedule.json"}
    for left in (explored, recorded):
        assert "1 finding: data-race\n" in (left / "report.txt").read_text("utf-8")
        report = json.loads((left / "report.json").read_text("ascii"))
        assert report["verdict"] == "findings"
        assert report["schema"] == schema()["properties"]["schema"]["const"]
        assert len(read_trace(left / "trace.arrows")) == report["trace"]["events"] > 0
        [finding] = report["findings"]
        page = (left / "view.html").read_text("utf-8")
        assert "<title>test_it.py::test_" in page
        assert f'"fingerprint":"{finding["fingerprint"]}"' in page
    schedule = read(explored / "schedule.json")
    assert schedule.program.name == "test_it.py::test_explored[../../a b]"
    again = run(None, f"--racepage-replay={explored / 'schedule.json'}")
    again.assert_outcomes(failed=1, deselected=2)
    again.stdout.fnmatch_lines(["the finding of the schedule came back"])


def test_the_ini_file_names_a_directory_beside_it(run: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nracepage_report = left\n")
    pytester.mkdir("below")
    pytester.chdir()
    run(TESTS, "-k", "recorded").assert_outcomes(failed=1, deselected=2)
    assert len(list((pytester.path / "left").iterdir())) == 1


def test_what_cannot_be_written_is_said_and_the_report_is_there(
    run: Pytest, pytester: pytest.Pytester
) -> None:
    (pytester.mkdir("left") / name_for("test_it.py::test_recorded")).write_text("no directory")
    result = run(TESTS, "-k", "recorded", "--racepage-report=left")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        ["1 finding: data-race", "--racepage-report: not everything could be written: *"]
    )


@pytest.mark.parametrize(
    "nodeid", ['a.py::test[\x00\n/..\\:*?"<>|]', "..", "x" * 500, "a.py::test[ä\ud800]", "::"]
)
def test_every_test_has_a_name_that_every_file_system_takes(nodeid: str, tmp_path: Path) -> None:
    name = name_for(nodeid)
    assert name.isascii()
    assert name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert not name.startswith((".", "-"))
    assert len(name) < 100
    (tmp_path / name).mkdir()


def test_names_that_look_the_same_are_not() -> None:
    assert name_for("a.py::test[/]") != name_for("a.py::test[-]")
    assert name_for(f"a{'x' * 500}") != name_for(f"b{'x' * 500}")
