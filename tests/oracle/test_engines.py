"""The race engines against every pair of accesses, on generated traces."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect.races import RaceEngine, Races
from racepage.detect.reference import Reference
from racepage.order.hb import HappensBefore
from racepage.trace.columns import Trace
from tests.oracle import brute
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces

ENGINES: dict[str, Callable[[bool], RaceEngine]] = {
    "reference": lambda all_pairs: Reference(all_pairs=all_pairs),
}
KINDS = ("data-race", "free-race", "double-free")


def found(engine: RaceEngine, trace: Trace, cuts: list[int]) -> Races:
    for columns, stamps in stamped(HappensBefore(), trace, cuts):
        engine.feed(columns, stamps)
    return engine.races()


def pairs_of(races: Races, events: list[brute.Event]) -> dict[Hashable, tuple[int, int, int]]:
    """What the engine shows, by kind and sites: the first pair, and how many second events."""
    shown: dict[Hashable, tuple[int, int, int]] = {}
    for first, second, times in races.pairs:
        sides = events[first], events[second]
        kind = KINDS[sum(side.op == "free" for side in sides)]
        shown[kind, frozenset(map(brute.place, sides))] = (first, second, times)
    assert len(shown) == len(races.pairs)
    assert races.pairs == sorted(races.pairs, key=lambda pair: (pair.second, pair.first))
    return shown


def judge(races: Races, trace: Trace, *, all_pairs: bool) -> None:
    """Compare everything that an engine says with the truth."""
    events = brute.events_of(trace)
    pairs = brute.races(events, brute.order(events))
    assert races.events.tolist() == brute.racy_events(pairs)
    bytes_of = {
        page: [
            (run.start, run.stop) for run in races.ranges if str(trace.targets[run.page]) == page
        ]
        for page in {str(trace.targets[run.page]) for run in races.ranges}
    }
    assert bytes_of == brute.racy_bytes(pairs)
    expected = brute.shown(events, pairs if all_pairs else brute.latest(pairs))
    assert pairs_of(races, events) == {
        key: (max(group.firsts), group.second, group.count) for key, group in expected.items()
    }


@pytest.mark.parametrize("engine", ENGINES)
@given(trace=traces(32), cuts=st.lists(st.integers(0, 32), max_size=2))
def test_an_engine_finds_exactly_the_races(engine: str, trace: Trace, cuts: list[int]) -> None:
    for all_pairs in (False, True):
        judge(found(ENGINES[engine](all_pairs), trace, cuts), trace, all_pairs=all_pairs)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=settings().max_examples // 50)
@given(trace=traces(300), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_an_engine_finds_exactly_the_races_of_longer_traces(
    engine: str, trace: Trace, cuts: list[int]
) -> None:
    for all_pairs in (False, True):
        judge(found(ENGINES[engine](all_pairs), trace, cuts), trace, all_pairs=all_pairs)
