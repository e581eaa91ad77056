"""The formats that a report can have: one line each in a table, with what writes it.

`text`, `json` and `html` tell of traces and of explorations each in its own way. All others are
lists of findings, whatever these were found in (`racepage.report.parts`).

What is to be reported is an `Asked`. This imports nothing before a report is written, since a
command line needs the table to print its help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from racepage.exploration.result import Exploration
    from racepage.finding import Analysis, Unusable
    from racepage.report.text import Style
    from racepage.trace.columns import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTrace:
    """A report on one trace, or on a run.

    Attributes:
        analysis: what was found.
        trace: what it was found in.
        subject: what was looked at, where the trace's path does not say it best.
    """

    analysis: Analysis
    trace: Trace
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTraces:
    """A report on several traces; each analysis is let go before the next is asked for."""

    analyses: Iterable[Analysis | Unusable]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfExploration:
    """A report on an exploration, or on replays of a schedule.

    Attributes:
        exploration: what came of it.
        file: where the schedule of the first finding was put.
        notes: of replays, sentences on what they came to.
        replay: of replays, the same for programs.
    """

    exploration: Exploration
    file: str | None = None
    notes: Sequence[str] = ()
    replay: Mapping[str, Any] | None = None


Asked = OfTrace | OfTraces | OfExploration


class How(NamedTuple):
    """How to write it.

    Attributes:
        style: of what people read.
        exit_code: what the command comes to, as far as is known once all has been analysed.
    """

    style: Style
    exit_code: Callable[[], int]


class Format(NamedTuple):
    """One format.

    Attributes:
        summary: what it is, in a few words.
        write: makes the report.
        says_warnings: it has a place for warnings; otherwise they are said elsewhere.
        says_losses: it has a place for what is missing in a trace or a search; likewise.
        one_trace: it shows one trace only.
    """

    summary: str
    write: Callable[[Asked, How], str]
    says_warnings: bool = True
    says_losses: bool = True
    one_trace: bool = False


def _text(asked: Asked, how: How) -> str:
    if isinstance(asked, OfExploration):
        from racepage.report import exploration  # noqa: PLC0415  (not needed to print help)

        return exploration.render(asked.exploration, how.style, file=asked.file, notes=asked.notes)
    from racepage.report import text  # noqa: PLC0415  (as above)

    if isinstance(asked, OfTraces):
        return text.render_all(asked.analyses, how.style)
    return text.render(asked.analysis, how.style, subject=asked.subject)


def _json(asked: Asked, how: How) -> str:
    if isinstance(asked, OfExploration):
        from racepage.report import exploration_json  # noqa: PLC0415  (not needed to print help)

        return exploration_json.render(asked.exploration, file=asked.file, replay=asked.replay)
    from racepage.finding import Analysis  # noqa: PLC0415  (as above)
    from racepage.report import json  # noqa: PLC0415

    if isinstance(asked, OfTraces):
        usable = (one for one in asked.analyses if isinstance(one, Analysis))
        return json.render_all(usable, list_events=how.style.list_events)
    return json.render(asked.analysis, list_events=how.style.list_events)


def _html(asked: Asked, how: How) -> str:
    from racepage.report import html  # noqa: PLC0415  (not needed to print help)

    del how
    if not isinstance(asked, OfTrace):
        raise TypeError("a page shows one trace")
    path = asked.analysis.path
    subject = asked.subject or (None if path is None else Path(path).name)
    return html.render(asked.trace, asked.analysis, subject=subject)


def _listing(module: str) -> Callable[[Asked, How], str]:
    """What writes a list of findings: `render(parts, how)` of a module of this room."""

    def write(asked: Asked, how: How) -> str:
        from racepage.report.parts import parts  # noqa: PLC0415  (not needed to print help)

        text: str = import_module(f"racepage.report.{module}").render(parts(asked), how)
        return text

    return write


FORMATS: Final[dict[str, Format]] = {
    "text": Format("for people", _text),
    "concise": Format(
        "FILE:LINE: and a sentence, one line a finding; nothing where there is none",
        _listing("concise"),
        says_warnings=False,
        says_losses=False,
    ),
    "json": Format("all there is to know, in one object", _json, says_warnings=False),
    "jsonl": Format(
        "one finding a line, and a summary last", _listing("jsonl"), says_warnings=False
    ),
    "sarif": Format("SARIF 2.1.0, for code scanning, editors and dashboards", _listing("sarif")),
    "junit": Format("test results, which Jenkins and GitLab show", _listing("junit")),
    "github": Format("annotations of a change, in GitHub Actions", _listing("github")),
    "gitlab": Format(
        "Code Quality, which GitLab shows in merge requests",
        _listing("gitlab"),
        says_warnings=False,
        says_losses=False,
    ),
    "html": Format("a page to look at, of one trace", _html, one_trace=True),
}
"""name -> format, in the order in which a user is told of them."""
