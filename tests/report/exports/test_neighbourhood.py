from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import analyse
from racepage.errors import RacepageError
from racepage.finding import Finding
from racepage.order.history import History
from racepage.report.arrows import arrows, stamped
from racepage.report.choice import Choice, choose
from racepage.report.exports import neighbourhood
from racepage.report.exports.neighbourhood import (
    Neighbourhood,
    Seeds,
    around,
    links,
    ordered,
    seeds,
)
from racepage.trace import text
from racepage.trace.columns import Trace
from tests.oracle import brute
from tests.oracle.strategies import traces


def part(trace: Trace, events: list[int]) -> Neighbourhood:
    history = History(trace.columns.thread, stamped(trace))
    return ordered(trace, history, np.array(events, dtype=np.int64))


def near(source: str, about: list[int], most: int, among: list[int] | None = None) -> list[int]:
    trace = text.parse(source)
    chosen = None if among is None else np.array(among, dtype=np.int64)
    found = around(trace, arrows(trace), Seeds(about, []), most=most, among=chosen)
    return [int(event) for event in found]


parts = st.one_of(traces(24), traces(24, atomics=True)).flatmap(
    lambda trace: st.tuples(
        st.just(trace), st.sets(st.integers(0, max(len(trace) - 1, 0)), max_size=12)
    )
)
"""A trace, and some of its events."""


@settings(max_examples=100)
@given(chosen=parts)
def test_clocks_of_a_part_order_it_as_the_whole_trace_does(chosen: tuple[Trace, set[int]]) -> None:
    trace, some = chosen
    events = sorted(some) if len(trace) else []
    before = brute.order(brute.events_of(trace))
    kept = part(trace, events)
    counts = dict.fromkeys(range(len(kept.threads)), 0)
    for at, (event, column) in enumerate(zip(events, kept.thread.tolist(), strict=True)):
        counts[column] += 1
        assert kept.clocks[at, column] == counts[column]
        for earlier in range(at):
            own = kept.thread[earlier]
            knows = bool(kept.clocks[at, own] >= kept.clocks[earlier, own])
            assert knows == brute.happens_before(before, events[earlier], event)


@settings(max_examples=100)
@given(chosen=parts)
def test_paths_of_links_are_the_order_and_no_link_is_implied(
    chosen: tuple[Trace, set[int]],
) -> None:
    trace, some = chosen
    events = sorted(some) if len(trace) else []
    before = brute.order(brute.events_of(trace))
    kept = part(trace, events)
    found = set(links(kept))
    steps = {
        (max(at for at in range(to) if kept.thread[at] == kept.thread[to]), to)
        for to in range(len(events))
        if (kept.thread[:to] == kept.thread[to]).any()
    }
    pairs = {
        (first, second)
        for second in range(len(events))
        for first in range(second)
        if brute.happens_before(before, events[first], events[second])
    }
    assert reach(found | steps, len(events)) == pairs
    for one in found:
        assert one not in reach((found | steps) - {one}, len(events))


def reach(edges: set[tuple[int, int]], count: int) -> set[tuple[int, int]]:
    found = set(edges)
    for middle in range(count):
        into = [first for first, second in found if second == middle]
        out = [second for first, second in found if first == middle]
        found |= {(first, second) for first in into for second in out}
    return found


def test_what_a_link_and_another_imply_is_no_link() -> None:
    """t3 learns of t1 through t2, who learnt of it."""
    source = """\
        t1 release sync:a
        t2 acquire sync:a
        t2 release sync:b
        t3 acquire sync:b
    """
    assert [*links(part(text.parse(source), [0, 1, 2, 3]))] == [(0, 1), (2, 3)]
    assert [*links(part(text.parse(source), [0, 2, 3]))] == [(0, 1), (1, 2)]
    assert [*links(part(text.parse(source), [0, 3]))] == [(0, 1)]


LONG = "".join(f"t1 write page:0[{at}:{at + 1}]\n" for at in range(9))


def test_the_nearest_events_are_kept() -> None:
    assert near(LONG, [4], most=5) == [2, 3, 4, 5, 6]
    assert near(LONG, [4], most=50) == [*range(9)]


def test_an_edge_is_one_step() -> None:
    source = "t1 write page:0[0:1]\nt1 release sync:s\n" + "t2 read page:1[0:1]\n" * 3
    source += "t2 acquire sync:s\nt2 read page:0[0:1]\n"
    assert near(source, [6], most=4) == [1, 4, 5, 6]


def test_only_some_may_be_chosen_from() -> None:
    assert near(LONG, [4], most=3, among=[0, 4, 8]) == [0, 4, 8]


def test_what_explains_is_kept_and_not_what_is_around_it() -> None:
    trace = text.parse(LONG)
    found = around(trace, arrows(trace), Seeds([8], [0]), most=4)
    assert found.tolist() == [0, 6, 7, 8]


def test_no_more_threads_than_clocks_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "MOST_THREADS", 3)
    source = "".join(f"t{at} release_merge sync:s\n" for at in range(8)) + "t9 acquire sync:s\n"
    trace = text.parse(source)
    found = around(trace, arrows(trace), Seeds([8], []), most=50)
    assert len(found) == 3
    assert 8 in found


def test_a_race_is_about_its_sides_and_what_each_knows_of_the_other() -> None:
    source = """\
        main alloc page:0 size=4096 zero
        main start t1
        t1 write page:0[0:8]
        main read page:0[0:8]
    """
    analysis = analyse(text.parse(source))
    assert seeds(analysis, choose(analysis, "1")) == Seeds([2, 3, 1], [0])


def test_a_finding_without_sides_is_about_what_it_relates() -> None:
    source = "t1 lock lock:a\nt2 lock lock:b\nt1 block lock:b\nt2 block lock:a\n"
    analysis = analyse(text.parse(source))
    [finding] = [one for one in analysis.findings if one.kind == "deadlock"]
    found = seeds(analysis, Choice(finding, 1))
    assert {2, 3} <= {*found.about}


def test_a_finding_that_names_no_event_cannot_be_drawn() -> None:
    analysis = analyse(text.parse("t1 write page:0[0:1]"))
    nothing = Choice(Finding("program-error", "it raised"), 1)
    with pytest.raises(RacepageError, match="the trace: program-error names no event"):
        seeds(analysis, nothing)
