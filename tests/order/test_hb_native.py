"""The compiled order says what `order/hb.py` says, batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import RacepageError
from racepage.events import Kind, Op, Target
from racepage.order import hb_native
from racepage.order.hb import HappensBefore
from racepage.order.hb_native import NativeHappensBefore
from racepage.order.stamps import Stamper, Stamps
from racepage.trace.columns import Trace, TraceBuilder
from tests.oracle.batches import stamped
from tests.oracle.strategies import crowded, traces

ORDERS: list[Callable[[], Stamper]] = [HappensBefore, NativeHappensBefore]
LOCK = Target(Kind.LOCK, "m")
TENTH = settings(max_examples=settings().max_examples // 10)


def learnt(stamps: Stamps) -> list[dict[int, tuple[int, int]]]:
    """For each event with a change, what it knows of which slots from then on."""
    rows = zip(stamps.component.tolist(), stamps.value.tolist(), stamps.known.tolist(), strict=True)
    pieces = [(slot, (clock, event)) for slot, clock, event in rows]
    return [
        dict(pieces[first:last])
        for first, last in zip(stamps.bounds[:-1], stamps.bounds[1:], strict=True)
    ]


def assert_same(native: Stamps, plain: Stamps) -> None:
    assert native.clock.tolist() == plain.clock.tolist()
    assert native.changed.tolist() == plain.changed.tolist()
    assert learnt(native) == learnt(plain)
    assert native.slot.tolist() == plain.slot.tolist()
    assert native.base.tolist() == plain.base.tolist()


def stamp(order: Stamper, trace: Trace) -> Stamps:
    return order.stamp(trace.columns, trace.threads, trace.targets)


@TENTH
@given(trace=traces(60), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_stamps_are_those_of_the_definition(trace: Trace, cuts: list[int]) -> None:
    plain, native = (stamped(order(), trace, cuts) for order in ORDERS)
    for (_, expected), (_, found) in zip(plain, native, strict=True):
        assert_same(found, expected)


@settings(max_examples=settings().max_examples // 40)
@given(trace=traces(400), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_stamps_of_longer_traces_are_those_of_the_definition(trace: Trace, cuts: list[int]) -> None:
    plain, native = (stamped(order(), trace, cuts) for order in ORDERS)
    for (_, expected), (_, found) in zip(plain, native, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("order", ORDERS)
@TENTH
@given(trace=traces(60), cuts=st.lists(st.integers(0, 60), max_size=2))
def test_known_divides_a_slots_events_as_the_clock_does(
    order: Callable[[], Stamper], trace: Trace, cuts: list[int]
) -> None:
    batches = stamped(order(), trace, cuts)
    clock = np.concatenate([stamps.clock for _, stamps in batches])
    slot = batches[-1][1].slot[trace.columns.thread]
    for _, stamps in batches:
        for component, value, known in zip(
            stamps.component, stamps.value, stamps.known, strict=True
        ):
            of_slot = np.flatnonzero(slot == component)
            assert ((of_slot <= known) == (clock[of_slot] <= value)).all()


def crowd(threads: int) -> Trace:
    """Every thread takes one lock once, and so learns of all the threads before it."""
    builder = TraceBuilder()
    for number in range(threads):
        builder.add("main", Op.START, Target(Kind.THREAD, f"t{number}"))
    for number in range(threads):
        builder.add(f"t{number}", Op.LOCK, LOCK)
        builder.add(f"t{number}", Op.UNLOCK, LOCK)
    return builder.finish()


def test_vectors_grow_with_the_threads_that_are_known() -> None:
    trace = crowd(200)
    assert_same(stamp(NativeHappensBefore(), trace), stamp(HappensBefore(), trace))


def generations(count: int) -> Trace:
    """Short-lived threads, each joined before the next one starts."""
    builder = TraceBuilder()
    for number in range(count):
        child = Target(Kind.THREAD, f"t{number}")
        builder.add("main", Op.START, child)
        builder.add(child.name, Op.LOCK, LOCK)
        builder.add(child.name, Op.UNLOCK, LOCK)
        builder.add(child.name, Op.EXIT)
        builder.add("main", Op.JOIN, child)
    return builder.finish()


def test_threads_that_follow_each_other_share_a_slot() -> None:
    trace = generations(500)
    stamps = stamp(NativeHappensBefore(), trace)
    assert set(stamps.slot.tolist()) == {0, 1}
    assert_same(stamps, stamp(HappensBefore(), trace))


def test_a_lock_that_is_used_without_contention_takes_no_vector() -> None:
    builder = TraceBuilder()
    builder.add("main", Op.START, Target(Kind.THREAD, "t"))
    for number in range(5_000):
        builder.add("t", Op.LOCK, Target(Kind.LOCK, str(number)))
        builder.add("t", Op.UNLOCK, Target(Kind.LOCK, str(number)))
    order = NativeHappensBefore()
    stamp(order, builder.finish())
    # t's row, the one copy of it that all the locks hold, and main's at its start: 8 slots each
    assert order._memory[0]["next_component"] <= 24


def test_copies_that_nobody_holds_are_used_again() -> None:
    builder = TraceBuilder()
    for round_ in range(2_000):
        builder.add(f"t{round_ % 3}", Op.LOCK, LOCK)
        builder.add(f"t{round_ % 3}", Op.UNLOCK, LOCK)
        builder.add(f"t{round_ % 2}", Op.RLOCK, LOCK)
        builder.add(f"t{round_ % 2}", Op.RUNLOCK, LOCK)
    order = NativeHappensBefore()
    stamp(order, builder.finish())
    assert order._memory[0]["next_copy"] < 16


def test_threads_beyond_all_memory_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hb_native, "MOST_BYTES", 1 << 16)
    with pytest.raises(RacepageError, match=r"vector clocks .* join threads that have ended"):
        stamp(NativeHappensBefore(), crowd(200))


def test_a_thread_without_a_number_is_an_error() -> None:
    trace = crowd(2)
    with pytest.raises(RacepageError, match="event 0 names a thread or a target that is in no"):
        NativeHappensBefore().stamp(trace.columns, ["main"], trace.targets[:0])


@TENTH
@given(trace=traces(60, atomics=True), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_stamps_of_atomics_are_those_of_the_definition(trace: Trace, cuts: list[int]) -> None:
    plain, native = (stamped(order(), trace, cuts) for order in ORDERS)
    for (_, expected), (_, found) in zip(plain, native, strict=True):
        assert_same(found, expected)


@TENTH
@given(trace=crowded(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_stamps_of_crowded_bytes_are_those_of_the_definition(trace: Trace, cuts: list[int]) -> None:
    plain, native = (stamped(order(), trace, cuts) for order in ORDERS)
    for (_, expected), (_, found) in zip(plain, native, strict=True):
        assert_same(found, expected)
