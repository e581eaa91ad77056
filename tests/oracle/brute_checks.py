"""The truth, by brute force, on checks beside the races: pairs compared one by one.

`mixed-size-atomic`: two atomic accesses (LOAD, STORE, RMW; a bytewise copy is none) by different
threads to one page in one of its lives that share a byte, have different ranges, of which at least
one writes, and neither happens before the other. For each later one and each other thread, the
latest earlier one counts.

`exclusive-violation`: an assertion is a scope, from its begin to its end; one with neither is both.
An end goes with the last begin, not ended yet, of the same thread, operation, target and range; a
begin that nothing ends lasts to the exit of its thread, or for ever. A begin that follows an
assertion without begin or end in its thread at once, of the same operation, target and range, is
one with it. An access of another thread to the same bytes in the same life (for
`assert_writer`, one that writes) violates the scope if it neither happens before the begin nor
after the end. For each begin and each other thread, the latest earlier access counts; for each
access and each other thread, of the scopes that began earlier, the one that ends last (then, that
began last).

`double-fetch`: two reads (USER_READ, COPY_IN with a source) by one thread that share a byte of one
user target, with no read of that target by that thread with BEGIN between them or at the second.
For each second, the latest first counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from racepage.events import Flag, Op
from racepage.trace.columns import NOTHING, Trace
from tests.oracle import brute
from tests.oracle.brute import Event, Pair, Span

FOREVER: Final = 1 << 60


def life(events: list[Event], page: str, number: int) -> int:
    """A number for the life of a page that the event with this number belongs to."""
    lives, dead = 0, False
    for event in events[: number + 1]:
        if event.target != page:
            continue
        if event.op == "alloc" and dead:
            lives, dead = lives + 1, False
        elif event.op in ("free", "collect"):
            dead = True
            lives += event.op == "collect"
    return lives


def same_bytes(events: list[Event], one: Event, other: Event) -> Span | None:
    """The bytes that two events share, if they are of one life of one page or cell."""
    if one.target != other.target:
        return None
    if life(events, one.target, one.number) != life(events, one.target, other.number):
        return None
    return brute.shared(one.span, other.span)


def mixed_sizes(events: list[Event], before: list[int]) -> list[Pair]:
    found = []
    for second in events:
        for first in events[: second.number]:
            atomic = {first.op, second.op} <= {"load", "store", "rmw"}
            span = same_bytes(events, first, second) if atomic else None
            if (
                span is not None
                and first.thread != second.thread
                and first.span != second.span
                and {first.op, second.op} != {"load"}
                and not brute.happens_before(before, first.number, second.number)
            ):
                found.append(
                    Pair(second.number, first.number, "mixed-size-atomic", first.target, span)
                )
    return _best(found, lambda pair: (events[pair.first].thread, pair.first))


@dataclass(slots=True)
class Scope:
    begin: Event
    end: int  # event
    ended: bool  # by a row of its own


def scopes(trace: Trace, events: list[Event]) -> list[Scope]:
    found: list[Scope] = []
    for event in events:
        flags = Flag(int(trace.columns.flags[event.number]))
        if event.op not in ("assert_writer", "assert_access"):
            continue
        same = [one for one in found if _what(one.begin) == _what(event)]
        if flags & Flag.END:
            unended = [one for one in same if one.end == FOREVER]
            if unended:
                unended[-1].end, unended[-1].ended = event.number, True
        elif not flags & Flag.BEGIN:
            found.append(Scope(event, event.number, ended=False))
        else:
            own = [one for one in events[: event.number] if one.thread == event.thread]
            called = [
                one
                for one in same
                if one.begin == own[-1] and one.end == one.begin.number and not one.ended
            ]
            if called:
                called[0].end = FOREVER
            else:
                found.append(Scope(event, FOREVER, ended=False))
    for one in found:
        exits = [e.number for e in events if e.op == "exit" and e.thread == one.begin.thread]
        if one.end == FOREVER and exits:
            one.end = exits[0]
    return found


def _what(event: Event) -> tuple[str, str, str, Span]:
    return event.thread, event.op, event.target, event.span


def violates(events: list[Event], before: list[int], scope: Scope, access: Event) -> bool:
    """Whether an access violates an assertion."""
    begin = scope.begin
    if access.thread == begin.thread or access.op not in brute.ACCESSES:
        return False
    if begin.op == "assert_writer" and access.op not in brute.WRITES:
        return False
    if same_bytes(events, begin, access) is None:
        return False
    if brute.happens_before(before, access.number, begin.number):
        return False
    return scope.end == FOREVER or not brute.happens_before(before, scope.end, access.number)


def exclusive(trace: Trace, events: list[Event], before: list[int]) -> list[Pair]:
    at_begin: list[Pair] = []
    at_access: list[Pair] = []
    ends = {}
    for scope in scopes(trace, events):
        ends[scope.begin.number] = scope.end
        for access in events:
            if violates(events, before, scope, access):
                span = brute.shared(scope.begin.span, access.span)
                assert span is not None
                first, second = sorted((scope.begin.number, access.number))
                pair = Pair(second, first, "exclusive-violation", access.target, span)
                (at_begin if second == scope.begin.number else at_access).append(pair)
    return [
        *_best(at_begin, lambda pair: (events[pair.first].thread, pair.first)),
        *_best(at_access, lambda pair: (events[pair.first].thread, ends[pair.first], pair.first)),
    ]


def double_fetches(trace: Trace, events: list[Event]) -> list[Pair]:
    found = []
    reads: defaultdict[tuple[str, str], list[tuple[Event, Span]]] = defaultdict(list)
    for event, user, span in _reads(trace, events):
        if trace.columns.flags[event.number] & Flag.BEGIN:
            reads[event.thread, user].clear()
        for earlier, other in reads[event.thread, user]:
            both = brute.shared(other, span)
            if both is not None:
                found.append(Pair(event.number, earlier.number, "double-fetch", user, both))
        reads[event.thread, user].append((event, span))
    return _best(found, lambda pair: ("", pair.first))


def _reads(trace: Trace, events: list[Event]) -> Iterator[tuple[Event, str, Span]]:
    for event in events:
        detail = trace.columns.detail(event.number)
        if event.op == "user_read":
            yield event, event.target, event.span
        elif event.op == "copy_in" and detail.source != NOTHING:
            start = detail.source_offset
            moved = event.span[1] - event.span[0]
            yield event, str(trace.targets[detail.source]), (start, start + moved)


def _best(pairs: Iterable[Pair], merit: Callable[[Pair], tuple[str | int, ...]]) -> list[Pair]:
    """For each second event and each group (the first item of `merit`), the pair of most merit."""
    kept: dict[tuple[int, str | int], Pair] = {}
    for pair in sorted(pairs, key=lambda pair: merit(pair)[1:]):
        kept[pair.second, merit(pair)[0]] = pair
    return sorted(kept.values())


def innermost_reason(trace: Trace, number: int) -> str | None:
    """The reason of the innermost `racy_ok` scope that an event lies in."""
    columns = trace.columns
    inside: list[str] = []
    for event in range(number):
        if columns.op[event] == Op.RACY_OK and columns.thread[event] == columns.thread[number]:
            if columns.flags[event] & Flag.BEGIN:
                inside.append(trace.targets[columns.target[event]].name)
            elif columns.flags[event] & Flag.END:
                inside = inside[:-1]
    return inside[-1] if inside else None
