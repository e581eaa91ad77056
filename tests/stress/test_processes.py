import multiprocessing
import os
import re
import signal
from dataclasses import replace

import pytest

from racepage.exploration.limits import Limits
from racepage.stress.cell import Cell, Result, explore
from racepage.stress.plan import cells
from racepage.stress.processes import Died, Underway, explored
from racepage.stress.sizes import Subject

LONG = Cell(Subject("abba:correct", (("rounds", 1), ("free", 1))), "random", 0)


def children() -> list[int]:
    return [one.pid for one in multiprocessing.active_children() if one.pid is not None]


def test_processes_find_what_one_alone_finds() -> None:
    limits = Limits(20, None)
    wanted = cells(("abba", "handoff:correct"), ("dpor", "random"), [0])
    events = list(explored(wanted, limits, 2))
    found = {event.cell: event for event in events if isinstance(event, Result)}
    assert not [event for event in events if isinstance(event, Died)]
    assert set(found) == set(wanted)
    for cell in wanted:
        assert replace(found[cell], seconds=0) == replace(explore(cell, limits), seconds=0)
    assert children() == []


def test_a_cell_whose_process_is_killed_is_tried_once_more() -> None:
    told: list[Died] = []
    for event in explored([LONG], Limits(None, 60), 1):
        assert not isinstance(event, Result)
        if isinstance(event, Died):
            told.append(event)
        else:
            for child in children():  # none, if this was said before it was killed
                os.kill(child, signal.SIGKILL)
    assert told == [Died(LONG, "was killed by SIGKILL", again) for again in (True, False)]
    assert children() == []


def test_the_other_cells_go_on_when_a_process_is_killed() -> None:
    events = explored([LONG, LONG._replace(strategy="dpor", seed=None)], Limits(1000, None), 1)
    died = finished = 0
    for event in events:
        if isinstance(event, Underway) and not died:
            for child in children():
                os.kill(child, signal.SIGKILL)
        died += isinstance(event, Died)
        finished += isinstance(event, Result)
    assert (died, finished) == (1, 2)


def test_closing_ends_the_processes() -> None:
    events = explored([LONG] * 2, Limits(None, 60), 2)
    assert isinstance(next(events), Underway)
    assert len(children()) == 2
    events.close()
    assert children() == []


def test_nothing_to_do_needs_no_process() -> None:
    assert list(explored([], Limits(1, 1), 4)) == []


@pytest.mark.parametrize("again", [True, False])
def test_a_process_that_does_not_end_counts_as_dead_whatever_it_says(
    monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr("racepage.stress.processes.PATIENCE_SECONDS", -60.0)
    told = [one for one in explored([LONG], Limits(None, 60), 1) if isinstance(one, Died)]
    assert [one.again for one in told] == [True, False]
    assert re.fullmatch(r"did not end within \d+ s", told[not again].how)
