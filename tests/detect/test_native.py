"""The native engine says what the reference engine says; and what only it can get wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sharing import program
from racepage.detect import analyse
from racepage.detect.native import Native
from racepage.detect.races import RaceEngine, Races, RacingPair, RacyRange
from racepage.detect.reference import Reference
from racepage.detect.shadow import LARGEST_PAGE, MOST_EVENTS
from racepage.errors import RacepageError
from racepage.events import Flag, Frame, Kind, Op, Stack, Target
from racepage.order.hb import HappensBefore
from racepage.order.hb_native import NativeHappensBefore
from racepage.trace.columns import Trace, TraceBuilder
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces

TENTH = settings(max_examples=settings().max_examples // 10)
PAGE = Target(Kind.PAGE, "0")


def found(engine: RaceEngine, trace: Trace, cuts: list[int] | None = None) -> Races:
    for batch, stamps in stamped(HappensBefore(), trace, cuts or []):
        engine.feed(batch, stamps)
    return engine.races()


def assert_same(native: Races, reference: Races) -> None:
    assert native.events.tolist() == reference.events.tolist()
    assert native.ranges == reference.ranges
    assert native.pairs == reference.pairs


@pytest.mark.parametrize("all_pairs", [False, True])
@TENTH
@given(trace=traces(100), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_both_engines_say_the_same(all_pairs: bool, trace: Trace, cuts: list[int]) -> None:
    native = found(Native(all_pairs=all_pairs), trace, cuts)
    assert_same(native, found(Reference(all_pairs=all_pairs), trace, cuts))


@pytest.mark.parametrize("all_pairs", [False, True])
@settings(max_examples=settings().max_examples // 40)
@given(trace=traces(100))
def test_a_batch_may_end_anywhere(all_pairs: bool, trace: Trace) -> None:
    whole = found(Native(all_pairs=all_pairs), trace)
    assert_same(found(Native(all_pairs=all_pairs), trace, list(range(len(trace)))), whole)


class Builder:
    """Unordered accesses to one page."""

    def __init__(self) -> None:
        self.builder = TraceBuilder()

    def add(self, thread: str, op: Op, start: int, stop: int, line: int = 0) -> Builder:
        stack: Stack = (Frame("f.py", line, "f"),) if line else ()
        flags = Flag.ZEROED if op is Op.ALLOC else Flag.NONE
        self.builder.add(thread, op, PAGE, start, stop, stack=stack, flags=flags)
        return self

    def races(self, *, all_pairs: bool = False) -> Races:
        trace = self.builder.finish()
        races = found(Native(all_pairs=all_pairs), trace)
        assert_same(races, found(Reference(all_pairs=all_pairs), trace))
        return races


def test_accesses_without_a_site_are_told_apart_by_all_that_is_known_of_them() -> None:
    races = Builder()
    for _ in range(2):
        races.add("t1", Op.WRITE, 0, 8).add("t2", Op.WRITE, 0, 8)
    races.add("t1", Op.ZERO, 0, 8).add("t1", Op.WRITE, 0, 7)
    assert races.races().pairs == [
        RacingPair(0, 1, 3),  # (1, 2) and (2, 3) are the same two writes
        RacingPair(3, 4, 1),  # another operation
        RacingPair(3, 5, 1),  # another range
    ]


def test_many_accesses_without_a_site_are_as_many_places() -> None:
    races = Builder()
    for byte in range(1000):
        races.add("t1", Op.WRITE, byte, byte + 1).add("t2", Op.WRITE, byte, byte + 1)
    assert len(races.races().pairs) == 1000


def test_sites_make_one_class_in_either_order() -> None:
    races = Builder()
    races.add("t1", Op.WRITE, 0, 8, line=1).add("t2", Op.WRITE, 0, 8, line=2)
    races.add("t2", Op.WRITE, 8, 16, line=2).add("t1", Op.WRITE, 8, 16, line=1)
    assert races.races().pairs == [RacingPair(0, 1, 2)]


def test_the_latest_of_one_events_firsts_stands_for_its_class() -> None:
    races = Builder()
    races.add("t1", Op.WRITE, 8, 16, line=1).add("t1", Op.WRITE, 0, 8, line=1)
    races.add("t2", Op.WRITE, 0, 16, line=2)
    assert races.races().pairs == [RacingPair(1, 2, 1)]


def test_every_access_after_a_race_is_still_compared() -> None:
    races = Builder()
    for _ in range(50):
        races.add("t1", Op.WRITE, 0, 8, line=1).add("t2", Op.READ, 4, 12, line=2)
    result = races.races()
    assert result.events.tolist() == list(range(1, 100))
    assert result.ranges == [RacyRange(0, 4, 8)]


def test_racy_bytes_of_several_races_are_joined() -> None:
    races = Builder().add("t1", Op.WRITE, 0, 5000)
    for start, stop in ((10, 20), (20, 30), (40, 50), (15, 25), (4990, 5000)):
        races.add("t2", Op.READ, start, stop)
    assert races.races().ranges == [
        RacyRange(0, 10, 30),
        RacyRange(0, 40, 50),
        RacyRange(0, 4990, 5000),
    ]


def test_racy_bytes_are_joined_whatever_the_order_they_are_found_in() -> None:
    random = Random(1)  # noqa: S311  (no secret)
    bytes_ = random.sample(range(10_000), 5_000)
    races = Builder()
    for byte in bytes_:
        races.add("t1", Op.WRITE, byte, byte + 1).add("t2", Op.WRITE, byte, byte + 1)
    found = races.races().ranges
    assert [byte for piece in found for byte in range(*piece[1:])] == sorted(bytes_)
    assert all(one.stop < other.start for one, other in pairwise(found))


def test_a_new_life_of_a_page_is_compared_with_nothing_before() -> None:
    lives = Builder()
    for thread in ("t1", "t2", "t3"):
        lives.add(thread, Op.ALLOC, 0, 4096).add(thread, Op.WRITE, 0, 8)
        lives.add(thread, Op.FREE, 0, 4096)
    assert not len(lives.races().events)


def test_two_frees_are_a_class_each_time() -> None:
    lives = Builder()
    for _ in range(3):
        lives.add("t1", Op.FREE, 0, 4096, line=1).add("t2", Op.FREE, 0, 4096, line=2)
    assert [pair.times for pair in lives.races().pairs] == [1] * 5


def test_all_pairs_finds_what_a_later_access_covers() -> None:
    races = Builder().add("t1", Op.WRITE, 0, 8, line=1).add("t1", Op.WRITE, 0, 8, line=2)
    races.add("t2", Op.READ, 0, 8, line=3)
    assert races.races().pairs == [RacingPair(1, 2, 1)]
    assert races.races(all_pairs=True).pairs == [RacingPair(0, 2, 1), RacingPair(1, 2, 1)]


def test_hundreds_of_threads_are_compared() -> None:
    races = Builder()
    for number in range(300):
        races.add(f"t{number}", Op.READ, 0, 8, line=number + 1)
    races.add("main", Op.WRITE, 0, 8, line=1000)
    assert races.races().pairs == [RacingPair(299, 300, 1)]
    assert len(races.races(all_pairs=True).pairs) == 300


def test_no_events_are_no_races() -> None:
    native = Native()
    races = found(native, TraceBuilder().finish())
    assert not len(races.events)
    assert races.events.dtype == np.int64
    assert races.ranges == []
    assert races.pairs == []


def test_columns_that_cannot_be_written_to_are_taken() -> None:
    trace = Builder().add("t1", Op.WRITE, 0, 8).add("t2", Op.WRITE, 0, 8).builder.finish()
    for column in ("thread", "op", "target", "offset", "length", "site"):
        getattr(trace.columns, column).setflags(write=False)
    assert found(Native(), trace).pairs == [RacingPair(0, 1, 1)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("offset", -1),
        ("length", -8),
        ("offset", LARGEST_PAGE),
        ("length", 1 << 62),
        ("target", -1),
        ("thread", -1),
        ("thread", 1),
    ],
)
def test_rows_that_validation_would_refuse_are_an_error(column: str, value: int) -> None:
    trace = Builder().add("t", Op.WRITE, 0, 8).add("t", Op.WRITE, 8, 16).builder.finish()
    stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    changed = getattr(trace.columns, column).copy()
    changed[1] = value
    with pytest.raises(RacepageError, match=r"event 1 .* not validated"):
        Native().feed(replace(trace.columns, **{column: changed}), stamps)


def test_more_events_than_can_be_numbered_are_an_error() -> None:
    trace = Builder().add("t", Op.WRITE, 0, 8).builder.finish()
    native = Native()
    native._fed = MOST_EVENTS - 1
    with pytest.raises(RacepageError, match="at most 549,755,813,888 events"):
        found(native, trace)


@pytest.mark.parametrize("largest", [64, 4096])
@pytest.mark.parametrize("uniform", [False, True])
def test_the_benchmarks_program_races_only_where_it_drops_the_lock(
    largest: int, uniform: bool
) -> None:
    guarded = program(20_000, largest=largest, uniform=uniform, unguarded=0.0)
    assert analyse(guarded, engine="native").verdict == "clean"
    trace = program(20_000, largest=largest, uniform=uniform, unguarded=0.02)
    native, reference = Native(), Reference()
    for order, engine in ((NativeHappensBefore(), native), (HappensBefore(), reference)):
        engine.feed(trace.columns, order.stamp(trace.columns, trace.threads, trace.targets))
    assert len(native.races().events)
    assert_same(native.races(), reference.races())
