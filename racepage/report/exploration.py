"""The report on an exploration, for people; and on a schedule that was replayed.

Each finding as in any other report, then where it was met, how threads have to take turns for it,
and the command that does it again, on a line of its own. The verdict comes last, with what it is
worth: how many executions there were, and whether they are all there are.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.text import Text

from racepage.errors import RacepageError
from racepage.execution.step import AWAIT, UNLOCK, Step
from racepage.exploration.describe import Said, describe_plan
from racepage.exploration.replay import Replay
from racepage.exploration.schedule import operation
from racepage.exploration.schedule_file import to_line
from racepage.exploration.turns import turns
from racepage.finding import Analysis, PolicyUse
from racepage.report.escape import plain
from racepage.report.frames import place
from racepage.report.harm import render_harm
from racepage.report.layout import DETAIL, INDENT, Layout, printed
from racepage.report.one_finding import LONGEST_PROSE, FindingText
from racepage.report.source import Sources
from racepage.report.text import PLAIN, VERDICT, Style, asides, kinds
from racepage.report.words import counted, listed

if TYPE_CHECKING:
    from racepage.exploration.result import Exploration, Found
    from racepage.exploration.retell import Told
    from racepage.exploration.schedule import Schedule

LONGEST_COMMAND: Final = 2_000
"""Characters of a command that a report shows; a longer one is better kept in a file."""

ALL_SEEN: Final = (
    "This holds for this program with these arguments, whoever goes first, and for what goes "
    "through racepage's pages and primitives; other memory was not looked at."
)
"""What a clean report does not say; the README has it at length."""

NOTHING_SEEN: Final = (
    "No page and no primitive was touched, so that there was nothing to look at: racepage sees "
    "what goes through racepage.memory and racepage.sync."
)

ENDINGS: Final = {
    "deadlock": "deadlocked",
    "failed": "raised",
    "limit": "were cut short",
    "livelock": "went round for ever",
    "abandoned": "were given up",
}
"""How executions end that do not end well, after their number."""

_MOST_LINES: Final = 40  # of a plan; nobody reads one of more points
_MOST_TURNS: Final = 12
_CODE: Final = "\n"  # between a place and what stands there; no name has it (`plain`)
_QUOTED: Final = 4  # columns by which code is indented


def render(
    exploration: Exploration,
    style: Style = PLAIN,
    *,
    file: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The report on an exploration, or on replays: the strategy `replay`. Ends with a newline.

    Args:
        exploration: what to report.
        style: how.
        file: where the schedule of the first finding was put.
        notes: sentences to say before the verdict.
    """
    report = _Report(exploration, style, file, notes)
    return printed(report.lines(), style.width, color=style.color)


def command(schedule: Schedule, file: str | None = None) -> str | None:
    """The command that replays a schedule; None where there is none.

    Args:
        schedule: what to replay.
        file: where it is; otherwise it is a part of the command.
    """
    if schedule.program.kind == "function":
        return None
    try:
        given = shlex.quote(to_line(schedule) if file is None else file)
    except RacepageError:  # it is too long for anybody
        return None
    if schedule.program.kind == "test":
        return f"pytest {shlex.quote(schedule.program.name)} --racepage-replay={given}"
    return f"racepage replay {given}"


def first(exploration: Exploration) -> Found | None:
    """The first finding that counts, or else the first; None where there is none."""
    found = exploration.findings
    counting = (one for one in found if one.finding.suppressed is None)
    return next(counting, found[0] if found else None)


def explained(told: Told) -> list[str]:
    """How threads take turns, in lines: to completion, except at some points."""
    return [f"{inner}{words}" for inner, words, _ in _points(told)]


def _points(told: Told) -> Iterator[tuple[str, str, bool]]:
    """Those lines: what indents each, what it says, and whether that is code of the program."""
    if told.plan is None:
        return
    sources = Sources()
    said = [_said(told, number, sources) for number in range(len(told.steps))]
    for line in describe_plan(told.plan, told.steps, said):
        words, _, code = line.partition(_CODE)
        inner = " " * (len(words) - len(words.lstrip(" ")))
        yield inner, words.lstrip(" "), False
        if code:
            yield " " * (_QUOTED + len("1. ")), code, True


def order(told: Told, layout: Layout) -> Iterator[Text]:
    """How threads take turns: `explained`, and how many steps each turn has."""
    lines = list(_points(told))
    label = "order"
    for inner, words, code in lines[:_MOST_LINES]:
        text = Text(words, "green" if code else "")
        for part in [text] if code else layout.wrapped(text, INDENT + len(inner)):
            yield from layout.field(label, Text.assemble(inner, part), wrap=False)
            label = ""
    if len(lines) > _MOST_LINES:
        told_of = counted(len(lines) - _MOST_LINES, "more line")
        yield from layout.field("", Text(f"… and {told_of}", DETAIL))
    found = turns(told.steps)
    names = [thread.name for thread in told.numbered.threads]
    taken = (
        f"{stop - start:,} {plain(names[told.numbered.steps[start].task])}"
        for _, start, stop in found
    )
    steps = listed(taken, len(found), _MOST_TURNS)
    yield from layout.field("steps", Text(steps or "none"))


def _said(told: Told, number: int, sources: Sources) -> Said:
    """A step in words, with its line of the program."""
    step = told.numbered.steps[number]
    what = plain(_operation(step, told.numbered.targets))
    thread = plain(told.numbered.threads[step.task].name)
    if number >= len(told.places):
        return Said(thread, what)
    frame = told.places[number].frame
    code = sources.line(frame)
    where = place(frame)
    return Said(thread, what, where if code is None else f"{where}{_CODE}{plain(code)}")


def _operation(step: Step, targets: Sequence[str]) -> str:
    """A step in words, without what it touches only so that others can wait for it."""
    own = tuple(
        touch
        for touch in step.touches
        if touch.how not in {AWAIT, UNLOCK}
        or not targets[touch.target].startswith(("thread:", "sync:"))
    )
    said = operation(step._replace(touches=own or step.touches[:1]), targets)
    return said.replace("await thread:", "join thread:")


class _Report:
    """One exploration on its way to text."""

    def __init__(
        self, exploration: Exploration, style: Style, file: str | None, notes: Sequence[str]
    ) -> None:
        self.exploration = exploration
        self.notes = notes
        self.replayed = exploration.strategy == Replay.name
        self.style = style
        self.file = file
        self.layout = Layout(style.width)
        self.counting = [
            found for found in exploration.findings if found.finding.suppressed is None
        ]

    def lines(self) -> Iterator[Text]:
        """All of it."""
        prose = self.layout.prose
        told = self.counting[: self.style.limit or None]
        for number, found in enumerate(told):
            yield from self._finding(found, self.file if number == 0 else None)
            yield Text()
        if len(told) < len(self.counting):
            more = counted(len(self.counting) - len(told), "more finding")
            yield from prose(f"… and {more}; --limit 0 shows all of them")
            yield Text()
        everything = merged(self.exploration)
        if everything is not None:
            yield from asides(everything, self.style)
        for note in self.notes:
            yield from prose(plain(note, longest=LONGEST_PROSE), "bold")
        yield from self._verdict()
        yield from prose(self._size())
        yield from self._remark()

    def _finding(self, found: Found, file: str | None) -> Iterator[Text]:
        layout = self.layout
        yield from FindingText(found.analysis, layout).lines(found.finding)
        yield Text()
        if not self.replayed:
            steps = counted(len(found.schedule.steps), "step")
            small = ", as small as it gets" if found.shrunk else ""
            met = f"in execution {found.execution:,} of {self.exploration.executions:,}"
            yield from layout.field("found", Text(f"{met}; its schedule has {steps}{small}"))
            yield Text()
        yield from order(found.told, layout)
        yield from really(found, layout)
        if not self.replayed:
            yield from again(found.schedule, layout, file)

    def _verdict(self) -> Iterator[Text]:
        exploration, verdict = self.exploration, self.exploration.verdict
        nothing = "nothing else found" if exploration.findings else "nothing found"
        executions = counted(exploration.executions, "execution")
        if verdict == "findings":
            told = Text(counted(len(self.counting), "finding"), VERDICT[verdict])
            told.append(f": {kinds(found.finding for found in self.counting)}", "not bold default")
        elif verdict == "clean":
            every = "this is the only execution there is"
            if exploration.executions != 1:
                every = f"these {executions} are all there are"
            told = Text(f"clean: {nothing}, and {every}", VERDICT[verdict])
        elif self.replayed:
            told = Text(f"{nothing} under this schedule")
        else:
            told = Text(f"incomplete: {nothing} in {executions}", VERDICT[verdict])
        yield from self.layout.wrapped(told)
        if exploration.why_incomplete is not None and not self.replayed:
            told_why = f"Not all was seen: {plain(exploration.why_incomplete)}"
            yield from self.layout.prose(told_why, "yellow")

    def _size(self) -> str:
        one = self.exploration
        if self.replayed:
            return (
                f"{plain(one.program, longest=LONGEST_PROSE)}: {counted(one.executions, 'replay')} "
                f"of {counted(one.steps // max(one.executions, 1), 'step')}"
            )
        speed = f"{one.executions / one.seconds:,.0f} a second, " if one.seconds else ""
        told = (
            f"{plain(one.program, longest=LONGEST_PROSE)}: "
            f"{counted(one.executions, 'execution')} in {seconds(one.seconds)}, {speed}"
            f"{counted(one.steps, 'step')}; strategy {strategy(one)}"
        )
        others = {name: times for name, times in one.outcomes.items() if name != "ended"}
        if others:
            told += "; " + ", ".join(
                f"{times:,} {ENDINGS.get(name, name)}" for name, times in others.items()
            )
        return told

    def _remark(self) -> Iterator[Text]:
        verdict, one = self.exploration.verdict, self.exploration
        if verdict == "findings":
            rules = " ".join(dict.fromkeys(found.finding.rule for found in self.counting))
            yield from self.layout.prose(
                f"What it means and how to mend it: racepage explain {rules}", DETAIL
            )
        elif not one.steps:
            yield from self.layout.prose(NOTHING_SEEN, "yellow")
        elif verdict == "clean":
            yield from self.layout.prose(ALL_SEEN, DETAIL)


def really(found: Found, layout: Layout) -> Iterator[Text]:
    """What really happened: both orders of a race, and what comes of each."""
    if found.harm is None:
        return
    told, *table = render_harm(found.harm)
    yield Text()
    yield from layout.field("harm", Text(f"What really happened: {told}"))
    for line in table:
        yield from layout.field("", Text(line), wrap=False)


def again(schedule: Schedule, layout: Layout, file: str | None = None) -> Iterator[Text]:
    """The command that replays a schedule, on a line of its own."""
    line = command(schedule, file)
    if line is None:
        return
    yield Text()
    if len(line) > LONGEST_COMMAND:
        keep = "racepage-report DIR" if schedule.program.kind == "test" else "save-schedule FILE"
        told = f"its schedule is too long to paste; --{keep} keeps it"
        yield from layout.field("again", Text(told))
    else:
        yield from layout.field("again", Text("with this command:"))
        yield Text(line, "bold")


def strategy(exploration: Exploration) -> str:
    """`pct, depth 3, seed 7`: how it was explored."""
    parameters = (
        f"{name} {plain(str(value))}"
        for name, value in exploration.parameters.items()
        if value is not None
    )
    return ", ".join((plain(exploration.strategy), *parameters))


def seconds(number: float) -> str:
    """`0.04 s`, `12 s`: as exact as anybody wants it."""
    return f"{number:.2f} s" if number < 1 else f"{number:,.1f} s"


def merged(exploration: Exploration) -> Analysis | None:
    """One analysis with all findings, and what became of suppressions and baseline in all."""
    analyses = [found.analysis for found in exploration.findings]
    if not analyses:
        return None
    findings = tuple(finding for one in analyses for finding in one.findings)
    warnings = tuple(dict.fromkeys(told for one in analyses for told in one.warnings))
    last = analyses[-1]
    policy: PolicyUse | None = last.policy
    if policy is not None and policy.baseline is not None:
        known = sum(finding.known for finding in findings)
        policy = replace(policy, baseline=replace(policy.baseline, known=known))
    return replace(last, findings=findings, warnings=warnings, policy=policy)
