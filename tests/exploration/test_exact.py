"""Exact numbers: one execution for each trace, one for each interleaving."""

from __future__ import annotations

import pytest

from tests.exploration.exact import hits, slow, spawned, threads
from tests.exploration.public_bugs import BUGS, Bug
from tests.exploration.public_programs import ROWS, Kind, Row, inc, private

MANY = 2_000
"""More interleavings than this take longer than a test should."""

KINDS: list[tuple[Row, Kind]] = [
    *[(row, "cells") for row in ROWS],
    *[(row, "words") for row in ROWS if row.program.cells],
    *[(row, "plain") for row in ROWS if row.program.cells and row.plain],
]

COUNTED = [
    pytest.param(row, id=row.name, marks=[slow] if row.interleavings > MANY else [])
    for row in ROWS
    if row.interleavings is not None
]

FEW = [bug for bug in BUGS if bug.interleavings < 1000]


@pytest.mark.parametrize(("row", "kind"), KINDS, ids=[f"{row.name}-{kind}" for row, kind in KINDS])
def test_dpor_runs_one_execution_for_each_trace_and_abandons_none(row: Row, kind: Kind) -> None:
    exploration = threads(row.program, kind, strategy="dpor")
    assert exploration.executions == row.traces
    assert exploration.outcomes.get("deadlock", 0) == row.deadlocks
    assert exploration.outcomes.get("ended", 0) == row.traces - row.deadlocks
    assert exploration.exhaustive


@pytest.mark.parametrize("row", COUNTED)
def test_dfs_runs_one_execution_for_each_interleaving(row: Row) -> None:
    exploration = threads(row.program, strategy="dfs")
    assert exploration.executions == row.interleavings
    assert exploration.exhaustive


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.deadlocks], ids=lambda row: row.name)
def test_the_deadlock_of_the_philosophers_is_found(row: Row, strategy: str) -> None:
    exploration = threads(row.program, strategy=strategy)
    assert "deadlock" in [found.finding.kind for found in exploration.findings]
    assert exploration.verdict == "findings"


def test_atomics_are_proved_clean_and_plain_bytes_are_not() -> None:
    assert threads(inc(3)).verdict == "clean"
    assert threads(inc(3), "plain").verdict == "findings"
    assert threads(private(3), "plain").verdict == "clean"


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_dfs_sees_every_buggy_interleaving(bug: Bug) -> None:
    exploration = threads(bug.program, strategy="dfs")
    assert (exploration.executions, hits(exploration)) == (bug.interleavings, bug.buggy)


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_dpor_finds_the_bug_in_no_more_executions_than_there_are_interleavings(bug: Bug) -> None:
    exploration = threads(bug.program, strategy="dpor")
    assert 1 <= hits(exploration) <= bug.buggy
    assert exploration.executions <= bug.interleavings
    assert not exploration.outcomes.get("abandoned", 0)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_starting_and_joining_threads_adds_no_trace(row: Row) -> None:
    # All that a main thread does is before, or after, whatever its children do.
    exploration = spawned(row.program, strategy="dpor")
    assert exploration.executions == row.traces
    assert exploration.outcomes.get("deadlock", 0) == row.deadlocks
    assert exploration.outcomes.get("ended", 0) == row.traces - row.deadlocks


@pytest.mark.parametrize("bug", FEW, ids=[bug.name for bug in FEW])
def test_starting_and_joining_threads_hides_no_bug(bug: Bug) -> None:
    exploration = spawned(bug.program, strategy="dpor")
    assert exploration.exhaustive
    assert hits(exploration)


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_no_preemption_finds_no_bug_and_the_smallest_number_does(bug: Bug) -> None:
    none = threads(bug.program, strategy="preemption-bound", bound=0)
    assert hits(none) == 0
    assert none.outcomes == {"ended": none.executions}
    enough = threads(bug.program, strategy="preemption-bound", bound=bug.preemptions)
    assert hits(enough) > 0


@pytest.mark.parametrize("bug", FEW, ids=[bug.name for bug in FEW])
def test_a_higher_bound_never_visits_less_nor_more_than_no_bound(bug: Bug) -> None:
    visited = [
        threads(bug.program, strategy="preemption-bound", bound=bound).executions
        for bound in range(4)
    ]
    assert visited == sorted(visited)
    assert visited[-1] <= bug.interleavings
