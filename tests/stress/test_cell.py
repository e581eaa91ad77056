from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from racepage import sync, workloads
from racepage.exploration.again import replay
from racepage.exploration.schedule_file import from_line
from racepage.stress import cell as cells
from racepage.stress.cell import Cell, Limits, explore
from racepage.stress.sizes import Subject

ABBA = (("rounds", 1), ("free", 1))
PLENTY = Limits(1000, None)


def instead(monkeypatch: pytest.MonkeyPatch, program: Callable[[], object]) -> None:
    """Have `program` run, whatever the workload is."""
    monkeypatch.setattr(cells, "program", lambda *_, **__: program)


def test_a_search_that_saw_everything_says_so() -> None:
    result = explore(Cell(Subject("abba:correct", ABBA), "dpor", None), PLENTY)
    assert (result.executions, result.exhaustive) == (2, True)  # whoever comes first
    assert (result.first, result.surprises) == ((), ())


def test_what_is_expected_is_no_surprise_and_has_its_first_execution() -> None:
    result = explore(Cell(Subject("abba:abba", ABBA), "dpor", None), PLENTY)
    assert result.exhaustive
    # One order or the other, both of which have the lock order, and the deadlock.
    assert result.executions == 3
    lock_order, deadlock = result.first
    assert lock_order == 1
    assert deadlock is not None
    assert result.surprises == ()


def test_what_threads_do_that_are_not_free_is_in_every_execution() -> None:
    result = explore(Cell(Subject("abba:abba", (("rounds", 1),)), "random", 7), Limits(3, None))
    assert (result.executions, result.exhaustive) == (3, False)
    assert (result.first, result.surprises) == ((1,), ())


def test_a_finding_that_nobody_expected_is_a_surprise_that_its_command_has_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    racy = partial(workloads.program, "handoff:keeps-writing", rounds=2, pages=1)
    instead(monkeypatch, racy())
    subject = Subject("handoff:correct", (("rounds", 2), ("pages", 1)))
    result = explore(Cell(subject, "random", 0), Limits(5, None))
    (surprise,) = result.surprises
    assert surprise.kind == "data-race"
    verb, line = surprise.command.rsplit(" ", 1)
    assert verb == "racepage replay"
    schedule = from_line(line)
    assert schedule.program.name == "handoff:correct"
    assert schedule.program.arguments == ("rounds=2", "pages=1")
    assert replay(racy(), schedule).found is not None


def test_a_finding_between_other_functions_is_a_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, workloads.program("seqlock:plain-reader", rounds=1))
    subject = Subject("handoff:keeps-writing", ())
    result = explore(Cell(subject, "random", 0), Limits(5, None))
    assert [surprise.kind for surprise in result.surprises] == ["data-race"]
    assert result.first == (None,)


def test_a_program_that_is_not_the_same_twice_is_a_surprise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executions = count()

    def program() -> None:
        cell = sync.Atomic(0)
        if next(executions) % 2:
            cell.load()
        threads = [sync.Thread(target=cell.fetch_add, args=(1,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    instead(monkeypatch, program)
    result = explore(Cell(Subject("abba:correct"), "dpor", None), PLENTY)
    (surprise,) = result.surprises
    assert (surprise.kind, surprise.execution, surprise.command) == ("error", 0, "")
    assert "independent of time" in surprise.message


def test_an_error_of_racepage_itself_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(cells, "run", broken)
    (surprise,) = explore(Cell(Subject("abba:correct"), "dpor", None), PLENTY).surprises
    assert surprise.message.startswith("ZeroDivisionError: by zero (test_cell.py:")


def test_lack_of_memory_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(cells, "run", greedy)
    with pytest.raises(MemoryError):
        explore(Cell(Subject("abba:correct"), "dpor", None), PLENTY)


def test_progress_is_told_while_a_cell_goes_on() -> None:
    told: list[int] = []
    explore(Cell(Subject("abba:correct", ABBA), "random", 0), Limits(50, None), told.append)
    assert told
    assert told == sorted(told)
    assert told[-1] <= 50
