from __future__ import annotations

import pytest

from racepage.finding import RULES
from tests.cli.conftest import Racepage


def test_without_a_rule_all_are_listed(racepage: Racepage) -> None:
    done = racepage("explain")
    assert done.code == 0
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        [rule.id, rule.kind] for rule in RULES.values()
    ]


@pytest.mark.parametrize("name", ["RP003", "rp003", "free-race", "Free_Race"])
def test_a_rule_goes_by_its_id_and_its_kind(racepage: Racepage, name: str) -> None:
    done = racepage("explain", name)
    assert done.code == 0
    assert done.out.startswith("# RP003 free-race\n")
    assert "```trace" in done.out


def test_several_rules_are_told_one_after_the_other(racepage: Racepage) -> None:
    done = racepage("explain", "RP001", "RP013")
    assert done.out.count("\n## How to mend it\n") == 2


def test_on_a_terminal_headings_and_examples_stand_out(racepage: Racepage) -> None:
    done = racepage("explain", "RP001", "--color", "always")
    assert "\x1b[1mHow to mend it\x1b[0m" in done.out
    assert "```" not in done.out


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("RP0013", "RP013?"), ("data-rase", "data-race"), ("uaf", "lists the rules")],
)
def test_an_unknown_rule_suggests_the_right_one(racepage: Racepage, wrong: str, right: str) -> None:
    assert right in racepage("explain", wrong).complaint
