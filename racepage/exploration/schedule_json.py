"""Schedules as plain data that JSON can hold, version 1.

    {"racepage-schedule": 1,
     "program": {"kind": "target", "name": "race.py:main", "arguments": [], "digest": "6f1e…"},
     "strategy": {"name": "random", "parameters": {"seed": 7}},
     "racepage": "0.1.0",
     "python": "3.11.4",
     "finding": {"kind": "data-race", "fingerprint": "8cf0…"},
     "threads": [["main", []], ["t1", [4]]],
     "targets": ["page:0", "lock:m"],
     "operations": [["write", 0, 0, 64], ["lock", 1, 0, 1], ["unlock", 1, 0, 1]],
     "turns": [[0, [0, 1, 2]], [1, [1, 0, [2, 1]]]],
     "preemptions": [3]}

An operation is what a step touches: how, the index of the target, and the bytes from start to stop,
of each; nothing for a yield. A turn is a thread and its steps, each the index of an operation, or a
list of that and of what is picked. What has no meaning for a schedule is null: its finding, the
digest of a program without a source text, preemptions that nobody has counted.

History: 1, the first. Whoever reads a schedule may have it from anybody: every field is held to the
form above, and there are no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from racepage.errors import RacepageError
from racepage.execution.step import Step, Touch
from racepage.exploration.schedule import HOWS, Kind, Program, Schedule, Shown, Thread, Value
from racepage.exploration.turns import turns

VERSION: Final = 1
KEY: Final = "racepage-schedule"
"""The field that has the version."""

_MOST: Final = 1 << 53  # every reader of JSON has it exactly
_LONGEST: Final = 1 << 12  # characters of a name
_SHOWN: Final = 40  # characters of what is wrong
_HOWS: Final = {word: how for how, word in HOWS.items()}
_KINDS: Final[dict[object, Kind]] = {"target": "target", "test": "test", "function": "function"}
_FIELDS: Final = (
    KEY,
    "program",
    "strategy",
    "racepage",
    "python",
    "finding",
    "threads",
    "targets",
    "operations",
    "turns",
    "preemptions",
)


def to_data(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data."""
    operations: dict[tuple[Touch, ...], int] = {}
    program, finding = schedule.program, schedule.finding
    told = []
    for task, start, stop in turns(schedule.steps):
        items: list[int | list[int]] = []
        for _, touches, picks in schedule.steps[start:stop]:
            number = operations.setdefault(touches, len(operations))
            items.append([number, *picks] if picks else number)
        told.append([task, items])
    return {
        KEY: VERSION,
        "program": {
            "kind": program.kind,
            "name": program.name,
            "arguments": list(program.arguments),
            "digest": program.digest,
        },
        "strategy": {"name": schedule.strategy, "parameters": dict(schedule.parameters)},
        "racepage": schedule.racepage,
        "python": schedule.python,
        "finding": None if finding is None else finding._asdict(),
        "threads": [[thread.name, list(thread.path)] for thread in schedule.threads],
        "targets": list(schedule.targets),
        "operations": [
            [
                item
                for target, start, stop, how in touches
                for item in (HOWS[how], target, start, stop)
            ]
            for touches in operations
        ],
        "turns": told,
        "preemptions": None if schedule.preemptions is None else list(schedule.preemptions),
    }


def from_data(document: object) -> Schedule:
    """The schedule of plain data.

    Raises:
        RacepageError: it is none, of another version, or not in the form that schedules have.
    """
    if not isinstance(document, dict) or KEY not in document:
        raise RacepageError(f'no schedule: it is no JSON object with "{KEY}": {VERSION}')
    version = document[KEY]
    if type(version) is not int or version != VERSION:
        raise RacepageError(
            f'a schedule of another version: its "{KEY}" is not {VERSION}, which is the one that '
            "this racepage reads; use the racepage that wrote it"
        )
    return _schedule(_fields(document, _FIELDS, "a schedule"))


def _schedule(document: dict[str, Any]) -> Schedule:
    program = _fields(document["program"], ("kind", "name", "arguments", "digest"), '"program"')
    strategy = _fields(document["strategy"], ("name", "parameters"), '"strategy"')
    if (kind := _KINDS.get(_text(program["kind"], '"kind"'))) is None:
        _refuse(f'"kind" is none of {", ".join(map(str, _KINDS))}')
    threads = tuple(_thread(item) for item in _list(document["threads"], '"threads"'))
    targets = _texts(document["targets"], '"targets"')
    steps, starts = _steps(document, len(threads), len(targets))
    return Schedule(
        Program(
            kind,
            _text(program["name"], '"name"'),
            _texts(program["arguments"], '"arguments"'),
            None if program["digest"] is None else _text(program["digest"], '"digest"'),
        ),
        steps,
        threads,
        targets,
        _preemptions(document["preemptions"], starts),
        _shown(document["finding"]),
        _text(strategy["name"], '"name"'),
        _parameters(strategy["parameters"]),
        _text(document["racepage"], '"racepage"'),
        _text(document["python"], '"python"'),
    )


def _steps(
    document: dict[str, Any], threads: int, targets: int
) -> tuple[tuple[Step, ...], set[int]]:
    """The steps, and the numbers of those with which a turn begins, but for the first."""
    operations = [
        _operation(item, targets) for item in _list(document["operations"], '"operations"')
    ]
    known: dict[tuple[int, ...], Step] = {}  # most steps are done more than once
    steps: list[Step] = []
    starts = set()
    for item in _list(document["turns"], '"turns"'):
        turn = _list(item, "a turn", 2)
        task = _whole(turn[0], "the thread of a turn", threads - 1)
        items = _list(turn[1], "the steps of a turn")
        if not items:
            _refuse("a turn has no steps")
        if steps and steps[-1].task == task:
            _refuse("two turns of one thread follow each other")
        if steps:
            starts.add(len(steps))
        for one in items:
            numbers = _list(one, "a step") if isinstance(one, list) else [one]
            if not numbers or (isinstance(one, list) and len(one) == 1):
                _refuse("a step that picks nothing is to be a number")
            key = (task, *(_whole(number, "a number of a step") for number in numbers))
            if key not in known:
                _whole(key[1], "the operation of a step", len(operations) - 1)
                known[key] = Step(task, operations[key[1]], key[2:])
            steps.append(known[key])
    return tuple(steps), starts


def _operation(item: object, targets: int) -> tuple[Touch, ...]:
    items = _list(item, "an operation")
    if len(items) % 4:
        _refuse("an operation has a touch without all of its four parts")
    touches = []
    for at in range(0, len(items), 4):
        how = _HOWS.get(_text(items[at], "how a step touches something"))
        target = _whole(items[at + 1], "a target", targets - 1)
        stop = _whole(items[at + 3], "the end of a range")
        start = _whole(items[at + 2], "the beginning of a range", stop - 1)
        if how is None:
            _refuse(f"a step can touch something by {', '.join(_HOWS)} only")
        touches.append(Touch(target, start, stop, how))
    return tuple(touches)


def _thread(item: object) -> Thread:
    name, path = _list(item, "a thread", 2)
    numbers = [_whole(one, "a path's number") for one in _list(path, "the path of a thread")]
    return Thread(_text(name, "the name of a thread"), tuple(numbers))


def _shown(value: object) -> Shown | None:
    if value is None:
        return None
    finding = _fields(value, Shown._fields, '"finding"')
    return Shown(*(_text(finding[key], f'"{key}"') for key in Shown._fields))


def _preemptions(value: object, starts: set[int]) -> tuple[int, ...] | None:
    if value is None:
        return None
    numbers = [_whole(one, "a preemption") for one in _list(value, '"preemptions"')]
    if numbers != sorted(set(numbers)) or not starts.issuperset(numbers):
        _refuse('"preemptions" are not steps with which turns begin, in order')
    return tuple(numbers)


def _parameters(value: object) -> dict[str, Value]:
    if not isinstance(value, dict):
        _refuse('"parameters" is no object')
    for name, one in value.items():
        _text(name, "the name of a parameter")
        if isinstance(one, str):
            _text(one, "a parameter")
        elif isinstance(one, list | dict):
            _refuse("a parameter is neither a text nor a number, true, false or null")
    return value


# Parts -------------------------------------------------------------------------------------------


def _refuse(why: str) -> NoReturn:
    raise RacepageError(f"no good schedule: {why}; have racepage write it anew")


def _fields(value: object, names: Sequence[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{what} is no object")
    if missing := [name for name in names if name not in value]:
        _refuse(f'{what} has no "{missing[0]}"')
    if len(value) > len(names):
        strange = next(name for name in value if name not in names)
        _refuse(f"{what} has something that does not belong there: {strange[:_SHOWN]!a}")
    return value


def _list(value: object, what: str, count: int | None = None) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{what} is no list")
    if count is not None and len(value) != count:
        _refuse(f"{what} has not {count} parts")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        _refuse(f"{what} is no text of at most {_LONGEST:,} characters")
    return value


def _texts(value: object, what: str) -> tuple[str, ...]:
    return tuple(_text(one, f"a part of {what}") for one in _list(value, what))


def _whole(value: object, what: str, most: int = _MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        _refuse(
            f"{what} is no whole number from 0 to {most}" if most >= 0 else f"{what} names nothing"
        )
    return value
