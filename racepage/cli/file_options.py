"""Options that name a file to write: what cannot be written is refused before any work is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from racepage.cli.output import writable

Option = Callable[[Callable[..., int]], Callable[..., int]]
Callback = Callable[[click.Context, click.Parameter, Path | None], Path | None]


def file_option(*names: str, summary: str, callback: Callback = writable) -> Option:
    """An option that names a file to write."""
    return click.option(
        *names,
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=callback,
        help=summary,
    )


def trace_option(summary: str) -> Option:
    """`--trace FILE`: where to keep a trace, in the format that the suffix says."""
    return file_option("--trace", "trace_file", summary=summary, callback=_for_trace)


def _for_trace(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    path = writable(ctx, param, value)
    if path is None:
        return None
    from racepage.trace.files import SUFFIXES  # noqa: PLC0415  (not needed to print help)

    if not path.name.endswith(SUFFIXES):
        raise click.UsageError(f"--trace {path} is to end with {', '.join(SUFFIXES)}", ctx)
    return path


def refuse_to_write_twice(**files: Path | None) -> None:
    """Refuse one file for two things, each by its name.

    Raises:
        click.UsageError: there is one.
    """
    known: dict[Path, str] = {}
    for name, path in files.items():
        if path is not None:
            other = known.setdefault(path.resolve(), name)
            if other != name and not path.is_char_device():  # nobody reads /dev/null
                raise click.UsageError(
                    f"{path} cannot be both the {other} and the {name}; name two files"
                )
