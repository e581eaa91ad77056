"""Both engines against every pair of accesses, on generated traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect.analysis import Engine, analyse
from racepage.detect.native import Native
from racepage.detect.races import RaceEngine
from racepage.detect.reference import Reference
from racepage.finding import Analysis, Finding
from racepage.order.hb import HappensBefore
from racepage.trace.columns import Trace
from tests.oracle import brute
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces

ENGINES: tuple[Engine, ...] = ("reference", "native")
MACHINES: dict[Engine, Callable[[bool], RaceEngine]] = {
    "reference": lambda all_pairs: Reference(all_pairs=all_pairs),
    "native": lambda all_pairs: Native(all_pairs=all_pairs),
}
KINDS = {"data-race", "free-race", "use-after-free", "double-free", "uninitialised-read"}
"""What the brute force knows; other checks have oracles of their own."""


class Said(NamedTuple):
    """A finding, without what is said of its sides."""

    second: int
    first: int
    kind: str
    page: str
    overlap: brute.Span
    times: int
    unordered: bool


def expected(trace: Trace, *, all_pairs: bool) -> tuple[list[brute.Pair], list[Said]]:
    """The races of a trace, and what its report is to say."""
    events = brute.events_of(trace)
    before = brute.order(events)
    races = brute.races(events, before)
    pairs = [
        *(races if all_pairs else brute.latest(races)),
        *brute.earliest(brute.after_the_end(events, before)),
        *brute.uninitialised(events),
    ]
    found = []
    for (kind, _), shown in brute.shown(events, pairs).items():
        first = max(shown.firsts)
        instance = next(
            pair
            for pair in pairs
            if (pair.second, pair.first, pair.kind) == (shown.second, first, kind)
        )
        unordered = not brute.happens_before(before, first, shown.second)
        found.append(Said(*instance, times=shown.count, unordered=unordered))
    return races, sorted(found)


def said(findings: Iterable[Finding]) -> list[Said]:
    found = []
    for one in findings:
        if one.kind not in KINDS:
            continue
        assert one.first is not None
        assert one.second is not None
        assert one.page is not None
        assert one.overlap is not None
        found.append(
            Said(
                one.second.event,
                one.first.event,
                one.kind,
                one.page,
                one.overlap,
                one.count,
                unordered=one.why is not None,
            )
        )
    return sorted(found)


def judge(analysis: Analysis, trace: Trace, *, all_pairs: bool) -> None:
    """Compare everything that an analysis says with the truth."""
    races, findings = expected(trace, all_pairs=all_pairs)
    assert list(analysis.racy_event_ids) == brute.racy_events(races)
    assert analysis.racy_events == len(analysis.racy_event_ids)
    assert analysis.racy_bytes == brute.racy_bytes(races)
    assert said(analysis.findings) == findings


def judge_both(trace: Trace, engine: Engine) -> None:
    for all_pairs in (False, True):
        judge(analyse(trace, engine=engine, all_pairs=all_pairs), trace, all_pairs=all_pairs)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=settings().max_examples // 2)
@given(trace=traces(24))
def test_an_analysis_finds_exactly_what_is_there(engine: Engine, trace: Trace) -> None:
    judge_both(trace, engine)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=settings().max_examples // 4)  # their order has a test of its own
@given(trace=traces(24, atomics=True))
def test_an_analysis_finds_exactly_what_is_there_with_atomics(engine: Engine, trace: Trace) -> None:
    judge_both(trace, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("atomics", [False, True])
@settings(max_examples=max(1, settings().max_examples // 100))
@given(data=st.data())
def test_an_analysis_finds_exactly_what_is_there_in_longer_traces(
    engine: Engine, atomics: bool, data: st.DataObject
) -> None:
    judge_both(data.draw(traces(300, atomics=atomics)), engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("all_pairs", [False, True])
@settings(max_examples=settings().max_examples // 10)
@given(
    trace=st.one_of(traces(24), traces(24, atomics=True)),
    cuts=st.lists(st.integers(0, 32), min_size=1, max_size=3),
)
def test_batches_change_nothing(
    engine: Engine, all_pairs: bool, trace: Trace, cuts: list[int]
) -> None:
    found = []
    for ends in ([], cuts):
        machine = MACHINES[engine](all_pairs)
        for columns, stamps in stamped(HappensBefore(), trace, ends):
            machine.feed(columns, stamps)
        found.append(machine.races())
    whole, cut = found
    assert cut.pairs == whole.pairs
    assert cut.ranges == whole.ranges
    assert cut.events.tolist() == whole.events.tolist()
