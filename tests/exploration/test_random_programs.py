"""Random programs, against a brute force that grows all Mazurkiewicz traces from their definition.

What the brute force knows of an execution is its trace: each event, and those before it that depend
on it. Reduction has to lose none of them, and where nothing is left to guess, to repeat none.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import assume, given, settings

from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import OptimalDpor
from racepage.exploration.strategy import Strategy
from tests.exploration import brute
from tests.exploration.machine import Machine, Result
from tests.exploration.random_programs import (
    DAEMONS,
    EXACT,
    FAILING,
    GUESSING,
    PICKING,
    WAITING,
    program,
    threads,
    trace,
)

SOME = settings(max_examples=max(settings().max_examples // 40, 5))

MOST_TRACES = 400
"""Of one length, that the brute force may have at hand."""

MOST_INTERLEAVINGS = 3_000


def known(program: brute.Threads) -> dict[brute.Trace, brute.State]:
    ends = brute.traces(program, MOST_TRACES)
    assume(ends is not None)
    assert ends is not None
    return ends


def explored(
    threads: brute.Threads, strategy: Strategy, most: int = -1
) -> list[tuple[brute.Trace, Result]]:
    numbers: dict[Any, int] = {}
    results = []
    while most and strategy.begin():
        result = Machine(program(threads), numbers).run(strategy)
        strategy.end(result.run)
        results.append((trace(result.run, numbers), result))
        most -= 1
    return results


def whole(results: list[tuple[brute.Trace, Result]]) -> set[brute.Trace]:
    """Without the executions that the strategy gave up."""
    return {trace for trace, result in results if result.run.outcome != "abandoned"}


@SOME
@given(threads(EXACT))
def test_each_trace_is_executed_once(threads: brute.Threads) -> None:
    seen = Counter(trace for trace, _ in explored(threads, OptimalDpor()))
    assert seen == dict.fromkeys(known(threads), 1)


@SOME
@given(threads(EXACT | GUESSING) | threads(EXACT | PICKING) | threads(EXACT | WAITING))
def test_each_trace_is_executed_where_steps_are_guessed(threads: brute.Threads) -> None:
    ends = known(threads)
    assert whole(explored(threads, OptimalDpor())) == set(ends)


@SOME
@given(threads(EXACT | FAILING) | threads(EXACT | FAILING | GUESSING | PICKING | WAITING | DAEMONS))
def test_nothing_is_lost_where_executions_are_cut_short(threads: brute.Threads) -> None:
    ends = known(threads)
    seen = whole(explored(threads, OptimalDpor()))
    assert seen <= set(ends)
    for end, state in ends.items():
        if state.cut < 0:
            assert end in seen
            continue
        last, causes = brute.causes(end, state.cut)
        if brute.ends(last):  # the end of all but daemons, which is no failure
            assert any(end <= other for other in seen)
        else:  # each failure with its causes, and whatever the others can do without it
            assert any(causes <= other and ends[other].cut == state.cut for other in seen)
            assert any(end - {last} <= other for other in seen)


@SOME
@given(
    threads(EXACT)
    | threads(EXACT | FAILING)
    | threads(EXACT | FAILING | GUESSING | PICKING | WAITING)
)
def test_reduction_finds_what_all_interleavings_show(threads: brute.Threads) -> None:
    every = explored(threads, DepthFirst(), MOST_INTERLEAVINGS)
    assume(len(every) < MOST_INTERLEAVINGS)
    reduced = explored(threads, OptimalDpor())
    failures = {result.failure for _, result in every}
    assert {result.failure for _, result in reduced} == failures
    if failures <= {None}:
        assert whole(reduced) == whole(every)
        assert _memories(every) == _memories(reduced)


def _memories(ends: list[tuple[brute.Trace, Result]]) -> set[frozenset[Any]]:
    return {
        frozenset((place, value) for place, value in result.memory.items() if value)
        for _, result in ends
        if result.run.outcome != "abandoned"
    }


@settings(max_examples=max(settings().max_examples // 40, 5))
@given(threads(EXACT | WAITING))
def test_all_interleavings_show_each_trace(threads: brute.Threads) -> None:
    every = explored(threads, DepthFirst(), MOST_INTERLEAVINGS)
    assume(len(every) < MOST_INTERLEAVINGS)
    assert whole(every) == set(known(threads))
