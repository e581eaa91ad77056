"""The options that say what is not to count, and what they come to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from racepage.cli.settings import SUPPRESS

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.policy.apply import Policy
    from racepage.policy.suppress import Suppression

policy_options = (
    click.option(
        "--update-baseline",
        is_flag=True,
        help="Write all findings there are to the baseline, so that they are known.",
    ),
    click.option(
        "--baseline",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="What is in this file is known: report what is new.",
    ),
    click.option(
        "--suppressions",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="What is not to count, and why (TOML).",
    ),
)


def taken_policy(values: dict[str, Any]) -> Policy:
    """Take the values of `policy_options` out of a verb's values, and make a policy of them.

    Raises:
        RacepageError: a file says something that is not understood.
        click.ClickException: options do not go together.
    """
    from racepage.policy.apply import Policy  # noqa: PLC0415  (not needed to print help)

    suppressions, baseline = values.pop("suppressions"), values.pop("baseline")
    update = values.pop("update_baseline")
    output: Path | None = values["output"]
    if output is not None:
        for path, name in ((suppressions, "suppressions"), (baseline, "baseline")):
            if path is not None and output.resolve() == path.resolve():
                raise click.UsageError(f"-o {output} would overwrite the {name}; name another file")
    if update:
        _refuse_unwritable(baseline)
    return Policy(_suppressions(suppressions), baseline, update=update)


def _refuse_unwritable(baseline: Path | None) -> None:
    """Before any work is done."""
    if baseline is None:
        raise click.UsageError("--update-baseline needs to know the file; give it as --baseline")
    folder = Path(os.path.realpath(baseline)).parent
    if not folder.is_dir():
        raise click.UsageError(f"--baseline {baseline}: there is no directory {folder}")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"--baseline {baseline}: nothing can be written to {folder}")


def _suppressions(path: Path | None) -> tuple[Suppression, ...]:
    """Those of a file, then those of pyproject.toml."""
    from racepage.policy.suppress import parse, read  # noqa: PLC0415  (as above)

    settings: Mapping[str, Any] = click.get_current_context().default_map or {}
    tables, source = settings.get(SUPPRESS, ([], ""))
    return (*(() if path is None else read(path)), *parse(tables, source))
