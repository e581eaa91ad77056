"""The options that more than one verb has, and what they ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from racepage.cli.output import Color, colored, emit, width, writable
from racepage.cli.progress import watched
from racepage.cli.settings import COLORS, ENGINES, FORMATS

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.detect import Engine
    from racepage.finding import Analysis
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
    color: Color

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

            emit(json.render([analysis], list_events=self.list_events), self.output)
        else:
            emit(self._text(analysis, subject=subject), self.output)

    def report_all(self, analyses: Sequence[Analysis], unusable: int) -> None:
        """The same for several traces, of which `unusable` further ones could not be analysed.

        Raises:
            click.ClickException: it cannot be written.
        """
        if self.format == "json":
            from racepage.report import json  # noqa: PLC0415  (not needed to print help)

            emit(json.render(analyses, list_events=self.list_events, many=True), self.output)
            return
        from racepage.report.text import tally  # noqa: PLC0415  (not needed to print help)

        reports = [self._text(analysis, among_others=True) for analysis in analyses]
        emit("\n".join([*reports, tally(analyses, unusable)]), self.output)

    def _text(
        self, analysis: Analysis, *, subject: str | None = None, among_others: bool = False
    ) -> str:
        from racepage.report.text import render  # noqa: PLC0415  (not needed to print help)

        return render(
            analysis,
            width=width(self.output),
            color=colored(self.color, self.output),
            list_events=self.list_events,
            subject=subject,
            among_others=among_others,
        )


def analysis_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options of `Options`, which it gets as its first argument."""
    names = [field.name for field in fields(Options)]

    @functools.wraps(command)
    def bundled(**values: Any) -> int:
        options = Options(**{name: values.pop(name) for name in names})
        return command(options, **values)

    verb: Callable[..., int] = bundled
    for option in (
        color_option,
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
