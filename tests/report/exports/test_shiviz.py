from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from racepage.detect import analyse
from racepage.order.history import History
from racepage.report.arrows import arrows, stamped
from racepage.report.choice import Choice, choose
from racepage.report.exports import shiviz
from racepage.report.exports.neighbourhood import around, ordered, seeds
from racepage.trace import text
from racepage.trace.columns import Trace
from tests.oracle import brute
from tests.oracle.strategies import traces
from tests.report.exports import shiviz_rules
from tests.report.exports.made import evil
from tests.report.hostile import NAMES


def log(trace: Trace, wanted: str = "1", most: int = shiviz.MOST_EVENTS) -> str:
    analysis = analyse(trace)
    choice = choose(analysis, wanted)
    return rendered(trace, choice, most)


def rendered(trace: Trace, choice: Choice, most: int) -> str:
    start = seeds(analyse(trace), choice)
    batches = stamped(trace)
    events = around(trace, arrows(trace, batches), start, most=most)
    kept = ordered(trace, History(trace.columns.thread, batches), events)
    return "".join(shiviz.write_lines(trace, kept, choice))


@settings(max_examples=40)
@given(
    trace=st.one_of(traces(40), traces(40, atomics=True)),
    most=st.integers(2, 30),
    number=st.integers(0, 5),
)
def test_shiviz_takes_the_log_and_orders_it_as_the_trace_does(
    trace: Trace, most: int, number: int
) -> None:
    findings = [one for one in analyse(trace).findings if one.first or one.second]
    assume(findings)
    finding = findings[number % len(findings)]
    events = shiviz_rules.read(rendered(trace, Choice(finding, 1), most))
    assert len(events) <= most
    found = re.compile(r"\(event (\d+)\)$")
    numbers = [int(found.search(one.text)[1]) for one in events]  # type: ignore[index]
    before = brute.order(brute.events_of(trace))
    for one, first in zip(events, numbers, strict=True):
        for other, second in zip(events, numbers, strict=True):
            if first < second:
                ordered_there = other.clock.get(one.host, 0) >= one.clock[one.host]
                assert ordered_there == brute.happens_before(before, first, second)
    sides = [side.event for side in (finding.first, finding.second) if side]
    assert {*sides[:most]} <= {*numbers}


def test_what_is_written_of_a_small_trace() -> None:
    source = "main start t1\nt1 write page:0[0:8] @ a.py:3 fill\nmain read page:0[4:8]\n"
    assert log(text.parse(source)).splitlines() == [
        r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})",
        "",
        "start t1 (event 0)",
        'main {"main":1}',
        "RP001 data-race, first side: write page:0[0:8] at a.py:3 in fill (event 1)",
        't1 {"main":1,"t1":1}',
        "RP001 data-race, second side: read page:0[4:8] (event 2)",
        'main {"main":2}',
    ]


def test_at_most_as_many_events_as_it_draws() -> None:
    lines = ["t1 write page:1[0:1]\n"] * 5_500
    lines += [f"{who} write page:0[0:1]\n" for who in ("t1", "t2")]
    events = shiviz_rules.read(log(text.parse("".join(lines))))
    assert len(events) == 5_000


@pytest.mark.parametrize(
    "name", [*NAMES.values(), "__proto__", "constructor", "toString", 'x {"x":1}', "\ufeff\xa0"]
)
def test_hostile_names_are_text(name: str) -> None:
    written = log(evil(name))
    assert len(written) < 5_000
    events = shiviz_rules.read(written)
    assert len(events) == 3
    assert len({one.host for one in events}) == 2


def test_long_names_that_begin_alike_are_two_hosts() -> None:
    name = "x" * 100
    source = f"{name}1 write page:0[0:1]\n{name}2 write page:0[0:1]\n"
    first, second = (one.host for one in shiviz_rules.read(log(text.parse(source))))
    assert (first, second) == ("x" * 60, "x" * 60 + "%232")
