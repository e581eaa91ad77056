"""Cycles of lock orders: against all cycles by definition, and the limits of the search."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations, product
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import analyse, lock_order
from racepage.events import Flag, Kind, Op, Target
from racepage.finding import Finding
from racepage.trace.columns import Origin, Trace, TraceBuilder
from racepage.trace.text import parse


def orders(trace: Trace) -> list[Finding]:
    return [one for one in analyse(trace).findings if one.kind == "lock-order"]


def found_in(rows: str) -> list[Finding]:
    return orders(parse(rows.replace("; ", "\n")))


def locks_of(finding: Finding) -> frozenset[str]:
    return frozenset(str(side.target).removeprefix("lock:") for side in finding.related)


# Against the definition

LOCKS = "abcd"
Step = tuple[str, str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["t1", "t2", "t3"]), st.sampled_from(LOCKS), st.integers(0, 9)),
    max_size=40,
)


class Edge(NamedTuple):
    outer: str
    inner: str
    thread: str
    held: tuple[tuple[str, bool], ...]


def played(rows: list[Step]) -> tuple[Trace, list[Edge]]:
    """What may happen of it, each event at a place of its own; and every instance of an edge."""
    builder = TraceBuilder()
    held: dict[str, dict[str, bool]] = {}  # thread -> lock -> whether to write
    edges = []
    for thread, lock, how in rows:
        mine = held.setdefault(thread, {})
        others = [other[lock] for name, other in held.items() if name != thread and lock in other]
        if lock in mine:
            op = Op.UNLOCK if mine.pop(lock) else Op.RUNLOCK
            builder.add(thread, op, Target(Kind.LOCK, lock))
            continue
        write = how < 6
        if any(others) or (write and others):
            continue
        tried = how in (0, 9)
        if not tried:
            edges += [Edge(outer, lock, thread, tuple(mine.items())) for outer in mine]
        op = Op.LOCK if write else Op.RLOCK
        flags = Flag.TRY if tried else Flag.NONE
        builder.add(thread, op, Target(Kind.LOCK, lock), flags=flags, time=len(builder) + 1)
        mine[lock] = write
    return builder.finish(), edges


def meet(one: Edge, other: Edge) -> bool:
    return not any(
        lock == same and (write or also)
        for (lock, write), (same, also) in product(one.held, other.held)
    )


def cycles(edges: list[Edge]) -> set[frozenset[str]]:
    """The locks of every cycle whose edges can all meet."""
    found = set()
    for size in range(2, len(LOCKS) + 1):
        for first, *others in permutations(LOCKS, size):
            circle = [first, *others, first]
            ways = [
                [edge for edge in edges if (edge.outer, edge.inner) == pair]
                for pair in pairwise(circle)
            ]
            if any(all(meet(*two) for two in combinations(way, 2)) for way in product(*ways)):
                found.add(frozenset(others) | {first})
    return found


@settings(max_examples=200)
@given(steps)
def test_what_is_found_is_a_cycle_and_a_cycle_is_found(rows: list[Step]) -> None:
    """All cycles of two locks, and one through every two locks that follow in a longer one."""
    trace, edges = played(rows)
    expected = cycles(edges)
    found = [locks_of(one) for one in orders(trace)]
    assert len(set(found)) == len(found)
    assert set(found) <= expected
    assert {locks for locks in expected if len(locks) == 2} <= set(found)
    assert bool(found) == bool(expected)


# What a finding says

ABBA = "t1 lock lock:a; t1 lock lock:b; t1 unlock lock:b; t1 unlock lock:a; "
ABBA += "t2 lock lock:b; t2 lock lock:a; t2 unlock lock:a; t2 unlock lock:b"


def test_every_edge_stands_there_with_both_its_locks() -> None:
    [found] = found_in(ABBA)
    assert [(side.event, side.thread, side.target) for side in found.related] == [
        (0, "t1", "lock:a"),
        (1, "t1", "lock:b"),
        (4, "t2", "lock:b"),
        (5, "t2", "lock:a"),
    ]
    assert found.why is None
    assert found.message == (
        "t1 takes lock:b while it holds lock:a, and t2 takes lock:a while it holds lock:b: "
        "at the wrong moment they wait for each other for ever"
    )


def test_threads_that_could_deadlock_are_told_rather_than_one_that_could_not() -> None:
    """main does both, too, and before."""
    alone = ABBA.replace("t1 ", "main ").replace("t2 ", "main ")
    [found] = found_in(f"{alone}; {ABBA}")
    assert {side.thread for side in found.related} == {"main", "t2"}
    assert "at the wrong moment they wait" in found.message


def test_one_thread_alone_is_told_as_such() -> None:
    [found] = found_in(ABBA.replace("t2", "t1"))
    assert found.message.endswith("2 threads that do so at a time wait for each other for ever")


def test_a_thread_that_waits_for_ever_has_an_edge_too() -> None:
    rows = [*ABBA.split("; ")[:4], "t2 lock lock:b", "t1 lock lock:c", "t2 block lock:a"]
    [found] = found_in("; ".join(rows))
    assert found.second is not None
    assert (found.second.op, found.second.target) == ("block", "lock:a")


def test_a_thread_that_waits_for_a_limited_time_has_none() -> None:
    rows = [*ABBA.split("; ")[:4], "t2 lock lock:b", "t2 block lock:a try"]
    assert found_in("; ".join(rows)) == []


def test_the_same_two_orders_between_two_joins_do_not_meet() -> None:
    first, second = ABBA.split("; t2 ", 1)
    rows = f"main start t1; {first}; t1 exit; main join t1; main start t2; t2 {second}"
    assert found_in(rows) == []
    assert len(found_in(rows.replace("main join t1; ", ""))) == 1


def test_a_lock_in_between_does_not_keep_two_threads_apart() -> None:
    """It came before this time; next time it may come after."""
    rows = ABBA.replace("; t2 lock lock:b", "; t1 lock lock:x; t1 unlock lock:x; "
                        "t2 lock lock:x; t2 unlock lock:x; t2 lock lock:b")  # fmt: skip
    assert len(found_in(rows)) == 1


def test_a_longer_way_is_found_where_the_short_one_has_a_gate() -> None:
    gated = "".join(
        f"{t} lock lock:g; {t} lock lock:{x}; {t} lock lock:{y}; "
        f"{t} unlock lock:{y}; {t} unlock lock:{x}; {t} unlock lock:g; "
        for t, x, y in (("t1", "a", "b"), ("t2", "b", "a"))
    )
    rest = "t3 lock lock:b; t3 lock lock:c; t3 unlock lock:b; t3 unlock lock:c; "
    rest += "t1 lock lock:c; t1 lock lock:a"
    [found] = found_in(gated + rest)
    assert {side.target for side in found.related} == {"lock:a", "lock:b", "lock:c"}


def test_a_lock_given_back_in_between_is_held_no_more() -> None:
    """Not last in, first out: hand over hand, as along a list."""
    rows = "t1 lock lock:a; t1 lock lock:b; t1 unlock lock:a; t1 lock lock:c; t1 unlock lock:b; "
    [found] = found_in(rows + "t2 lock lock:b; t2 lock lock:a")
    assert {side.target for side in found.related} == {"lock:a", "lock:b"}
    assert found_in(rows + "t1 unlock lock:c; t2 lock lock:a; t2 lock lock:c") == []


def test_an_imported_trace_is_not_judged() -> None:
    trace = parse(ABBA.replace("; ", "\n"))
    imported = Trace(
        columns=trace.columns, threads=trace.threads, targets=trace.targets, sites=[],
        page_sizes={}, labels={}, lock_kinds={}, origin=Origin(form="std"),
    )  # fmt: skip
    assert orders(imported) == []


# The limits of the search


def chain(locks: list[int], thread: str, builder: TraceBuilder) -> None:
    """Take one lock after the other, and give them back."""
    for lock in locks:
        builder.add(thread, Op.LOCK, Target(Kind.LOCK, str(lock)))
    for lock in reversed(locks):
        builder.add(thread, Op.UNLOCK, Target(Kind.LOCK, str(lock)))


@pytest.mark.parametrize("size", [5, 10, 20, 64])
def test_a_long_circle_is_found_with_all_its_edges(size: int) -> None:
    builder = TraceBuilder()
    for lock in range(size):
        chain([lock, (lock + 1) % size], f"t{lock}", builder)
    [found] = orders(builder.finish())
    assert len(found.related) == 2 * size


def test_a_circle_that_is_too_long_is_not_sought() -> None:
    builder = TraceBuilder()
    for lock in range(65):
        chain([lock, (lock + 1) % 65], f"t{lock}", builder)
    assert orders(builder.finish()) == []


def test_every_two_of_many_locks_in_every_rotation() -> None:
    """ThreadSanitizer's Test19, smaller."""
    builder = TraceBuilder()
    for first in range(12):
        chain([(first + step) % 12 for step in range(12)], "main", builder)
    pairs = {locks_of(one) for one in orders(builder.finish())}
    assert {frozenset(map(str, two)) for two in combinations(range(12), 2)} <= pairs


def test_a_search_without_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_order, "_PATIENCE", 100)
    builder = TraceBuilder()
    for first in range(40):
        chain([(first + step) % 40 for step in range(40)], "main", builder)
    assert len(orders(builder.finish())) < 780  # of all pairs


def test_of_very_many_locks_held_the_latest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_order, "_DEEPEST", 3)
    builder = TraceBuilder()
    chain([0, 1, 2, 3, 4], "t1", builder)
    chain([4, 1], "t2", builder)
    chain([4, 0], "t2", builder)
    found = [locks_of(one) for one in orders(builder.finish())]
    assert {"1", "4"} in found
    assert {"0", "4"} not in found  # 0 was taken four locks before
