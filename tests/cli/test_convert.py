from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from tests.cli.conftest import Racepage

STD = "t1|w(x)|1\nt1|acq(l)|2\nt1|rel(l)|3\nt2|r(x)|4\n"


@pytest.mark.parametrize(("source", "target"), [*permutations((".trace", ".arrows", ".std"), 2)])
def test_any_format_turns_into_any_other_and_keeps_its_race(
    racepage: Racepage, tmp_path: Path, source: str, target: str
) -> None:
    (tmp_path / "first.std").write_text(STD)
    if source != ".std":
        assert racepage("convert", "first.std", f"first{source}").code == 0
    done = racepage("convert", f"first{source}", f"second{target}")
    assert (done.code, done.out) == (0, "")
    size = "4 lines" if target == ".std" else "4 events"
    assert done.err == f"racepage: wrote second{target}: {size}\n"
    checked = racepage("check", f"second{target}", "--list-events")
    assert checked.code == 1
    assert "racy events: 3\n" in checked.out


@pytest.mark.parametrize("target", ["out.txt", "out", "no/folder/out.trace"])
def test_what_cannot_be_written_is_one_line(racepage: Racepage, clean: Path, target: str) -> None:
    assert target in racepage("convert", clean, target).complaint


def test_a_directory_is_no_target(racepage: Racepage, clean: Path, tmp_path: Path) -> None:
    (tmp_path / "out.trace").mkdir()
    assert "out.trace" in racepage("convert", clean, "out.trace").complaint


def test_a_bad_source_leaves_the_target_alone(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "bad.trace").write_text("what is this\n")
    (tmp_path / "out.trace").write_text("# precious\n")
    assert "bad.trace" in racepage("convert", "bad.trace", "out.trace").complaint
    assert (tmp_path / "out.trace").read_text() == "# precious\n"


def test_what_was_cut_off_is_said_and_never_a_pass(
    racepage: Racepage, clean: Path, tmp_path: Path
) -> None:
    racepage("convert", clean, "cut.arrows")
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(cut.read_bytes()[:-3])
    done = racepage("convert", "cut.arrows", "rest.trace")
    assert done.code == 3
    assert "cut.arrows was cut off" in done.err
    assert racepage("check", "rest.trace").code == 3


@pytest.mark.parametrize("suffix", [".std", ".std.gz"])
def test_what_std_has_no_words_for_is_said_and_its_lines_are_counted(
    racepage: Racepage, tmp_path: Path, suffix: str
) -> None:
    """Two variables, [0:8] and [8:4096]: alloc and free are two lines each."""
    (tmp_path / "first.trace").write_text(
        "main alloc page:0 size=4096 zero\n"
        "main map page:0 as=p\n"
        "main write page:0[0:8]\n"
        "main unmap p\n"
        "main free page:0\n"
    )
    done = racepage("convert", "first.trace", f"second{suffix}")
    wrote, missing, lives = done.err.splitlines()
    assert wrote == f"racepage: wrote second{suffix}: 5 lines"
    assert "has no line for 1 map, 1 unmap: no race depends on them" in missing
    assert "has alloc and free as writes of the whole page" in lives
    assert done.code == 0


def test_std_cannot_say_that_a_trace_is_not_complete(
    racepage: Racepage, clean: Path, tmp_path: Path
) -> None:
    racepage("convert", clean, "cut.arrows")
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(cut.read_bytes()[:-8])  # all of the end marker, and nothing else
    done = racepage("convert", "cut.arrows", "rest.std")
    assert done.code == 3
    assert "rest.std cannot say that the trace is not complete" in done.err
    assert "racepage: cut.arrows was not closed: " in done.err
    assert "0 bytes" not in done.err
