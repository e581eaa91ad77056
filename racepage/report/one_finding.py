"""One finding, as people read it: what, who, where, which bytes, why, and which page.

Nothing that comes from a trace is printed as it is (`escape.plain`). Of a vector with many
components those of the two threads come first, and most of the others are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from racepage.events import Stack
from racepage.finding import RULES, Analysis, Finding, LastSync, Side
from racepage.report.change import change
from racepage.report.escape import plain
from racepage.report.frames import of_the_program, place
from racepage.report.layout import DETAIL, INDENT, NARROWEST, Layout
from racepage.report.ruler import draw
from racepage.report.source import Sources
from racepage.report.variables import variables
from racepage.report.words import counted, listed

LONGEST_PROSE: Final = 1000
"""Characters of a message or a warning."""

_COMPONENTS: Final = 8  # of a vector
_RULER: Final = 48
_ASIDE: Final = 22  # columns beside a ruler, for its note
_ON_PAGE: Final = ("map", "unmap", "alloc", "free", "collect")
_SIDE: Final = {"first": "cyan", "second": "magenta"}


class FindingText:
    """Tells the findings of one analysis."""

    def __init__(self, analysis: Analysis, layout: Layout) -> None:
        self._analysis = analysis
        self._layout = layout
        self._sources = Sources()

    def lines(self, finding: Finding, number: int | None = None) -> Iterator[Text]:
        """All there is to tell; `number` is that of a finding that is one of several."""
        yield from self.head(finding, number)
        for label, side in (("first", finding.first), ("second", finding.second)):
            if side is not None:
                yield Text()
                yield from self._side(label, side, finding)
        yield from self._ruler(finding)
        yield from self._values(finding)
        yield from self.why(finding)
        yield from self._page(finding)
        yield from self._related(finding)

    def head(self, finding: Finding, number: int | None = None) -> Iterator[Text]:
        """What is wrong, and with which bytes."""
        rule = RULES[finding.kind]
        told = f"{rule.id} {rule.kind}" + (f" #{number:,}" if number else "")
        head = Text.assemble("━━ ", (told, "bold"), style="red")
        where = self._target(finding.page, finding.overlap)
        label = None if finding.page is None else self._analysis.label(finding.page)
        yield self._layout.ruled(head, where if label is None else f'{where} "{plain(label)}"')
        yield from self._layout.prose(plain(finding.message, longest=LONGEST_PROSE))
        if finding.count > 1:
            yield from self._layout.prose(f"Seen {finding.count:,} times; this is the first.")

    def _side(self, label: str, side: Side, finding: Finding) -> Iterator[Text]:
        what = Text.assemble(
            (plain(side.thread), "bold"),
            " ",
            (side.op, _SIDE[label]),
            self._what(side, finding),
        )
        what.append(f"  event {side.event}, clock {side.clock}", DETAIL)
        yield from self._layout.field(label, what, style=_SIDE[label])
        yield from self._stack(side.stack)
        if side.locks or finding.why is not None:
            yield from self._layout.field("holding", self._locks(side))
        yield from self._layout.field("clock", _vector(side, finding))
        if side is finding.first or finding.first is None or side.thread != finding.first.thread:
            yield from self._layout.field("started", self._start_of(side.thread))

    def _stack(self, stack: Stack) -> Iterator[Text]:
        if not stack:
            yield from self._layout.field("at", Text("not recorded", DETAIL))
        for number, frame in enumerate(of_the_program(stack)):
            yield from self._layout.field("" if number else "at", Text(place(frame)), wrap=False)
            code = self._sources.line(frame)
            if code is not None:
                room = max(self._layout.width - INDENT - 4, NARROWEST)
                quoted = Text(f"    {plain(code, longest=room)}", "green")
                yield from self._layout.field("", quoted, wrap=False)

    def _start_of(self, thread: str) -> Text:
        info = self._analysis.threads.get(thread)
        if info is None or info.start is None:
            return Text("before the trace begins", DETAIL)
        return Text(f"by {_who(info.start)}")

    def _ruler(self, finding: Finding) -> Iterator[Text]:
        first, second, both = finding.first, finding.second, finding.overlap
        ranges = [side.range for side in (first, second) if side is not None and side.range]
        if both is None or both[0] >= both[1] or ranges in ([], [both]):
            return
        whole = self._takers_of_the_whole_page(finding)
        if whole:  # at its scale there would be nothing to see
            size = counted(both[1] - both[0], "byte")
            told = f"{whole} page; they share {size}, {both[0]:,} to {both[1]:,}"
            yield Text()
            yield from self._layout.field("bytes", Text(told))
            return
        columns = min(self._layout.width - INDENT - _ASIDE, _RULER)
        lines = draw(ranges[0], ranges[-1], both, columns)
        yield Text()
        yield from self._layout.field("bytes", Text(lines.labels, DETAIL))
        scale = Text(lines.scale, DETAIL)
        if lines.per_column > 1:
            scale.append(f"  {lines.per_column:,} bytes a column")
        yield from self._layout.field("", scale, wrap=False)
        if first is not None and first.range:
            yield from self._layout.field("first", Text(lines.first, _SIDE["first"]), wrap=False)
        if second is not None and second.range:
            yield from self._layout.field("second", Text(lines.second, _SIDE["second"]), wrap=False)
        shared = Text(lines.both, "red")
        shared.append(f"  {counted(both[1] - both[0], 'byte')}")
        yield from self._layout.field("both" if len(ranges) > 1 else "these", shared, wrap=False)

    def _takers_of_the_whole_page(self, finding: Finding) -> str:
        """`main's free takes the whole`, where a side does; nothing where none does."""
        page = self._analysis.pages.get(finding.page or "")
        whole = [
            f"{plain(side.thread)}'s {side.op}"
            for side in (finding.first, finding.second)
            if side is not None and page is not None and side.range == (0, page.size)
        ]
        return f"{' and '.join(whole)} take{'s' * (len(whole) == 1)} the whole" if whole else ""

    def _values(self, finding: Finding) -> Iterator[Text]:
        if finding.values is not None:
            yield from self._layout.field("", Text(change(finding.values, finding.overlap)))

    def in_a_line(self, side: Side, finding: Finding) -> str:
        """`worker write page:0[0:64] at early.py:6 in fill (event 2)`."""
        where = f" at {place(side.stack[0])}" if side.stack else ""
        what = f"{plain(side.thread)} {side.op}{self._what(side, finding)}"
        return f"{what}{where} (event {side.event})"

    def reasons(self, finding: Finding) -> list[str]:
        """Why nothing orders the two sides, in a sentence for each; none where something does."""
        why, first, second = finding.why, finding.first, finding.second
        if why is None or first is None or second is None:
            return []
        return [
            self._unknown(why.last_of_first_known_to_second, first, second),
            self._unknown(why.last_of_second_known_to_first, second, first),
        ]

    def why(self, finding: Finding) -> Iterator[Text]:
        """Why nothing orders the two sides, where that is so."""
        for number, reason in enumerate(self.reasons(finding)):
            if number == 0:
                yield Text()
            yield from self._layout.field("" if number else "why", Text(reason))

    def _unknown(self, known: LastSync, unordered: Side, knower: Side) -> str:
        """Why `unordered` does not happen before `knower`, which knows its thread up to `known`."""
        its = plain(unordered.thread)
        other = f"{plain(knower.thread)}'s {knower.op}"
        if known.clock == 0:
            return f"Nothing that {its} did is ordered before {other}."
        if known.event is None:
            text = f"{other} knows {its} up to clock {known.clock}"
        else:
            what = known.op or "what it did"
            if known.target is not None:
                what += f" {called(known.target, self._analysis)}"
            where = f" at {place(known.stack[0])}" if known.stack else ""
            text = (
                f"The last of {its} that is ordered before {other} is {what} "
                f"(event {known.event}, clock {known.clock}){where}"
            )
        return f"{text}; {its}'s {unordered.op} came later, at clock {unordered.clock}."

    def _page(self, finding: Finding) -> Iterator[Text]:
        if finding.page is None or finding.page not in self._analysis.pages:
            return
        named = variables(self._analysis, finding.page, finding.overlap)
        if named:
            yield Text()
            told = self._target(finding.page, finding.overlap, named=False)
            names = listed(map(plain, named), len(named), _COMPONENTS)
            yield from self._layout.field("page", Text(f"{told} is what the trace calls {names}"))
            return
        page = self._analysis.pages[finding.page]
        alloc = _allocation(finding)
        text = Text.assemble((called(finding.page, self._analysis), "bold"))
        text.append(f", {counted(page.size, 'byte')}")
        text.append(f", allocated by {_who(alloc)}" if alloc else ", there from the beginning")
        if page.free is not None and _event(page.alloc) == _event(alloc):  # this life
            text.append(f", freed by {_who(page.free)}")
        yield Text()
        yield from self._layout.field("page", text)

    def _related(self, finding: Finding) -> Iterator[Text]:
        told = {_event(side) for side in (finding.first, finding.second, _allocation(finding))}
        for side in finding.related:
            if side.event not in told:
                told.add(side.event)
                what = Text.assemble((plain(side.thread), "bold"), f" {side.op}")
                what.append(self._what(side, finding))
                what.append(f"  event {side.event}", DETAIL)
                yield Text()
                yield from self._layout.field("also", what)
                yield from self._stack(side.stack)

    def _what(self, side: Side, finding: Finding) -> str:
        """What a side did its operation to, after a blank."""
        if side.range is not None:
            return f" {self._target(side.target or finding.page, side.range)}"
        if side.op in _ON_PAGE:  # an unmap acts on a pointer, and people look for the page
            return f" {self._target(finding.page, None)}"
        return "" if side.target is None else f" {called(side.target, self._analysis)}"

    def _locks(self, side: Side) -> Text:
        if not side.locks:
            return Text("no lock", DETAIL)
        told = (
            f"{called(f'lock:{lock.name}', self._analysis)} ({lock.mode})" for lock in side.locks
        )
        return Text(", ".join(told))

    def _target(
        self, page: str | None, touched: tuple[int, int] | None, *, named: bool = True
    ) -> str:
        """`page:0[32:64]`, and in an imported trace `page:std[8:16] (x)`."""
        name = "" if page is None else plain(page)
        if touched is None:
            return name
        where = f"{name}[{touched[0]}:{touched[1]}]"
        known = variables(self._analysis, page, touched) if named else ()
        return f"{where} ({listed(map(plain, known), len(known), 1)})" if known else where


def called(target: str, analysis: Analysis, touched: tuple[int, int] | None = None) -> str:
    """`page:0[0:8] "inbox"`: what a trace calls something, and what people do if that differs."""
    where = plain(target) if touched is None else f"{plain(target)}[{touched[0]}:{touched[1]}]"
    label = analysis.label(target)
    return where if label is None else f'{where} "{plain(label)}"'


def in_short(finding: Finding, analysis: Analysis) -> str:
    """One line on it: its kind, its bytes, and where its sides stand."""
    told = finding.kind
    if finding.page is not None:
        told += f" {called(finding.page, analysis, finding.overlap)}"
    sides = [side for side in (finding.first, finding.second) if side is not None]
    if not sides:
        return f"{told}: {plain(finding.message, longest=LONGEST_PROSE)}"
    return f"{told}: {' and '.join(map(_who, sides))}"


def _allocation(finding: Finding) -> Side | None:
    """Where the life of the page that this finding is about began."""
    sides = (*finding.related, finding.first, finding.second)
    return next((side for side in sides if side is not None and side.op == "alloc"), None)


def _event(side: Side | None) -> int | None:
    return None if side is None else side.event


def _who(side: Side) -> str:
    where = f" at {place(side.stack[0])}" if side.stack else ""
    return f"{plain(side.thread)}{where} (event {side.event})"


def _vector(side: Side, finding: Finding) -> Text:
    """Its components; of many, those of the two threads first."""
    vector = dict(side.vector)
    if len(vector) > _COMPONENTS:
        two = [one.thread for one in (side, finding.first, finding.second) if one is not None]
        first = {thread: vector[thread] for thread in two if thread in vector}
        vector = first | vector
    told = (f"{plain(thread)} {clock:,}" for thread, clock in vector.items())
    return Text(listed(told, len(vector), _COMPONENTS))
