"""Which events a long trace's page holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import analyse
from racepage.events import Op
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.report.viewer import kept as kept_
from racepage.report.viewer import some_arrows as some_arrows_
from racepage.report.viewer import spans as spans_
from racepage.report.viewer.kept import Keeping, Limits
from racepage.report.viewer.some_arrows import some_arrows
from racepage.report.viewer.spans import spans
from racepage.trace import text
from racepage.trace.columns import Trace
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces

FEW = settings(max_examples=25)
NOTHING = np.empty(0, dtype=np.int64)


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_, "_BATCH", 8)
        patch.setattr(kept_, "_LONG", 4)
        patch.setattr(spans_, "_BATCH", 8)
        patch.setattr(some_arrows_, "_PAIRS", 8)
        yield


def spans_of(source: str) -> list[tuple[int, int]]:
    trace = text.parse(source)
    first, last = spans(trace.columns, len(trace.threads))
    return sorted(zip(first.tolist(), last.tolist(), strict=True))


def test_a_section_spans_from_its_lock_to_its_unlock() -> None:
    source = """\
        t1 lock lock:m
        t2 rlock lock:n
        t1 rlock lock:n
        t2 runlock lock:n
        t1 unlock lock:m
        t1 lock lock:m
        t1 runlock lock:n
    """
    assert spans_of(source) == [(0, 4), (1, 3), (2, 6), (5, 6)]  # the last one is held to the end


def test_a_lock_that_was_not_taken_spans_nothing() -> None:
    source = """\
        t1 lock lock:m
        t2 lock lock:m tryfail
        t1 unlock lock:m
    """
    assert spans_of(source) == [(0, 2)]


def test_a_lock_that_another_gives_back_spans_until_then() -> None:
    source = """\
        t1 lock lock:m
        t2 unlock lock:m
        t2 lock lock:m
        t1 unlock lock:m
    """
    assert spans_of(source) == [(0, 1), (2, 3)]


@pytest.mark.parametrize("between", [0, 3, 20])
def test_a_wait_spans_to_the_thread_s_next_event(between: int) -> None:
    reads = "\n".join(["t2 read page:0[0:8]"] * between)
    source = f"t1 lock lock:m\nt2 block lock:m\nt1 unlock lock:m\n{reads.replace('t2', 't3')}\n"
    assert (1, 3 + between) in spans_of(f"{source}t2 lock lock:m\nt2 block lock:n")


RACY = "\n".join(
    [
        *("main start t1", "main start t2"),
        "t1 lock lock:outer",
        *["t1 read page:1[0:8]"] * 20,
        "t1 write page:0[0:8]",  # 23
        *["t1 read page:1[0:8]"] * 20,
        "t2 write page:0[0:8]",  # 44
        *["t2 read page:1[0:8]"] * 20,
        "t1 unlock lock:outer",  # 65
        *["t2 read page:1[0:8]"] * 5,
        *("t1 write page:0[64:72] @ x.py:1 f", "t2 write page:0[64:72] @ x.py:2 g"),  # 71 72
        *("main join t1", "main join t2"),
    ]
)


def keeping(source: str, limits: Limits, *singles: int) -> Keeping:
    trace = text.parse(source)
    return Keeping(trace, analyse(trace), limits, np.array(singles, dtype=np.int64))


def test_the_sides_of_a_race_have_their_surroundings() -> None:
    rows = keeping(RACY, Limits(around=3)).rows.tolist()
    assert set(rows) >= {*range(20, 27), *range(41, 48), *range(68, 75)}
    assert not set(rows) & {*range(4, 20), *range(27, 41), *range(48, 65)}


def test_of_more_findings_than_there_is_room_for_the_sides_are_held_alone() -> None:
    kept = keeping(RACY, Limits(around=3, windows=1))
    assert kept.windows == 1
    assert set(kept.rows.tolist()) >= {*range(20, 27), *range(41, 48), 71, 72}
    assert not set(kept.rows.tolist()) & {67, 68, 69}


def test_threads_are_held_from_their_start_to_their_end() -> None:
    rows = set(keeping(RACY, Limits(around=0)).rows.tolist())
    assert rows >= {0, 1, 2, 44, 71, 72, 74}


def test_a_section_around_a_window_is_held_with_both_ends() -> None:
    # t1 holds the lock from 2 to 65, over both windows of the first race.
    assert {2, 65} <= set(keeping(RACY, Limits(around=1, windows=1)).rows.tolist())


def test_single_events_that_are_asked_for_are_held() -> None:
    assert 33 in keeping(RACY, Limits(around=0), 33).rows.tolist()


@FEW
@given(trace=traces(40), start=st.integers(0, 39), length=st.integers(0, 20))
def test_a_further_window_brings_the_ends_of_what_goes_on_in_it(
    trace: Trace, start: int, length: int
) -> None:
    kept = Keeping(trace, analyse(trace), Limits(around=0), NOTHING)
    stop = min(start + length, len(trace))
    window = range(min(start, stop), stop)
    rows = set(kept.with_window(window.start, window.stop).tolist())
    assert rows >= {*kept.rows.tolist(), *window}
    for first, last in zip(*map(np.ndarray.tolist, spans(trace.columns, 99)), strict=True):
        if window and first <= window[-1] and last >= window[0]:
            assert {first, last} <= rows


@settings(max_examples=50)
@given(trace=traces(40), cuts=st.lists(st.integers(0, 48), max_size=2), data=st.data())
def test_some_events_are_ordered_by_their_arrows_as_in_the_whole_trace(
    trace: Trace, cuts: list[int], data: st.DataObject
) -> None:
    events = st.sampled_from(range(len(trace))) if len(trace) else st.nothing()
    rows = np.array(sorted(data.draw(st.sets(events))), dtype=np.int64)
    thread = trace.columns.thread
    batches = stamped(HappensBefore(), trace, cuts)
    history = History(thread, [stamps for _, stamps in batches])
    found = some_arrows(history, thread, rows)
    reach = np.eye(len(rows), dtype=np.bool_)
    for to in range(len(rows)):
        earlier = np.flatnonzero(thread[rows[:to]] == thread[rows[to]]).tolist()
        for source in [*earlier[-1:], *found.source[found.to == to].tolist()]:
            reach[:, to] |= reach[:, source]
    first, second = np.triu_indices(len(rows), 1)
    expected = history.each_before(rows[first], rows[second])
    assert reach[first, second].tolist() == expected.tolist()
    # None of them follows from the others.
    pairs = list(zip(found.source.tolist(), found.to.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    for source, to in pairs:
        between = [at for at in range(source + 1, to) if reach[source, at] and reach[at, to]]
        assert not between, (source, between, to)


def test_starts_are_held_in_any_batch() -> None:
    source = "\n".join(["main read page:0[0:8]"] * 20 + ["main start t1", "t1 read page:0[0:8]"])
    trace = text.parse(source)
    rows = Keeping(trace, analyse(trace), Limits(around=0), NOTHING).rows
    assert int(np.flatnonzero(trace.columns.op == int(Op.START))[0]) in rows.tolist()
