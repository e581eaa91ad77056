from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from racepage.report.exports import chrome, slices
from racepage.trace import text
from racepage.trace.columns import Trace
from racepage.trace.lines import write_lines
from tests.report.exports import chrome_rules
from tests.report.exports.made import evil, parts, traces
from tests.report.exports.shown import Tracks, assert_shows_all, edges
from tests.report.hostile import NAMES

LOCKED = """\
t1 lock  lock:m
t1 write page:0[0:8]  @ a.py:3 fill
t1 unlock lock:m      @ a.py:4 fill
t2 lock  lock:m
t2 read  page:0[0:8]
t3 write page:0[4:6]
"""


def render(trace: Trace) -> str:
    return "".join(chrome.write_lines(*parts(trace)))


def shown(source: str) -> Tracks:
    return chrome_rules.read(render(text.parse(source)))[0]


@settings(max_examples=25)
@given(trace=traces)
def test_a_file_keeps_the_rules_and_shows_every_event_and_edge(trace: Trace) -> None:
    made = parts(trace)
    _, analysis, timeline, happens_before = made
    found, names, _ = chrome_rules.read("".join(chrome.write_lines(*made)))
    tracks = {tid: timeline.tracks[tid - 1].thread for tid in names}
    assert_shows_all(trace, found, tracks)
    pairs = zip(happens_before.source.tolist(), happens_before.to.tolist(), strict=True)
    assert edges(found) == sorted(pairs)
    sides = [
        side.event
        for one in analysis.findings
        if one.suppressed is None
        for side in (one.first, one.second)
        if side is not None
    ]
    assert len(found.instants) == len(sides)


def test_what_is_written_of_a_small_trace() -> None:
    """By hand: logical time has 10 us for an event, and what is in a cell keeps 1 us off it."""
    lines = render(text.parse(LOCKED)).splitlines()
    assert lines[2:4] == [
        '{"ts":0,"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"t1"}},',
        '{"ts":0,"ph":"M","pid":1,"tid":1,"name":"thread_sort_index","args":{"sort_index":0}},',
    ]
    write = '"dur":8,"cat":"access","name":"write page:0"'
    told = '"args":{"event":1,"bytes":"0:8","at":"a.py:3 in fill"}'
    assert lines[8:10] == [
        '{"ts":0,"ph":"B","pid":1,"tid":1,"cat":"lock","name":"lock:m","args":{"event":0}},',
        f'{{"ts":11,"ph":"X","pid":1,"tid":1,{write},{told}}},',
    ]
    flow = '"cat":"happens-before","name":"happens-before"'
    assert f'{{"ts":25,"ph":"s","pid":1,"tid":1,"id":1,{flow}}},' in lines
    assert f'{{"ts":35,"ph":"f","pid":1,"tid":2,"id":1,"bp":"e",{flow}}},' in lines
    end = '"args":{"unlock":2,"unlocked at":"a.py:4 in fill"}'
    assert f'{{"ts":29,"ph":"E","pid":1,"tid":1,{end}}},' in lines


def test_both_sides_of_a_race_are_pointed_out_in_their_slices() -> None:
    found = [(one.event, name) for one, name, _ in shown(LOCKED).instants if one is not None]
    assert (
        found
        == [
            (1, "RP001 data-race: first side of finding 1"),
            (4, "RP001 data-race: first side of finding 2"),
            (5, "RP001 data-race: second side of finding 1"),
            (5, "RP001 data-race: second side of finding 2"),
        ]
        or len(found) == 2
    )


def test_accesses_are_in_the_sections_that_they_are_made_in() -> None:
    found = {one.event: one for one in shown(LOCKED).slices}
    assert found[1].parent is found[0]
    assert found[5].parent is None


def test_sections_that_do_not_nest_have_a_track_each() -> None:
    source = """\
        t1 lock lock:a
        t1 lock lock:b
        t1 unlock lock:a
        t1 write page:0[0:1]
        t1 unlock lock:b
        t1 rlock lock:c
        t1 runlock lock:c
    """
    _, names, _ = chrome_rules.read(render(text.parse(source)))
    found = {one.name: one for one in shown(source).slices}
    assert names == {1: "t1", 2: "t1 (sections 2)"}
    assert {name: one.track for name, one in found.items()} == {
        "lock:a": 1,
        "lock:b": 2,
        "write page:0": 1,
        "lock:c (read)": 1,
    }
    assert (found["lock:b"].start, found["lock:b"].stop) == (10_000, 49_000)


def test_a_lock_that_is_not_given_back_is_held_to_the_thread_s_end() -> None:
    found = {one.name: one for one in shown("t1 lock lock:a\nt1 write page:0[0:1]").slices}
    assert found["write page:0"].parent is found["lock:a"]
    assert found["lock:a"].stop == 19_000


def test_a_lock_that_another_thread_gives_back_is_held_until_then() -> None:
    source = """\
        t1 lock lock:a
        t1 write page:0[0:1]
        t2 unlock lock:a
        t1 write page:0[1:2]
    """
    found = {one.event: one for one in shown(source).slices}
    assert [found[event].parent for event in (1, 2, 3)] == [found[0], None, None]


def test_an_unlock_with_which_two_sections_end_has_a_slice_of_its_own() -> None:
    """The second one is ended by another thread, before the first does anything else."""
    source = """\
        t1 lock lock:a
        t1 lock lock:b
        t1 unlock lock:a
        t2 unlock lock:b
    """
    found = {one.event: one for one in shown(source).slices}
    assert found[2].name == "unlock lock:a"
    assert found[2].parent is found[1]
    assert found[1].parent is found[0]
    assert "unlock" not in found[0].args


def test_a_wait_lasts_until_the_thread_goes_on() -> None:
    source = """\
        t1 block lock:a
        t2 write page:0[0:1]
        t2 write page:0[0:1]
        t1 lock lock:a
    """
    found = {one.event: one for one in shown(source).slices}
    assert (found[0].start, found[0].stop) == (1_000, 29_000)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((0, 0, 0, 0), "logical: 10 us for every event, in the order of the trace"),
        ((500, 0, 0, 9_500), "the recording's clock, from its first event"),
    ],
)
def test_which_time_it_is_is_said(times: tuple[int, ...], said: str) -> None:
    source = "\n".join(f"t1 write page:0[0:1]{f' time={time}' if time else ''}" for time in times)
    _, _, whole = chrome_rules.read(render(text.parse(source)))
    assert whole["time"] == said
    assert whole["process"].endswith("(wall time)" if any(times) else "(logical time)")


def test_events_without_a_time_lie_evenly_between_those_that_have_one() -> None:
    lines = [f"t1 write page:0[{at}:{at + 1}]" for at in range(4)]
    lines[0] += " time=1000"
    lines[3] += " time=4000"
    # The cells begin at 0, 1000, 2000 and 3000 ns, and a slice 2 ns later; importers drop some.
    found = [one.start for one in shown("\n".join(lines)).slices]
    assert found == pytest.approx([2, 1002, 2002, 3002], abs=1)


def test_what_has_a_time_before_what_leads_to_it_is_put_off() -> None:
    """Three threads pass something on, by clocks that go wrong by more at every step."""
    lines = []
    for step in range(30):
        who = f"t{step % 3}"
        lines.append(f"{who} acquire sync:s time={10_000 - 300 * step}")
        lines.append(f"{who} release sync:s time={10_000 - 300 * step}")
    found = {one.event: one.start for one in shown("\n".join(lines)).slices}
    assert all(found[event] + 20 <= found[event + 1] for event in range(59))


def test_times_that_span_weeks_are_not_used() -> None:
    lines = ["t1 write page:0[0:1] time=1", f"t1 write page:0[0:1] time={10**16}"]
    assert [one.start for one in shown("\n".join(lines)).slices] == [1_000, 11_000]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_hostile_names_are_text(name: str) -> None:
    whole = render(evil(name))
    found, _, _ = chrome_rules.read(whole)
    assert len(found.slices) == 3
    assert len(whole) < 10_000
    assert json.dumps(json.loads(whole), ensure_ascii=False).encode()  # no lone surrogates
    assert all(str(value).isprintable() for one in found.slices for value in one.args.values())


def test_the_same_trace_makes_the_same_bytes_gzipped_too(tmp_path: Path) -> None:
    for name in ("a.json", "a.json.gz", "b.json.gz"):
        write_lines(chrome.write_lines(*parts(text.parse(LOCKED))), tmp_path / name)
    packed = (tmp_path / "a.json.gz").read_bytes()
    assert packed == (tmp_path / "b.json.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.json").read_bytes()


def test_an_empty_trace_is_an_empty_list_of_events() -> None:
    found, names, _ = chrome_rules.read(render(text.parse("")))
    assert (found.slices, names) == ([], {})


def test_the_text_is_never_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_BATCH", 64)
    made = parts(text.parse("t1 write page:0[0:8] @ a.py:1 f\n" * 1_500))
    tracemalloc.start()
    length = sum(len(line) for line in chrome.write_lines(*made))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 150_000
    assert peak < length / 3


def test_times_are_as_exact_as_a_nanosecond() -> None:
    steps = np.array([1, 999, 10**15 + 7])
    assert [json.loads(str(chrome._micro(step))) for step in steps.tolist()] == [
        0.001,
        0.999,
        10**12 + 0.007,
    ]
