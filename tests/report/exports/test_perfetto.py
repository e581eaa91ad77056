from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings

from racepage.errors import RacepageError
from racepage.report.exports import chrome, perfetto, slices
from racepage.trace import text
from racepage.trace.columns import Trace
from tests.report.exports import chrome_rules, perfetto_rules
from tests.report.exports.made import evil, parts, traces
from tests.report.exports.shown import Tracks, assert_shows_all, edges
from tests.report.hostile import NAMES


def render(trace: Trace) -> bytes:
    return b"".join(perfetto.packets(*parts(trace)))


@settings(max_examples=25)
@given(trace=traces)
def test_a_file_keeps_the_rules_and_shows_every_event_and_edge(trace: Trace) -> None:
    made = parts(trace)
    _, _, timeline, happens_before = made
    found, names, _ = perfetto_rules.read(b"".join(perfetto.packets(*made)))
    tracks = {uuid: timeline.tracks[uuid - 2].thread for uuid in names}
    assert_shows_all(trace, found, tracks)
    pairs = zip(happens_before.source.tolist(), happens_before.to.tolist(), strict=True)
    assert edges(found) == sorted(pairs)


@settings(max_examples=25)
@given(trace=traces)
def test_it_shows_what_chrome_s_format_shows(trace: Trace) -> None:
    made = parts(trace)
    one, _, _ = perfetto_rules.read(b"".join(perfetto.packets(*made)))
    other, _, _ = chrome_rules.read("".join(chrome.write_lines(*made)))
    assert told(one, 2) == told(other, 1)
    assert [name for _, name, _ in one.instants] == [name for _, name, _ in other.instants]


def told(shown: Tracks, first: int) -> list[tuple[Any, ...]]:
    """Slices without fractions of time, and without places: Perfetto's lines have 32 bits."""
    return sorted(
        (
            one.track - first,
            one.event,
            one.name,
            one.category,
            one.args.get("bytes", ""),
            one.args.get("unlock", -1),
            -1 if one.parent is None else one.parent.event,
        )
        for one in shown.slices
    )


def test_a_section_ends_with_its_unlock_and_not_when_the_thread_goes_on() -> None:
    source = """\
        t1 lock lock:m time=1000
        t1 unlock lock:m time=1100
        t2 lock lock:m time=1150
        t1 write page:0[0:8] time=9000
    """
    found, _, _ = perfetto_rules.read(render(text.parse(source)))
    section = found.slices[0]
    assert (section.start, section.stop) == (0, 118)
    assert edges(found) == [(1, 2)]


def test_names_are_sent_once() -> None:
    data = render(text.parse("t1 write page:0[0:8] @ fill.py:1 fill\n" * 100))
    assert [data.count(word) for word in (b"write page:0", b"fill.py", b"bytes")] == [1, 1, 1]
    assert len(data) < 100 * 70


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_hostile_names_are_text(name: str) -> None:
    data = render(evil(name))
    found, names, process = perfetto_rules.read(data)
    assert len(found.slices) == 3
    assert len(data) < 5_000
    said = [*names.values(), process, *(str(value) for one in found.slices for value in one.args)]
    assert all(one.isprintable() for one in said)


def test_the_same_trace_makes_the_same_bytes() -> None:
    trace = text.parse("t1 lock lock:m\nt1 unlock lock:m\nt2 lock lock:m\n")
    assert render(trace) == render(trace)


def test_packets_are_never_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_BATCH", 64)
    made = parts(text.parse("t1 write page:0[0:8] @ a.py:1 f\n" * 1_500))
    tracemalloc.start()
    length = sum(len(packet) for packet in perfetto.packets(*made))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 75_000
    assert peak < length / 2


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace.perfetto_trace_pb2", None)
    with pytest.raises(RacepageError, match=r"pip install 'racepage\[perfetto\]'"):
        perfetto.messages()
