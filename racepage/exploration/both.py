"""The two accesses of a race, done in both orders from one point.

The program is run twice more, both times up to where one thread is about to do the one access and
another one the other (`meeting`): then in the one order, and in the other. Both go on as the
execution did in which the race was found, as far as that fits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from racepage.events import WRITES, Op
from racepage.exploration.contents import Contents, contents
from racepage.exploration.meeting import meeting
from racepage.exploration.plan import Planned, following, picked
from racepage.exploration.retell import Told
from racepage.exploration.strategy import Strategy
from racepage.finding import Finding, Side

MOST_BYTES: Final = 64
"""Bytes that are looked at: all that either touches, or else the first that both do."""

Run = Callable[[Strategy], Told]
"""Has the program again, with values and the place of each step."""


class Access(NamedTuple):
    """One side of a race, as it stands in the execution that shows it."""

    thread: str
    step: int
    start: int
    stop: int
    op: Op

    @property
    def writes(self) -> bool:
        """Whether it leaves other bytes."""
        return self.op in WRITES

    @property
    def reads(self) -> bool:
        """Whether it sees what was there."""
        return self.op == Op.RMW or not self.writes


class Race(NamedTuple):
    """Two accesses of one page that nothing orders, each a step.

    Attributes:
        told: the execution that shows them.
        page: its number, which is the same in every execution; None if no step touches it.
        sides: the accesses; the first came first.
        shown: the half-open range of the page that is looked at.
    """

    told: Told
    page: int | None
    sides: tuple[Access, Access]
    shown: tuple[int, int]


class Done(NamedTuple):
    """What one order came to.

    Attributes:
        told: the execution.
        events: those of the two sides; None for one that was not done, since the execution had
            ended before.
        after: the bytes after both.
        end: the bytes at the end.
    """

    told: Told
    events: tuple[int | None, int | None]
    after: Contents
    end: Contents

    def got(self, race: Race, side: int) -> Contents | None:
        """What a side read, of the bytes that are looked at; None where it did not."""
        event, access = self.events[side], race.sides[side]
        if event is None or not access.reads:
            return None
        old = self.told.trace.columns.detail(event).old or b""
        begin, end = max(race.shown[0], access.start), min(race.shown[1], access.stop)
        return [
            old[byte - access.start] if byte - access.start < len(old) else None
            for byte in range(begin, end)
        ]


def race(told: Told, finding: Finding) -> Race | None:
    """The race that a finding is; None for one that is none of two steps."""
    one, other = _access(told, finding.first), _access(told, finding.second)
    if one is None or other is None or finding.page is None or one.step == other.step:
        return None
    sides = (one, other) if one.step < other.step else (other, one)
    return Race(told, _numbers(told).get(finding.page), sides, _shown(*sides))


def both(found: Race, run: Run) -> tuple[Done, Done] | None:
    """Both orders: the one that was found, and the other. None if they cannot be had."""
    steps = found.told.steps
    first, second = found.sides
    met = meeting(steps, first.step, second.step)
    done = []
    for order in met.orders():
        told = run(Planned(following([steps[at].task for at in order], picked(steps))))
        one = _done(found, told, order[: len(met.before) + 2])
        if one is None:
            return None
        done.append(one)
    return done[0], done[1]


def _access(told: Told, side: Side | None) -> Access | None:
    if side is None or side.range is None:
        return None
    step = bisect_right(told.first_events, side.event) - 1
    if step < 0 or told.places[step].thread != side.thread:
        return None  # it is no step: an allocation
    if step >= len(told.steps):
        return None  # threads took turns by then, as nobody had said
    op = Op(int(told.trace.columns.op[side.event]))
    return None if op == Op.ALLOC else Access(side.thread, step, *side.range, op)


def _shown(one: Access, other: Access) -> tuple[int, int]:
    start, stop = min(one.start, other.start), max(one.stop, other.stop)
    if stop - start > MOST_BYTES:
        start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return start, min(stop, start + MOST_BYTES)


def _numbers(told: Told) -> dict[str, int]:
    """Name of a target in this execution -> its number, which is the same in every one."""
    numbers: dict[str, int] = {}
    for step, named in zip(told.steps, told.numbered.steps, strict=True):
        for touch, again in zip(step.touches, named.touches, strict=True):
            numbers.setdefault(told.numbered.targets[again.target], touch.target)
    return numbers


def _done(found: Race, told: Told, order: Sequence[int]) -> Done | None:
    """What an order came to; None if it did not.

    Args:
        found: the race.
        told: the execution that was to have it.
        order: the numbers of the steps that were to come first, the last two being the accesses.
    """
    wanted = [found.told.steps[at].task for at in order]
    tasks = [step.task for step in told.steps[: len(wanted)]]
    ended = len(tasks) == len(wanted) - 1 == len(told.steps)
    if tasks != wanted and not (ended and tasks == wanted[:-1]):
        return None
    names = [name for name, number in _numbers(told).items() if number == found.page]
    page = next((at for at, it in enumerate(told.trace.targets) if [str(it)] == names), None)
    if page is None:
        return None
    events: list[int | None] = []
    for side in found.sides:
        at = order.index(side.step)
        events.append(_event(told, at, page, side) if at < len(tasks) else None)
        if events[-1] is None and at < len(tasks):
            return None
    after = max(event for event in events if event is not None) + 1
    size = len(told.trace.columns)
    return Done(
        told,
        (events[0], events[1]),
        contents(told.trace, page, *found.shown, after),
        contents(told.trace, page, *found.shown, size),
    )


def _event(told: Told, step: int, page: int, side: Access) -> int | None:
    """The event of an access, in the step that was to do it again."""
    columns = told.trace.columns
    ends = [*told.first_events[1:], len(columns)]
    for event in range(told.first_events[step], ends[step]):
        start = int(columns.offset[event])
        there = (start, start + int(columns.length[event]))
        if columns.target[event] == page and there == (side.start, side.stop):
            return event
    return None
