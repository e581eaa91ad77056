"""What the native engine keeps: 96 bytes a run and 16 for each further access, all in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from racepage.detect.native import Native
from racepage.detect.races import RacyRange
from racepage.detect.shadow import LARGEST_PAGE, RANGES
from racepage.events import Op
from racepage.order.hb import HappensBefore
from racepage.trace.columns import Columns

RUNS = 100_000


def columns(
    thread: ArrayLike, op: Op, page: ArrayLike, start: ArrayLike, length: ArrayLike
) -> Columns:
    """Accesses as columns; each argument an array or one value for all."""
    made = np.broadcast_arrays(thread, int(op), page, start, length)
    count = len(made[0])
    return Columns(
        thread=made[0].astype(np.int32),
        op=made[1].astype(np.uint8),
        target=made[2].astype(np.int32),
        offset=made[3].astype(np.int64),
        length=made[4].astype(np.int64),
        site=np.zeros(count, np.int32),
        flags=np.zeros(count, np.uint8),
        order=np.zeros(count, np.uint8),
        time=np.zeros(count, np.int64),
    )


def feed(engine: Native, order: HappensBefore, events: Columns, threads: int = 1) -> None:
    engine.feed(events, order.stamp(events, [f"t{number}" for number in range(threads)], []))


def taken(engine: Native) -> int:
    """Bytes of every pool that grows with what is remembered."""
    pools = (
        engine._runs,
        engine._entries,
        engine._directory,
        engine._pages,
        engine._page_of,
        engine._ranges,
        engine._pairs,
        engine._names,
    )
    return sum(pool.nbytes for pool in pools)


SLACK = 64 * 1024  # pools begin with some room, and tables of a few hundred bytes


@pytest.mark.parametrize("runs_of_a_page", [1, 2, 5, 17, 64, 100, 1024])
def test_a_run_takes_at_most_96_bytes(runs_of_a_page: int) -> None:
    run = np.arange(RUNS)
    size = 4096 // runs_of_a_page
    engine = Native()
    events = columns(0, Op.WRITE, run // runs_of_a_page, run % runs_of_a_page * size, size)
    feed(engine, HappensBefore(), events)
    assert engine._memory[0]["live_runs"] == RUNS
    assert taken(engine) <= 96 * RUNS + SLACK


def test_runs_with_gaps_between_them_take_no_more() -> None:
    run = np.arange(RUNS)
    engine = Native()
    feed(engine, HappensBefore(), columns(0, Op.WRITE, run // 512, run % 512 * 8, 4))
    assert taken(engine) <= 96 * RUNS + SLACK


def test_a_further_reader_takes_16_bytes() -> None:
    run = np.arange(RUNS)
    engine, order = Native(), HappensBefore()
    for thread in range(4):
        feed(engine, order, columns(thread, Op.READ, run // 512, run % 512 * 8, 8), 4)
    assert engine._memory[0]["live_entries"] == 3 * RUNS
    assert taken(engine) <= (96 + 3 * 16) * RUNS + SLACK


def test_memory_does_not_follow_the_length_of_the_trace() -> None:
    random = np.random.default_rng(1)
    engine, order = Native(), HappensBefore()
    sizes = []
    for _ in range(12):
        start = random.integers(0, 64, 20_000) * 64
        feed(engine, order, columns(0, Op.WRITE, random.integers(0, 16, 20_000), start, 64))
        sizes.append(taken(engine))
    assert sizes[-1] == sizes[2]


def test_a_freed_page_leaves_one_run() -> None:
    engine, order = Native(), HappensBefore()
    feed(engine, order, columns(0, Op.WRITE, 0, np.arange(0, 4096, 8), 8))
    feed(engine, order, columns(0, Op.FREE, 0, [0], 4096))
    assert engine._memory[0]["live_runs"] == 1


def test_an_allocated_page_begins_with_one_run_and_a_collected_one_has_none() -> None:
    engine, order = Native(), HappensBefore()
    feed(engine, order, columns(0, Op.WRITE, 0, np.arange(0, 4096, 8), 8))
    feed(engine, order, columns(0, Op.COLLECT, 0, [0], 4096))
    assert engine._memory[0]["live_runs"] == 0
    feed(engine, order, columns(0, Op.ALLOC, 0, [0], 4096))
    assert engine._memory[0]["live_runs"] == 1


def test_directories_of_pages_are_given_back() -> None:
    engine, order = Native(), HappensBefore()
    sizes = []
    for _ in range(4):
        for page in range(8):
            feed(engine, order, columns(0, Op.READ, page, np.arange(0, 4096, 2), 2))
            feed(engine, order, columns(0, Op.WRITE, page, [0], 4096))
        sizes.append(int(engine._memory[0]["next_bucket"]))
    assert sizes[0] == sizes[-1] < 2 * 4096  # one large directory, for one page after the other


def test_a_race_costs_as_little_at_the_end_of_the_largest_page() -> None:
    engine = Native()
    feed(engine, HappensBefore(), columns([0, 1], Op.WRITE, 0, LARGEST_PAGE - 4, 4), 2)
    assert engine.races().ranges == [RacyRange(0, LARGEST_PAGE - 4, LARGEST_PAGE)]
    assert taken(engine) <= SLACK


def test_bytes_that_are_raced_on_again_take_no_more() -> None:
    engine, order = Native(), HappensBefore()
    thread = np.arange(20_000) // 4 % 2
    feed(engine, order, columns(thread, Op.WRITE, 0, np.arange(20_000) % 4 * 1024, 8), 2)
    assert engine.races().ranges == [RacyRange(0, at, at + 8) for at in range(0, 4096, 1024)]
    assert len(engine._ranges) == len(Native()._ranges)


def test_an_access_with_many_races_begins_anew_once_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacked = []
    make_room = Native._make_room

    def count(engine: Native, *where: Any) -> None:
        lacked.append(int(engine._memory[0]["status"]))
        make_room(engine, *where)

    monkeypatch.setattr(Native, "_make_room", count)
    engine, order = Native(), HappensBefore()
    apart = np.arange(0, RUNS, 2)
    feed(engine, order, columns(0, Op.WRITE, 0, apart, 1), 2)
    feed(engine, order, columns(1, Op.READ, 0, [0], RUNS), 2)
    assert engine.races().ranges == [RacyRange(0, at, at + 1) for at in apart.tolist()]
    assert lacked.count(RANGES) == 1
