"""Who touched the same bytes before, against looking at every pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import overlaps
from racepage.detect.overlaps import Spans, latest, meeting

_few = st.integers(0, 3)
_ranges = st.tuples(st.integers(0, 12), st.integers(1, 9)).map(lambda ab: (ab[0], ab[0] + ab[1]))


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """A few spans that often meet."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 30), _few, _ranges, _few, st.booleans(), _few, _few),
            max_size=24,
        )
    )
    rows.sort(key=lambda row: row[0])
    flat = [
        (event, space, start, stop, lane, sort, event + more, strong)
        for event, space, (start, stop), lane, strong, sort, more in rows
    ]
    columns = np.array(flat, dtype=np.int64).reshape(-1, 8).T.copy()  # whole ones: compiled once
    event, space, start, stop, lane, sort, until, strong = columns
    return Spans(event, space, start, stop, lane, strong > 0, sort, until)


def every_pair(items: Spans, queries: Spans) -> set[tuple[int, int]]:
    """As `latest`, from its definition."""
    found: dict[tuple[int, int], int] = {}
    for query in range(len(queries.event)):
        for item in range(len(items.event)):
            if (
                items.event[item] < queries.event[query]
                and items.space[item] == queries.space[query]
                and items.lane[item] != queries.lane[query]
                and items.sort[item] != queries.sort[query]
                and (items.strong[item] or queries.strong[query])
                and items.start[item] < queries.stop[query]
                and queries.start[query] < items.stop[item]
            ):
                lane = (query, int(items.lane[item]))
                best = found.get(lane, item)
                if (items.until[item], item) >= (items.until[best], best):
                    found[lane] = item
    return {(query, item) for (query, _), item in found.items()}


def pairs(items: Spans, queries: Spans) -> Iterator[tuple[int, int]]:
    for query, item in latest(items, queries):
        yield from zip(query.tolist(), item.tolist(), strict=True)


@settings(max_examples=settings().max_examples // 4)
@given(spans(), spans())
def test_the_longest_lasting_one_of_each_other_lane_is_found(items: Spans, queries: Spans) -> None:
    found = list(pairs(items, queries))
    assert set(found) == every_pair(items, queries)
    assert len(found) == len(set(found))


@settings(max_examples=settings().max_examples // 8)
@given(spans(), spans())
def test_compiled_and_in_small_batches_the_same_is_found(items: Spans, queries: Spans) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlaps, "_WORTH", 1 << 40)
        patch.setattr(overlaps, "_ROOM", 2)
        assert set(pairs(items, queries)) == every_pair(items, queries)


@settings(max_examples=settings().max_examples // 8)
@given(st.lists(st.tuples(_few, st.tuples(st.integers(0, 1 << 60), st.integers(1, 1 << 59)))))
def test_ranges_that_share_a_byte_meet(rows: list[tuple[int, tuple[int, int]]]) -> None:
    ranges = [(space, start, start + length) for space, (start, length) in rows]
    expected = [
        any(
            number != other and mine[0] == its[0] and max(mine[1], its[1]) < min(mine[2], its[2])
            for other, its in enumerate(ranges)
        )
        for number, mine in enumerate(ranges)
    ]
    assert meeting(*np.array(ranges, dtype=np.int64).reshape(-1, 3).T).tolist() == expected


def test_many_ranges_that_all_overlap_are_no_more_than_many() -> None:
    """A hundred thousand spans, of which every two share a byte: five thousand million pairs."""
    count = 50_000
    numbers = np.arange(count, dtype=np.int64)
    ones = np.ones(count, dtype=np.int64)
    items = Spans(
        event=2 * numbers,
        space=0 * ones,
        start=numbers,
        stop=2 * count - numbers,
        lane=0 * ones,
        strong=ones > 0,
        sort=0 * ones,
        until=2 * numbers,
    )
    queries = items._replace(event=2 * numbers + 1, lane=ones, sort=ones)
    [(query, item)] = latest(items, queries)
    assert query.tolist() == item.tolist() == list(range(count))
