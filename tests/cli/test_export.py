"""`racepage convert` to what other viewers read."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from racepage.cli.export import EXPORTS
from tests.cli.conftest import Racepage
from tests.report.exports import chrome_rules, dot_rules, perfetto_rules, shiviz_rules

TIMED = "t1 write page:0[0:8] time=1000\nt2 read page:0[0:8] time=2000\n"


def test_chrome_s_json_plain_and_gzipped(racepage: Racepage, racy: Path, tmp_path: Path) -> None:
    done = racepage("convert", racy, "out.json")
    assert (done.code, done.out) == (0, "")
    wrote, logical = done.err.splitlines()
    assert wrote == "racepage: wrote out.json: 6 events"
    assert "out.json has logical time, since the trace has no other" in logical
    shown, _, _ = chrome_rules.read((tmp_path / "out.json").read_text())
    assert len(shown.slices) == 6
    racepage("convert", racy, "out.json.gz")
    packed = gzip.decompress((tmp_path / "out.json.gz").read_bytes())
    assert packed == (tmp_path / "out.json").read_bytes()


def test_a_trace_with_times_keeps_them(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "timed.trace").write_text(TIMED)
    done = racepage("convert", "timed.trace", "out.json")
    assert done.err == "racepage: wrote out.json: 2 events\n"
    found = json.loads((tmp_path / "out.json").read_text())["otherData"]["time"]
    assert found == "the recording's clock, from its first event"


def test_perfetto_s_packets(racepage: Racepage, racy: Path, tmp_path: Path) -> None:
    done = racepage("convert", racy, "out.pftrace")
    assert done.code == 0
    shown, _, _ = perfetto_rules.read((tmp_path / "out.pftrace").read_bytes())
    assert len(shown.slices) == 6


def test_without_the_package_perfetto_is_refused_and_nothing_is_written(
    racepage: Racepage, racy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace.perfetto_trace_pb2", None)
    complaint = racepage("convert", racy, "out.pftrace").complaint
    assert "pip install 'racepage[perfetto]'" in complaint
    assert not (tmp_path / "out.pftrace").exists()


@pytest.mark.parametrize("name", ["out.shiviz", "out.log"])
def test_a_race_for_shiviz(racepage: Racepage, racy: Path, tmp_path: Path, name: str) -> None:
    done = racepage("convert", racy, name)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"racepage: wrote {name}: data-race 1, 6 events of 6\n"
    assert len(shiviz_rules.read((tmp_path / name).read_text())) == 6


def test_a_race_for_graphviz(racepage: Racepage, racy: Path, tmp_path: Path) -> None:
    done = racepage("convert", racy, "out.dot")
    assert done.err == "racepage: wrote out.dot: data-race 1, 6 events of 6\n"
    found = dot_rules.read((tmp_path / "out.dot").read_text())
    assert [one for one in found.edges if one[2].get("dir") == "none"]


TWO = """\
t1 write page:0[0:8]  @ a.py:1 f
t2 write page:0[0:8]  @ a.py:2 g
t1 write page:1[0:8]  @ a.py:3 h
t2 write page:1[0:8]  @ a.py:4 i
"""


def test_which_race_is_the_reader_s_choice(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "two.trace").write_text(TWO)
    checked = json.loads(racepage("check", "two.trace", "--format", "json").out)
    prints = [one["fingerprint"] for one in checked["findings"]]
    for wanted, number in (("2", 2), (prints[1][:8], 2), (prints[0], 1)):
        done = racepage("convert", "two.trace", "out.dot", "--race", wanted)
        assert done.err.startswith(f"racepage: wrote out.dot: data-race {number}, ")
        title = dot_rules.read((tmp_path / "out.dot").read_text()).attributes["graph.label"]
        assert f"page:{number - 1}[0:8]" in title
    complaint = racepage("convert", "two.trace", "out.dot", "--race", "3").complaint
    assert "there is no finding 3; it has 2 findings" in complaint


def test_a_clean_trace_has_no_race_to_show(racepage: Racepage, clean: Path) -> None:
    assert "there is none that counts" in racepage("convert", clean, "out.shiviz").complaint


def test_a_race_is_not_for_what_shows_the_whole_trace(racepage: Racepage, racy: Path) -> None:
    for target in ("out.json", "out.trace"):
        complaint = racepage("convert", racy, target, "--race", "1").complaint
        assert f"--race is for shiviz and dot; {target} is neither" in complaint


def test_a_suffix_that_means_nothing_names_those_that_do(racepage: Racepage, racy: Path) -> None:
    complaint = racepage("convert", racy, "out.txt").complaint
    assert complaint.startswith("out.txt: its suffix names no format; use one of .trace, ")
    for suffix in (".arrows", ".std", ".json", ".json.gz", ".pftrace", ".shiviz", ".log", ".dot"):
        assert f"{suffix}, " in complaint
    done = racepage("convert", racy, "out.txt", "--to", "dot")
    assert done.code == 0


@pytest.mark.parametrize("name", ["no/such.json", "no/such.pftrace", "no/such.dot", "no/such.log"])
def test_what_cannot_be_written_is_one_line(racepage: Racepage, racy: Path, name: str) -> None:
    assert f"{name}: cannot be written: " in racepage("convert", racy, name).complaint


def test_the_readme_and_the_help_tell_of_every_format(racepage: Racepage) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    told = racepage("convert", "--help").out
    for form, suffixes in EXPORTS.items():
        assert f"(`{form}`)" in readme
        assert [f"`{suffix}`" in readme for suffix in suffixes] == [True] * len(suffixes)
        assert f"  {form:<9} {' '.join(suffixes)} " in told


def test_a_trace_that_was_cut_off_is_never_a_pass(
    racepage: Racepage, racy: Path, tmp_path: Path
) -> None:
    racepage("convert", racy, "cut.arrows")
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(cut.read_bytes()[:-3])
    done = racepage("convert", "cut.arrows", "rest.json")
    assert done.code == 3
    assert "cut.arrows was cut off" in done.err
