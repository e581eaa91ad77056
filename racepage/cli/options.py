"""The options that more than one verb has, and what they ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from racepage.cli.output import Color, colored, emit, say, width, writable
from racepage.cli.policy import policy_options, taken_policy
from racepage.cli.progress import watched
from racepage.cli.settings import COLORS, ENGINES, FORMATS
from racepage.report.words import SHOWN, counted

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.detect import Engine
    from racepage.finding import Analysis
    from racepage.policy.apply import Policy
    from racepage.report.text import Style
    from racepage.trace.columns import Trace

Format = Literal["text", "json"]

format_option = click.option(
    "--format", type=click.Choice(FORMATS), default="text", help="For people, or for programs."
)
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

    format: Format
    output: Path | None
    limit: int
    color: Color
    policy: Policy

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

    def style(self, *, list_events: bool = False) -> Style:
        """How a report for people is to look."""
        from racepage.report.text import Style  # noqa: PLC0415  (not needed to print help)

        return Style(
            width=width(self.output),
            color=colored(self.color, self.output),
            list_events=list_events,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Reporting):
    """What `check` and `run` have in common: how to analyse, and how to report."""

    engine: Engine
    all_pairs: bool
    list_events: bool

    def analyse(self, trace: Trace, what: str) -> Analysis:
        """Analyse `trace`; on long work, say how far it is with `what`.

        Raises:
            RacepageError: the trace has something that cannot be analysed.
        """
        from racepage.detect import analyse  # noqa: PLC0415  (not needed to print help)

        with watched(what) as tick:
            return analyse(trace, engine=self.engine, all_pairs=self.all_pairs, progress=tick)

    def report(self, analysis: Analysis, subject: str | None = None) -> None:
        """Write the report of one trace to where it was asked for.

        Args:
            analysis: what was found.
            subject: what was looked at, where that is no file.

        Raises:
            click.ClickException: it cannot be written.
        """
        if self.format == "json":
            from racepage.report import json  # noqa: PLC0415  (not needed to print help)

            self._warn(analysis)
            emit(json.render(analysis, list_events=self.list_events), self.output)
        else:
            from racepage.report import text  # noqa: PLC0415  (not needed to print help)

            emit(
                text.render(analysis, self.style(list_events=self.list_events), subject=subject),
                self.output,
            )

    def report_all(self, analyses: Iterable[Analysis | str]) -> None:
        """The same for several traces; one that could not be analysed is a path.

        Raises:
            click.ClickException: it cannot be written.
        """
        if self.format == "json":
            from racepage.report import json  # noqa: PLC0415  (not needed to print help)

            usable = (self._warn(one) for one in analyses if not isinstance(one, str))
            emit(json.render_all(usable, list_events=self.list_events), self.output)
        else:
            from racepage.report import text  # noqa: PLC0415  (not needed to print help)

            emit(text.render_all(analyses, self.style(list_events=self.list_events)), self.output)

    def _warn(self, analysis: Analysis) -> Analysis:
        """Say the warnings, for which the JSON report has no place; as many as a text would."""
        where = "" if analysis.path is None else f"{analysis.path}: "
        warnings = analysis.warnings
        shown = warnings[: self.limit or None]
        for warning in shown:
            say(f"{where}warning: {warning}")
        if len(shown) < len(warnings):
            say(f"{where}and {counted(len(warnings) - len(shown), 'more warning')}")
        return analysis


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
            format_option,
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
        (*policy_options, color_option, _limit_option, output_option, format_option),
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
