"""The program that `explore` and `replay` run, again and again, under control.

A file is executed anew each time, so that what it makes is made anew, too; what it imports is
imported once, and so is a module that is named as one. A first execution, which does not count, has
everything imported: else the first one that counts would not be as all others are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from racepage.cli import program as programs
from racepage.cli.guard import end_now
from racepage.cli.output import own_stdout
from racepage.execution import current
from racepage.execution.kernel import Kernel, Task, quiet
from racepage.exploration.schedule import Program
from racepage.workloads import WORKLOADS

_WARM: Final = 2_000  # steps of the execution that does not count

Heard = Callable[[], AbstractContextManager[None]]
"""A context in which standard output and error are what they were."""


class ExitError(Exception):
    """The program exited with another code than 0."""


class Target(NamedTuple):
    """A program to explore.

    Attributes:
        body: runs it once.
        program: what schedules call it.
        its: the same, with what it sees of Python.
    """

    body: Callable[[], None]
    program: Program
    its: programs.Program


@contextmanager
def controlled(
    spec: str, args: Sequence[str], output: Path | None
) -> Iterator[tuple[Target, Heard]]:
    """The program that `spec` names, in its own Python, and unheard.

    Args:
        spec: as for `racepage run`.
        args: what it is given.
        output: where the report goes.

    Raises:
        NoProgramError: there is none; the message says what there is.
        RacepageError: it does something that cannot be done under control.
    """
    its = programs.find(spec, args)
    here, argv, process = Path.cwd(), tuple(its.argv), os.getpid()

    def body() -> None:
        os.chdir(here)  # where the last execution may have left it, and what it did to its own
        sys.argv = [*argv]
        try:
            its.body()
        except programs.NoProgramError as error:
            current.kernel.refuse(error)
        except SystemExit as error:
            if error.code not in {None, 0}:
                raise ExitError(_exit(error.code)) from None
        finally:
            if os.getpid() != process:  # the program forked, and this is its child
                end_now(0)

    with own_stdout(output), programs.its_own_python(its), _unheard() as heard:
        _warm_up(body)
        yield Target(body, Program("target", spec, tuple(args), _digest(spec)), its), heard


def _warm_up(body: Callable[[], None]) -> None:
    """Run the program once, whatever comes of it, so that all that it imports is there."""
    kernel = Kernel(_WARM)

    def first(tasks: Sequence[Task], last: int) -> Task:
        del last
        return tasks[0]

    with quiet():
        try:
            kernel.execute(body, first, lambda count: 0 * count)
        finally:
            kernel.close()


def _exit(code: Any) -> str:
    return f"code {int(code)}" if isinstance(code, int) else f"code 1: {code}"


def _digest(spec: str) -> str | None:
    """A digest of the text of a program, of which everything was imported."""
    name = spec.partition(":")[0]
    file: str | None = spec if spec.endswith(".py") else spec.rpartition(":")[0]
    if not str(file).endswith(".py"):
        module = sys.modules.get(WORKLOADS[name].module if name in WORKLOADS else name)
        file = getattr(module, "__file__", None)
    try:
        return None if file is None else sha256(Path(file).read_bytes()).hexdigest()[:16]
    except OSError:
        return None


@contextmanager
def _unheard() -> Iterator[Heard]:
    """Let what the program prints go nowhere, and have it read nothing: it does so very often."""
    before, asked = (sys.stdout, sys.stderr), sys.stdin
    null = Path(os.devnull)
    with null.open("w", encoding="utf-8") as nowhere, null.open(encoding="utf-8") as nothing:

        @contextmanager
        def heard() -> Iterator[None]:
            now = sys.stdout, sys.stderr
            sys.stdout, sys.stderr = before
            try:
                yield
            finally:
                sys.stdout, sys.stderr = now

        sys.stdout = sys.stderr = nowhere
        sys.stdin = nothing
        try:
            yield heard
        finally:
            sys.stdout, sys.stderr = before
            sys.stdin = asked
