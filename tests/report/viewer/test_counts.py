"""What a long trace's page is told of all its events, against a count of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.events import CLASS_OF, AccessClass, Op
from racepage.report.viewer import density as density_
from racepage.report.viewer import times as times_
from racepage.report.viewer import touched as touched_
from racepage.report.viewer.density import (
    LIFE,
    MARKED,
    PLANES,
    SORT_OF,
    counted,
    density,
    shift_for,
)
from racepage.report.viewer.times import Times
from racepage.report.viewer.touched import CELLS, touched
from racepage.trace import text
from racepage.trace.columns import Columns, Trace
from tests.oracle.strategies import traces

FEW = settings(max_examples=25)


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    """A trace of a few events is read in several batches, too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (density_, times_, touched_):
            patch.setattr(module, "_BATCH", 8)
        patch.setattr(touched_, "_LOOK", 2)
        yield


def test_every_operation_has_a_sort() -> None:
    assert len(SORT_OF) == len(Op)
    for op in Op:
        life = CLASS_OF[op] is AccessClass.LIFETIME or op is Op.COLLECT
        assert (SORT_OF[op] == LIFE) is life


@FEW
@given(trace=traces(40), shift=st.integers(0, 4), data=st.data())
def test_each_bucket_counts_its_events(trace: Trace, shift: int, data: st.DataObject) -> None:
    events = range(len(trace))
    marked = sorted(data.draw(st.sets(st.sampled_from(events)))) if events else []
    found = density(trace.columns, len(trace.threads), shift, np.array(marked, dtype=np.int64))
    expected = np.zeros((PLANES, len(trace.threads), -(-len(trace) // (1 << shift))), dtype=int)
    for event in events:
        place = (trace.columns.thread[event], event >> shift)
        expected[(SORT_OF[trace.columns.op[event]], *place)] += 1
        expected[(MARKED, *place)] += event in marked
    assert found.counts.tolist() == expected.tolist()


@FEW
@given(trace=traces(40), shift=st.integers(0, 2), above=st.integers(0, 3))
def test_a_level_above_is_what_counting_it_gives(trace: Trace, shift: int, above: int) -> None:
    nothing = np.empty(0, dtype=np.int64)
    base = density(trace.columns, len(trace.threads), shift, nothing)
    level = density(trace.columns, len(trace.threads), shift + above, nothing).counts
    buckets = level.shape[2]
    assert base.tile(shift + above, 0, buckets).tolist() == level.tolist()
    assert base.tile(shift + above, 1, 2).tolist() == level[:, :, 1:3].tolist()


def test_a_part_is_counted_as_in_the_whole() -> None:
    trace = text.parse("\n".join(f"t{at % 3} write page:0[0:8]" for at in range(50)))
    marked = np.array([3, 16, 40])
    whole = density(trace.columns, 3, 2, marked).counts
    part = counted(trace.columns, 3, 2, marked, range(16, 50))
    assert part.tolist() == whole[:, :, 4:].tolist()


@pytest.mark.parametrize(
    ("events", "threads", "shift"),
    [
        (0, 1, 0),
        (8, 1, 0),
        (9, 1, 1),
        (16, 1, 1),
        (17, 1, 2),
        (16, 4, 2),  # 16 cells are 4 buckets
        (1000, 5000, 10),  # one bucket is the least
    ],
)
def test_buckets_are_as_small_as_there_is_room_for(events: int, threads: int, shift: int) -> None:
    assert shift_for(events, threads, most_buckets=8, most_cells=16) == shift


def clocked(columns: Columns, times: list[int]) -> Columns:
    return replace(columns, time=np.array([*times, *[0] * len(columns)])[: len(columns)])


def page_times(columns: Columns, threads: int) -> list[float]:
    """As `timesOf` of model.mjs says it, thread by thread."""
    known = [time for time in columns.time.tolist() if time]
    found = [0.0] * len(columns)
    for thread in range(threads):
        rows = np.flatnonzero(columns.thread == thread)
        timed = np.flatnonzero(columns.time[rows])
        if not len(timed):
            continue
        latest = np.maximum.accumulate(columns.time[rows][timed] - min(known))
        for row, time in zip(
            rows.tolist(), np.interp(np.arange(len(rows)), timed, latest), strict=True
        ):
            found[row] = float(time)
    return found


@FEW
@given(trace=traces(40), times=st.lists(st.integers(0, 9).map(lambda one: one * 100)))
def test_times_are_as_the_page_works_them_out(trace: Trace, times: list[int]) -> None:
    columns = clocked(trace.columns, times)
    found = Times(columns, len(trace.threads))
    expected = page_times(columns, len(trace.threads))
    assert found.of(np.arange(len(trace))).tolist() == pytest.approx(expected)
    assert found.last == (max(expected) if columns.time.any() else None)
    some = np.arange(1, len(trace), 3)
    assert found.of(some).tolist() == pytest.approx([expected[row] for row in some])


@FEW
@given(trace=traces(40), times=st.lists(st.integers(1, 9), min_size=40), buckets=st.integers(1, 5))
def test_each_stretch_of_time_counts_its_events(
    trace: Trace, times: list[int], buckets: int
) -> None:
    columns = clocked(trace.columns, times)
    marked = np.arange(0, len(trace), 4)
    when = Times(columns, len(trace.threads))
    expected = np.zeros((PLANES, len(trace.threads), buckets), dtype=int)
    last = when.last or 0
    for row, time in enumerate(when.of(np.arange(len(trace))).tolist()):
        place = (columns.thread[row], int(time * (buckets / (last + 1))))
        expected[(SORT_OF[columns.op[row]], *place)] += 1
        expected[(MARKED, *place)] += row % 4 == 0
    assert when.density(buckets, marked).tolist() == expected.tolist()


def test_times_that_nobody_took_do_not_overflow() -> None:
    trace = text.parse("a write page:0[0:8]\nb write page:0[0:8]\na read page:0[0:8]")
    found = Times(clocked(trace.columns, [-(1 << 62), 1 << 62, 5]), 2)
    assert found.last == 1 << 52
    assert found.density(4, np.empty(0, dtype=np.int64)).sum() == 3


@FEW
@given(trace=traces(40))
def test_bytes_are_counted_access_by_access(trace: Trace) -> None:
    pages = sorted(page for page, size in trace.page_sizes.items() if size <= CELLS)
    found = touched(trace, pages)
    columns = trace.columns
    for place, page in enumerate(pages):
        heat, last = np.zeros(CELLS, dtype=int), np.full(CELLS, -1)
        events = 0
        for row in np.flatnonzero(columns.target == page).tolist():
            op = Op(columns.op[row])
            if CLASS_OF[op] is AccessClass.NONE and op is not Op.COLLECT:
                continue
            events += 1
            if op is Op.ALLOC:
                heat, last = np.zeros(CELLS, dtype=int), np.full(CELLS, -1)
            if SORT_OF[op] == LIFE:
                continue
            start = int(columns.offset[row])
            heat[start : start + int(columns.length[row])] += 1
            last[start : start + int(columns.length[row])] = row
        assert found.events[place] == events
        assert found.heat[place].tolist() == heat.tolist()
        assert found.last[place].tolist() == last.tolist()


def test_a_large_page_has_several_bytes_in_a_cell() -> None:
    trace = text.parse(
        "a alloc page:0 size=8192 zero\na write page:0[0:3]\na read page:0[8190:8192]"
    )
    [heat], [last] = touched(trace, [0]).heat.tolist(), touched(trace, [0]).last.tolist()
    assert [cell for cell in range(CELLS) if heat[cell]] == [0, 1, CELLS - 1]
    assert (last[0], last[1], last[2], last[-1]) == (1, 1, -1, 2)


def test_pages_are_counted_as_long_as_there_is_room_for_who_was_last() -> None:
    trace = text.parse(
        "\n".join(f"a write page:{page}[{at}:{at + 1}]" for page in range(3) for at in range(4))
    )
    found = touched(trace, [0, 1, 2])  # each with four accesses that were last, and bytes without
    assert [found.with_few(most).pages for most in (4, 5, 10, 14, 99)] == [
        *([], [0], [0, 1], [0, 1]),
        [0, 1, 2],
    ]
    assert found.with_few(5).heat.shape == (1, CELLS)
