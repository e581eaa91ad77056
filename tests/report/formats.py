"""Reports in the formats that are lists of findings."""

from __future__ import annotations

from racepage.exploration.result import Exploration
from racepage.finding import Analysis, Unusable
from racepage.report.formats import FORMATS, Asked, How, OfExploration, OfTrace, OfTraces
from racepage.report.text import PLAIN, Style
from racepage.trace.text import parse

_TRACE = parse("main lock lock:0\n")  # which no list of findings looks at


def written(form: str, asked: Asked, exit_code: int = 1, style: Style = PLAIN) -> str:
    return FORMATS[form].write(asked, How(style, lambda: exit_code))


def of_trace(
    form: str, analysis: Analysis, subject: str | None = None, code: int = 1, style: Style = PLAIN
) -> str:
    return written(form, OfTrace(analysis=analysis, trace=_TRACE, subject=subject), code, style)


def of_traces(form: str, *analyses: Analysis | Unusable, code: int = 1) -> str:
    return written(form, OfTraces(analyses=iter(analyses)), code)


def of_exploration(form: str, exploration: Exploration, file: str | None = None) -> str:
    return written(form, OfExploration(exploration=exploration, file=file))
