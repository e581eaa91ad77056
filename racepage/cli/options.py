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
class Options:
    """What `check` and `run` have in common: how to analyse, and how to report."""

    engine: Engine
    all_pairs: bool
    format: Format
    output: Path | None
    list_events: bool
    limit: int
    color: Color
    policy: Policy

    def analyse(self, trace: Trace, what: str) -> Analysis:
        """Analyse `trace`; on long work, say how far it is with `what`.

        Raises:
            RacepageError: the trace has something that cannot be analysed.
        """
        from racepage.detect import analyse  # noqa: PLC0415  (not needed to print help)

        with watched(what) as tick:
            return analyse(trace, engine=self.engine, all_pairs=self.all_pairs, progress=tick)

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

            emit(text.render(analysis, self._style(), subject=subject), self.output)

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

            emit(text.render_all(analyses, self._style()), self.output)

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

    def _style(self) -> Style:
        from racepage.report.text import Style  # noqa: PLC0415  (not needed to print help)

        return Style(
            width=width(self.output),
            color=colored(self.color, self.output),
            list_events=self.list_events,
            limit=self.limit,
        )


def analysis_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options of `Options`, which it gets as its first argument."""
    names = [field.name for field in fields(Options)]

    @functools.wraps(command)
    def bundled(**values: Any) -> int:
        values["policy"] = taken_policy(values)
        options = Options(**{name: values.pop(name) for name in names})
        return command(options, **values)

    verb: Callable[..., int] = bundled
    for option in (
        *policy_options,
        color_option,
        click.option(
            "--limit",
            metavar="N",
            type=click.IntRange(0),
            default=SHOWN,
            show_default=True,
            help="Findings of a trace that a text report tells; 0 for all.",
        ),
        click.option("--list-events", is_flag=True, help="Name every event that races."),
        output_option,
        format_option,
        click.option(
            "--all-pairs", is_flag=True, help="Every racing pair of places; takes more memory."
        ),
        click.option(
            "--engine",
            type=click.Choice(ENGINES),
            default="auto",
            help="The readable one or the fast one; auto asks the trace's length.",
        ),
    ):
        verb = option(verb)
    return verb
