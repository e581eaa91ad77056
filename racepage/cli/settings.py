"""`[tool.racepage]` in pyproject.toml: what the options are when they are not given.

    [tool.racepage]
    engine = "reference"
    depth = 8
    list-events = true

The nearest pyproject.toml counts, from the working directory upwards. A key is an option's long
name without the dashes, and holds for every verb that has the option and can take that value
(`depth` is that of `run`: in `explore` the option of that name belongs to one strategy). A file is
named from where pyproject.toml is. `[[tool.racepage.suppress]]` stands for `[[suppress]]` in a file
of suppressions.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from racepage.report.formats import FORMATS
from racepage.wording import meant

ENGINES: Final = ("auto", "reference", "native")
COLORS: Final = ("auto", "always", "never")
DEEPEST: Final = 64
STRATEGIES: Final = (
    "dpor",
    "dfs",
    "preemption-bound",
    "delay-bound",
    "random",
    "pct",
    "pos",
    "surw",
    "round-robin",
)
"""Those of `racepage.exploration.strategies`, which loads more than a list of options may."""

MOST_SEED: Final = 1 << 53
MOST_STEPS: Final = 1_000_000

SUPPRESS: Final = "suppress"
"""The tables that say what is not to count; `racepage.policy.suppress` knows what is in them."""

_FLAG: Final = "true or false"
_FILE: Final = "the name of a file"
_TEXT: Final = "a text"
_TABLES: Final = "tables"
_KNOWN: Final[dict[str, tuple[str, ...] | str | range]] = {
    "format": tuple(FORMATS),
    "engine": ENGINES,
    "color": COLORS,
    "depth": range(1, DEEPEST + 1),
    "limit": range(sys.maxsize),
    "all-pairs": _FLAG,
    "list-events": _FLAG,
    "values": _FLAG,
    "strategy": STRATEGIES,
    "seed": range(MOST_SEED + 1),
    "budget": _TEXT,
    "steps": range(1, MOST_STEPS + 1),
    "suppressions": _FILE,
    "baseline": _FILE,
    SUPPRESS: _TABLES,
}


class Configured(click.Command):
    """A verb whose options have their defaults in pyproject.toml."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """As click has it, with the settings for defaults."""
        ours = args[: args.index("--")] if "--" in args else args
        helping = extra.get("resilient_parsing") or {"-h", "--help"} & set(ours)
        if not helping:  # which must work whatever the file says
            given = load(Path.cwd())
            extra["default_map"] = {
                key: value for key, value in given.items() if self._takes(key, value)
            }
        return super().make_context(info_name, args, parent, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The formats, where there are more than one for people and one for programs."""
        offered = [
            (name, one.summary) for name, one in FORMATS.items() if self._takes("format", name)
        ]
        if any(param.name == "format" for param in self.params) and len(offered) > 2:
            with formatter.section("Formats"):
                formatter.write_dl(offered)
        super().format_epilog(ctx, formatter)

    def _takes(self, name: str, value: object) -> bool:
        """Whether the value is one of those that the option has in this verb, if it names some."""
        return all(
            value in param.type.choices
            for param in self.params
            if param.name == name and isinstance(param.type, click.Choice)
        )


def load(start: Path) -> dict[str, Any]:
    """The settings that hold in the directory `start`, by parameter name.

    Under `suppress`, which no parameter has for a name, are the tables as they stand there, and the
    file.

    Raises:
        click.ClickException: the file is no TOML, or a setting is unknown or has a bad value.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return {key.replace("-", "_"): value for key, value in _settings(path)}
    return {}


def _settings(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file).get("tool", {}).get("racepage", {})
    except (OSError, ValueError, AttributeError) as error:
        raise click.ClickException(f"{path}: {error}") from None
    where = f"{path}: [tool.racepage]"
    if not isinstance(table, Mapping):
        raise click.ClickException(f"{where} is not a table")
    for key, value in table.items():
        if key not in _KNOWN:
            raise click.ClickException(f"{where} has no setting {key!r}; {meant(key, _KNOWN)}")
        allowed = _KNOWN[key]
        if allowed is _TABLES:
            yield key, (value, _seen(path))
            continue
        if allowed is _FLAG:
            good = isinstance(value, bool)
        elif allowed is _FILE or allowed is _TEXT:
            good = isinstance(value, str) and bool(value)
        elif isinstance(allowed, range):
            good = type(value) is int and value in allowed
        else:
            good = value in allowed
        if not good:
            raise click.ClickException(f"{where} {key} is {value!r}; it is {_wanted(allowed)}")
        yield key, _seen(path.parent / value) if allowed is _FILE else value


def _seen(path: Path) -> str:
    """A path as one would name it in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _wanted(allowed: tuple[str, ...] | str | range) -> str:
    if isinstance(allowed, str):
        return allowed
    if isinstance(allowed, range):
        top = "" if allowed.stop == sys.maxsize else f" to {allowed.stop - 1}"
        return f"a number from {allowed.start}{top}"
    return "one of " + ", ".join(allowed)
