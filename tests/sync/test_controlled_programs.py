"""The programs of Go's and ThreadSanitizer's tests, explored instead of recorded.

What is held up there, so that one run shows the race, is held up here as well; but all else may
happen in any order. So the clean ones are clean in every schedule that is tried, and no edge of a
primitive is there by luck.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from racepage.exploration.api import explore
from tests.sync import test_go_programs as go
from tests.sync import test_tsan_programs as tsan

EXECUTIONS = 100


def kinds(program: Callable[[], object]) -> set[str]:
    """The kinds of what is found in the program."""
    explored = explore(program, strategy="dpor", executions=EXECUTIONS, shrinks=0)
    return {found.analysis.findings[0].kind for found in explored.findings}


# Others may have put their programs there, and lean on time as well as this one: a timer that is
# reset before it fires may fire all the same, where time does not matter.
GO = sorted(
    name
    for name, (program, _) in go.PROGRAMS.items()
    if program.__module__ == go.__name__ and name != "test_NoRaceAfterFuncReset"
)


@pytest.mark.parametrize("name", GO)
def test_programs_of_go(name: str) -> None:
    program, is_racy = go.PROGRAMS[name]

    def run() -> None:
        threads = go.Go()
        program(threads)
        threads.end()

    assert kinds(run) == ({"data-race"} if is_racy else set())


@pytest.mark.parametrize("program", [*tsan.CLEAN, *tsan.RACY])
def test_programs_of_tsan(program: Callable[[tsan.Shared], None]) -> None:
    def run() -> None:
        shared = tsan.Shared()
        program(shared)
        shared.page.free()

    assert kinds(run) == ({"data-race"} if program in tsan.RACY else set())
