from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from racepage.cli.exits import Exit, of, worst


def test_the_codes_are_those_of_the_design() -> None:
    assert [(code.name, code.value) for code in Exit] == [
        ("CLEAN", 0),
        ("FINDINGS", 1),
        ("UNUSABLE", 2),
        ("INCOMPLETE", 3),
    ]


@pytest.mark.parametrize("pair", [*combinations_with_replacement((2, 1, 3, 0), 2)])
def test_over_several_traces_the_worst_wins(pair: tuple[int, int]) -> None:
    """2 before 1 before 3 before 0: the pairs come in that order."""
    assert worst([Exit(code) for code in pair]) == pair[0]
    assert worst([Exit(code) for code in reversed(pair)]) == pair[0]


def test_nothing_at_all_is_clean() -> None:
    assert worst([]) == Exit.CLEAN


def test_a_verdict_is_an_exit_code() -> None:
    assert [of("clean"), of("findings"), of("incomplete")] == [0, 1, 3]
