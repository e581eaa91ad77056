"""Suppressions: which findings are not to count, and why.

A file of them is TOML; `[[tool.racepage.suppress]]` in pyproject.toml holds the same tables:

    [[suppress]]
    rule = "data-race"            # an id or a kind, as `racepage explain` lists them
    function = ["bump", "show"]   # of the two sides, in either order; one name: of either side
    file = "stats.py"             # likewise
    page = "stats*"               # its name, `page:0`, or its label
    lock = "mmap"                 # that a side holds or works on, by its name or label
    reason = "a statistic, which may be off by some"
    until = 2027-01-31            # the last day on which this holds

`reason` has to be there, and one condition at least; a finding has to meet all there are. So what
is added to an entry never makes it match more.

- A side is one of the two events of a finding, or any event of a cycle of locks or threads. It is
  in the function and the file of its innermost frame, however many frames were recorded: what is
  suppressed does not depend on `--depth`. An event whose place is not known is in none.
- `function = "f"` with `file = "a.py"` means one side that is in both. A list of two names both
  sides of a finding, in either order, and does not match a finding that has one side only.
- In a pattern `*` stands for any characters and `?` for one; everything else stands for itself,
  brackets too, since labels have them. A file's pattern may leave out folders at the beginning:
  `binder.py` and `ipc/*.py` match `/home/a/ipc/binder.py`.

An entry past its day matches nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import translate
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Final

from racepage.errors import RacepageError
from racepage.finding import RULES, Analysis, Finding, Side
from racepage.wording import meant

Pair = tuple[str, ...]
"""One pattern, which either side may meet, or two, one for each side."""

LARGEST: Final = 1 << 20
"""Bytes of a file of suppressions; what is larger is something else."""

_CONDITIONS: Final = ("rule", "function", "file", "page", "lock")
_KEYS: Final = (*_CONDITIONS, "reason", "until")
_TABLE: Final = "suppress"
_LOCK: Final = "lock:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One entry. A condition that is None (or empty) was not given.

    Attributes:
        reason: for the readers of a report.
        source: the file that it stands in.
        entry: its number there, from 1.
        rule: the kind of finding.
        function, file: one or two patterns.
        page, lock: a pattern.
        until: the last day on which it holds.
    """

    reason: str
    source: str = ""
    entry: int = 1
    rule: str | None = None
    function: Pair = ()
    file: Pair = ()
    page: str | None = None
    lock: str | None = None
    until: date | None = None

    def __str__(self) -> str:
        return f"{self.source}: suppression {self.entry}"

    @property
    def conditions(self) -> dict[str, str | list[str]]:
        """What was asked of a finding, as it was written; a rule by its kind."""
        written: dict[str, str | list[str]] = {}
        for key in _CONDITIONS:
            value = getattr(self, key)
            if isinstance(value, str):
                written[key] = value
            elif value:
                written[key] = list(value) if len(value) > 1 else value[0]
        return written

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and today > self.until


# Reading -----------------------------------------------------------------------------------------


def read(path: Path) -> tuple[Suppression, ...]:
    """The suppressions of a file.

    Raises:
        RacepageError: it cannot be read, is no TOML, or says something that is not understood.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RacepageError(f"{path}: {error.strerror}; name a file of suppressions") from None
    if len(data) > LARGEST:
        raise RacepageError(f"{path}: no file of suppressions is larger than {LARGEST:,} bytes")
    try:
        tables = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RacepageError(f"{path}: not a file of suppressions in TOML: {error}") from None
    for key in tables:
        if key != _TABLE:
            raise RacepageError(
                f"{path}: there is no table {key!r} here; every entry begins with [[{_TABLE}]]"
            )
    return parse(tables.get(_TABLE, []), str(path))


def parse(entries: object, source: str) -> tuple[Suppression, ...]:
    """The suppressions that tables of a TOML file say.

    Args:
        entries: the value of `suppress`.
        source: the file, for messages.

    Raises:
        RacepageError: something is missing, unknown or of the wrong type.
    """
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise RacepageError(
            f"{source}: {_TABLE} is to be an array of tables; begin every entry with [[…{_TABLE}]]"
        )
    return tuple(_entry(table, source, number) for number, table in enumerate(entries, 1))


def _entry(table: Mapping[str, object], source: str, number: int) -> Suppression:
    where = f"{source}: suppression {number}"
    for key in table:
        if key not in _KEYS:
            raise RacepageError(f"{where} has an unknown key {key!r}; {meant(key, _KEYS)}")
    if "reason" not in table:
        raise RacepageError(f'{where} has no reason; add reason = "why this is not to count"')
    if not set(table) & set(_CONDITIONS):
        raise RacepageError(
            f"{where} says nothing of what it is for; give it one of {', '.join(_CONDITIONS)}"
        )
    return Suppression(
        source=source,
        entry=number,
        reason=_text(table, "reason", where) or "",
        rule=_rule(_text(table, "rule", where), where),
        function=_pair(table, "function", where),
        file=_pair(table, "file", where),
        page=_text(table, "page", where),
        lock=_text(table, "lock", where),
        until=_day(table.get("until"), where),
    )


def _text(table: Mapping[str, object], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise RacepageError(f"{where}: {key} is {value!r}; it is to be a text that says something")


def _pair(table: Mapping[str, object], key: str, where: str) -> Pair:
    value = table.get(key)
    given = value if isinstance(value, list) else [] if value is None else [value]
    good = all(isinstance(one, str) and one.strip() for one in given)
    if not good or (isinstance(value, list) and len(value) != 2):
        raise RacepageError(
            f"{where}: {key} is {value!r}; it is to be one pattern, or a list of two: "
            "one for each side"
        )
    return tuple(given)


def _rule(name: str | None, where: str) -> str | None:
    if name is None or name in RULES:
        return name
    ids = {rule.id: kind for kind, rule in RULES.items()}
    if name.upper() in ids:
        return ids[name.upper()]
    raise RacepageError(f"{where}: there is no rule {name!r}; {meant(name, (*RULES, *ids))}")


def _day(value: object, where: str) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise RacepageError(
        f"{where}: until is {str(value)!r}; it is to be a day, without quotes or time: "
        "until = 2027-01-31"
    )


# Matching ----------------------------------------------------------------------------------------


def matches(one: Suppression, finding: Finding, analysis: Analysis) -> bool:
    """Whether a finding of an analysis meets every condition; its day is not asked for."""
    return (
        one.rule in (None, finding.kind)
        and (one.page is None or _fits(one.page, _page_names(finding, analysis)))
        and (one.lock is None or _fits(one.lock, _lock_names(finding, analysis)))
        and _at_its_places(one, sides(finding))
    )


def sides(finding: Finding) -> list[Side]:
    """The events that a finding is about. What a page's finding relates is its allocation."""
    related = finding.related if finding.page is None else ()
    found = (finding.first, finding.second, *related)
    return list({side.event: side for side in found if side is not None}.values())


def _at_its_places(one: Suppression, those: list[Side]) -> bool:
    """Whether sides of a finding stand in the functions and files that were asked for."""
    asked = (one.function, one.file)
    if not any(asked):
        return True
    alone: list[Pair] = [patterns if len(patterns) == 1 else () for patterns in asked]
    double: list[Pair] = [patterns if len(patterns) == 2 else () for patterns in asked]
    return any(
        all(_is_in(side, double, number) for number, side in enumerate(some))
        and any(_is_in(side, alone, 0) for side in some)
        for some in permutations(those, 2 if any(double) else 1)
    )


def _is_in(side: Side, asked: list[Pair], number: int) -> bool:
    """Whether a side stands where the patterns with that number say, those there are."""
    function, file = asked
    if not function and not file:
        return True
    if not side.stack:
        return False
    frame = side.stack[0]
    return (not function or _pattern(function[number])(frame.function)) and (
        not file or _pattern(file[number], paths=True)(frame.file)
    )


def _fits(pattern: str, names: Iterable[str]) -> bool:
    return any(map(_pattern(pattern), names))


def _page_names(finding: Finding, analysis: Analysis) -> set[str]:
    return _names({finding.page} if finding.page else set(), analysis)


def _lock_names(finding: Finding, analysis: Analysis) -> set[str]:
    """Of the locks that its sides hold or work on: with `lock:` before it and without."""
    locks: set[str] = set()
    for side in sides(finding):
        locks.update(f"{_LOCK}{lock.name}" for lock in side.locks)
        if side.target is not None and side.target.startswith(_LOCK):
            locks.add(side.target)
    return _names(locks, analysis) | {lock.removeprefix(_LOCK) for lock in locks}


def _names(targets: set[str], analysis: Analysis) -> set[str]:
    """What things are called in a trace, and by people."""
    labels = map(analysis.label, targets)
    return targets | {label for label in labels if label is not None}


@lru_cache(maxsize=4096)
def _pattern(pattern: str, *, paths: bool = False) -> Callable[[str], bool]:
    """A predicate on names; `paths` lets a pattern begin behind any `/`."""
    expression = translate(pattern.replace("[", "[[]"))
    found = re.compile(f"(?:.*/)?{expression}" if paths else expression, re.DOTALL)
    return lambda name: found.match(name) is not None
