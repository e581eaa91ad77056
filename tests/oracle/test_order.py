"""The clocks of happens-before against paths in a graph, for every pair of events."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.order.hb import HappensBefore
from racepage.order.hb_native import NativeHappensBefore
from racepage.order.history import History
from racepage.order.stamps import Stamps
from racepage.trace.columns import Columns, Trace
from tests.oracle import brute
from tests.oracle.batches import Order, stamped
from tests.oracle.strategies import crowded, traces


def known(batches: list[tuple[Columns, Stamps]]) -> list[int]:
    """For every event, the events that its vector knows of: bit i stands for event i."""
    vectors: defaultdict[int, dict[int, int]] = defaultdict(dict)
    stamps_of: list[tuple[int, int]] = []
    found = []
    for columns, stamps in batches:
        changes = {int(row): number for number, row in enumerate(stamps.changed)}
        for row in range(len(columns)):
            slot, clock = int(stamps.slot[columns.thread[row]]), int(stamps.clock[row])
            vector = vectors[slot]
            vector[slot] = clock
            if row in changes:
                change = slice(*stamps.bounds[changes[row] : changes[row] + 2])
                for component, value in zip(
                    stamps.component[change], stamps.value[change], strict=True
                ):
                    assert component != slot
                    assert value >= vector.get(int(component), 0)
                    vector[int(component)] = int(value)
            bits = (
                1 << event
                for event, (other, count) in enumerate(stamps_of)
                if vector.get(other, 0) >= count
            )
            found.append(sum(bits))
            stamps_of.append((slot, clock))
    return found


def judge(trace: Trace, cuts: list[int], *orders: type[Order]) -> None:
    """Compare every pair of events with the paths of the graph."""
    before = brute.order(brute.events_of(trace))
    for order in orders:
        batches = stamped(order(), trace, cuts)
        assert known(batches) == before, order
        history = History(trace.columns.thread, [stamps for _, stamps in batches])
        for second in range(len(trace)):
            for first in range(second):
                ordered = brute.happens_before(before, first, second)
                assert history.before(first, second) == ordered, order


@settings(max_examples=settings().max_examples // 4)
@given(trace=traces(24), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_clocks_know_exactly_what_happens_before(trace: Trace, cuts: list[int]) -> None:
    judge(trace, cuts, HappensBefore, NativeHappensBefore)


@settings(max_examples=settings().max_examples // 4)
@given(trace=traces(24, atomics=True), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_clocks_know_what_atomics_order(trace: Trace, cuts: list[int]) -> None:
    judge(trace, cuts, HappensBefore)


@settings(max_examples=settings().max_examples // 2)
@given(trace=crowded(), cuts=st.lists(st.integers(0, 12), max_size=8))
def test_clocks_know_what_atomics_order_byte_by_byte(trace: Trace, cuts: list[int]) -> None:
    judge(trace, cuts, HappensBefore)
