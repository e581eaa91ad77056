"""Whatever goes wrong is told in one line, and has an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import click

from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.output import say
from racepage.errors import RacepageError


def guarded(work: Callable[[], int | None]) -> int:
    """The exit code of `work`, or of what it raised."""
    try:
        return int(work() or 0)
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


def end_now(code: int) -> NoReturn:
    """End the process without waiting for the program's threads, which may never end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
