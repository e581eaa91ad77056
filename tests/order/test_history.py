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


@settings(max_examples=settings().max_examples // 40)
@given(trace=traces(24), cuts=st.lists(st.integers(0, 32), max_size=2))
def test_what_a_thread_learns_is_what_is_before_its_events(trace: Trace, cuts: list[int]) -> None:
    batches = stamped(HappensBefore(), trace, cuts)
    thread = trace.columns.thread
    history = History(thread, [stamps for _, stamps in batches])
    rows = [np.flatnonzero(thread == one).tolist() for one in range(len(trace.threads))]
    for one, mine in enumerate(rows):
        for other, theirs in enumerate(rows):
            if not mine or not theirs or history.slot[one] == history.slot[other]:
                continue
            learnt = dict(zip(*map(np.ndarray.tolist, history.learnt(one, other)), strict=True))
            assert set(learnt) <= set(mine)
            known = -1
            for event in mine:
                known = learnt.get(event, known)
                before = [early for early in theirs if early <= event]
                assert [history.before(early, event) for early in before] == [
                    early <= known for early in before
                ]
                if other in history.learnt_at(event):
                    assert history.learnt_at(event)[other] == learnt[event]
                if event in learnt:  # perhaps through the next one who had the slot
                    slots = {int(history.slot[of]) for of in history.learnt_at(event)}
                    assert int(history.slot[other]) in slots
