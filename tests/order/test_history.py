"""Questions to the stamps of a whole trace."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.trace.columns import Trace
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces


@settings(max_examples=settings().max_examples // 10)
@given(trace=traces(24), cuts=st.lists(st.integers(0, 32), max_size=2))
def test_asking_of_many_pairs_is_asking_of_each(trace: Trace, cuts: list[int]) -> None:
    batches = stamped(HappensBefore(), trace, cuts)
    history = History(trace.columns.thread, [stamps for _, stamps in batches])
    first, second = np.triu_indices(len(trace), 1)
    answers = history.each_before(first, second).tolist()
    each = zip(first.tolist(), second.tolist(), strict=True)
    assert answers == [history.before(*pair) for pair in each]
