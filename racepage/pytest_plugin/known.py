"""What is not to count, by `[tool.racepage]` in pyproject.toml, as for the command line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from racepage.cli.settings import SUPPRESS, load
from racepage.errors import RacepageError
from racepage.policy.apply import Policy
from racepage.policy.suppress import parse, read

_POLICY = pytest.StashKey[Policy]()


def policy(config: pytest.Config) -> Policy:
    """The suppressions and the baseline of the project whose tests run.

    Raises:
        RacepageError: a file says something that is not understood.
    """
    if _POLICY not in config.stash:
        try:
            settings = load(config.rootpath)
        except click.ClickException as error:
            raise RacepageError(error.message) from None
        file, baseline = settings.get("suppressions"), settings.get("baseline")
        tables, source = settings.get(SUPPRESS, ([], ""))
        suppressions = (*(() if file is None else read(Path(file))), *parse(tables, source))
        config.stash[_POLICY] = Policy(suppressions, None if baseline is None else Path(baseline))
    return config.stash[_POLICY]
