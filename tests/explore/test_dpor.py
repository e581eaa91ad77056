"""Optimal partial-order reduction: exactly one execution for each Mazurkiewicz trace."""

from __future__ import annotations

import pytest

from racepage.explore.dpor import OptimalDpor
from tests.explore.machine import explore
from tests.explore.programs import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_runs_one_execution_for_each_trace_and_abandons_none(row: Row) -> None:
    outcomes = [result.run.outcome for result in explore(row.program, OptimalDpor())]
    assert len(outcomes) == row.traces
    assert outcomes.count("deadlock") == row.deadlocks
    assert outcomes.count("ended") == row.traces - row.deadlocks
