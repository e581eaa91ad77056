from __future__ import annotations

from racepage.execution.step import READ, WRITE, Step, Touch
from racepage.exploration.describe import USUAL, Said, describe_plan, describe_turns
from racepage.exploration.plan import NOBODY, Picked, Plan, Switch

LOW, HIGH = (Touch(0, 0, 4, WRITE),), (Touch(0, 4, 8, WRITE),)
BOTH = (Touch(0, 0, 8, READ),)

STEPS = [Step(1, LOW), Step(2, BOTH), Step(1, HIGH), Step(0, BOTH)]
SAID = [
    Said("writer", "write page:0[0:4]", "a.py:3 fill"),
    Said("reader", "read page:0[0:8]", "a.py:9 check"),
    Said("writer", "write page:0[4:8]", "a.py:4 fill"),
    Said("main", "read page:0[0:8]"),
]


def switch(task: int, after: int, to: int, *, preempts: bool = False) -> Switch:
    return Switch(task, after, to, preempts)


def test_turns_in_words() -> None:
    steps = [Step(task, LOW) for task in (0, 0, 0, 1, 0, 0, 1)]
    assert describe_turns(steps, ["main", "t1"], [3]) == [
        "main: 3 steps",
        "t1: 1 step, though main could go on",
        "main: 2 steps, its last ones",
        "t1: 1 step, its last",
    ]


def test_a_plan_says_between_what_a_thread_is_interrupted() -> None:
    plan = Plan(
        (
            switch(NOBODY, 0, 1),
            switch(1, 1, 2, preempts=True),
            switch(2, 1, 1),
        )
    )
    assert describe_plan(plan, STEPS, SAID) == [
        f"run to completion, except at these points ({USUAL}):",
        "1. writer begins: write page:0[0:4] at a.py:3 fill",
        "2. writer is interrupted after: write page:0[0:4] at a.py:3 fill",
        "   before: write page:0[4:8] at a.py:4 fill",
        "   reader goes on: read page:0[0:8] at a.py:9 check",
        "3. reader waits, yields or ends after: read page:0[0:8] at a.py:9 check",
        "   writer goes on: write page:0[4:8] at a.py:4 fill",
    ]


def test_what_the_interrupted_thread_never_does_is_not_told() -> None:
    plan = Plan((switch(NOBODY, 0, 1), switch(1, 1, 2, preempts=True)))
    assert describe_plan(plan, STEPS[:2], SAID[:2])[2:] == [
        "2. writer is interrupted after: write page:0[0:4] at a.py:3 fill",
        "   reader goes on: read page:0[0:8] at a.py:9 check",
    ]


def test_going_on_where_it_yields_and_picks_are_points_too() -> None:
    steps = [Step(0, LOW), Step(0, ()), Step(0, HIGH, (2, 0))]
    said = [Said("main", "write"), Said("main", "yield"), Said("main", "notify")]
    plan = Plan((switch(0, 1, 0),), (Picked(0, 2, (2, 0)),))
    assert describe_plan(plan, steps, said)[1:] == [
        "1. main goes on without waiting for others: yield",
        "   after: write",
        "2. main picks number 2, 0, counted from 0, in: notify",
    ]


def test_the_empty_plan_is_one_line() -> None:
    assert describe_plan(Plan(), STEPS, SAID) == [f"run to completion: {USUAL}"]
