from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Racepage

TRACE = """\
# racepage: label page:0 "in\\u001bbox"
main  alloc    page:0 size=8192 zero
main  start    t1
main  lock     lock:m
main  write    page:0[0:8]    @ a.py:1 f
main  write    page:0[8:16]   @ a.py:1 f
main  unlock   lock:m
t1    read     page:0[0:8]    @ a.py:2 g
main  join     t1
main  release  sync:done
main  free     page:0
"""


def test_everything_is_counted(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "a.trace").write_text(TRACE)
    done = racepage("info", "a.trace", "--format", "json")
    assert done.code == 0
    facts = json.loads(done.out)
    assert facts["events"] == 10
    assert facts["places"] == 2
    assert facts["seconds"] is None
    assert facts["operations"]["write"] == 2
    assert facts["threads"] == [
        {"name": "main", "reads": 0, "writes": 4, "others": 5},
        {"name": "t1", "reads": 1, "writes": 0, "others": 0},
    ]
    [page] = facts["pages"]
    assert (page["name"], page["size"], page["label"]) == ("page:0", 8192, "in\x1bbox")
    assert (page["reads"], page["writes"], page["others"]) == (1, 4, 0)
    assert {one["name"]: one["events"] for one in facts["objects"]} == {"lock:m": 2, "sync:done": 1}


def test_people_get_tables_without_control_characters(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "a.trace").write_text(TRACE)
    done = racepage("info", "a.trace")
    assert done.out.startswith("a.trace: text trace\n10 events, 2 threads, 1 page, 2 places")
    assert "\nthread  reads  writes  others\nmain        0       4       5\n" in done.out
    assert "page:0  in\\x1bbox  8,192" in done.out
    assert "\x1b" not in done.out


def test_a_recording_has_a_time_span(racepage: Racepage) -> None:
    racepage("run", "handoff", "--trace", "run.arrows")
    facts = json.loads(racepage("info", "run.arrows", "--format", "json").out)
    assert facts["program"] == "handoff"
    assert 0 < facts["seconds"] < 600


def test_what_was_cut_off_is_said_and_never_a_pass(
    racepage: Racepage, clean: Path, tmp_path: Path
) -> None:
    racepage("convert", clean, "cut.arrows")
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(cut.read_bytes()[:-3])
    done = racepage("info", "cut.arrows")
    assert done.code == 3
    assert "cut off: " in done.out


def test_an_empty_trace_is_a_trace(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "empty.trace").write_text("")
    assert racepage("info", "empty.trace").out == (
        "empty.trace: text trace\n0 events, 0 threads, 0 pages, 0 places in the source\n"
    )


def test_no_trace_is_one_line(racepage: Racepage) -> None:
    assert "gone.trace" in racepage("info", "gone.trace").complaint
