from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import jsonschema
import pytest

from racepage.errors import RacepageError
from racepage.report.json import schema
from tests.cli.conftest import CLEAN, Racepage


@pytest.fixture
def cut(racepage: Racepage, clean: Path, tmp_path: Path) -> Path:
    """A clean recording that was cut off within its end."""
    path = tmp_path / "cut.arrows"
    assert racepage("convert", clean, path).code == 0
    path.write_bytes(path.read_bytes()[:-3])
    return path


@pytest.fixture
def cut_racy(racepage: Racepage, racy: Path, tmp_path: Path) -> Path:
    path = tmp_path / "cut-racy.arrows"
    assert racepage("convert", racy, path).code == 0
    path.write_bytes(path.read_bytes()[:-3])
    return path


def test_a_race_is_reported_and_is_exit_1(racepage: Racepage, racy: Path) -> None:
    done = racepage("check", racy)
    assert done.code == 1
    assert done.out.startswith("━━ RP001 data-race ━")
    assert "t1 write page:0[0:64]" in done.out
    assert done.err == ""


def test_a_clean_trace_is_exit_0(racepage: Racepage, clean: Path) -> None:
    done = racepage("check", clean)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("clean: nothing found\n")


def test_a_trace_that_was_cut_off_is_exit_3(racepage: Racepage, cut: Path) -> None:
    done = racepage("check", cut)
    assert done.code == 3
    assert done.out.startswith("incomplete: nothing found in what is left\n")
    assert "The trace was cut off" in done.out


def test_a_recording_that_was_not_closed_is_exit_3(racepage: Racepage, cut: Path) -> None:
    """Killed between two batches: no byte is missing, and events may be."""
    cut.write_bytes(cut.read_bytes()[:-5])  # all of the end marker
    done = racepage("check", cut)
    assert done.code == 3
    assert ": 3 events" in " ".join(done.out.split())
    assert "The trace was not closed" in done.out


def test_findings_in_what_is_left_are_exit_1(racepage: Racepage, cut_racy: Path) -> None:
    done = racepage("check", cut_racy)
    assert done.code == 1
    assert "The trace was cut off" in done.out


@pytest.mark.parametrize("engine", ["auto", "reference", "native"])
def test_every_engine_says_the_same(racepage: Racepage, racy: Path, engine: str) -> None:
    made = json.loads(racepage("check", racy, "--engine", engine, "--format", "json").out)
    assert made["racy_bytes"] == {"page:0": [[32, 64]]}


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\x1b[31m", b"main frobnicate page:0\n", b"\n\n|"]
)
@pytest.mark.parametrize("suffix", [".trace", ".arrows", ".std", ".std.gz", ".txt", ""])
def test_what_is_no_trace_is_one_line_and_exit_2_or_nothing_to_find(
    racepage: Racepage, tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"foreign{suffix}"
    path.write_bytes(content)
    done = racepage("check", path)
    if done.code == 0:  # an empty text is a trace without events
        assert content in (b"", b"\n\n|")
        assert "\n0 events, 0 threads, 0 pages" in done.out.replace(": ", "\n")
    else:
        assert str(path) in done.complaint


def test_a_malformed_line_is_named(racepage: Racepage, tmp_path: Path) -> None:
    path = tmp_path / "bad.trace"
    path.write_text(CLEAN + "main  raed  page:0[0:8]\n")
    complaint = racepage("check", path).complaint
    assert "line 4" in complaint
    assert "read" in complaint


def test_a_missing_file_is_exit_2(racepage: Racepage) -> None:
    assert "gone.trace" in racepage("check", "gone.trace").complaint


def test_a_directory_is_exit_2(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "traces.trace").mkdir()
    assert "traces.trace" in racepage("check", "traces.trace").complaint


def test_what_cannot_be_analysed_is_not_silently_passed(
    racepage: Racepage, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise RacepageError("event 0 is new to this version")

    monkeypatch.setattr("racepage.detect.analyse", refuse)
    assert racepage("check", clean).complaint == f"{clean}: event 0 is new to this version"


def test_a_bad_file_does_not_keep_the_others_from_being_checked(
    racepage: Racepage, racy: Path, clean: Path
) -> None:
    done = racepage("check", clean, "gone.trace", racy)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "gone.trace" in done.err
    words = " ".join(done.out.split())
    assert f"clean {clean}: 3 events" in words
    assert "unusable gone.trace: see the error" in words
    assert f"findings {racy}: data-race; 6 events" in words


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("clean", "clean"), 0),
        (("clean", "cut"), 3),
        (("cut", "racy"), 1),
        (("racy", "gone"), 2),
        (("cut", "gone"), 2),
    ],
)
def test_the_worst_of_several_traces_counts(  # noqa: PLR0917  (pytest's fixtures)
    racepage: Racepage,
    racy: Path,
    clean: Path,
    cut: Path,
    names: tuple[str, str],
    code: int,
) -> None:
    paths = {"racy": racy, "clean": clean, "cut": cut, "gone": Path("gone.trace")}
    assert racepage("check", *(paths[name] for name in names)).code == code
    assert racepage("check", *(paths[name] for name in reversed(names))).code == code


def test_one_trace_makes_one_object(racepage: Racepage, racy: Path) -> None:
    done = racepage("check", racy, "--format", "json", "--list-events")
    made = json.loads(done.out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    assert (done.code, done.err) == (1, "")
    assert made["trace"]["path"] == str(racy)
    assert made["racy_event_ids"] == [3]
    [finding] = made["findings"]
    assert (finding["first"]["event"], finding["second"]["event"]) == (2, 3)


def test_several_traces_make_an_array_of_those_that_could_be_read(
    racepage: Racepage, racy: Path, clean: Path
) -> None:
    done = racepage("check", "--format", "json", racy, "gone.trace", clean)
    assert [made["verdict"] for made in json.loads(done.out)] == ["findings", "clean"]
    assert done.code == 2
    none = racepage("check", "--format", "json", "gone.trace", "gone-too.trace")
    assert (json.loads(none.out), none.err.count("\n")) == ([], 2)


def test_the_report_goes_where_it_was_asked_to_go(
    racepage: Racepage, racy: Path, tmp_path: Path
) -> None:
    done = racepage("check", racy, "--format", "json", "-o", "report.json")
    assert (done.code, done.out, done.err) == (1, "", "racepage: wrote report.json\n")
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "findings"


@pytest.mark.parametrize("target", [".", "no/such/folder/report.txt"])
def test_an_unwritable_report_is_found_out_before_any_work(
    racepage: Racepage, racy: Path, target: str
) -> None:
    assert "-o" in racepage("check", racy, "-o", target).complaint


def test_a_report_that_may_not_be_written_is_exit_2(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "permission denied" in racepage("check", racy, "-o", "report.txt").complaint


def test_a_report_does_not_overwrite_its_trace(racepage: Racepage, racy: Path) -> None:
    before = racy.read_bytes()
    assert "overwrite" in racepage("check", racy, "-o", racy).complaint
    assert racy.read_bytes() == before


def test_many_traces_end_in_a_tally(racepage: Racepage, racy: Path, clean: Path, cut: Path) -> None:
    done = racepage("check", racy, clean, "gone.trace", cut, clean)
    last = done.out.splitlines()[-1]
    assert last == "5 traces: 1 unusable, 1 with findings, 1 incomplete, 2 clean"
    assert "other schedules" not in done.out


def test_of_many_findings_as_many_are_told_as_were_asked_for(
    racepage: Racepage, tmp_path: Path
) -> None:
    path = tmp_path / "many.trace"
    lines = [f"t{n % 2} write page:0[{n // 2}:{n // 2 + 1}] @ a.py:{n + 1}" for n in range(60)]
    path.write_text("\n".join(lines) + "\n")

    def told(*args: str) -> int:
        return racepage("check", path, *args).out.count("━━ RP001")

    assert (told(), told("--limit", "3"), told("--limit", "0")) == (20, 3, 30)
    assert len(json.loads(racepage("check", path, "--format", "json").out)["findings"]) == 30
    (tmp_path / "pyproject.toml").write_text("[tool.racepage]\nlimit = 4\n")
    assert told() == 4
    assert "--limit" in racepage("check", path, "--limit", "-1").complaint


def test_hostile_names_reach_no_terminal(racepage: Racepage, tmp_path: Path) -> None:
    path = tmp_path / "hostile.trace"
    path.write_text(r'"\u001b[2J[bold]" write page:0[0:8]' "\n" r'"a\nb" write page:0[0:8]' "\n")
    done = racepage("check", path)
    assert done.code == 1
    assert "\x1b" not in done.out
    assert "\\x1b[2J[bold] write" in done.out
    assert "a\\nb write" in done.out


def test_a_hostile_file_name_reaches_no_terminal(racepage: Racepage) -> None:
    assert "\x1b" not in racepage("check", "\x1b[2J\n.trace").complaint


def test_colours_are_for_terminals_and_for_those_who_ask(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" not in racepage("check", racy).out
    assert "\x1b[" in racepage("check", racy, "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in racepage("check", racy).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in racepage("check", racy).out
