"""`racepage replay SCHEDULE`: have one execution of a program again, and see what it comes to."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from racepage.cli.complete import targets
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.file_options import refuse_to_write_twice, trace_option
from racepage.cli.keep import keep_if_asked
from racepage.cli.looking import show_first, view_options
from racepage.cli.options import Reporting, reporting_options
from racepage.cli.output import say
from racepage.cli.settings import Configured
from racepage.errors import RacepageError
from racepage.report.formats import OfExploration
from racepage.report.words import counted

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.cli.controlled import Heard, Target
    from racepage.exploration.again import Replays
    from racepage.exploration.result import Exploration
    from racepage.exploration.schedule import Schedule

TIMES: Final = 10
MOST_TIMES: Final = 1_000_000

_SWEEP: Final = 200  # replays, after which what only the garbage collector finds is let go


@click.command(cls=Configured)
@click.argument("schedule", metavar="SCHEDULE")
@click.argument("target", metavar="[TARGET]", required=False, shell_complete=targets)
@click.argument("args", metavar="[-- ARGS]...", nargs=-1)
@click.option(
    "--times",
    type=click.IntRange(1, MOST_TIMES),
    metavar="N",
    default=TIMES,
    show_default=True,
    help="How often to replay it.",
)
@trace_option("Keep the trace of the execution, for check.")
@view_options
@reporting_options
def replay(  # noqa: PLR0917  (what the command line says)
    options: Reporting,
    schedule: str,
    target: str | None,
    args: tuple[str, ...],
    times: int,
    trace_file: Path | None,
    looks: bool,
    no_open: bool,
) -> int:
    """Replay a schedule, and say whether its finding comes back.

    SCHEDULE is what explore printed, rp1:..., or a file that --save-schedule wrote. The program is
    that of the schedule, with its arguments, unless another TARGET is given, with ARGS. What it
    prints goes to standard error, the first time; with -o it keeps its standard output.

    Exit codes: 1 the finding came back every time, 0 nothing is wrong under this schedule any
    more, or what is wrong does not count, 2 the schedule does not fit the program, 3 the finding
    came back sometimes only, or something else is wrong, 130 after Ctrl-C, when the replays until
    then are reported.
    """
    from racepage.cli.controlled import controlled  # noqa: PLC0415  (not for printing help)
    from racepage.exploration.schedule_file import given  # noqa: PLC0415

    refuse_to_write_twice(trace=trace_file, report=options.output)
    wanted = given(schedule)
    spec, arguments = _program(wanted, target, args)
    began = time.perf_counter()
    with controlled(spec, arguments, options.output) as (found, heard):
        changed = _changed(wanted, found, spec)
        if changed:
            with heard():
                say(f"{spec} has changed since the schedule was made")
        done = _replayed(found, wanted, times, heard)
    interrupted, times = done.times < times, done.times
    came_back, difference = done.came_back, done.difference
    seconds = time.perf_counter() - began
    exploration = done.exploration(wanted, spec, seconds, options.policy.apply)
    code: int = _code(wanted, came_back, times, exploration)
    if not keep_if_asked(done.shown.told.trace, trace_file):
        code = Exit.UNUSABLE
    if interrupted:
        code = INTERRUPTED
    wrong = bool(exploration.findings)
    asked = OfExploration(
        exploration=exploration,
        notes=[*_notes(wanted, came_back, times, difference, wrong=wrong)],
        replay={
            "times": times,
            "came_back": came_back,
            "difference": difference,
            "changed": changed,
        },
    )
    options.report(asked, lambda: code)
    if looks:
        show_first(exploration, trace_file, opens=not no_open)
    options.policy.looked_at_some()
    options.settle()
    return code


def _program(
    wanted: Schedule, target: str | None, args: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """What to replay it with.

    Raises:
        RacepageError: only the user can know.
    """
    program = wanted.program
    if target is not None:
        same = target == program.name and not args
        return target, program.arguments if same else args
    if program.kind == "test":
        raise RacepageError(
            f"this is a schedule of the test {program.name}: pytest --racepage-replay=SCHEDULE "
            "replays it"
        )
    if program.kind != "target":
        raise RacepageError(
            f"this is a schedule of the function {program.name}, which only its program can call; "
            "say after the schedule what to run, as file.py:function"
        )
    return program.name, program.arguments


def _changed(wanted: Schedule, found: Target, spec: str) -> bool:
    """Whether the program of the schedule has another text now."""
    digest = wanted.program.digest
    return spec == wanted.program.name and digest is not None and digest != found.program.digest


def _replayed(found: Target, wanted: Schedule, times: int, heard: Heard) -> Replays:
    """Replay it so many times, or until Ctrl-C; what the program prints is heard in the first one.

    Raises:
        RacepageError: the schedule does not fit the program.
    """
    from racepage.cli.searching import progress, stopping  # noqa: PLC0415  (not for printing help)
    from racepage.exploration.again import Replays  # noqa: PLC0415
    from racepage.exploration.again import replay as once  # noqa: PLC0415

    first = True

    def body() -> None:
        nonlocal first
        if not first:
            found.body()
            return
        first = False
        with heard():
            found.body()

    asked: list[bool] = []
    with (
        stopping(lambda: asked.append(True), heard),
        progress(f"replaying {found.program.name}", None, heard) as tell,
    ):
        done = Replays(once(body, wanted))
        while done.times < times and not asked:
            tell(done.times, done.came_back)
            done.add(once(body, wanted, both_orders=not done.came_back))
            if not done.times % _SWEEP:
                gc.collect()
    return done


# What it comes to --------------------------------------------------------------------------------


def _notes(
    wanted: Schedule, came_back: int, times: int, difference: str | None, *, wrong: bool
) -> Iterator[str]:
    if wanted.finding is None:
        yield "This schedule does not say what it shows"
    elif came_back == times:
        yield f"The finding came back: {came_back:,} of {counted(times, 'time')}"
    elif came_back:
        yield (
            f"The finding came back {came_back:,} of {counted(times, 'time')}: the program does "
            "not do the same when it is scheduled the same (RP023)"
        )
    elif wrong:
        yield f"The finding, {wanted.finding.kind}, did not come back, and something else is wrong"
    else:
        yield f"The finding, {wanted.finding.kind}, did not come back"
    if difference is not None:
        yield f"The program does something else than it did: {difference}"


def _code(wanted: Schedule, came_back: int, times: int, exploration: Exploration) -> Exit:
    counts = exploration.verdict == "findings"
    if came_back == times or (wanted.finding is None and counts):
        return Exit.FINDINGS if counts else Exit.CLEAN
    return Exit.INCOMPLETE if counts or came_back else Exit.CLEAN
