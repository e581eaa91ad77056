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


def test_a_bar_for_every_tenth_of_ten_events_says_who_was_busy(
    racepage: Racepage, tmp_path: Path
) -> None:
    (tmp_path / "a.trace").write_text(TRACE)
    told = racepage("info", "a.trace").out
    # One column an event; t1 has the seventh, and the page the first, the 4th, 5th, 7th and last.
    assert (
        "\nthread  reads  writes  others  over the trace\n"
        "main        0       4       5  ██████ ███\n"
        "t1          1       0       0        █\n"
    ) in told
    [page] = [line for line in told.splitlines() if line.startswith("page:0")]
    assert page.endswith("      0  █  ██ █  █")


def test_the_busiest_come_first_and_the_others_are_counted(
    racepage: Racepage, tmp_path: Path
) -> None:
    lines = [f"t{one} write page:{one}[0:8]" for one in range(1, 58) for _ in range(one % 50)]
    (tmp_path / "many.trace").write_text("\n".join(lines))
    told = racepage("info", "many.trace").out
    assert told.count("and 36 more; --limit 0 shows all") == 2  # 50 has no event, and is not there
    threads = [line.split()[0] for line in told.splitlines() if line.startswith("t") if "█" in line]
    assert threads == [f"t{one}" for one in range(49, 29, -1)]
    assert "more" not in racepage("info", "many.trace", "--limit", "0").out
    assert "and 54 more" in racepage("info", "many.trace", "--limit", "2").out
    everything = json.loads(racepage("info", "many.trace", "--format", "json").out)
    assert [one["name"] for one in everything["threads"]][:2] == ["t1", "t2"]
    assert len(everything["threads"]) == 56
