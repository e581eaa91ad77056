"""The state of a search, so that another process can go on with it.

    {"racepage-search": 1,
     "of": {"program": …, "arguments": …, "digest": …, "strategy": …, "parameters": …, "most": …,
            "racepage": …},
     "strategy": …, "search": …,
     "executions": 52, "steps": 910, "milliseconds": 40,
     "outcomes": {"ended": 52}, "seen": ["8cf0…"],
     "found": [[17, true, "rp1:…"]],
     "tasks": [[], [1]], "targets": [[8, [1, 0]]]}

What a strategy has to remember is in numbers of threads and of targets, and those are counted as
they are met. So they are a part of the state: whoever goes on gives the same things the same
numbers. Findings are kept by their schedules, and told again by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from racepage import __version__
from racepage.errors import RacepageError
from racepage.execution.kernel import Kernel
from racepage.exploration.saved import Saved
from racepage.exploration.schedule import Program, Schedule
from racepage.exploration.schedule_file import from_line, to_line
from racepage.exploration.strategy import Strategy

if TYPE_CHECKING:
    from racepage.exploration.result import Found

VERSION: Final = 1
KEY: Final = "racepage-search"


_ANOTHER: Final = {
    "program": "its program is another",
    "arguments": "its program was given other arguments",
    "digest": "its program has changed",
    "strategy": "its strategy is another",
    "parameters": "its strategy has other parameters",
    "most": "it has another limit of steps",
    "racepage": "another version of racepage began it",
}
"""What it means that a member of `identity` is not the same."""


class Known(NamedTuple):
    """A finding of before: of which execution, whether its schedule was shrunk, and that."""

    execution: int
    shrunk: bool
    schedule: Schedule


class Restored(NamedTuple):
    """What an explorer has to know of the search that it goes on with."""

    executions: int
    steps: int
    milliseconds: int
    outcomes: dict[str, int]
    seen: list[str]
    known: list[Known]


def identity(
    program: Program, strategy: str, parameters: Mapping[str, Any], most: int
) -> dict[str, Any]:
    """What has to be the same for a search to go on."""
    return {
        "program": program.name,
        "arguments": list(program.arguments),
        "digest": program.digest,
        "strategy": strategy,
        "parameters": dict(parameters),
        "most": most,
        "racepage": __version__,
    }


def state(
    of: dict[str, Any],
    kernel: Kernel,
    strategy: Strategy,
    counts: dict[str, Any],
    found: Sequence[Found],
) -> dict[str, Any]:
    """The state of a search, as JSON can hold it."""
    return {
        KEY: VERSION,
        "of": of,
        "strategy": strategy.name,
        "search": strategy.state(),
        **counts,
        "found": [[one.execution, one.shrunk, to_line(one.schedule)] for one in found],
        "tasks": [list(path) for path in kernel.paths],
        "targets": [[number, list(origin)] for origin, number in kernel.numbers.items()],
    }


def restore(state: object, of: dict[str, Any], kernel: Kernel, strategy: Strategy) -> Restored:
    """Bring the kernel and the strategy to where they were when `state` was taken.

    Raises:
        RacepageError: it is no state, or that of another search.
    """
    if not isinstance(state, dict) or state.get(KEY) != VERSION:
        raise RacepageError(
            f'no saved search: it is no JSON object with "{KEY}": {VERSION}; '
            "begin anew with another file"
        )
    _refuse_another(state.get("of"), of)
    saved = Saved(state, strategy.name)
    known = [_known(saved, item) for item in saved.items("found")]
    outcomes = saved.any("outcomes")
    if not isinstance(outcomes, dict):
        saved.refuse('"outcomes" is no object')
    tasks = [_path(saved, item, '"tasks"') for item in saved.items("tasks")]
    numbers = {}
    for item in saved.items("targets"):
        number, origin = saved.parts(item, 'an item of "targets"', 2)
        path = _path(saved, origin, '"targets"')
        if len(path) < 2:
            saved.refuse('"targets" has something that comes from nowhere')
        numbers[path] = saved.whole(number, '"targets"')
    if len(set(tasks)) < len(tasks) or len(set(numbers.values())) < len(numbers):
        saved.refuse('"tasks" or "targets" has something twice')
    kernel.number_as(tasks, numbers)
    strategy.restore(saved.any("search"))
    return Restored(
        saved.number("executions"),
        saved.number("steps"),
        saved.number("milliseconds"),
        {str(name): saved.whole(times, '"outcomes"') for name, times in outcomes.items()},
        [str(key) for key in saved.items("seen")],
        known,
    )


def choices(schedule: Schedule, kernel: Kernel) -> list[list[int]]:
    """What a schedule lets go, by the numbers that the kernel has for its threads.

    Raises:
        RacepageError: the kernel has never met one of them.
    """
    met = {path: number for number, path in enumerate(kernel.paths)}
    try:
        tasks = [met[thread.path] for thread in schedule.threads]
    except KeyError:
        raise RacepageError(
            "a finding of the saved search has threads that the search never met; begin it anew, "
            "without a saved state"
        ) from None
    return [[tasks[task], *picks] for task, *picks in schedule.choices]


def _refuse_another(saved: object, of: dict[str, Any]) -> None:
    if saved == of:
        return
    if isinstance(saved, dict):
        for key, value in of.items():
            if saved.get(key) != value:
                raise RacepageError(
                    f"a saved search that cannot go on here: {_ANOTHER[key]}; begin anew with "
                    "another file"
                )
    raise RacepageError("a saved search that does not say of what; begin anew with another file")


def _known(saved: Saved, item: object) -> Known:
    execution, shrunk, line = saved.parts(item, 'an item of "found"', 3)
    if not isinstance(line, str) or not isinstance(shrunk, bool):
        saved.refuse('"found" has something that is no schedule')
    return Known(saved.whole(execution, '"found"'), shrunk, from_line(line))


def _path(saved: Saved, value: object, what: str) -> tuple[int, ...]:
    return tuple(saved.whole(one, what) for one in saved.sequence(value, what))
