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
from racepage.finding import Finding
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


class Truth:
    """What the brute force says of a trace, worked out once for all that is compared with it."""

    def __init__(self, trace: Trace) -> None:
        self._events = brute.events_of(trace)
        self._before = brute.order(self._events)
        self.races = brute.races(self._events, self._before)
        self._ended = brute.earliest(brute.after_the_end(self._events, self._before))
        self._uninitialised = brute.uninitialised(self._events)

    def findings(self, *, all_pairs: bool) -> list[Said]:
        """What a report is to say."""
        races = self.races if all_pairs else brute.latest(self.races)
        pairs = [*races, *self._ended, *self._uninitialised]
        found = []
        for (kind, _), shown in brute.shown(self._events, pairs).items():
            first = max(shown.firsts)
            instance = next(
                pair
                for pair in pairs
                if (pair.second, pair.first, pair.kind) == (shown.second, first, kind)
            )
            unordered = not brute.happens_before(self._before, first, shown.second)
            found.append(Said(*instance, times=shown.count, unordered=unordered))
        return sorted(found)


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


def judge(trace: Trace) -> None:
    """Compare everything that every engine says with the truth."""
    truth = Truth(trace)
    racy_events, racy_bytes = brute.racy_events(truth.races), brute.racy_bytes(truth.races)
    for all_pairs in (False, True):
        findings = truth.findings(all_pairs=all_pairs)
        for engine in ENGINES:
            analysis = analyse(trace, engine=engine, all_pairs=all_pairs)
            assert list(analysis.racy_event_ids) == racy_events, engine
            assert analysis.racy_events == len(analysis.racy_event_ids), engine
            assert analysis.racy_bytes == racy_bytes, engine
            assert said(analysis.findings) == findings, engine


@settings(max_examples=settings().max_examples // 2)
@given(trace=traces(24))
def test_an_analysis_finds_exactly_what_is_there(trace: Trace) -> None:
    judge(trace)


@settings(max_examples=settings().max_examples // 4)  # their order has a test of its own
@given(trace=traces(24, atomics=True))
def test_an_analysis_finds_exactly_what_is_there_with_atomics(trace: Trace) -> None:
    judge(trace)


@pytest.mark.parametrize("atomics", [False, True])
@settings(max_examples=max(1, settings().max_examples // 100))
@given(data=st.data())
def test_an_analysis_finds_exactly_what_is_there_in_longer_traces(
    atomics: bool, data: st.DataObject
) -> None:
    judge(data.draw(traces(300, atomics=atomics)))


@settings(max_examples=settings().max_examples // 10)
@given(
    trace=st.one_of(traces(24), traces(24, atomics=True)),
    cuts=st.lists(st.integers(0, 32), min_size=1, max_size=3),
)
def test_batches_change_nothing(trace: Trace, cuts: list[int]) -> None:
    for engine in ENGINES:
        for all_pairs in (False, True):
            found = []
            for ends in ([], cuts):
                machine = MACHINES[engine](all_pairs)
                for columns, stamps in stamped(HappensBefore(), trace, ends):
                    machine.feed(columns, stamps)
                found.append(machine.races())
            whole, cut = found
            assert cut.pairs == whole.pairs, engine
            assert cut.ranges == whole.ranges, engine
            assert cut.events.tolist() == whole.events.tolist(), engine
