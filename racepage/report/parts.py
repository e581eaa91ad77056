"""What reports are made of that are lists of findings, whatever the findings were found in.

A part is one trace, one run or one exploration. Its findings come with what there is to say of each
of them alone: where it is for an editor, the other side, and the command that has it again.

A finding is put where its second side stands, for that is the event that completes it; where the
program's place was not recorded it is put at line 1 of what was looked at, since most readers of
such lists take no finding without a file and a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from racepage.events import Stack
from racepage.finding import Analysis, Finding, Side, Unusable, Verdict
from racepage.report.escape import plain
from racepage.report.formats import Asked, OfExploration, OfTraces
from racepage.report.frames import of_the_program
from racepage.report.layout import Layout
from racepage.report.one_finding import LONGEST_PROSE, FindingText
from racepage.report.text import WIDTH
from racepage.report.words import loss

if TYPE_CHECKING:
    from racepage.exploration.result import Exploration, Found


LONGEST_FILE: Final = 4096
"""Characters of a file's name: what systems take (PATH_MAX). A longer one names no file."""


_RAISED: Final = re.compile(r"\(in thread .*, (?P<file>[^,]+):(?P<line>\d{1,9})(?: in .*)?\)$")
"""How `racepage.execution.uncaught` ends a sentence."""


class Place(NamedTuple):
    """A line of a file; the file is named from the working directory, where it is below it."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A finding in a list.

    Attributes:
        finding: what is wrong.
        analysis: of the trace, or of the execution that shows it.
        source: the file that it is put in where the program's was not recorded.
        found: how an exploration came upon it.
        again: after an exploration the command that has it again, if that fits on a line.
    """

    finding: Finding
    analysis: Analysis
    source: str
    found: Found | None = None
    again: str | None = None

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that it has, the second one first."""
        return tuple(side for side in (self.finding.second, self.finding.first) if side)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where its sides stand, the second one first; at least one place, and none twice."""
        stand = tuple(dict.fromkeys(self.place(side.stack) for side in self.sides))
        return stand or (self._raised(),)

    @property
    def title(self) -> str:
        """`RP001 data-race`."""
        return f"{self.finding.rule} {self.finding.kind}"

    @property
    def message(self) -> str:
        """The sentence that says what is wrong."""
        return plain(self.finding.message, longest=LONGEST_PROSE)

    def place(self, stack: Stack) -> Place:
        """Where a stack begins, in the program; where it is not known, the finding's source."""
        frame = of_the_program(stack)[0] if stack else None
        if frame is None or not 0 < len(frame.file) <= LONGEST_FILE:
            return Place(self.source, 1)
        return Place(seen_from_here(frame.file), max(frame.line, 1))

    def _raised(self) -> Place:
        """Where an exception was raised, if that is in the program's own file."""
        said = _RAISED.search(self.finding.message)
        here = said is not None and said["file"] == PurePath(self.source).name
        return Place(self.source, max(int(said["line"]), 1) if said and here else 1)

    def told(self, side: Side) -> str:
        """An event in a line."""
        return FindingText(self.analysis, Layout(WIDTH)).in_a_line(side, self.finding)

    def reasons(self) -> list[str]:
        """Why nothing orders the two sides, in a sentence for each."""
        return FindingText(self.analysis, Layout(WIDTH)).reasons(self.finding)

    def details(self) -> Iterator[str]:
        """Who the two sides are, why nothing orders them, and how to have it again, in lines."""
        for label, side in (("first", self.finding.first), ("second", self.finding.second)):
            if side is not None:
                yield f"{label}: {self.told(side)}"
        yield from self.reasons()
        if self.again is not None:
            yield f"again: {self.again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One trace, one run, or one exploration.

    Attributes:
        subject: what was looked at, for people.
        verdict: what came of it.
        findings: all of them, those that do not count as well.
        lacking: that not all was looked at, and why, in a sentence; None where all was.
        remarks: sentences that a reader should know.
        compared: with a baseline, so that each finding is known or new.
        analysis: of a trace.
        exploration: of a program.
    """

    subject: str
    verdict: Verdict | Literal["unusable"]
    findings: tuple[Listed, ...] = ()
    lacking: str | None = None
    remarks: tuple[str, ...] = ()
    compared: bool = False
    analysis: Analysis | None = None
    exploration: OfExploration | None = None

    @property
    def counting(self) -> list[Listed]:
        """The findings that are neither suppressed nor known."""
        return [one for one in self.findings if one.finding.suppressed is None]


def parts(asked: Asked) -> Iterator[Part]:
    """What is to be reported, part by part."""
    if isinstance(asked, OfExploration):
        yield _of_exploration(asked)
    elif isinstance(asked, OfTraces):
        for one in asked.analyses:
            if isinstance(one, Unusable):
                yield Part(subject=one.path, verdict="unusable", lacking=one.reason)
            else:
                yield _of_trace(one, None)
    else:
        yield _of_trace(asked.analysis, asked.subject)


def seen_from_here(file: str) -> str:
    """A file's name as from the working directory, where it is below it; with slashes."""
    path = PurePath(os.path.normpath(file) if os.pardir in PurePath(file).parts else file)
    try:
        here = Path.cwd()
    except OSError:  # it is gone
        return path.as_posix()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def _of_trace(analysis: Analysis, subject: str | None) -> Part:
    name = subject or analysis.path or "this trace"
    source = seen_from_here(analysis.path or _program(name))
    short = analysis.lost_bytes or not analysis.complete
    return Part(
        subject=plain(name),
        verdict=analysis.verdict,
        findings=tuple(
            Listed(finding=one, analysis=analysis, source=source) for one in analysis.findings
        ),
        lacking=loss(analysis.lost_bytes) if short else None,
        remarks=tuple(plain(told, longest=LONGEST_PROSE) for told in analysis.warnings),
        compared=_compared(analysis),
        analysis=analysis,
    )


def _compared(analysis: Analysis) -> bool:
    return analysis.policy is not None and analysis.policy.baseline is not None


def _of_exploration(asked: OfExploration) -> Part:
    from racepage.report.exploration import first, merged  # noqa: PLC0415  (for explorations only)

    exploration = asked.exploration
    kept = first(exploration)
    everything = merged(exploration)
    source = seen_from_here(_program(exploration.program))
    warnings = () if everything is None else everything.warnings
    return Part(
        subject=plain(exploration.program),
        verdict=exploration.verdict,
        findings=tuple(
            Listed(
                finding=one.finding,
                analysis=one.analysis,
                source=source,
                found=one,
                again=_again(one, asked.file if one is kept else None),
            )
            for one in exploration.findings
        ),
        lacking=None if asked.notes else _not_all(exploration),
        remarks=tuple(plain(told, longest=LONGEST_PROSE) for told in (*warnings, *asked.notes)),
        compared=everything is not None and _compared(everything),
        exploration=asked,
    )


def _again(found: Found, file: str | None) -> str | None:
    from racepage.report.exploration import LONGEST_COMMAND, command  # noqa: PLC0415  (as above)

    line = command(found.schedule, file)
    return None if line is None or len(line) > LONGEST_COMMAND else plain(line, longest=len(line))


def _not_all(exploration: Exploration) -> str | None:
    why = exploration.why_incomplete
    return None if why is None else f"not all was seen: {plain(why, longest=LONGEST_PROSE)}"


def _program(name: str) -> str:
    """The file of a program, `early.py` of `early.py:main`, where it has one."""
    file = name.rpartition(":")[0]
    return file if file.endswith(".py") else name
