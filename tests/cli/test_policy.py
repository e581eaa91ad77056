"""What is not to count, as a user says it on the command line and in pyproject.toml."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import RACY, Racepage

OTHER = RACY.replace("copy_in", "drain")
"""The same race in another function."""

TWICE = RACY.replace(
    "main  join   t1", "t1 read page:0[64:72] @ binder.py:130 copy_in\nmain join t1"
)
"""RACY and one more race in the same function, at another line."""

PROGRAM = """\
from racepage import sync
from racepage.memory import Page


def fill(page):
    page.view()[0:8] = b"racepage"


with Page.alloc_page(label="inbox") as page:
    threads = [sync.Thread(target=fill, args=(page,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

SUPPRESS = '[[suppress]]\nfunction = "copy_in"\nreason = "meant"\n'


@pytest.fixture
def suppressions(tmp_path: Path) -> Path:
    path = tmp_path / "races.toml"
    path.write_text(SUPPRESS)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "pyproject.toml"


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def loaded(text: str) -> Any:
    return json.loads(text)


# Suppressions ------------------------------------------------------------------------------------


def test_what_is_suppressed_does_not_count_and_is_listed(
    racepage: Racepage, racy: Path, suppressions: Path
) -> None:
    done = racepage("check", racy, "--suppressions", suppressions)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 finding suppressed: meant\n  data-race page:0[32:64]: t1 at ")
    assert "\nclean: nothing else found\n" in done.out


def test_a_run_obeys_suppressions(racepage: Racepage) -> None:
    write("fills.py", PROGRAM)
    assert racepage("run", "fills.py").code == 1
    write("races.toml", '[[suppress]]\nfunction = ["fill", "fill"]\npage = "in*"\nreason = "r"\n')
    done = racepage("run", "fills.py", "--suppressions", "races.toml")
    assert (done.code, done.err) == (0, "")


def test_what_matches_nothing_is_told(racepage: Racepage, racy: Path) -> None:
    write("races.toml", SUPPRESS.replace("copy_in", "drain"))
    done = racepage("check", racy, "--suppressions", "races.toml")
    assert done.code == 1
    assert done.err == (
        "racepage: races.toml: suppression 1 matched nothing (meant); if that is for good, take it "
        "out\n"
    )


def test_what_expired_is_told_and_matches_nothing(racepage: Racepage, racy: Path) -> None:
    write("races.toml", SUPPRESS + "until = 2020-01-31\n")
    done = racepage("check", racy, "--suppressions", "races.toml")
    assert done.code == 1
    assert done.err.startswith("racepage: races.toml: suppression 1 expired on 2020-01-31, and ")


def test_one_of_several_traces_is_enough_for_a_match(
    racepage: Racepage, racy: Path, clean: Path, suppressions: Path
) -> None:
    done = racepage("check", clean, racy, clean, "--suppressions", suppressions)
    assert (done.code, done.err) == (0, "")


def test_the_json_report_has_what_matched(
    racepage: Racepage, racy: Path, suppressions: Path
) -> None:
    done = racepage("check", racy, "--suppressions", suppressions, "--format", "json")
    made = loaded(done.out)
    assert (done.code, made["verdict"]) == (0, "clean")
    assert made["findings"][0]["suppressed"] == "meant"
    assert made["policy"]["suppressions"][0]["matched"] == 1
    assert made["policy"]["baseline"] is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SUPPRESS + "funtion = 'f'\n", "races.toml: suppression 1 has an unknown key 'funtion'; d"),
        ("[[suppress]]\npage = 'p'\n", "races.toml: suppression 1 has no reason; add reason = "),
        ("[[suppres]]\n", "races.toml: there is no table 'suppres' here; every entry begins with"),
        ("[[suppress]\n", "races.toml: not a file of suppressions in TOML: "),
    ],
)
def test_a_file_that_is_no_good_is_one_line(
    racepage: Racepage, racy: Path, text: str, told: str
) -> None:
    write("races.toml", text)
    assert racepage("check", racy, "--suppressions", "races.toml").complaint.startswith(told)


def test_a_file_that_is_not_there_is_one_line(racepage: Racepage, racy: Path) -> None:
    told = racepage("check", racy, "--suppressions", "none.toml").complaint
    assert told == "none.toml: No such file or directory; name a file of suppressions"


def test_a_bad_file_is_told_before_the_program_runs(racepage: Racepage) -> None:
    write("touch.py", "open('ran', 'w').close()\n")
    write("races.toml", "[[suppress]]\n")
    assert racepage("run", "touch.py", "--suppressions", "races.toml").code == 2
    assert racepage("run", "touch.py", "--baseline", "none.json").code == 2
    assert not Path("ran").exists()


# In pyproject.toml -------------------------------------------------------------------------------


def test_pyproject_has_suppressions_of_its_own(
    racepage: Racepage, racy: Path, settings: Path
) -> None:
    settings.write_text('[[tool.racepage.suppress]]\npage = "page:0"\nreason = "ours"\n')
    done = racepage("check", racy)
    assert done.code == 0
    assert done.out.startswith("1 finding suppressed: ours\n")


def test_those_of_a_file_come_before_those_of_pyproject(
    racepage: Racepage, racy: Path, settings: Path, suppressions: Path
) -> None:
    settings.write_text('[[tool.racepage.suppress]]\npage = "page:0"\nreason = "ours"\n')
    done = racepage("check", racy, "--suppressions", suppressions, "--format", "json")
    made = loaded(done.out)
    assert made["findings"][0]["suppressed"] == "meant"
    sources = [(one["source"], one["matched"]) for one in made["policy"]["suppressions"]]
    assert sources == [(str(suppressions), 1), ("pyproject.toml", 1)]


def test_files_in_pyproject_are_named_from_where_it_is(
    racepage: Racepage,
    racy: Path,
    settings: Path,
    suppressions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.write_text(f'[tool.racepage]\nsuppressions = "{suppressions.name}"\n')
    inner = settings.parent / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert racepage("check", racy).code == 0


def test_a_bad_entry_in_pyproject_is_told_with_its_number(
    racepage: Racepage, racy: Path, settings: Path
) -> None:
    entry = '[[tool.racepage.suppress]]\npage = "p"\nreason = "r"\n'
    settings.write_text(entry + entry.replace("page =", "pages ="))
    told = racepage("check", racy).complaint
    assert told == "pyproject.toml: suppression 2 has an unknown key 'pages'; did you mean page?"


@pytest.mark.parametrize("value", ["3", "[3]", "'x'", "{reason = 'r'}"])
def test_suppress_is_an_array_of_tables(
    racepage: Racepage, racy: Path, settings: Path, value: str
) -> None:
    settings.write_text(f"[tool.racepage]\nsuppress = {value}\n")
    assert "suppress is to be an array of tables" in racepage("check", racy).complaint


@pytest.mark.parametrize("key", ["suppressions", "baseline"])
@pytest.mark.parametrize("value", ["3", "''", "true"])
def test_a_file_is_named_by_a_text(
    racepage: Racepage, racy: Path, settings: Path, key: str, value: str
) -> None:
    settings.write_text(f"[tool.racepage]\n{key} = {value}\n")
    assert f"{key} is " in racepage("check", racy).complaint


# Baselines ---------------------------------------------------------------------------------------


def test_a_baseline_is_written_and_then_known(racepage: Racepage, racy: Path) -> None:
    done = racepage("check", racy, "--baseline", "known.json", "--update-baseline")
    assert (done.code, done.err) == (
        0,
        "racepage: wrote known.json: 1 known, of which 1 new, and 0 gone\n",
    )
    done = racepage("check", racy, "--baseline", "known.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 finding known: in the baseline known.json\nclean: nothing new ")


def test_only_what_is_new_is_reported(racepage: Racepage, racy: Path) -> None:
    racepage("check", racy, "--baseline", "known.json", "--update-baseline")
    done = racepage("check", write("twice.trace", TWICE), "--baseline", "known.json")
    assert done.code == 1
    assert done.out.count("━━ RP001") == 1
    assert "binder.py:130 in copy_in" in done.out
    assert "\n1 finding known: in the baseline known.json\n1 finding: data-race\n" in done.out


def test_another_function_is_new_and_what_is_gone_is_told(racepage: Racepage, racy: Path) -> None:
    racepage("check", racy, "--baseline", "known.json", "--update-baseline")
    done = racepage("check", write("other.trace", OTHER), "--baseline", "known.json")
    assert done.code == 1
    assert done.err == (
        "racepage: known.json: 1 finding of it was not found, or suppressed by now (RP001 "
        "binder.py:120 in copy_in and binder.py:120 in copy_in); if that is for good, "
        "--update-baseline drops what is gone\n"
    )


def test_the_json_report_has_what_is_known_and_what_is_gone(racepage: Racepage, racy: Path) -> None:
    both = write("other.trace", OTHER)
    racepage("check", racy, both, "--baseline", "known.json", "--update-baseline")
    done = racepage("check", racy, "--baseline", "known.json", "--format", "json")
    made = loaded(done.out)
    assert made["findings"][0]["known"] is True
    assert made["policy"]["baseline"]["known"] == 1
    assert [gone["count"] for gone in made["policy"]["baseline"]["gone"]] == [1]


def test_a_run_obeys_a_baseline(racepage: Racepage) -> None:
    write("fills.py", PROGRAM)
    options = ("--baseline", "known.json")
    assert racepage("run", "fills.py", *options, "--update-baseline").code == 0
    assert racepage("run", "fills.py", *options).code == 0
    write("fills.py", PROGRAM.replace("fill", "pour"))
    assert racepage("run", "fills.py", *options).code == 1


def test_a_program_that_raises_something_else_is_new(racepage: Racepage) -> None:
    write("dies.py", "raise ValueError('one')\n")
    options = ("--baseline", "known.json")
    assert racepage("run", "dies.py", *options, "--update-baseline").code == 0
    assert racepage("run", "dies.py", *options).code == 0
    write("dies.py", "raise KeyError('one')\n")
    assert racepage("run", "dies.py", *options).code == 1


def test_what_is_suppressed_is_not_in_the_baseline(
    racepage: Racepage, racy: Path, suppressions: Path
) -> None:
    options = ("--suppressions", suppressions, "--baseline", "known.json", "--update-baseline")
    assert racepage("check", racy, *options).code == 0
    assert loaded(Path("known.json").read_text())["findings"] == []


def test_a_trace_that_is_unusable_leaves_the_baseline_as_it_was(
    racepage: Racepage, racy: Path
) -> None:
    options = ("--baseline", "known.json", "--update-baseline")
    racepage("check", racy, *options)
    before = Path("known.json").read_bytes()
    done = racepage("check", write("other.trace", OTHER), "none.trace", *options)
    assert done.code == 2
    assert done.err.endswith("the baseline is as it was, since not everything was analysed\n")
    assert Path("known.json").read_bytes() == before


def test_a_trace_that_is_cut_off_stays_incomplete(racepage: Racepage) -> None:
    cut = write("cut.trace", RACY + "# racepage: incomplete 7\n")
    options = ("--baseline", "known.json")
    assert racepage("check", cut, *options, "--update-baseline").code == 3
    assert racepage("check", cut, *options).code == 3


def test_a_baseline_that_cannot_be_written_at_the_end_is_one_line(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = racepage("check", racy, "--baseline", "known.json", "--update-baseline")
    assert done.code == 2
    assert done.err == (
        "racepage: known.json: No space left on device; the baseline is as it was\n"
    )
    assert not Path("known.json").exists()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--update-baseline"], "--update-baseline needs to know the file; give it as --baseline"),
        (["--baseline", "none.json"], "none.json: there is no such baseline; --update-baseline"),
        (["--baseline", "racy.trace"], "racy.trace: no baseline, since it is no JSON"),
        (["--baseline", "racy.trace", "--update-baseline"], "racy.trace: no baseline, since it is"),
        (["--baseline", "."], ".: Is a directory; name a baseline"),
        (["--baseline", "no/x.json", "--update-baseline"], "--baseline no/x.json: there is no dir"),
        (["--baseline", "k.json", "-o", "./k.json"], "-o k.json would overwrite the baseline"),
        (["--suppressions", "s", "-o", "s"], "-o s would overwrite the suppressions"),
    ],
)
def test_what_does_not_work_is_one_line(
    racepage: Racepage, racy: Path, args: list[str], told: str
) -> None:
    assert racepage("check", racy, *args).complaint.startswith(told)


def test_a_program_means_a_race_before_a_file_does(racepage: Racepage) -> None:
    meant = PROGRAM.replace(
        "    page.view()", "    with racy_ok('in the program'):\n        page.view()"
    )
    write("fills.py", "from racepage import racy_ok\n" + meant)
    write("races.toml", '[[suppress]]\nrule = "RP001"\nreason = "in the file"\n')
    options = ("--suppressions", "races.toml", "--baseline", "known.json", "--update-baseline")
    done = racepage("run", "fills.py", *options)
    assert done.code == 0
    assert "1 finding suppressed: in the program\n" in done.out
    assert "suppression 1 matched nothing" in done.err
    assert loaded(Path("known.json").read_text())["findings"] == []
