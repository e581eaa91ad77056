"""Putting pairs together as columns is putting them together one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect.evidence import Evidence, deduplicated
from racepage.detect.lives import lives
from racepage.detect.places import classes
from racepage.detect.rows import rare
from racepage.trace.columns import Trace
from tests.oracle import brute, brute_checks
from tests.oracle.strategies import traces


@settings(max_examples=settings().max_examples // 10)
@given(trace=traces(24), data=st.data())
def test_classes_are_those_of_single_findings(trace: Trace, data: st.DataObject) -> None:
    events = st.integers(0, max(len(trace) - 1, 0))
    drawn = data.draw(st.lists(st.tuples(events, events), max_size=12))
    pairs = sorted({(min(pair), max(pair)) for pair in drawn if pair[0] != pair[1]})
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    found = {
        (int(first[pair]), int(second[pair]), int(times))
        for pair, times in zip(*classes(trace.columns, first, second), strict=True)
    }
    alone = deduplicated(trace.columns, [Evidence("data-race", *pair) for pair in pairs])
    assert found == {(one.first, one.second, one.times) for one in alone}


@settings(max_examples=settings().max_examples // 10)
@given(traces(24))
def test_events_of_one_life_have_one_number(trace: Trace) -> None:
    events = [event for event in brute.events_of(trace) if event.target]
    numbers = np.array([event.number for event in events], dtype=np.int64)
    found = lives(trace.columns, rare(trace.columns), numbers).tolist()
    everything = brute.events_of(trace)
    expected = [
        (event.target, brute_checks.life(everything, event.target, event.number))
        for event in events
        if event.op != "collect"  # it ends one life, and begins none
    ]
    kept = [one for one, event in zip(found, events, strict=True) if event.op != "collect"]
    assert len(set(zip(kept, expected, strict=True))) == len(set(kept)) == len(set(expected))
