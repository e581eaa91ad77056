from __future__ import annotations

import inspect
from typing import Any

import pytest

from racepage.errors import RacepageError
from racepage.exploration.strategies import CHOICES, DEFAULT, make


@pytest.mark.parametrize("name", CHOICES)
def test_every_name_makes_the_strategy_of_that_name(name: str) -> None:
    strategy = make(name, seed=7)
    assert strategy.name == name
    assert strategy.state()["strategy"] == name
    assert strategy.state().get("seed", 7) == 7


@pytest.mark.parametrize("name", CHOICES)
def test_what_can_be_told_is_what_the_class_takes_with_its_defaults(name: str) -> None:
    choice = CHOICES[name]
    taken = inspect.signature(choice.kind).parameters
    assert {parameter.name: parameter.default for parameter in choice.parameters} == {
        key: taken[key].default for key in taken
    }


def test_the_default_is_one_of_them_and_proves() -> None:
    assert make(DEFAULT).exhaustive


def test_values_may_be_text() -> None:
    assert make("pct", depth="5", seed="3").state()["depth"] == 5
    assert make("surw", counts="0:3,1:2", targets="4,9", selective="no").state() == {
        **make("surw", counts={0: 3, 1: 2}, targets=[4, 9], selective=False).state()
    }


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("pcd", {}, "did you mean pct?"),
        ("exhaustive", {}, "there are dpor, dfs"),
        ("pct", {"dept": 3}, "did you mean depth?"),
        ("dfs", {"bound": 3}, "it has none"),
        ("pct", {"depth": 0}, "a whole number from 1 to 1000"),
        ("pct", {"depth": True}, "a whole number"),
        ("pct", {"depth": 2.5}, "a whole number"),
        ("pct", {"depth": 10**5000}, "a whole number"),
        ("pct", {"seed": -1}, "a whole number from 0"),
        ("random", {"seed": "9" * 5000}, "a whole number"),
        ("preemption-bound", {"bound": "two"}, "'two'"),
        ("surw", {"counts": "0-3"}, "such as 0:3,1:2"),
        ("surw", {"counts": [3, 2]}, "such as 0:3,1:2"),
        ("surw", {"counts": {0: -1}}, "such as 0:3,1:2"),
        ("surw", {"targets": 3}, "such as 3,7"),
        ("surw", {"targets": [-3]}, "such as 3,7"),
        ("surw", {"selective": "perhaps"}, "true or false"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_what_can(
    name: str, parameters: dict[str, Any], says: str
) -> None:
    with pytest.raises(RacepageError, match="strategy") as error:
        make(name, **parameters)
    assert says in str(error.value)
    assert len(str(error.value)) < 250
