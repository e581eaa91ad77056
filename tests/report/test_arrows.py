from __future__ import annotations

import pytest

from racepage.detect import analyse
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.report.arrows import arrows
from racepage.trace import text
from racepage.trace.columns import Trace


def pairs(source: str) -> list[tuple[int, int]]:
    found = arrows(text.parse(source))
    return list(zip(found.source.tolist(), found.to.tolist(), strict=True))


def test_a_start_leads_to_the_child_s_first_event_and_its_last_to_the_join() -> None:
    source = """\
        main start t1
        t1   write page:0[0:8]
        main join  t1
    """
    assert pairs(source) == [(0, 1), (1, 2)]


def test_an_unlock_leads_to_the_next_lock() -> None:
    source = """\
        t1 lock lock:m
        t1 unlock lock:m
        t2 lock lock:m
    """
    assert pairs(source) == [(1, 2)]


def test_what_another_arrow_implies_is_not_drawn() -> None:
    # t3 learns of t1 through t2, who learnt of it.
    source = """\
        t1 lock lock:m
        t1 unlock lock:m
        t2 lock lock:m
        t2 unlock lock:m
        t3 lock lock:m
    """
    assert pairs(source) == [(1, 2), (3, 4)]


def test_all_that_arrive_lead_to_the_one_who_leaves() -> None:
    source = """\
        t1 release_merge sync:b
        t2 release_merge sync:b
        t3 release_merge sync:b
        t4 acquire sync:b
    """
    assert pairs(source) == [(0, 3), (1, 3), (2, 3)]


def test_an_acquire_that_teaches_nothing_has_no_arrow() -> None:
    source = """\
        t1 release sync:s
        t2 acquire sync:s
        t2 acquire sync:s
    """
    assert pairs(source) == [(0, 1)]


def test_a_trace_without_synchronisation_has_none() -> None:
    assert pairs("t1 write page:0[0:8]\nt2 write page:0[0:8]") == []


MIXED = """\
    main alloc page:0 size=4096 zero
    main start t1
    main start t2
    t1 lock lock:m
    t1 write page:0[0:8]
    t1 unlock lock:m
    t2 lock lock:m
    t2 release sync:s
    t1 acquire sync:s
    t2 unlock lock:m
    main release_merge sync:b
    t2 release_merge sync:b
    t1 acquire sync:b
    main join t1
    main join t2
    main free page:0
"""


@pytest.mark.parametrize("source", [MIXED, "t1 write page:0[0:8]"])
def test_paths_of_arrows_are_happens_before(source: str) -> None:
    trace = text.parse(source)
    history = _history(trace)
    reach = _reach(trace)
    for first in range(len(trace)):
        for second in range(first + 1, len(trace)):
            assert ((first, second) in reach) == history.before(first, second), (first, second)


def _history(trace: Trace) -> History:
    stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    return History(trace.columns.thread, [stamps])


def _reach(trace: Trace) -> set[tuple[int, int]]:
    """All pairs that a path of arrows and of steps within threads connects."""
    thread = trace.columns.thread.tolist()
    found = arrows(trace)
    edges = set(zip(found.source.tolist(), found.to.tolist(), strict=True))
    for event, who in enumerate(thread):
        earlier = [other for other in range(event) if thread[other] == who]
        edges |= {(earlier[-1], event)} if earlier else set()
    reach = set(edges)
    for middle in range(len(thread)):
        into = [a for a, b in reach if b == middle]
        out = [b for a, b in reach if a == middle]
        reach |= {(a, b) for a in into for b in out}
    return reach


def test_every_trace_that_is_analysed_has_arrows() -> None:
    # An atomic orders as well: the compiled order does not know it, and is not asked.
    trace = text.parse("t1 store page:0[0:8] order=release\nt2 load page:0[0:8] order=acquire")
    analyse(trace)
    found = arrows(trace)
    assert (found.source.tolist(), found.to.tolist()) == ([0], [1])
