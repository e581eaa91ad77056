"""What is said on the command line and in the ini file.

Each option has a twin in the ini file: `--racepage-seed` is `racepage_seed` there. For one test,
what counts is the command line, then its marker, then its decorator, then the ini file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from racepage.errors import RacepageError


class _Option(NamedTuple):
    name: str
    metavar: str
    summary: str

    @property
    def flag(self) -> str:
        return f"--racepage-{self.name}"

    @property
    def ini(self) -> str:
        return f"racepage_{self.name}"


_OPTIONS: Final = tuple(
    _Option(*told)
    for told in (
        ("executions", "N", "explore a test at most N times; 0 for no limit"),
        ("seed", "N", "what the seeds of tests are made of, with their names"),
        ("strategy", "NAME", "which schedules to try: dpor, pct, random, …"),
        ("replay", "SCHEDULE", "run the test of a schedule under it: a file, or what was printed"),
        (
            "report",
            "DIR",
            "write reports, schedules, traces and pages of tests that fail below DIR",
        ),
    )
)

MOST: Final = 1 << 53
"""The largest number that is taken, as in schedules."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How tests are to be explored; None where nothing is said.

    Attributes:
        executions: at most so many; 0 for no limit.
        seed: what the seeds of tests are made of.
        strategy: its name.
    """

    executions: int | None = None
    seed: int | None = None
    strategy: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What is said for the whole run.

    Attributes:
        command: on the command line.
        ini: in the ini file.
        replay: the schedule, or the name of its file.
        report: where to write what failing tests leave.
    """

    command: Wishes
    ini: Wishes
    replay: str | None
    report: Path | None


SETTINGS: Final = pytest.StashKey[Settings]()
"""Where a run has them."""


def add_options(parser: pytest.Parser) -> None:
    """Tell pytest what can be said."""
    group = parser.getgroup("racepage", "racepage: data races on shared pages")
    for option in _OPTIONS:
        group.addoption(option.flag, metavar=option.metavar, help=option.summary)
        parser.addini(option.ini, option.summary, default=None)


def read(config: pytest.Config) -> Settings:
    """What was said.

    Raises:
        pytest.UsageError: something that makes no sense; one line says where, and the mend.
    """
    command = {option.name: _given(config.getoption(option.flag)) for option in _OPTIONS}
    ini = {option.name: _given(config.getini(option.ini)) for option in _OPTIONS}
    flags = {option.name: option.flag for option in _OPTIONS}
    names = {option.name: f"{config.inipath}: {option.ini}" for option in _OPTIONS}
    folder, report = config.invocation_params.dir, command["report"]
    if report is None and config.inipath is not None:
        folder, report = config.inipath.parent, ini["report"]
    return Settings(
        command=_wishes(command, flags),
        ini=_wishes(ini, names),
        replay=command["replay"] or ini["replay"],
        report=None if report is None else _folder(folder / report),
    )


def _given(value: object) -> str | None:
    """An option's value; an empty one says nothing."""
    return str(value) if value not in {None, ""} else None


def _wishes(said: dict[str, str | None], names: dict[str, str]) -> Wishes:
    return Wishes(
        executions=_number(said["executions"], names["executions"]),
        seed=_number(said["seed"], names["seed"]),
        strategy=_strategy(said["strategy"], names["strategy"]),
    )


def _number(value: str | None, name: str) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 20 and int(value) <= MOST):
        raise pytest.UsageError(f"{name} is {value[:40]!r}; it is a number from 0 to {MOST}")
    return int(value)


def _strategy(value: str | None, name: str) -> str | None:
    if value is None:
        return None
    from racepage.exploration.strategies import make  # noqa: PLC0415  (pytest is to start at once)

    try:
        make(value)
    except RacepageError as error:
        raise pytest.UsageError(f"{name}: {error}") from None
    return value


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise pytest.UsageError(f"--racepage-report: {path} is no directory; name another one")
    return path
