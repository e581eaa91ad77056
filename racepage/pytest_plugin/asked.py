"""What a test asks for: to be explored, to be recorded, or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import pytest

from racepage.errors import RacepageError
from racepage.pytest_plugin.settings import Settings, Wishes

if TYPE_CHECKING:  # loads numpy, which tests that ask for nothing do not need
    from racepage.exploration.api import Options

MARKER: Final = "racepage"
FIXTURE: Final = "racepage_recording"

_ATTRIBUTE: Final = "__racepage__"  # api.ATTRIBUTE, without loading it
_DEEPEST: Final = 64
_BUDGET: Final = ("executions", "seconds", "findings")
_NUMBERS: Final = {
    "executions": (1, True),
    "seconds": (0, True),
    "findings": (1, True),
    "steps": (1, False),
    "shrinks": (0, False),
}
"""What is a number: the least that it may be, and whether None stands for no limit."""

_ARGUMENTS: Final = ("strategy", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class Explore:
    """A test that is to be explored.

    Attributes:
        options: how.
        nodeid: what pytest calls it.
        decorated: it explores itself when it is called.
    """

    options: Options
    nodeid: str
    decorated: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A test that is to be recorded.

    Attributes:
        depth: frames of the call stack of an event.
        values: whether the bytes are kept that accesses read and wrote.
        nodeid: what pytest calls it.
    """

    depth: int
    values: bool
    nodeid: str


def name_of(item: pytest.Item) -> str:
    """The node id of a test, without the group that pytest-xdist adds to it."""
    grouped = item.get_closest_marker("xdist_group") is not None
    if grouped and item.config.getoption("loadgroup", default=False):
        return item.nodeid.rpartition("@")[0] or item.nodeid
    return item.nodeid


def asked(item: pytest.Item, settings: Settings) -> Explore | Record | None:
    """What a test asks for.

    Raises:
        pytest.UsageError: something that makes no sense; one line says where, and the mend.
    """
    if not isinstance(item, pytest.Function):
        return None
    given = _marked(item)
    decorator = _decorator(item.obj)
    recorded = FIXTURE in item.fixturenames
    if given is None and decorator is None and not recorded:
        return None
    nodeid = name_of(item)
    try:
        if recorded:
            if decorator is not None:
                raise RacepageError(f"{FIXTURE} is for tests that are not explored")  # noqa: TRY301
            return _record(given or {}, nodeid)
        if _is_async(item.obj):
            raise RacepageError(  # noqa: TRY301
                "an async function cannot be explored: its tasks are no threads; explore a "
                "function that starts racepage.sync.Thread"
            )
        return Explore(
            options=_options(decorator, given or {}, settings, nodeid),
            nodeid=nodeid,
            decorated=decorator is not None,
        )
    except RacepageError as error:
        raise pytest.UsageError(f"{nodeid}: {error}") from None


# What stands there --------------------------------------------------------------------------------


def _marked(item: pytest.Function) -> dict[str, Any] | None:
    """The arguments of its markers: the nearest one that has an argument gives it."""
    markers = list(item.iter_markers(MARKER))
    for marker in markers:
        if marker.args:
            raise pytest.UsageError(
                f"{item.nodeid}: @pytest.mark.{MARKER} takes its arguments by name: "
                f'strategy="pct", not {marker.args[0]!r:.40}'
            )
    if not markers:
        return None
    given: dict[str, Any] = {}
    for marker in reversed(markers):
        given |= marker.kwargs
    return given


def _decorator(function: object) -> Options | None:
    """What `explore` was told as a decorator; other decorators may stand above it."""
    options: Options | None = getattr(function, _ATTRIBUTE, None)
    return options


def _is_async(function: Callable[..., object]) -> bool:
    inner = inspect.unwrap(function)
    return inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)


# What it comes to ---------------------------------------------------------------------------------


def _record(given: Mapping[str, Any], nodeid: str) -> Record:
    unknown = sorted(given.keys() - {"depth", "values"})
    if unknown:
        raise RacepageError(
            f"a test with {FIXTURE} is recorded, not explored, and cannot be told "
            f"{unknown[0]}; there are depth and values"
        )
    depth, values = given.get("depth", 1), given.get("values", False)
    if type(depth) is not int or not 1 <= depth <= _DEEPEST:
        raise RacepageError(f"depth is {depth!r:.40}; it is a number from 1 to {_DEEPEST}")
    if not isinstance(values, bool):
        raise RacepageError(f"values is {values!r:.40}; it is True or False")
    return Record(depth, values, nodeid)


def _options(
    decorator: Options | None, given: dict[str, Any], settings: Settings, nodeid: str
) -> Options:
    """How to explore. What is said later counts, and of another strategy it drops the parameters.

    Raises:
        RacepageError: something that makes no sense.
    """
    from racepage.exploration.api import Options  # noqa: PLC0415  (loads numpy)
    from racepage.exploration.result import Budget  # noqa: PLC0415
    from racepage.exploration.strategies import CHOICES, DEFAULT, make  # noqa: PLC0415

    said: dict[str, Any] = {"strategy": DEFAULT}
    for layer in (_wished(settings.ini), _told(decorator), given, _wished(settings.command)):
        if layer.get("strategy", said["strategy"]) != said["strategy"]:
            said = {key: value for key, value in said.items() if key in {*_ARGUMENTS, "seed"}}
        said |= layer
    _check(said)
    arguments = {name: said.pop(name) for name in _ARGUMENTS if name in said}
    strategy = arguments.pop("strategy")
    command, seed = settings.command.seed, said.pop("seed", None)
    if strategy in CHOICES and CHOICES[strategy].seeded:
        if command is not None or seed is None:
            seed = seed_of(nodeid, settings.ini.seed if command is None else command)
        said["seed"] = seed
    _refuse_misspelt(said)
    make(strategy, **said)
    budget = {name: arguments.pop(name) for name in _BUDGET if name in arguments}
    return Options(strategy, said, Budget(**budget), **arguments)


def seed_of(nodeid: str, base: int | None) -> int:
    """The seed of a test: the same in every process and order, and another one for every test."""
    text = f"{base or 0} {nodeid}".encode("utf-8", "surrogatepass")
    return int.from_bytes(sha256(text).digest()[:4])


def _wished(wishes: Wishes) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if wishes.strategy is not None:
        said["strategy"] = wishes.strategy
    if wishes.executions is not None:
        said["executions"] = wishes.executions or None
    return said


def _told(decorator: Options | None) -> dict[str, Any]:
    """What a decorator says that is not what it says of itself."""
    if decorator is None:
        return {}
    usual = type(decorator)()
    said = dict(decorator.parameters)
    for name in _ARGUMENTS:
        one, other = (
            options.budget if name in _BUDGET else options for options in (decorator, usual)
        )
        if getattr(one, name) != getattr(other, name):
            said[name] = getattr(one, name)
    return said


def _refuse_misspelt(parameters: Mapping[str, Any]) -> None:
    """Take what is nearly an argument for that, and not for a parameter of the strategy."""
    for name in parameters:
        near = get_close_matches(name, _ARGUMENTS, n=1)
        if near:
            raise RacepageError(f"there is no argument {name!r}; did you mean {near[0]}?")


def _check(said: Mapping[str, Any]) -> None:
    for name, (least, may_be_none) in _NUMBERS.items():
        value = said.get(name, least)
        kinds = (int, float) if name == "seconds" else (int,)
        good = isinstance(value, kinds) and not isinstance(value, bool) and value >= least
        if not (good or (value is None and may_be_none)):
            what = "a number" if name == "seconds" else "a whole number"
            told = f"{what} from {least}" + (", or None for no limit" if may_be_none else "")
            raise RacepageError(f"{name} is {value!r:.40}; it is {told}")
    if not isinstance(said["strategy"], str):
        raise RacepageError(f"strategy is {said['strategy']!r:.40}; it is a name such as 'pct'")
