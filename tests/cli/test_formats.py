"""What every format comes to in every verb that reports findings."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from racepage.report.formats import FORMATS
from tests.cli.conftest import CLEAN, RACY, Racepage

PROGRAM = """\
from racepage import sync
from racepage.memory import Page


def fill(page):
    page.view()[0:8] = b"racepage"


def main():
    with Page.alloc_page(label="inbox") as page:
        threads = [sync.Thread(target=fill, args=(page,), name=name) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
"""

LISTS = [name for name in FORMATS if name not in {"text", "html"}]
SAYS = {
    "concise": "fill.py:6: RP001 data-race: ",
    "json": '"rule": "RP001"',
    "jsonl": '"rule": "RP001"',
    "sarif": '"ruleId": "RP001"',
    "junit": '<failure type="data-race"',
    "github": "::error file=fill.py,line=6,endLine=6,title=RP001 data-race::",
    "gitlab": '"check_name": "data-race"',
}


@pytest.fixture
def fill(tmp_path: Path) -> Path:
    path = tmp_path / "fill.py"
    path.write_text(PROGRAM)
    return path


def loads(form: str, text: str) -> None:
    """Read a report as what it is."""
    if form == "junit":
        ET.fromstring(text.encode())  # noqa: S314  (our own)
    elif form == "jsonl":
        assert [json.loads(line) for line in text.splitlines()]
    elif form not in {"github", "concise"}:
        json.loads(text)


def test_every_format_is_listed_where_it_can_be_had(racepage: Racepage) -> None:
    for verb in ("check", "run", "explore", "replay"):
        told = racepage(verb, "--help").out.partition("\nFormats:\n")[2]
        listed = [line.split()[0] for line in told.splitlines() if line[2:3].strip()]
        wanted = [name for name in FORMATS if name != "html" or verb in {"check", "run"}]
        assert listed[: len(wanted)] == wanted
    assert "Formats:" not in racepage("info", "--help").out


@pytest.mark.parametrize("form", LISTS)
def test_a_trace_is_reported_in_every_format(racepage: Racepage, racy: Path, form: str) -> None:
    racy.write_text(RACY.replace("binder.py:120 copy_in", "fill.py:6 fill"))
    done = racepage("check", racy, "-f", form)
    assert (done.code, done.err) == (1, "")
    assert SAYS[form] in done.out
    loads(form, done.out)
    assert done == racepage("check", racy, "--format", form)


@pytest.mark.parametrize("form", LISTS)
def test_several_traces_are_one_report(
    racepage: Racepage, racy: Path, clean: Path, form: str
) -> None:
    done = racepage("check", racy, "gone.trace", clean, racy, "-f", form)
    assert done.code == 2
    loads(form, done.out)
    assert done.err == "racepage: gone.trace: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("form", LISTS)
def test_a_run_is_reported_in_every_format(racepage: Racepage, fill: Path, form: str) -> None:
    done = racepage("run", f"{fill.name}:main", "-f", form, "-o", "report")
    assert (done.code, done.err) == (1, "racepage: wrote report\n")
    text = Path("report").read_text("utf-8")
    assert SAYS[form] in text
    loads(form, text)


@pytest.mark.parametrize("form", LISTS)
def test_an_exploration_and_a_replay_are_reported_in_every_format(
    racepage: Racepage, fill: Path, form: str
) -> None:
    done = racepage("explore", f"{fill.name}:main", "-f", form, "--save-schedule", "s.json")
    assert (done.code, SAYS[form] in done.out) == (1, True)
    loads(form, done.out)
    again = racepage("replay", "s.json", "--times", "1", "-f", form)
    assert (again.code, SAYS[form] in again.out) == (1, True)
    loads(form, again.out)


def test_a_page_is_a_format_of_one_trace(racepage: Racepage, racy: Path) -> None:
    done = racepage("check", racy, "-f", "html")
    assert (done.code, done.err) == (1, "")
    racepage("view", racy, "--no-open", "-o", "view.html")
    assert done.out == Path("view.html").read_text("utf-8")


def test_a_page_of_several_traces_is_refused_before_any_work(
    racepage: Racepage, racy: Path, clean: Path
) -> None:
    told = racepage("check", racy, clean, "-f", "html").complaint
    assert "--format html shows one trace, and here are 2" in told


@pytest.mark.parametrize("verb", ["explore", "replay"])
def test_a_page_of_an_exploration_is_refused_with_what_to_do(racepage: Racepage, verb: str) -> None:
    told = racepage(verb, "handoff", "-f", "html").complaint
    assert "html shows one trace; --trace FILE keeps one, and racepage view shows it" in told


def test_what_concise_has_no_place_for_is_said(racepage: Racepage, clean: Path) -> None:
    clean.write_text(f"# racepage: incomplete 7\n{CLEAN}")
    done = racepage("check", clean, "-f", "concise")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"racepage: {clean}: cut off: its last 7 bytes")


def test_a_search_that_is_not_over_is_said_where_the_report_cannot(racepage: Racepage) -> None:
    done = racepage("explore", "handoff", "--budget", "executions=1", "-f", "gitlab")
    assert (done.code, done.out) == (3, "[]\n")
    assert "racepage: not all was seen: " in done.err


def test_suppressed_findings_and_the_exit_code_are_in_sarif(racepage: Racepage, racy: Path) -> None:
    Path("races.toml").write_text('[[suppress]]\nfunction = "copy_in"\nreason = "meant"\n')
    done = racepage("check", racy, "--suppressions", "races.toml", "-f", "sarif")
    [run] = json.loads(done.out)["runs"]
    assert (done.code, run["invocations"][0]["exitCode"]) == (0, 0)
    [one] = run["results"][0]["suppressions"]
    assert (one["kind"], one["justification"]) == ("external", "meant")


def test_what_the_program_means_is_in_its_source(racepage: Racepage, fill: Path) -> None:
    meant = PROGRAM.replace(
        "    page.view()", '    with racy_ok("a statistic"):\n        page.view()'
    )
    fill.write_text(f"from racepage import racy_ok\n{meant}")
    done = racepage("run", f"{fill.name}:main", "-f", "sarif")
    [run] = json.loads(done.out)["runs"]
    [one] = run["results"][0]["suppressions"]
    assert (done.code, one["kind"], one["justification"]) == (0, "inSource", "a statistic")


def test_a_baseline_is_a_state_in_sarif(racepage: Racepage, racy: Path) -> None:
    args = ("check", racy, "-f", "sarif", "--baseline", "known.json")
    racepage(*args, "--update-baseline")
    racy.write_text(
        RACY.replace("main  join   t1", "t1 read page:0[64:72] @ x.py:1 f\nmain join t1")
    )
    [run] = json.loads(racepage(*args).out)["runs"]
    assert sorted(one["baselineState"] for one in run["results"]) == ["new", "unchanged"]


def test_the_exit_code_in_sarif_is_the_worst_of_all_traces(
    racepage: Racepage, racy: Path, clean: Path
) -> None:
    done = racepage("check", clean, "gone.trace", racy, "-f", "sarif")
    [invocation] = json.loads(done.out)["runs"][0]["invocations"]
    assert (done.code, invocation["exitCode"]) == (2, 2)
    assert invocation["executionSuccessful"] is False


def test_a_format_in_the_settings_is_for_the_verbs_that_have_it(
    racepage: Racepage, racy: Path
) -> None:
    Path("pyproject.toml").write_text('[tool.racepage]\nformat = "html"\n')
    assert racepage("check", racy).out.startswith("<!doctype html>")
    assert racepage("info", racy).out.startswith(f"{racy}: text trace")
    told = racepage("explore", "handoff", "--budget", "executions=1").out
    assert "nothing found" in told
