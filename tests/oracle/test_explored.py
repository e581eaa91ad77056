"""Explorations of random programs, against a brute force that knows only what operations mean."""

from __future__ import annotations

from hypothesis import assume, example, given, settings

from tests.oracle.explored import ATOMICS, CHECKS, LOCKS, MEETINGS, MEMORY, WAITS, Seen, programs
from tests.oracle.exploring import Class, Place, Threads, class_of, classes, ends, races, span

SOME = settings(max_examples=max(settings().max_examples // 50, 10))

MOST_CLASSES = 150
MOST_STATES = 3_000
MOST_INTERLEAVINGS = 1_000


def every_class(threads: Threads) -> dict[Class, tuple[tuple[int, int], ...]]:
    found = classes(threads, MOST_CLASSES)
    assume(found is not None)
    assert found is not None
    return found


def classes_of(threads: Threads, seen: Seen) -> set[Class]:
    return {class_of(threads, (place for place, _ in trail)) for trail in seen.trails}


@SOME
@example(threads=((), (("lock", 0), ("unlock", 0))))
@given(programs(*MEMORY, *LOCKS, *ATOMICS))
def test_dpor_runs_every_class_once(threads: Threads) -> None:
    known = every_class(threads)
    seen = Seen(threads, "dpor")
    assert classes_of(threads, seen) == set(known)
    assert seen.exploration.executions == len(known)


HIDDEN: Threads = (
    (("lock", 0), ("if", 1, 0), ("read", 0, 0, 1), ("unlock", 0)),
    (("store", 0), ("write", 0, 0, 1), ("write", 1, 0, 1)),
)
"""The read comes only after both the store and the write, and is told of the write alone."""


@SOME
@example(threads=HIDDEN)
@given(programs(*MEMORY, *LOCKS, *ATOMICS))
def test_dpor_finds_the_races_of_every_class_and_no_others(threads: Threads) -> None:
    known = [races(threads, order) for order in every_class(threads).values()]
    seen = Seen(threads, "dpor")
    found = {one for one in seen.findings if one[0] == "data-race"}
    assert found <= set().union(*known)
    # An access is told of the latest one that it races with, byte by byte.
    for pairs in known:
        for race in pairs - found:
            others = [other for other in pairs & found if race[1] & other[1]]
            assert shared(threads, race) <= set().union(*(shared(threads, one) for one in others))


def shared(threads: Threads, race: tuple[str, frozenset[Place]]) -> set[int]:
    """The bytes that two operations touch."""
    one, other = (span(threads[thread][number]) for thread, number in race[1])
    assert one is not None
    assert other is not None
    return set(range(*one)) & set(range(*other))


@SOME
@given(programs(*MEMORY, *LOCKS, *ATOMICS, *CHECKS))
def test_dpor_finds_what_dfs_finds(threads: Threads) -> None:
    every = Seen(threads, "dfs", MOST_INTERLEAVINGS)
    assume(every.exploration.exhaustive)
    assert Seen(threads, "dpor").findings == every.findings


@SOME
@given(programs(*MEMORY[2:], *LOCKS, *WAITS) | programs(*MEMORY[3:], *LOCKS, *MEETINGS))
def test_all_that_can_come_of_waits_and_time_outs_comes(threads: Threads) -> None:
    known = ends(threads, MOST_STATES)
    assume(known is not None)
    assert known is not None
    expected = {state.results for state in known}
    for strategy in ("dpor", "dfs"):
        seen = Seen(threads, strategy, MOST_INTERLEAVINGS)
        assume(seen.exploration.exhaustive)
        results = set()
        for trail in seen.trails:
            of_thread: list[tuple[object, ...]] = [() for _ in threads]
            for (thread, _), result in trail:
                of_thread[thread] = (*of_thread[thread], result)
            results.add(tuple(of_thread))
        assert expected <= results
        # What dpor gives up is cut short, and is nothing that can come of the program.
        assert len(results - expected) <= seen.exploration.outcomes.get("abandoned", 0)
