from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from racepage.detect import analyse
from racepage.order.history import History
from racepage.report.arrows import arrows, stamped
from racepage.report.choice import Choice, choose
from racepage.report.exports import dot
from racepage.report.exports.neighbourhood import around, ordered, seeds
from racepage.trace import text
from racepage.trace.columns import Trace
from tests.oracle import brute
from tests.oracle.strategies import traces
from tests.report.exports.dot_rules import Graph, label, read
from tests.report.exports.made import evil
from tests.report.exports.test_neighbourhood import reach
from tests.report.hostile import NAMES

DOT = shutil.which("dot")
"""Graphviz itself, where it is installed; `dot_rules` asks more than it does."""

RACE = """\
main alloc page:0 size=4096 zero  @ a.py:1 main
main start t1
t1 lock lock:m
t1 write page:0[0:8]  @ a.py:3 fill
t1 write page:0[8:16]
t1 write page:0[16:24]
t1 unlock lock:m
main read page:0[0:4]  @ a.py:9 main
"""


def rendered(trace: Trace, choice: Choice, most: int = dot.MOST_EVENTS) -> str:
    start = seeds(analyse(trace), choice)
    batches = stamped(trace)
    edges = arrows(trace, batches)
    among = dot.worth_drawing(trace, edges, start)
    events = around(trace, edges, start, most=most, among=among)
    kept = ordered(trace, History(trace.columns.thread, batches), events)
    return "".join(dot.write_lines(trace, kept, choice, edges))


def graph(source: str, wanted: str = "1") -> Graph:
    trace = text.parse(source)
    return read(rendered(trace, choose(analyse(trace), wanted)))


def drawn(found: Graph) -> list[tuple[int, int]]:
    """The arrows that are an order."""
    return [
        (int(first[1:]), int(second[1:]))
        for first, second, how in found.edges
        if how.get("dir") != "none"
    ]


@settings(max_examples=40)
@given(trace=st.one_of(traces(40), traces(40, atomics=True)), most=st.integers(2, 15))
def test_paths_of_arrows_are_happens_before(trace: Trace, most: int) -> None:
    findings = [one for one in analyse(trace).findings if one.first or one.second]
    assume(findings)
    found = read(rendered(trace, Choice(findings[-1], 1), most))
    events = sorted(int(name[1:]) for name in found.nodes)
    assert len(events) <= most
    before = brute.order(brute.events_of(trace))
    place = {event: at for at, event in enumerate(events)}
    arrows_ = {(place[first], place[second]) for first, second in drawn(found)}
    assert reach(arrows_, len(events)) == {
        (place[first], place[second])
        for second in events
        for first in events
        if first < second and brute.happens_before(before, first, second)
    }


def test_what_is_drawn_of_a_small_trace() -> None:
    found = graph(RACE)
    assert {name: how["label"].split("\\n")[0] for name, how in found.nodes.items()} == {
        "e0": "alloc page:0[0:4096]",
        "e1": "start t1",
        "e2": "lock lock:m",
        "e3": "write page:0[0:8]",
        "e6": "unlock lock:m",
        "e7": "read page:0[0:4]",
    }
    assert [nodes for _, nodes in found.clusters.values()] == [
        ["e0", "e1", "e7"],
        ["e2", "e3", "e6"],
    ]
    assert [label for label, _ in found.clusters.values()] == ["main", "t1"]
    assert drawn(found) == [(0, 1), (1, 7), (2, 3), (3, 6), (1, 2)]


def test_what_a_thread_did_in_between_is_counted() -> None:
    left_out = {(first, second): how.get("label") for first, second, how in graph(RACE).edges}
    assert left_out["e3", "e6"] == "2 events"
    assert left_out["e2", "e3"] is None


def test_the_edge_that_is_missing_is_red_dashed_and_no_arrow() -> None:
    [(first, second, how)] = [one for one in graph(RACE).edges if one[2].get("dir") == "none"]
    assert (first, second) == ("e3", "e7")
    assert (how["style"], how["color"], how["constraint"]) == ("dashed", "#c0392b", "false")


def test_nothing_is_missing_between_two_sides_that_are_ordered() -> None:
    source = "t1 alloc page:0 size=4096 zero\nt1 free page:0\nt1 read page:0[0:1]\n"
    found = graph(source)
    assert not [one for one in found.edges if one[2].get("dir") == "none"]
    assert "use-after-free" in found.attributes["graph.label"]


def test_order_through_events_that_are_not_shown_is_dotted() -> None:
    source = """\
        t1 release sync:a
        t2 acquire sync:a
        t2 release sync:b
        t3 acquire sync:b
        t3 write page:0[0:1]
        t1 write page:0[0:1]
    """
    trace = text.parse(source)
    choice = choose(analyse(trace), "1")
    batches = stamped(trace)
    kept = ordered(trace, History(trace.columns.thread, batches), np.array([0, 4, 5]))
    lines = "".join(dot.write_lines(trace, kept, choice, arrows(trace, batches)))
    [how] = [how for first, second, how in read(lines).edges if (first, second) == ("e0", "e4")]
    assert how["style"] == "dotted"


@pytest.mark.parametrize("name", [*NAMES.values(), "\\N \\G \\l", "&amp;quot;", "<b>"])
def test_hostile_names_are_text(name: str) -> None:
    trace = evil(name)
    written = rendered(trace, choose(analyse(trace), "1"))
    found = read(written)
    assert len(written) < 10_000
    if DOT:
        took = subprocess.run(
            [DOT, "-Tcanon"], check=True, input=written.encode(), capture_output=True
        )
        assert took.stderr == b""
    lines = [line for how in found.nodes.values() for line in label(how["label"])]
    assert len(lines) == 3 * 3
    if name.isprintable() and 0 < len(name) < 50:
        assert f'write page:{name}[0:8] "{name}"' in lines
