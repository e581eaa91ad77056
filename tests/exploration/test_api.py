"""What people call: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

import racepage
from racepage import sync
from racepage.errors import RacepageError


def two() -> None:
    cell = sync.Atomic(0)
    threads = [sync.Thread(target=cell.fetch_add, args=(1,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def tasks() -> None:
    two()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"excutions": 3}, "there is no argument 'excutions'; did you mean executions?"),
        ({"executions": "3"}, "executions is '3'; it is a whole number from 1, or None for no"),
        ({"executions": 0}, "executions is 0; it is a whole number from 1, or None for no limit"),
        ({"findings": 0}, "findings is 0; it is a whole number from 1, or None for no limit"),
        ({"seconds": -1}, "seconds is -1; it is a number from 0, or None for no limit"),
        ({"steps": 0}, "steps is 0; it is a whole number from 1"),
        ({"shrinks": None}, "shrinks is None; it is a whole number from 0"),
        ({"strategy": 3}, "strategy is 3; it is a name such as 'pct'"),
        ({"strategy": "pcx"}, "there is no strategy 'pcx'; did you mean pct?"),
        ({"strategy": "pct", "dep": 3}, "the strategy pct has no parameter 'dep'; did you mean"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(RacepageError) as refused:
        racepage.explore(two, **arguments)
    assert str(refused.value).startswith(told)


def test_a_parameter_that_is_nearly_an_argument_is_one() -> None:
    """`counts` of surw is nearly `seconds`."""
    done = racepage.explore(two, strategy="surw", counts={1: 1, 2: 1}, executions=20)
    assert done.executions == 20


def test_an_async_function_is_not_taken_for_a_clean_program() -> None:
    with pytest.raises(RacepageError, match="an async function cannot be explored"):
        racepage.explore(tasks)
    with pytest.raises(RacepageError, match="an async function cannot be explored"):
        racepage.explore_threads([two, tasks])


def test_no_threads_are_nothing_to_explore() -> None:
    with pytest.raises(RacepageError, match="there are no threads to explore"):
        racepage.explore_threads([])
