"""The options that more than one verb has, and what they ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from racepage.cli.output import Color, colored, emit, say, width, writable
from racepage.cli.policy import policy_options, taken_policy
from racepage.cli.progress import watched
from racepage.cli.settings import COLORS, ENGINES
from racepage.report.formats import FORMATS, Asked, How, OfExploration, OfTrace, OfTraces
from racepage.report.words import SHOWN, counted, loss

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.detect import Engine
    from racepage.finding import Analysis, Unusable
    from racepage.policy.apply import Policy
    from racepage.report.text import Style
    from racepage.trace.columns import Trace

    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # which has no type of what is chosen before click 8.2

_DATA: Final = ("text", "json")


class _Shown(_Choice):
    """The formats; where what is reported is no trace, those that show one say what to do."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As click has it."""
        if value in FORMATS and value not in self.choices:
            self.fail(
                f"{value} shows one trace; --trace FILE keeps one, and racepage view shows it",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


def _format_option(
    choice: _Choice, what: str
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option("-f", "--format", type=choice, default="text", help=what)


format_option = _format_option(_Choice(_DATA), "For people, or for programs.")
"""Of verbs that report no findings."""

output_option = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    callback=writable,
    help="Write the report here, not to standard output.",
)
color_option = click.option(
    "--color", type=click.Choice(COLORS), default="auto", help="Colours; auto asks the terminal."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What every verb that finds something has: how to report it, and what is not to count."""

    format: str
    output: Path | None
    limit: int
    list_events: bool
    color: Color
    policy: Policy

    def report(self, asked: Asked, exit_code: Callable[[], int]) -> None:
        """Write a report to where it was asked for.

        Args:
            asked: what is to be reported.
            exit_code: what the command comes to; asked for once everything has been analysed.

        Raises:
            RacepageError: the format cannot show it.
            click.ClickException: it cannot be written.
        """
        if isinstance(asked, OfTraces):
            asked = replace(asked, analyses=map(self._heard, asked.analyses))
        elif isinstance(asked, OfTrace):
            self._heard(asked.analysis)
        else:
            self._say_of(asked)
        emit(FORMATS[self.format].write(asked, How(self._style(), exit_code)), self.output)

    def settle(self, *, usable: bool = True) -> None:
        """After the last report: say what was of no use in the policy, and update the baseline.

        Args:
            usable: everything was analysed; the baseline would lack what is in the rest.

        Raises:
            RacepageError: the baseline cannot be written.
        """
        for remark in self.policy.remarks():
            say(remark)
        if usable:
            told = self.policy.save()
            if told is not None:
                say(told)
        elif self.policy.update:
            say("the baseline is as it was, since not everything was analysed")

    def _style(self) -> Style:
        """How a report for people is to look."""
        from racepage.report.text import Style  # noqa: PLC0415  (not needed to print help)

        return Style(
            width=width(self.output),
            color=colored(self.color, self.output),
            list_events=self.list_events,
            limit=self.limit,
        )

    # What a format has no place for is said ------------------------------------------------------

    def _heard(self, one: Analysis | Unusable) -> Analysis | Unusable:
        """What is said of a trace; of its warnings as many as a text would."""
        from racepage.finding import Unusable  # noqa: PLC0415  (not needed to print help)

        if isinstance(one, Unusable):
            return one
        form = FORMATS[self.format]
        where = "" if one.path is None else f"{one.path}: "
        if not form.says_warnings:
            shown = one.warnings[: self.limit or None]
            for warning in shown:
                say(f"{where}warning: {warning}")
            if len(shown) < len(one.warnings):
                say(f"{where}and {counted(len(one.warnings) - len(shown), 'more warning')}")
        if not form.says_losses and (one.lost_bytes or not one.complete):
            say(f"{where}{loss(one.lost_bytes)}")
        return one

    def _say_of(self, asked: OfExploration) -> None:
        from racepage.report.exploration import merged  # noqa: PLC0415  (not needed to print help)

        everything = merged(asked.exploration)
        if everything is not None:
            self._heard(everything)
        if not FORMATS[self.format].says_losses:
            why = asked.exploration.why_incomplete
            short = asked.exploration.verdict == "incomplete" and why is not None
            for note in asked.notes or ([f"not all was seen: {why}"] if short else []):
                say(note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Reporting):
    """What `check` and `run` have in common: how to analyse, and how to report."""

    engine: Engine
    all_pairs: bool

    def analyse(self, trace: Trace, what: str) -> Analysis:
        """Analyse `trace`; on long work, say how far it is with `what`.

        Raises:
            RacepageError: the trace has something that cannot be analysed.
        """
        from racepage.detect import analyse  # noqa: PLC0415  (not needed to print help)

        with watched(what) as tick:
            return analyse(trace, engine=self.engine, all_pairs=self.all_pairs, progress=tick)


_limit_option = click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=SHOWN,
    show_default=True,
    help="Findings of a trace that a text report tells; 0 for all.",
)
_list_events_option = click.option(
    "--list-events", is_flag=True, help="Name every event that races."
)
_all_pairs_option = click.option(
    "--all-pairs", is_flag=True, help="Every racing pair of places; takes more memory."
)
_engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    help="The readable one or the fast one; auto asks the trace's length.",
)


def analysis_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options of `Options`, which it gets as its first argument."""
    return _bundling(
        command,
        Options,
        (
            *policy_options,
            color_option,
            _limit_option,
            _list_events_option,
            output_option,
            _format_option(_Shown(FORMATS), "For whom; they are listed below."),
            _all_pairs_option,
            _engine_option,
        ),
    )


def looking_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options of `Options` that say what is found, and no report in words."""
    return _bundling(
        command,
        Options,
        (*policy_options, output_option, _all_pairs_option, _engine_option),
        format="text",
        limit=SHOWN,
        color="auto",
        list_events=False,
    )


def reporting_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options of `Reporting`, which it gets as its first argument."""
    return _bundling(
        command,
        Reporting,
        (
            *policy_options,
            color_option,
            _limit_option,
            output_option,
            _format_option(
                _Shown([name for name, one in FORMATS.items() if not one.one_trace]),
                "For whom; they are listed below.",
            ),
        ),
        list_events=False,
    )


def _bundling(
    command: Callable[..., int],
    kind: type[Reporting],
    options: Iterable[Callable[[Callable[..., int]], Callable[..., int]]],
    **fixed: Any,
) -> Callable[..., int]:
    """Give a verb these options, which it gets as one object of that kind; others are `fixed`."""
    names = [field.name for field in fields(kind)]

    @functools.wraps(command)
    def bundled(**values: Any) -> int:
        values |= fixed
        values["policy"] = taken_policy(values)
        taken = kind(**{name: values.pop(name) for name in names})
        return command(taken, **values)

    verb: Callable[..., int] = bundled
    for option in options:
        verb = option(verb)
    return verb
