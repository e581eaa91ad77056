"""The command line: one file a verb; this one puts them together.

`racepage --help`, `explain` and shell completion must be instant, so a verb imports what it works
with when it runs, and not before.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from racepage import __version__
from racepage.cli.check import check
from racepage.cli.convert import convert
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.explain import explain
from racepage.cli.info import info
from racepage.cli.output import say
from racepage.cli.run import run
from racepage.cli.workloads import workloads
from racepage.errors import RacepageError


class _Verbs(click.Group):
    """A group that suggests the verb that was meant, in whatever version of click."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            told = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.commands)}"
            raise click.UsageError(f"there is no verb {args[0]!r}; {told}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)  # in the order in which a user meets them


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog="Exit codes: 0 nothing found, 1 findings, 2 unusable input or usage, 3 incomplete.",
)
@click.version_option(__version__, prog_name="racepage", message="%(prog)s %(version)s")
@click.pass_context
def _racepage(ctx: click.Context) -> None:
    """Find data races on memory pages: exactly, and with the reason."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(Exit.UNUSABLE)


for _verb in (run, check, info, convert, explain, workloads):
    _racepage.add_command(_verb)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and exit with one of the codes of `racepage.cli.exits`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (until the end)
            setattr(sys, name, nowhere)
    sys.exit(_guarded(list(sys.argv[1:] if args is None else args)))


def _guarded(args: list[str]) -> int:
    """The exit code; whatever goes wrong is told here, in one line."""
    try:
        # The name is fixed, since shell completion derives its variable from it.
        code: Any = _racepage.main(args, prog_name="racepage", standalone_mode=False)
        return int(code or 0)
    except click.UsageError as error:
        verb = "racepage" if error.ctx is None else error.ctx.command_path
        say(f"{error.format_message()} (see {verb} --help)")
    except click.ClickException as error:
        say(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except RacepageError as error:
        say(str(error))
    except MemoryError:
        say("there is not enough memory for this; try a shorter trace")
    except Exception as error:  # noqa: BLE001  (Python would exit with 1, which means findings)
        traceback.print_exc()
        say(f"internal error, please report it with the lines above: {type(error).__name__}")
    return Exit.UNUSABLE
