"""The report for people.

Every finding answers, in this order: what is wrong, who the two sides are and where they stand,
which bytes they share, why nothing orders them, which page that was. The last lines are the
verdict.

Nothing that comes from a trace is printed as it is (`escape.plain`), and no text is ever read as
markup. The same analysis gives the same characters, whatever the terminal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from racepage.events import Stack
from racepage.finding import RULES, Analysis, Finding, LastSync, Side
from racepage.report.escape import plain
from racepage.report.frames import of_the_program, place
from racepage.report.ruler import draw
from racepage.report.source import Sources
from racepage.report.words import counted

WIDTH: Final = 80
"""Columns where there is no terminal that says otherwise."""

BLIND_SPOTS: Final = (
    "This holds for this one execution, and for accesses made through racepage's pages and "
    "primitives; other schedules and other memory were not looked at."
)
"""What a clean report does not say; the README has it at length."""

NOTHING_SEEN: Final = (
    "No page was touched, so that there was nothing to look at: racepage sees what goes through "
    "the pages of racepage.memory."
)
"""What a clean report must not keep to itself."""

_NARROWEST: Final = 40
_MARGIN: Final = 2
_INDENT: Final = 10
_RULER: Final = 48
_ASIDE: Final = 22  # columns beside a ruler, for its note
_PROSE: Final = 1000
_WORD: Final = re.compile(r"\(event [^)]*\)\S*|[\d,]+ (?:racy )?[a-z]+\S*|[^ ]+")
_ON_PAGE: Final = ("map", "unmap", "alloc", "free", "collect")
_DETAIL: Final = "dim"
_SIDE: Final = {"first": "cyan", "second": "magenta"}


def render(
    analysis: Analysis,
    *,
    width: int = WIDTH,
    color: bool = False,
    list_events: bool = False,
    subject: str | None = None,
    among_others: bool = False,
) -> str:
    """The report as text; ends with a newline.

    Args:
        analysis: what to report.
        width: columns at which prose is wrapped; names and places are never broken or cut to fit.
        color: with ANSI colours.
        list_events: name every event that races.
        subject: what was looked at, where the trace's path does not say it best.
        among_others: leave out `BLIND_SPOTS`; the last of many reports may be `tally`.
    """
    out = StringIO()
    console = Console(
        file=out,
        width=max(width, _NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},  # what the caller decided holds, whatever NO_COLOR or COLUMNS say
    )
    report = _Report(analysis, console, subject or analysis.path or "this trace")
    for line in report.lines(list_events=list_events, among_others=among_others):
        line.rstrip()
        console.print(line, soft_wrap=True)
    return out.getvalue()


def tally(analyses: Sequence[Analysis], unusable: int) -> str:
    """One line on many traces: `3 traces: 1 unusable, 1 with findings, 1 clean`."""
    verdicts = Counter(analysis.verdict for analysis in analyses)
    parts = (
        (unusable, "unusable"),
        (verdicts["findings"], "with findings"),
        (verdicts["incomplete"], "incomplete"),
        (verdicts["clean"], "clean"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    return f"{counted(len(analyses) + unusable, 'trace')}: {told}\n"


class _Report:
    """One analysis on its way to text."""

    def __init__(self, analysis: Analysis, console: Console, subject: str) -> None:
        self.analysis = analysis
        self.console = console
        self.subject = subject
        self.sources = Sources()

    def lines(self, *, list_events: bool, among_others: bool) -> Iterator[Text]:
        shown = [finding for finding in self.analysis.findings if finding.suppressed is None]
        for finding in shown:
            yield from self.finding(finding)
            yield Text()
        yield from self.summary(shown, list_events=list_events)
        if self.analysis.verdict == "clean" and not self.analysis.pages:
            yield from self.prose(NOTHING_SEEN, "yellow")
        elif self.analysis.verdict == "clean" and not among_others:
            yield from self.prose(BLIND_SPOTS, _DETAIL)

    # One finding -------------------------------------------------------------------------------

    def finding(self, finding: Finding) -> Iterator[Text]:
        rule = RULES[finding.kind]
        head = Text.assemble("━━ ", (f"{rule.id} {rule.kind}", "bold"), style="red")
        where = _target(finding.page, finding.overlap)
        room = self.console.width - head.cell_len - cell_len(where) - 2
        head.append(f" {'━' * max(room, 2)}")
        if where:
            head.append(f" {where}", "bold")
        else:
            head.append("━")
        yield head
        yield from self.prose(plain(finding.message, longest=_PROSE))
        if finding.count > 1:
            yield from self.prose(f"Seen {finding.count:,} times; this is the first.")
        for label, side in (("first", finding.first), ("second", finding.second)):
            if side is not None:
                yield Text()
                yield from self.side(label, side, finding)
        yield from self.ruler(finding)
        yield from self.values(finding)
        yield from self.why(finding)
        yield from self.page(finding)
        yield from self.related(finding)

    def side(self, label: str, side: Side, finding: Finding) -> Iterator[Text]:
        what = Text.assemble(
            (plain(side.thread), "bold"),
            " ",
            (side.op, _SIDE[label]),
            _what(side, finding),
        )
        what.append(f"  event {side.event}, clock {side.clock}", _DETAIL)
        yield from self.field(label, what, style=_SIDE[label])
        yield from self.stack(side.stack)
        if side.locks or finding.why is not None:
            yield from self.field("holding", _locks(side))
        yield from self.field("clock", _vector(side.vector))
        if side is finding.first or finding.first is None or side.thread != finding.first.thread:
            yield from self.field("started", self.start_of(side.thread))

    def stack(self, stack: Stack) -> Iterator[Text]:
        if not stack:
            yield from self.field("at", Text("not recorded", _DETAIL))
        for number, frame in enumerate(of_the_program(stack)):
            yield from self.field("" if number else "at", Text(place(frame)), wrap=False)
            code = self.sources.line(frame)
            if code is not None:
                room = max(self.console.width - _INDENT - 4, _NARROWEST)
                quoted = Text(f"    {plain(code, longest=room)}", "green")
                yield from self.field("", quoted, wrap=False)

    def start_of(self, thread: str) -> Text:
        info = self.analysis.threads.get(thread)
        if info is None or info.start is None:
            return Text("before the trace begins", _DETAIL)
        return Text(f"by {_who(info.start)}")

    def ruler(self, finding: Finding) -> Iterator[Text]:
        first, second, both = finding.first, finding.second, finding.overlap
        ranges = [side.range for side in (first, second) if side is not None and side.range]
        if both is None or both[0] >= both[1] or ranges in ([], [both]):
            return
        columns = min(self.console.width - _INDENT - _ASIDE, _RULER)
        lines = draw(ranges[0], ranges[-1], both, columns)
        yield Text()
        yield from self.field("bytes", Text(lines.labels, _DETAIL))
        scale = Text(lines.scale, _DETAIL)
        if lines.per_column > 1:
            scale.append(f"  {lines.per_column} bytes a column")
        yield from self.field("", scale, wrap=False)
        if first is not None and first.range:
            yield from self.field("first", Text(lines.first, _SIDE["first"]), wrap=False)
        if second is not None and second.range:
            yield from self.field("second", Text(lines.second, _SIDE["second"]), wrap=False)
        shared = Text(lines.both, "red")
        shared.append(f"  {counted(both[1] - both[0], 'byte')}")
        yield from self.field("both" if len(ranges) > 1 else "these", shared, wrap=False)

    def values(self, finding: Finding) -> Iterator[Text]:
        if finding.values is None:
            return
        for label, data in (("before", finding.values.old), ("after", finding.values.new)):
            if data is not None:
                shown = data[:16].hex(" ") + (" …" if len(data) > 16 else "")
                yield from self.field(label, Text(shown))

    def why(self, finding: Finding) -> Iterator[Text]:
        why, first, second = finding.why, finding.first, finding.second
        if why is None or first is None or second is None:
            return
        yield Text()
        yield from self.field("why", _unknown(why.last_of_first_known_to_second, first, second))
        yield from self.field("", _unknown(why.last_of_second_known_to_first, second, first))

    def page(self, finding: Finding) -> Iterator[Text]:
        if finding.page is None or finding.page not in self.analysis.pages:
            return
        page = self.analysis.pages[finding.page]
        alloc = _allocation(finding)
        text = Text.assemble((plain(finding.page), "bold"))
        if page.label is not None:
            text.append(f' "{plain(page.label)}"', "bold")
        text.append(f", {counted(page.size, 'byte')}")
        text.append(f", allocated by {_who(alloc)}" if alloc else ", there from the beginning")
        if page.free is not None and _event(page.alloc) == _event(alloc):  # this life
            text.append(f", freed by {_who(page.free)}")
        yield Text()
        yield from self.field("page", text)

    def related(self, finding: Finding) -> Iterator[Text]:
        alloc = _allocation(finding)
        for side in finding.related:
            if side is not alloc:
                what = Text(f"{side.op}{_what(side, finding)} by {_who(side)}")
                yield from self.field("also", what)

    # The end -----------------------------------------------------------------------------------

    def summary(self, shown: list[Finding], *, list_events: bool) -> Iterator[Text]:
        analysis = self.analysis
        for warning in analysis.warnings:
            yield from self.prose(f"warning: {plain(warning, longest=_PROSE)}", "yellow")
        if list_events:
            events = ", ".join(map(str, analysis.racy_event_ids)) or "none"
            yield from self.prose(f"racy events: {events}")
        verdict = analysis.verdict
        seen = (
            f"{counted(analysis.events, 'event')}, {counted(len(analysis.threads), 'thread')}, "
            f"{counted(len(analysis.pages), 'page')}"
        )
        if analysis.racy_events:
            pieces = [piece for page in analysis.racy_bytes.values() for piece in page]
            size = sum(stop - start for start, stop in pieces)
            seen += f"; {counted(analysis.racy_events, 'racy event')}, {counted(size, 'racy byte')}"
        hidden = len(analysis.findings) - len(shown)
        if hidden:
            seen += f"; {counted(hidden, 'finding')} suppressed"
        if verdict == "findings":
            kinds = Counter(finding.kind for finding in shown)
            told = ", ".join(
                f"{number} {kind}" if number > 1 else kind for kind, number in kinds.items()
            )
            yield from self.wrapped(
                Text.assemble((counted(len(shown), "finding"), "bold red"), f": {told}")
            )
        elif verdict == "incomplete":
            yield from self.prose("incomplete: nothing found in what is left", "bold yellow")
        else:
            yield from self.prose("clean: nothing found", "bold green")
        yield from self.prose(f"{plain(self.subject, longest=_PROSE)}: {seen}")
        if analysis.lost_bytes:
            yield from self.prose(
                f"The trace was cut off: its last {counted(analysis.lost_bytes, 'byte')} hold no "
                "complete batch of events, so what came after was not looked at.",
                "yellow",
            )
        elif not analysis.complete:
            yield from self.prose(
                "The recording was not closed: its program was killed, and what that did last "
                "was not looked at.",
                "yellow",
            )
        if verdict == "findings":
            rules = " ".join(dict.fromkeys(finding.rule for finding in shown))
            yield from self.prose(
                f"What it means and how to mend it: racepage explain {rules}", _DETAIL
            )

    # Layout ------------------------------------------------------------------------------------

    def prose(self, text: str, style: str = "") -> Iterable[Text]:
        return self.wrapped(Text(text, style))

    def wrapped(self, text: Text, indent: int = 0) -> Iterable[Text]:
        """`text` in lines of the console's width, broken at blanks only."""
        width = self.console.width - indent
        breaks: list[int] = []
        start = 0
        for word in _WORD.finditer(text.plain):
            if start < word.start() and cell_len(text.plain[start : word.end()]) > width:
                start = word.start()
                breaks.append(start)
        lines = text.divide(breaks)
        for line in lines:
            line.rstrip()
        return lines

    def field(
        self, label: str, text: Text, *, style: str = _DETAIL, wrap: bool = True
    ) -> Iterator[Text]:
        """A label in the margin, and `text` beside it."""
        head = Text(f"{'':{_MARGIN}}{label:<{_INDENT - _MARGIN}}", style)
        for line in self.wrapped(text, _INDENT) if wrap else [text]:
            yield Text.assemble(head, line)
            head = Text(" " * _INDENT)


def _unknown(known: LastSync, unordered: Side, knower: Side) -> Text:
    """Why `unordered` does not happen before `knower`, which knows its thread up to `known`."""
    its = plain(unordered.thread)
    other = f"{plain(knower.thread)}'s {knower.op}"
    if known.clock == 0:
        return Text(f"Nothing that {its} did is ordered before {other}.")
    if known.event is None:
        text = f"{other} knows {its} up to clock {known.clock}"
    else:
        what = " ".join(part for part in (known.op, known.target) if part)
        where = f" at {place(known.stack[0])}" if known.stack else ""
        text = (
            f"The last of {its} that is ordered before {other} is {plain(what)} "
            f"(event {known.event}, clock {known.clock}){where}"
        )
    return Text(f"{text}; {its}'s {unordered.op} came later, at clock {unordered.clock}.")


def _allocation(finding: Finding) -> Side | None:
    """Where the life of the page that this finding is about began."""
    sides = (*finding.related, finding.first, finding.second)
    return next((side for side in sides if side is not None and side.op == "alloc"), None)


def _what(side: Side, finding: Finding) -> str:
    """What a side did its operation to, after a blank; nothing where that is no page."""
    on_page = side.range is not None or side.op in _ON_PAGE
    return f" {_target(finding.page, side.range)}" if on_page else ""


def _event(side: Side | None) -> int | None:
    return None if side is None else side.event


def _target(page: str | None, touched: tuple[int, int] | None) -> str:
    name = "" if page is None else plain(page)
    return name if touched is None else f"{name}[{touched[0]}:{touched[1]}]"


def _who(side: Side) -> str:
    where = f" at {place(side.stack[0])}" if side.stack else ""
    return f"{plain(side.thread)}{where} (event {side.event})"


def _locks(side: Side) -> Text:
    if not side.locks:
        return Text("no lock", _DETAIL)
    return Text(", ".join(f"{plain(lock.name)} ({lock.mode})" for lock in side.locks))


def _vector(vector: dict[str, int]) -> Text:
    return Text(", ".join(f"{plain(thread)} {clock}" for thread, clock in vector.items()))
