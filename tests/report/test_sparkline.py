from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.report.sparkline import activity, sparkline


@settings(max_examples=50)
@given(
    keys=st.lists(st.integers(-1, 5), max_size=40),
    chosen=st.permutations(range(7)).map(lambda all_: all_[:3]),
    columns=st.integers(1, 12),
)
def test_every_event_is_in_one_column_and_columns_are_equal(
    keys: list[int], chosen: list[int], columns: int
) -> None:
    counts = activity(np.array(keys, dtype=np.int32), chosen, columns)
    parts = min(columns, len(keys))
    assert counts.shape == (3, parts)
    assert counts.sum(axis=1).tolist() == [keys.count(key) for key in chosen]
    everything = activity(np.zeros(len(keys), dtype=np.int32), [0], columns)[0]
    assert everything.tolist() == [] or everything.max() - everything.min() <= 1
    first = [keys[: int(everything[0])].count(key) for key in chosen] if parts else []
    assert counts[:, :1].ravel().tolist() == first


@pytest.mark.parametrize(
    ("counts", "bars"),
    [
        ([], ""),
        ([0, 0], "  "),
        ([0, 1, 1_000], " ▁█"),  # what is there at all is seen
        ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"),
        ([3], "█"),
    ],
)
def test_the_highest_bar_is_full_and_only_nothing_is_blank(counts: list[int], bars: str) -> None:
    assert sparkline(np.array(counts, dtype=np.int64)) == bars
