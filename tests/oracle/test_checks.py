"""The checks that compare pairs of events beside the races, against every pair."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import overlaps
from racepage.detect.analysis import analyse
from racepage.detect.meant import MEANT
from racepage.events import Op
from racepage.finding import Finding
from racepage.trace.columns import Trace
from racepage.trace.validate import validate
from tests.oracle import brute, brute_checks
from tests.oracle.additions import ASSERTIONS, ATOMICS, FETCHES, INTENT, traces_with

KINDS = MEANT | {"free-race", "use-after-free", "double-free", "uninitialised-read"}
"""What the brute force knows; other checks have oracles of their own."""

Said = tuple[int, int, str, str, brute.Span | None, int, str | None]


def expected(trace: Trace) -> list[Said]:
    """What is to be said: second, first, kind, target, bytes, times, and why it is meant."""
    events = brute.events_of(trace)
    before = brute.order(events)
    reasons = [brute_checks.innermost_reason(trace, event.number) for event in events]
    pairs = [
        *brute.latest(brute.races(events, before)),
        *brute.earliest(brute.after_the_end(events, before)),
        *brute.uninitialised(events),
        *brute_checks.mixed_sizes(events, before),
        *brute_checks.exclusive(trace, events, before),
        *brute_checks.double_fetches(trace, events),
    ]
    scoped = [  # a place in a scope is a place of its own
        event if reason is None else replace(event, site=(brute.place(event), reason))
        for event, reason in zip(events, reasons, strict=True)
    ]
    found: list[Said] = []
    for (kind, _), shown in brute.shown(scoped, pairs).items():
        [pair] = {
            pair
            for pair in pairs
            if (pair.second, pair.first, pair.kind) == (shown.second, max(shown.firsts), kind)
        }
        reason = reasons[pair.second] or reasons[pair.first] if kind in MEANT else None
        on_cell = pair.page.startswith("cell:")
        span = None if on_cell else pair.span
        found.append((pair.second, pair.first, kind, pair.page, span, shown.count, reason))
    return sorted(found, key=str)


def said(finding: Finding) -> Said:
    assert finding.first is not None
    assert finding.second is not None
    assert finding.page is not None
    return (
        finding.second.event,
        finding.first.event,
        finding.kind,
        finding.page,
        finding.overlap,
        finding.count,
        finding.suppressed,
    )


def judge(trace: Trace) -> None:
    validate(trace)
    found = [said(one) for one in analyse(trace).findings if one.kind in KINDS]
    assert sorted(found, key=str) == expected(trace)


@settings(max_examples=settings().max_examples // 8)
@given(trace=traces_with(ASSERTIONS))
def test_assertions_are_violated_by_exactly_what_is_not_ordered(trace: Trace) -> None:
    judge(trace)


@settings(max_examples=settings().max_examples // 8)
@given(trace=traces_with(ATOMICS))
def test_atomics_of_different_sizes_are_found_exactly_where_they_meet(trace: Trace) -> None:
    judge(trace)


@settings(max_examples=settings().max_examples // 8)
@given(trace=traces_with(FETCHES))
def test_exactly_what_is_read_twice_is_a_double_fetch(trace: Trace) -> None:
    judge(trace)


@settings(max_examples=settings().max_examples // 8)
@given(trace=traces_with(INTENT))
def test_what_is_meant_is_suppressed_and_all_else_is_not(trace: Trace) -> None:
    judge(trace)


@pytest.mark.parametrize("ops", [ASSERTIONS, ATOMICS, FETCHES], ids=["assert", "atomic", "fetch"])
@settings(max_examples=settings().max_examples // 20)
@given(data=st.data())
def test_compiled_and_in_small_batches_they_are_the_same(
    ops: tuple[Op, ...], data: st.DataObject
) -> None:
    trace = data.draw(traces_with(ops, most=30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlaps, "_WORTH", 1 << 40)
        patch.setattr(overlaps, "_ROOM", 3)
        judge(trace)
