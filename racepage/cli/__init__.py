"""The command line: one file a verb; this one puts them together.

`racepage --help`, `explain` and shell completion must be instant, so a verb imports what it works
with when it runs, and not before.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from racepage import __version__
from racepage.cli.check import check
from racepage.cli.convert import convert
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.explain import explain
from racepage.cli.explore import explore
from racepage.cli.guard import end_now, guarded
from racepage.cli.info import info
from racepage.cli.replay import replay
from racepage.cli.run import run
from racepage.cli.stress import stress
from racepage.cli.view import view
from racepage.cli.workloads import workloads
from racepage.wording import meant


class _Verbs(click.Group):
    """A group that suggests the verb that was meant, in whatever version of click."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            told = meant(args[0], self.commands)
            raise click.UsageError(f"there is no verb {args[0]!r}; {told}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)  # in the order in which a user meets them


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog=(
        "Exit codes: 0 nothing found, 1 findings, 2 unusable input or usage, 3 incomplete, "
        "130 interrupted."
    ),
)
@click.version_option(__version__, prog_name="racepage", message="%(prog)s %(version)s")
@click.pass_context
def _racepage(ctx: click.Context) -> None:
    """Find data races on memory pages: exactly, and with the reason."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(Exit.UNUSABLE)


for _verb in (run, check, explore, replay, stress, view, info, convert, explain, workloads):
    _racepage.add_command(_verb)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and exit with one of the codes of `racepage.cli.exits`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (until the end)
            setattr(sys, name, nowhere)
    given = list(sys.argv[1:] if args is None else args)
    # The name is fixed, since shell completion derives its variable from it.
    code = guarded(lambda: _racepage.main(given, prog_name="racepage", standalone_mode=False))
    if code == INTERRUPTED and any(not one.daemon for one in _other_threads()):
        end_now(code)
    sys.exit(code)


def _other_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one is not threading.main_thread()]
