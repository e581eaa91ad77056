"""Saving a search, going on with it elsewhere, and refusing what is no saved search."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import RacepageError
from racepage.exploration import schedule, search
from racepage.exploration.replay import Replay
from racepage.exploration.strategies import CHOICES, make
from racepage.exploration.strategy import Strategy
from tests.exploration import random_programs
from tests.exploration.bugs import reorder
from tests.exploration.machine import Machine, Program
from tests.exploration.programs import casw, philosophers, program, straight

PICKS = program(
    straight(("place", ("x", "y")), ("write", "z", 1)),
    straight(("place", ("y", "z")), ("read", "x")),
)
WAITS = program(
    straight(("park", "c", True, "token 0"), ("parked", "c", True, "token 0", "x"), ("read", "y")),
    straight(("park", "c", False, "token 1"), ("parked", "c", False, "token 1", "y")),
    straight(("notify", "c"), ("write", "x", 3)),
)
WIDTHS = random_programs.program(
    (
        (("exchange", (1, 2, 4), 1, 0),),
        (("skip", (1, 2, 3)),),
        (("write", (1, 2, 3), 1), ("exchange", (1, 3, 4), 0, 1)),
    )
)
PROGRAMS = {
    "casw": casw(3),
    "failures": reorder(2),
    "philosophers": philosophers(3),
    "picks": PICKS,
    "waits": WAITS,
    "widths": WIDTHS,
}

MOST = 100

Runs = list[tuple[Any, ...]]


def go_on(strategy: Strategy, program: Program, numbers: dict[Any, int], most: int) -> Runs:
    runs: Runs = []
    while len(runs) < most and strategy.begin():
        run = Machine(program, numbers).run(strategy).run
        strategy.end(run)
        runs.append((run.outcome, *((step.task, step.picks) for step in run.steps)))
    return runs


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("name", CHOICES)
def test_a_search_goes_on_from_where_it_was_saved(name: str, program: Program) -> None:
    numbers: dict[Any, int] = {}
    whole = go_on(make(name, seed=3), program, numbers, MOST)
    for done in {0, 1, 2, 9, len(whole) // 2, len(whole)}:
        first = make(name, seed=3)
        assert go_on(first, program, numbers, done) == whole[:done]
        rest = make(name, seed=4)
        rest.restore(json.loads(json.dumps(first.state())))
        assert go_on(rest, program, numbers, MOST - done) == whole[done:]


def test_parameters_are_saved() -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("pct", {"depth": 7}),
        ("preemption-bound", {"bound": 1}),
        ("delay-bound", {"bound": 1}),
        ("round-robin", {"quantum": 2}),
        ("surw", {"counts": {0: 2, 1: 1}, "targets": [0, 1], "selective": False}),
    ]
    for name, told in cases:
        state = json.loads(json.dumps(make(name, **told).state()))
        restored = make(name)
        restored.restore(state)
        assert json.loads(json.dumps(restored.state())) == state


def test_a_replay_goes_on() -> None:
    replay = Replay([0, 1, [0, 2, 1]])
    other = Replay([])
    other.restore(json.loads(json.dumps(replay.state())))
    assert other.state() == replay.state()


def states() -> list[tuple[str, dict[str, Any]]]:
    """Each strategy's state, in the middle of something."""
    found = []
    for name in CHOICES:
        for each in PROGRAMS.values():
            strategy = make(name)
            go_on(strategy, each, {}, 5)
            found.append((name, json.loads(json.dumps(strategy.state()))))
    return found


STATES = states()

HOSTILE: list[Any] = [
    None,
    True,
    -1,
    2**53 + 1,
    10**400,
    1.5,
    float("nan"),
    "",
    "x" * 1000,
    [],
    {},
    [[]],
    [None],
    [[0, 0]],
    [[0, 0, 0]],
    [2**53] * 4,
    {"strategy": "dpor"},
]


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    found = [path]
    items = enumerate(value) if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else items:
        found += places(part, (*path, key))
    return found


def with_part(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return part
    copied = value.copy()
    copied[path[0]] = with_part(value[path[0]], path[1:], part)
    return copied


def survives(name: str, state: Any) -> None:
    """Restoring is refused, or what is restored runs or finds the program changed."""
    strategy = make(name)
    try:
        strategy.restore(state)
    except RacepageError as error:
        assert len(str(error)) < 500  # noqa: PT017  (it need not be refused)
        return
    try:
        go_on(strategy, PICKS, {}, 20)
    except RacepageError:
        return
    json.dumps(strategy.state())


@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_a_state_of_somebody_else_is_refused_or_does_no_harm(data: st.DataObject) -> None:
    name, state = data.draw(st.sampled_from(STATES))
    path = data.draw(st.sampled_from(places(state)))
    part = data.draw(st.sampled_from([*HOSTILE, nested(500)]) | st.integers(0, 9))
    survives(name, with_part(state, path, part))


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize(
    "change",
    [
        lambda _: {},
        lambda state: {**state, "strategy": "another"},
        lambda state: [state],
        lambda state: {key: state[key] for key in list(state)[:-1]},
        lambda state: {"strategy": state["strategy"]},
    ],
)
def test_what_is_no_state_of_the_strategy_is_refused(
    name: str, change: Callable[[dict[str, Any]], Any]
) -> None:
    state = make(name).state()
    with pytest.raises(RacepageError, match="no saved state of the strategy"):
        make(name).restore(change(state))


def test_a_path_that_is_too_long_is_refused_at_once() -> None:
    name, state = next((name, state) for name, state in STATES if name == "dpor" and state["path"])
    with pytest.raises(RacepageError, match="more than 20000 items"):
        make(name).restore({**state, "path": state["path"][:1] * 20_001})


def test_whatever_has_to_be_the_same_has_words_for_when_it_is_not() -> None:
    of = search.identity(schedule.Program("target", "a.py:main"), "dpor", {}, 20_000)
    assert of.keys() == search._ANOTHER.keys()
