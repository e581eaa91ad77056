"""`racepage explore TARGET`: run a program under schedule after schedule, and say what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

from racepage.cli import exits
from racepage.cli.complete import targets
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.file_options import file_option, refuse_to_write_twice, trace_option
from racepage.cli.keep import keep_if_asked, said
from racepage.cli.looking import show_first, view_options
from racepage.cli.options import Reporting, reporting_options
from racepage.cli.output import say
from racepage.cli.settings import MOST_STEPS, STRATEGIES, Configured
from racepage.errors import RacepageError
from racepage.exploration.limits import Limits
from racepage.report.formats import OfExploration
from racepage.wording import meant

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.exploration.result import Exploration

STEPS: Final = 20_000
"""Steps of an execution before threads take turns: `racepage.execution.kernel.MOST_STEPS`."""


DEFAULT: Final = "executions=10000,seconds=60"

PARAMETERS: Final = ("depth", "bound", "quantum", "seed")
"""What a strategy can be told on the command line."""


def _strategy(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """One of the strategies."""
    if value not in STRATEGIES:
        told = meant(value, STRATEGIES)
        raise click.BadParameter(f"there is no strategy {value!r}; {told}", ctx, param)
    return value


def _strategies(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    del ctx, param
    return [CompletionItem(name) for name in STRATEGIES if name.startswith(incomplete)]


def budget_limits(ctx: click.Context, param: click.Parameter, value: str) -> Limits:
    """`executions=1000,seconds=30`, or `none`."""
    limits: dict[str, Any] = {}
    for part in [] if value == "none" else value.split(","):
        name, _, given = part.strip().partition("=")
        if name not in Limits._fields or name in limits:
            raise click.BadParameter(
                f"{part.strip()!r} is no limit; write executions=1000,seconds=30, or none",
                ctx,
                param,
            )
        limits[name] = _limit(given, whole=name == "executions")
        if limits[name] is None:
            what = "a whole number" if name == "executions" else "a number"
            raise click.BadParameter(f"{part.strip()!r}: it is {what} above 0", ctx, param)
    return Limits(limits.get("executions"), limits.get("seconds"))


def _limit(given: str, *, whole: bool) -> int | float | None:
    """A number above 0; None where it is none."""
    try:
        number = int(given) if whole and len(given) < 20 else float(given) if not whole else 0
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def _findings(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """A number from 1 on; None for `all`."""
    if value == "all":
        return None
    if not value.isdecimal() or len(value) > 9 or not int(value):
        raise click.BadParameter(f"{value!r} is neither a number from 1 on nor all", ctx, param)
    return int(value)


class _Verb(Configured):
    """A verb whose help ends with the strategies."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from racepage.exploration.strategies import CHOICES  # noqa: PLC0415  (for this help only)

        with formatter.section("Strategies"):
            formatter.write_dl(
                [
                    (name, f"{choice.summary}{_told(choice.parameters)}")
                    for name, choice in CHOICES.items()
                ]
            )
        super().format_epilog(ctx, formatter)


def _told(parameters: tuple[Any, ...]) -> str:
    options = [f"--{one.name}" for one in parameters if one.name in PARAMETERS]
    return f" ({', '.join(options)})" if options else ""


@click.command(cls=_Verb)
@click.argument("target", metavar="TARGET", shell_complete=targets)
@click.argument("args", metavar="[-- ARGS]...", nargs=-1)
@click.option(
    "--strategy",
    metavar="NAME",
    callback=_strategy,
    shell_complete=_strategies,
    default=STRATEGIES[0],
    show_default=True,
    help="Which schedules to try; they are listed below.",
)
@click.option(
    "--seed", metavar="N", help="What is drawn by lot depends on this alone.  [default: 0]"
)
@click.option(
    "--depth",
    "bug_depth",
    metavar="N",
    help="Of pct: how many orders a bug needs to show.  [default: 3]",
)
@click.option(
    "--bound",
    metavar="N",
    help="Of preemption-bound and delay-bound: how many there may be.  [default: 2]",
)
@click.option("--quantum", metavar="N", help="Of round-robin: steps of a turn.  [default: 1]")
@click.option(
    "--budget",
    callback=budget_limits,
    metavar="LIMITS",
    default=DEFAULT,
    show_default=True,
    help="When to end; what is not named has no limit, and none has none.",
)
@click.option(
    "--findings",
    callback=_findings,
    metavar="N|all",
    default="1",
    show_default=True,
    help="End after so many different ones that count.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    metavar="N",
    default=STEPS,
    show_default=True,
    help="Steps of an execution, after which threads take turns until it ends, or never will.",
)
@click.option("--no-shrink", is_flag=True, help="Report schedules as they were found.")
@file_option(
    "--state", "state_file", summary="Keep the search here, and go on with it if it is there."
)
@file_option("--save-schedule", summary="Keep the schedule of the first finding, for replay.")
@trace_option("Keep the trace of the first finding, for check.")
@view_options
@reporting_options
def explore(  # noqa: PLR0917  (what the command line says)
    options: Reporting,
    target: str,
    args: tuple[str, ...],
    strategy: str,
    seed: str | None,
    bug_depth: str | None,
    bound: str | None,
    quantum: str | None,
    budget: Limits,
    findings: int | None,
    steps: int,
    no_shrink: bool,
    state_file: Path | None,
    save_schedule: Path | None,
    trace_file: Path | None,
    looks: bool,
    no_open: bool,
) -> int:
    """Run a program under many schedules, and report what is wrong.

    TARGET and what stands behind -- are as for run. All its threads take turns, deterministically,
    at every access of a page and at every primitive, as a strategy says. A file is executed anew
    each time; a module is imported once, so that a function of it has to make what its threads
    share. What the program prints is not shown; replay shows it.

    With dpor, the default, clean means that everything was tried: the executions that there were
    are all there are. Where the budget did not suffice, or a strategy draws lots, a search that
    found nothing is incomplete. A finding comes with a schedule, made as small as it gets, and the
    command that replays it.

    Exit codes: 0 clean, 1 findings, 2 what cannot be explored, such as a program that does not do
    the same when it is scheduled the same (RP023), 3 incomplete, 130 after Ctrl-C, when what was
    found until then is reported.
    """
    from racepage.cli.controlled import controlled  # noqa: PLC0415  (not for printing help)
    from racepage.cli.searching import saved, searching  # noqa: PLC0415
    from racepage.exploration import api  # noqa: PLC0415
    from racepage.exploration.result import Budget  # noqa: PLC0415
    from racepage.exploration.shrink import SHRINKS  # noqa: PLC0415

    refuse_to_write_twice(
        state=state_file, schedule=save_schedule, trace=trace_file, report=options.output
    )
    given = {"depth": bug_depth, "bound": bound, "quantum": quantum, "seed": seed}
    wanted = api.Options(
        strategy,
        _parameters(strategy, given),
        Budget(*budget, findings),
        steps,
        0 if no_shrink else SHRINKS,
    )
    with controlled(target, args, options.output) as (found, heard):
        with searching(found, wanted, options, state_file, heard) as (explorer, stop):
            exploration = explorer.explore()
        usable = stop.torn or saved(state_file, explorer, heard)
    if not (exploration.steps or exploration.findings) and target.endswith(".py"):
        say(f"{target} ran without a step; a function of it is explored as {target}:FUNCTION")
    usable = _keep_first(exploration, save_schedule, trace_file) and usable
    if not exploration.exhaustive:
        options.policy.looked_at_some()
    code: int = exits.of(exploration.verdict) if usable else Exit.UNUSABLE
    if exploration.interrupted:
        code = INTERRUPTED
    file = None if save_schedule is None else str(save_schedule)
    options.report(OfExploration(exploration=exploration, file=file), lambda: code)
    if looks:
        show_first(exploration, trace_file, opens=not no_open)
    options.settle()
    return code


def _parameters(strategy: str, given: Mapping[str, str | None]) -> dict[str, Any]:
    """What a strategy is told, defaults included.

    Raises:
        click.UsageError: it cannot be told that.
    """
    from racepage.exploration.strategies import CHOICES, make  # noqa: PLC0415  (not for printing help)

    told = {name: value for name, value in given.items() if value is not None}
    known = {one.name: one for one in CHOICES[strategy].parameters}
    if not CHOICES[strategy].seeded:
        told.pop("seed", None)  # which may stand in the settings for those that have one
    for name in told:
        if name not in known:
            options = [f"--{one}" for one in known if one in PARAMETERS]
            raise click.UsageError(
                f"the strategy {strategy} has no --{name}; it has {', '.join(options) or 'none'}"
            )
    make(strategy, **told)  # which says what is wrong
    return {
        name: one.default if name not in told else one.read(told[name])
        for name, one in known.items()
        if name in told or one.default is not None
    }


def _keep_first(
    exploration: Exploration, save_schedule: Path | None, trace_file: Path | None
) -> bool:
    """Keep what was asked for of the first finding; False where that cannot be done."""
    from racepage.exploration.schedule_file import write  # noqa: PLC0415  (not for printing help)
    from racepage.report.exploration import first  # noqa: PLC0415

    found = first(exploration)
    wanted = [path for path in (save_schedule, trace_file) if path is not None]
    if found is None:
        for path in wanted:
            say(f"{path} was not written, since nothing was found")
        return True
    if save_schedule is not None:
        try:
            write(found.schedule, save_schedule)
        except RacepageError as error:  # which is no reason to keep the report back
            say(str(error))
            return False
        said(save_schedule, len(found.schedule.steps), "step")
    return keep_if_asked(found.told.trace, trace_file)
