"""A finding's scene as lines of text.

                  main                     t1
            start t1 0 ○────────╮
                       │        ╰───────▶○ begins
                       │                 │
    read page:0[0:8] 2 ●╌╌╌ unordered ╌╌╌● 1 write page:0[0:64]
     holding no lock   │                 │   holding no lock
                       │                 │
             join t1 3 ○                 │

What stands beside a lane is broken and cut to fit, so that no line is longer than the terminal is
wide; what is cut here, `racepage check` has whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from racepage.detect.rows import extent
from racepage.events import Flag, Kind, MemoryOrder, Op
from racepage.finding import Analysis, Finding, Side
from racepage.report.choice import Choice, counting
from racepage.report.escape import plain
from racepage.report.frames import of_the_program, place
from racepage.report.lanes.gutter import Gutter
from racepage.report.lanes.scene import Begin, Gap, Item, Mark, Scene, scene
from racepage.report.layout import DETAIL, Layout, printed
from racepage.report.one_finding import LONGEST_PROSE, FindingText
from racepage.report.source import Sources
from racepage.report.text import PLAIN, Style
from racepage.report.words import listed
from racepage.trace.columns import NOTHING, Trace

_WIDE: Final = 72
_GUTTERS: Final = (11, 17)  # columns between the lanes, of a narrow and of a wide terminal
_LANES: Final = 2  # columns of their lines
_MOST_LOCKS: Final = 2
_MOST_LINES: Final = 4  # that one sentence is broken into
_MARGIN: Final = 2

_STYLE: Final = {"first": "cyan", "second": "magenta", "also": "yellow", "": ""}
_WHOLE: Final = (Op.ALLOC, Op.FREE, Op.COLLECT)
_FOLDERS: Final = re.compile(r".*[/\\]")
_THROUGH: Final = "│┃"
_BARE: Final = (Kind.THREAD, Kind.POINTER)


def render(trace: Trace, analysis: Analysis, chosen: Choice, style: Style = PLAIN) -> str:
    """The picture of a finding, and why nothing orders its sides; ends with a newline.

    Args:
        trace: what was analysed.
        analysis: what was found in it.
        chosen: which finding, and its number.
        style: how.

    Raises:
        RacepageError: the finding has no events.
    """
    finding = chosen.finding
    shown = scene(trace, finding)
    layout = Layout(style.width)
    teller = FindingText(analysis, layout)

    def lines() -> Iterator[Text]:
        several = len(counting(analysis)) > 1
        yield from teller.head(finding, chosen.number if several else None)
        if finding.suppressed is not None:
            told = f"Suppressed: {plain(finding.suppressed, longest=LONGEST_PROSE)}"
            yield from layout.prose(told)
        yield Text()
        yield from _Picture(trace, finding, shown, layout.width).lines()
        yield from teller.why(finding)
        if shown.absent:
            names = listed(map(plain, shown.absent), len(shown.absent), _MOST_LOCKS)
            yield Text()
            yield from layout.prose(f"It has events of {names} as well; racepage check tells them.")

    return printed(lines(), style.width, color=style.color)


class _Plan(NamedTuple):
    """Where everything stands, in lines from the top.

    Attributes:
        blocks: the rows of the scene, each with its first line, and the lines of its items by lane.
        leaves, enters: the lines that arrows from each event and to it have.
        begins: the line of the beginning of the thread whose first event it is.
        height: lines in all.
    """

    blocks: list[tuple[int, tuple[Item, ...], dict[int, list[Text]]]]
    leaves: dict[int, int]
    enters: dict[int, int]
    begins: dict[int, int]
    height: int


class _Picture:
    """A scene on its way to lines."""

    def __init__(self, trace: Trace, finding: Finding, shown: Scene, width: int) -> None:
        self._trace = trace
        self._scene = shown
        self._sources = Sources()
        self._sides: dict[int, Side] = {
            side.event: side
            for side in (*finding.related, finding.second, finding.first)
            if side is not None
        }
        self._width = width
        self._two = len(shown.threads) == 2
        gutter = _GUTTERS[width >= _WIDE]
        self._gutter = gutter if self._two else 0
        self._room = (width - _LANES - gutter) // 2 - 1 if self._two else width - _MARGIN - 2
        events = [item.event for row in shown.rows for item in row if not isinstance(item, Gap)]
        self._digits = len(str(max(events)))
        self._words = self._room - self._digits - 1  # beside an event's number

    def lines(self) -> Iterator[Text]:
        """The names, and everything below them."""
        plan = self._plan()
        gutter = Gutter(self._gutter, plan.height)
        lives = [_life(self._scene, lane, plan) for lane in range(len(self._scene.threads))]
        for edge in self._scene.edges:
            right = self._lane_of(edge.to) == 1
            begin = plan.leaves[edge.source]
            end = plan.begins[edge.to] if edge.begins else plan.enters[edge.to]
            gutter.arrow(begin, end, edge.track, right=right)
            if lives[not right][begin].plain in _THROUGH:
                lives[not right][begin] = Text("├" if right else "┤")
        told: list[dict[int, Text]] = [{}, {}]
        for top, row, block in plan.blocks:
            if len(row) == 2:
                gutter.missing(top)
            for item in row:
                told[item.lane].update(enumerate(block[item.lane], top))
        yield self._names()
        for number in range(plan.height):
            yield self._line(
                [one.get(number) for one in told],
                [life[number] for life in lives],
                gutter.line(number) if self._two else Text(),
            )
        yield from self._legend()

    def _plan(self) -> _Plan:
        """Which line everything stands in.

        Between two sides that nothing orders is no room for arrows: those to them end above, and
        those from them begin below, in a line for each of the two.
        """
        edges = self._scene.edges
        blocks, height = [], 0
        leaves: dict[int, int] = {}
        enters: dict[int, int] = {}
        begins: dict[int, int] = {}
        for row in self._scene.rows:
            block = {item.lane: self._block(item) for item in row}
            size = max(len(lines) for lines in block.values())
            together = len(row) == 2
            if together:
                into = self._joined(row, {edge.to for edge in edges if not edge.begins})
                enters |= {event: height + at for at, event in enumerate(into)}
                height += max(len(into), 1)
            blocks.append((height, row, block))
            for item in row:
                if isinstance(item, Begin):
                    begins[item.event] = height
                elif isinstance(item, Mark):
                    enters.setdefault(item.event, height)
                    leaves[item.event] = height
            height += size
            if together:
                out = self._joined(row, {edge.source for edge in edges})
                leaves |= {event: height + at for at, event in enumerate(out)}
                height += max(len(out), 1)
        return _Plan(blocks, leaves, enters, begins, height)

    @staticmethod
    def _joined(row: Sequence[Item], ends: set[int]) -> list[int]:
        """The events of a row that edges end at, or begin at."""
        return [item.event for item in row if isinstance(item, Mark) and item.event in ends]

    def _names(self) -> Text:
        names = [Text(_cut(plain(name), self._room), "bold") for name in self._scene.threads]
        return self._line(names, [Text(" ")] * len(names), Text(" " * self._gutter))

    def _line(self, told: Sequence[Text | None], lives: Sequence[Text], gutter: Text) -> Text:
        """What stands left of the left lane, the lanes, and what stands right of the right one."""
        words = [Text() if one is None else one for one in told]
        if not self._two:
            return Text.assemble(" " * _MARGIN, lives[0], " ", words[0])
        blank = " " * (self._room - words[0].cell_len)
        return Text.assemble(blank, words[0], " ", lives[0], gutter, lives[1], " ", words[1])

    def _legend(self) -> Iterator[Text]:
        items = [item for row in self._scene.rows for item in row]
        signs = []
        if self._scene.edges:
            signs.append("▶ happens before")
        if self._scene.holding[0]:
            signs.append("┃ holds a lock")
        if any(isinstance(item, Gap) for item in items):
            signs.append("⋮ not shown")
        if not signs:
            return
        yield Text()
        told = "   ".join(signs)
        for line in [told] if len(told) <= self._width - _MARGIN else signs:
            yield Text(f"{'':{_MARGIN}}{line}", DETAIL)

    # What stands beside a lane --------------------------------------------------------------------

    def _block(self, item: Item) -> list[Text]:
        """The lines of an item; the first stands at its sign."""
        left = self._two and item.lane == 0
        if isinstance(item, Gap):
            more = "more " if item.before is None else ""
            told = f"{item.events:,} {more}event{'s' * (item.events != 1)}"
            return [Text(line, DETAIL) for line in _broken(told, self._room)]
        if isinstance(item, Begin):
            return [Text("begins"), *self._notes(item.notes, self._room)]
        number = f"{item.event:>{self._digits}}" if left else f"{item.event:<{self._digits}}"
        style = _STYLE[item.role]
        lines = self._fit(self._what(item.event), style)
        beside = [*lines[1:], *self._details(item), *self._notes(item.notes, self._words)]
        blanks = " " * (self._digits + 1)
        if left:
            return [
                Text.assemble(lines[0], (f" {number}", DETAIL)),
                *(Text.assemble(line, blanks) for line in beside),
            ]
        return [
            Text.assemble((f"{number} ", DETAIL), lines[0]),
            *(Text.assemble(blanks, line) for line in beside),
        ]

    def _details(self, mark: Mark) -> Iterator[Text]:
        site = int(self._trace.columns.site[mark.event])
        if site != NOTHING:
            frame = of_the_program(self._trace.sites[site])[0]
            short = frame._replace(file=_FOLDERS.sub("", frame.file))
            where = place(short)
            if not mark.role and cell_len(where) > self._words:  # a line is enough for these
                where = place(short._replace(function=""))
            yield from self._fit(where, DETAIL)
            code = self._sources.line(frame) if mark.role else None
            if code is not None:
                quoted = Text(plain(code), "green")
                quoted.truncate(self._words, overflow="ellipsis")
                yield quoted
        side = self._sides.get(mark.event)
        if side is not None and mark.role and (side.locks or self._scene.unordered):
            locks = [f"lock:{plain(lock.name)} ({lock.mode})" for lock in side.locks]
            yield from self._fit(
                f"holding {listed(locks, len(locks), _MOST_LOCKS) or 'no lock'}", ""
            )

    @staticmethod
    def _notes(notes: Sequence[str], room: int) -> Iterator[Text]:
        for note in notes:
            yield from (Text(line, "yellow") for line in _broken(plain(note), room))

    def _what(self, event: int) -> str:
        """`write page:0[0:64]`, `lock lock:m`, `start t1`."""
        columns = self._trace.columns
        op, flags, target = Op(columns.op[event]), int(columns.flags[event]), columns.target[event]
        told = op.name.lower()
        if target != NOTHING:
            on = self._trace.targets[target]
            told += f" {plain(on.name if on.kind in _BARE else str(on))}"
            if columns.length[event] and on.kind is not Kind.CELL and op not in _WHOLE:
                start, stop = extent(columns, event)
                told += f"[{start}:{stop}]"
        if columns.order[event]:
            told += f" {MemoryOrder(columns.order[event]).name.lower()}"
        for flag, word in ((Flag.TRYFAIL, "in vain"), (Flag.REFUSED, "refused")):
            told += f", {word}" if flags & flag else ""
        return told

    def _fit(self, text: str, style: str) -> list[Text]:
        return [Text(line, style) for line in _broken(text, self._words)]

    def _lane_of(self, event: int) -> int:
        name = self._trace.threads[self._trace.columns.thread[event]]
        return self._scene.threads.index(name)


def _life(shown: Scene, lane: int, plan: _Plan) -> list[Text]:
    """The line of a lane: a sign at each item, and between them whether the thread holds a lock."""
    mine = [(top, item) for top, row, _ in plan.blocks for item in row if item.lane == lane]
    at, after = shown.holding
    life: list[Text] = []
    now = " " if isinstance(mine[0][1], Begin) else "│"
    for here, item in mine:
        if isinstance(item, Mark) and item.event in at:
            now = "┃"
        life += [Text(now)] * (here - len(life))
        if isinstance(item, Mark):
            sign = Text("●", f"bold {_STYLE[item.role]}") if item.role else Text("○")
            now = "┃" if item.event in after else "│"
        else:
            sign, now = (Text("○"), "│") if isinstance(item, Begin) else (Text("⋮", DETAIL), "│")
        life.append(sign)
    now = " " if isinstance(mine[-1][1], Gap) else now
    return life + [Text(now)] * (plan.height - len(life))


def _broken(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` columns, broken at blanks; what is too long is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    lines = [_cut(line, room) for line in lines]
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"]


def _cut(text: str, room: int) -> str:
    """The text in at most `room` columns; of one that is longer the end, which says more."""
    if cell_len(text) <= room:
        return text
    while cell_len(text) > room - 1:
        text = text[1:]
    return f"…{text}"
