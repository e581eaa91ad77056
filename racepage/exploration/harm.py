"""What really happened: both orders of the two accesses of a race, and what each comes to.

That two accesses race says that nothing orders them; what comes of it is another question, and
people ask it first. So both orders are done (`both`), and what the accesses read and leave behind
is compared, and how the executions end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from racepage.events import Op
from racepage.execution.step import CHANGES, Touch
from racepage.exploration.both import Access, Done, Race, Run, both, race
from racepage.exploration.contents import Contents, text
from racepage.exploration.meeting import follows
from racepage.exploration.retell import Told
from racepage.finding import Finding

KINDS: Final = frozenset({"data-race", "mixed-size-atomic", "free-race"})
"""Kinds of findings of which both orders can be shown."""

_FEW: Final = 8
"""Bytes that a sentence has room for."""

Word = Literal["torn", "lost", "stale", "same", "freed", "unknown"]
"""What a race does to the bytes.

- torn: somebody has, or leaves, a part of one write and a part of something else;
- lost: a write is overwritten, and nobody has seen it;
- stale: a read gets what was there before, or what is written, as it happens;
- same: no difference in these executions;
- freed: an access may be to a page that was given back;
- unknown: one of the orders cannot be had.
"""


@dataclass(frozen=True, slots=True)
class Ordered:
    """One order of the two accesses, and what it came to. Bytes are hexadecimal.

    Attributes:
        threads: who went first, and who second.
        read: what each of them read, in that order; None for one that did not.
        after: the bytes right after both.
        finally_: the bytes at the end of the execution.
        end: what is wrong with how the execution ended, in a sentence; None where nothing is.
        besides: what else is wrong with this execution and not with the other one, likewise.
    """

    threads: tuple[str, str]
    read: tuple[str | None, str | None]
    after: str
    finally_: str
    end: str | None
    besides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Harm:
    """What a race does.

    Attributes:
        word: in a word.
        sentence: in a sentence or two.
        page: the page, `page:0`.
        bytes: the half-open range of it that is shown.
        orders: both orders; none where one cannot be had.
    """

    word: Word
    sentence: str
    page: str
    bytes: tuple[int, int]
    orders: tuple[Ordered, ...] = ()


def harm(told: Told, finding: Finding, run: Run) -> Harm | None:
    """What a race does; None for a finding that is no race of two accesses.

    Args:
        told: an execution that shows it, with the place of each step.
        finding: one of those in it.
        run: has the program again.
    """
    found = race(told, finding) if finding.kind in KINDS else None
    if found is None or finding.page is None:
        return None
    done = both(found, run)
    if done is None:
        return Harm("unknown", _cannot(*found.sides), finding.page, found.shown)
    orders = (_ordered(found, done, 0), _ordered(found, done, 1))
    word, sentence = _judged(found, *done)
    return Harm(word, " ".join([sentence, *_ends(orders)]), finding.page, found.shown, orders)


def _ordered(found: Race, done: tuple[Done, Done], which: int) -> Ordered:
    """One of the two orders; in the second one the sides are the other way round."""
    mine, other = done[which], done[1 - which]
    end = mine.told.end
    known = {finding.fingerprint for finding in other.told.analysis.findings}
    besides = [
        f"{finding.kind}: {finding.message}"
        for finding in mine.told.analysis.findings
        if finding.fingerprint not in known and finding != end
    ]
    first, second = which, 1 - which
    got = [mine.got(found, side) for side in (first, second)]
    read = [None if one is None else text(one) for one in got]
    return Ordered(
        threads=(found.sides[first].thread, found.sides[second].thread),
        read=(read[0], read[1]),
        after=text(mine.after),
        finally_=text(mine.end),
        end=None if end is None else end.message,
        besides=tuple(besides),
    )


# What it comes to


def _judged(found: Race, first: Done, second: Done) -> tuple[Word, str]:
    """The word and the sentence: of the sides in their order, and the other way round."""
    one, other = found.sides
    if Op.FREE in {one.op, other.op}:
        freer, user = (one, other) if one.op == Op.FREE else (other, one)
        what = f"{user.thread} uses a page that was given back"
        return "freed", f"Where {freer.thread} goes first, {what}."
    if one.writes and other.writes and _differ(first.after, second.after):
        if one.start < other.start < one.stop < other.stop or (
            other.start < one.start < other.stop < one.stop
        ):
            return "torn", _torn(one, other)
        return "lost", _lost(one, other)
    for side, (before, after) in enumerate(((first, second), (second, first))):
        if found.sides[side].reads:
            word, sentence = _of_read(found, side, before, after)
            if word != "same":
                return word, sentence
    return "same", "Both orders come to the same bytes: no harm in this execution."


def _of_read(found: Race, side: int, before: Done, after: Done) -> tuple[Word, str]:
    """What comes of a read before or after a write."""
    reader, writer = found.sides[side], found.sides[1 - side]
    old, new = before.got(found, side), after.got(found, side)
    if old is None or new is None:
        return "unknown", f"{reader.thread} does not come to its access in both orders."
    if not _differ(old, new):
        return "same", ""
    if _in_parts(found, reader, writer):
        where = f"{reader.thread} can read between two writes of {writer.thread}"
        return "torn", f"{where}: a part of what it gets is new, and a part is not."
    gets = f"{reader.thread} reads {_short(old)} where it goes first"
    return "stale", f"{gets}, and {_short(new)} where {writer.thread} does."


def _differ(some: Contents, others: Contents) -> bool:
    pairs = zip(some, others, strict=True)
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _in_parts(found: Race, reader: Access, writer: Access) -> bool:
    """Whether what is read is written in several steps that nothing keeps together.

    That is so where the writer's thread writes other bytes that are read, too, and is not ordered
    with the read there either.
    """
    steps = found.told.steps
    task = steps[writer.step].task
    late = follows(steps, reader.step, len(steps))

    def another(touch: Touch) -> bool:
        start, stop = max(touch.start, reader.start), min(touch.stop, reader.stop)
        inside = writer.start <= start and stop <= writer.stop
        changes = touch.target == found.page and bool(touch.how & CHANGES)
        return changes and start < stop and not inside

    return any(
        step.task == task
        and number not in late
        and any(map(another, step.touches))
        and (number > reader.step or reader.step not in follows(steps, number, reader.step + 1))
        for number, step in enumerate(steps)
    )


def _torn(one: Access, other: Access) -> str:
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return (
        f"What is left is of both writes: the bytes [{start}:{stop}] are of whoever goes second, "
        f"{one.thread} or {other.thread}, and each has others of its own."
    )


def _lost(one: Access, other: Access) -> str:
    if (one.start, one.stop) == (other.start, other.stop):
        return "Whoever goes first has written in vain: it is overwritten, and nobody has seen it."
    small, large = sorted((one, other), key=lambda access: access.stop - access.start)
    return (
        f"Where {small.thread} goes first, it has written in vain: {large.thread} overwrites it "
        "all, and nobody has seen it."
    )


def _short(found: Contents) -> str:
    return text(found[:_FEW]) + "…" * (len(found) > _FEW)


def _cannot(one: Access, other: Access) -> str:
    return (
        f"The other order cannot be had: nothing orders the two accesses, but {other.thread} does "
        f"not come to its own unless {one.thread} has done what it did."
    )


def _ends(orders: tuple[Ordered, Ordered]) -> list[str]:
    """How the executions end, where they do not end well."""
    ends = {order.end for order in orders}
    if len(ends) == 1:
        return [f"Either way it ends with: {end}." for end in ends if end is not None]
    told = []
    for order in orders:
        wrong = [*([] if order.end is None else [order.end]), *order.besides]
        if wrong:
            told.append(f"Where {order.threads[0]} goes first, it ends with: {'; '.join(wrong)}.")
    return told
