"""The truth, by brute force: what every engine is compared with, and shares no code with.

The definition, whole:

*Order.* Events are nodes of a graph. An event has an edge from the event before it in its own
thread, and from the events that synchronise with it:

    START of t           -> t's first event, and every JOIN of t
    last event of t      -> every JOIN of t
    UNLOCK of a lock     -> every later LOCK and RLOCK of it, whoever unlocked
    RUNLOCK of a lock    -> every later LOCK of it
    RELEASE of an object -> every later ACQUIRE or TAKE of it, up to the next RELEASE or TAKE
    RELEASE_MERGE        -> the same
    releasing side       -> every acquiring side that it synchronises with, by C++20

Tries that failed or were refused, and the inner levels of a re-entrant lock, have no edge. An event
*happens before* another one when the graph has a path from the one to the other.

*Atomics*, after C++20, [intro.races] and [atomics.fences], byte by byte. A byte's modification
order is that of its writes in the trace, and a read takes the last of them before it. LOAD, STORE,
RMW and the bytewise copies are atomic; a cell is one byte that only they touch. The *release
sequence* headed by an atomic write X is X and the longest run of RMWs that follows it at once in
the modification order: every other write ends it, of whatever class and thread, and so do ALLOC,
FREE and COLLECT. Let Y be an atomic read that takes a byte from the release sequence headed by X.
The releasing sides are X, if it is a release operation, and every release fence before X in X's
thread; the acquiring sides are Y, if it is an acquire operation, and every acquire fence after Y
in Y's thread; each of the former synchronises with each of the latter. Only a write can be a
release operation and only a read an acquire operation; acq_rel and seq_cst are both. An operation
that says no order is seq_cst, C++'s default; a bytewise copy is relaxed, always.

*Conflict.* Two accesses conflict when they are by different threads, share a byte of one page in
one of its lives, at least one writes, they are not both atomic or bytewise, and neither touches
user memory. ALLOC and FREE write the whole page. A life of a page ends with the ALLOC that follows
a FREE or COLLECT. COLLECT is no access: it comes after every use of the page that the interpreter
knows of, so what stands after it in the same life is compared with nothing that stands before it.

*Race.* Two conflicting accesses, neither of which happens before the other. Its kind is
`double-free` between two FREEs, else `free-race` with one FREE, else `data-race`. An event is
*racy* when it is the later one, in the trace, of some race; a byte is racy when some race's two
ranges share it.

*Lifetime.* An access after a FREE of the same life that happens before it (or after a COLLECT) is a
`use-after-free`, and `double-free` if it is a FREE itself. A read of a byte that
no event wrote since the ALLOC of its life, if that does not zero, is an
`uninitialised-read`.

Cost: quadratic, on purpose. Every pair of accesses is looked at; reachability is one integer per
event, whose bits are the events that happen before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from racepage.events import Flag, MemoryOrder, Op
from racepage.trace.columns import Trace

READS = {"read", "load", "rmw", "bytewise_read"}
WRITES = {"write", "zero", "copy_in", "store", "rmw", "bytewise_write", "alloc", "free"}
MARKED = {"load", "store", "rmw", "bytewise_read", "bytewise_write"}  # atomic or bytewise
ACCESSES = READS | WRITES
ATOMIC_READS = READS & MARKED
ATOMIC_WRITES = WRITES & MARKED
MODIFICATIONS = WRITES | {"collect"}  # what has a place in a byte's modification order
ACQUIRING = {"acquire", "acq_rel", "seq_cst"}
RELEASING = {"release", "acq_rel", "seq_cst"}

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a trace, with names for numbers; `site` is None where none was recorded."""

    number: int
    thread: str
    op: str
    target: str
    span: Span
    site: Hashable
    edgeless: bool
    zeroed: bool
    order: str  # of an atomic operation or a fence


class Pair(NamedTuple):
    """Two events that show something on the bytes `span` of one page; `first` is the earlier."""

    second: int
    first: int
    kind: str
    page: str
    span: Span


@dataclass(frozen=True, slots=True)
class Shown:
    """What one key of a report stands for: its lowest second event, and how many there are."""

    second: int
    firsts: frozenset[int]
    count: int


def events_of(trace: Trace) -> list[Event]:
    """The rows of a trace."""
    columns = trace.columns
    found = []
    for number in range(len(columns)):
        op = Op(columns.op[number]).name.lower()
        flags = Flag(int(columns.flags[number]))
        target, site = int(columns.target[number]), int(columns.site[number])
        name = str(trace.targets[target]) if target >= 0 else ""
        start = int(columns.offset[number])
        stop = 1 if name.startswith("cell:") else start + int(columns.length[number])
        found.append(
            Event(
                number=number,
                thread=trace.threads[int(columns.thread[number])],
                op=op,
                target=name,
                span=(start, stop),
                site=trace.sites[site] if site >= 0 else None,
                edgeless=bool(flags & (Flag.TRYFAIL | Flag.INNER | Flag.REFUSED)),
                zeroed=bool(flags & Flag.ZEROED),
                order=_order(op, MemoryOrder(columns.order[number])),
            )
        )
    return found


def _order(op: str, said: MemoryOrder) -> str:
    if op not in MARKED | {"fence"}:
        return ""
    if op.startswith("bytewise"):
        return "relaxed"
    return said.name.lower() if said else "seq_cst"


def order(events: list[Event]) -> list[int]:
    """For every event, the events that happen before it: bit i stands for event i."""
    before: list[int] = []
    of_thread: defaultdict[str, list[Event]] = defaultdict(list)
    on_target: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        own = of_thread[event.thread]
        sources = own[-1:] or _starts(on_target[f"thread:{event.thread}"])
        if event.op == "join":
            sources += _starts(on_target[event.target])
            sources += of_thread[event.target.removeprefix("thread:")][-1:]
        elif event.order in ACQUIRING:
            reads = own if event.op == "fence" else [event]
            for read in reads:
                for head in _heads(read, on_target[read.target]):
                    sources += _releasing(head, of_thread[head.thread])
        elif not event.edgeless:
            sources += list(_synchronising(event, on_target[event.target]))
        known = 0
        for source in sources:
            known |= before[source.number] | 1 << source.number
        before.append(known)
        own.append(event)
        on_target[event.target].append(event)
    return before


def _starts(on_thread: list[Event]) -> list[Event]:
    return [event for event in on_thread if event.op == "start"]


def _synchronising(event: Event, earlier: list[Event]) -> Iterator[Event]:
    """Of the earlier events on a lock or an object, those that hand something to `event`."""
    if event.op in ("lock", "rlock"):
        given_back = ("unlock", "runlock") if event.op == "lock" else ("unlock",)
        yield from (one for one in earlier if one.op in given_back and not one.edgeless)
    elif event.op in ("acquire", "take"):
        for one in reversed(earlier):
            if one.op == "take":
                return
            if one.op in ("release", "release_merge"):
                yield one
            if one.op == "release":
                return


def _heads(read: Event, on_target: list[Event]) -> list[Event]:
    """The atomic writes from whose release sequences `read` takes some byte, if it is atomic."""
    if read.op not in ATOMIC_READS:
        return []
    order = [one for one in on_target if one.number < read.number and one.op in MODIFICATIONS]
    start, stop = read.span
    found = []
    # Between two of these, all bytes have the same modification order.
    borders = {start, *(border for one in order for border in one.span)}
    for byte in (border for border in borders if start <= border < stop):
        for write in reversed([one for one in order if one.span[0] <= byte < one.span[1]]):
            if write.op in ATOMIC_WRITES:
                found.append(write)
            if write.op != "rmw":
                break
    return found


def _releasing(head: Event, of_thread: list[Event]) -> list[Event]:
    """What synchronises with whoever acquires from the release sequence of `head`."""
    itself = [head] if head.order in RELEASING else []
    fences = [one for one in of_thread if one.op == "fence" and one.number < head.number]
    return itself + [fence for fence in fences if fence.order in RELEASING]


def happens_before(before: list[int], first: int, second: int) -> bool:
    return bool(before[second] >> first & 1)


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a page, as its events in the order of the trace.

    Its ALLOC need not be the first: an access that nothing orders may stand before it.
    """

    page: str
    events: list[Event]

    def collected_between(self, first: Event, second: Event) -> bool:
        """Whether the garbage collector freed the page after `first` and before `second`."""
        ends = (event.number for event in self.events if event.op == "collect")
        return any(first.number < end < second.number for end in ends)


def lives(events: Iterable[Event]) -> list[Life]:
    """The lives of all pages, in the order in which they begin."""
    found: list[Life] = []
    current: dict[str, Life] = {}
    dead: set[str] = set()
    for event in events:
        if not event.target.startswith("page:") or event.op not in ACCESSES | {"collect"}:
            continue
        if event.target not in current or (event.op == "alloc" and event.target in dead):
            dead.discard(event.target)
            current[event.target] = Life(event.target, [])
            found.append(current[event.target])
        current[event.target].events.append(event)
        if event.op in ("free", "collect"):
            dead.add(event.target)
    return found


def conflict(first: Event, second: Event) -> bool:
    """Whether two events of one life conflict."""
    return (
        first.thread != second.thread
        and first.op in ACCESSES
        and second.op in ACCESSES
        and (first.op in WRITES or second.op in WRITES)
        and not (first.op in MARKED and second.op in MARKED)
        and shared(first.span, second.span) is not None
    )


def shared(one: Span, other: Span) -> Span | None:
    """The bytes that two half-open spans share, or None."""
    both = max(one[0], other[0]), min(one[1], other[1])
    return both if both[0] < both[1] else None


def races(events: list[Event], before: list[int]) -> list[Pair]:
    """Every race."""
    found = []
    for life, first, second in _pairs_of_lives(events):
        unordered = not happens_before(before, first.number, second.number)
        if unordered and conflict(first, second) and not life.collected_between(first, second):
            span = shared(first.span, second.span)
            assert span is not None
            frees = (first.op == "free") + (second.op == "free")
            kind = ("data-race", "free-race", "double-free")[frees]
            found.append(Pair(second.number, first.number, kind, life.page, span))
    return sorted(found)


def after_the_end(events: list[Event], before: list[int]) -> list[Pair]:
    """Every ordered use-after-free and double-free, with every end of the life before it."""
    found = []
    for life, end, use in _pairs_of_lives(events):
        ends = end.op == "collect" or (
            end.op == "free" and happens_before(before, end.number, use.number)
        )
        span = shared(end.span, use.span)
        if ends and use.op in ACCESSES and span is not None:
            kind = "double-free" if use.op == "free" else "use-after-free"
            found.append(Pair(use.number, end.number, kind, life.page, span))
    return sorted(found)


def uninitialised(events: list[Event]) -> list[Pair]:
    """Every read of bytes that its life has not written; `span` is from the first to the last."""
    found = []
    for life in lives(events):
        alloc = next((event for event in life.events if event.op == "alloc"), None)
        if alloc is None or alloc.zeroed:
            continue
        written = 0  # bit i stands for byte i
        for event in life.events[life.events.index(alloc) + 1 :]:
            start, stop = event.span
            touched = (1 << stop) - (1 << start)
            missing = touched & ~written
            if event.op in READS and missing:
                span = ((missing & -missing).bit_length() - 1, missing.bit_length())
                kind = "uninitialised-read"
                found.append(Pair(event.number, alloc.number, kind, life.page, span))
            if event.op in WRITES - {"alloc", "free"}:
                written |= touched
    return sorted(found)


def racy_events(pairs: Iterable[Pair]) -> list[int]:
    return sorted({pair.second for pair in pairs})


def racy_bytes(pairs: Iterable[Pair]) -> dict[str, list[Span]]:
    """The union of the races' spans, as disjoint ascending ranges that do not touch."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for pair in pairs:
        spans[pair.page].append(pair.span)
    merged: dict[str, list[Span]] = {}
    for page, unordered in spans.items():
        done = merged[page] = []
        for span in sorted(unordered):
            if done and span[0] <= done[-1][1]:
                done[-1] = (done[-1][0], max(done[-1][1], span[1]))
            else:
                done.append(span)
    return merged


def latest(pairs: Iterable[Pair]) -> list[Pair]:
    """Of the races of each event, those that are the latest on at least one of their bytes."""
    by_second: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_second[pair.second].append(pair)
    kept = []
    for group in by_second.values():
        uncovered = {byte for pair in group for byte in _cuts(group, pair.span)}
        for pair in sorted(group, key=lambda pair: pair.first, reverse=True):
            covered = {cut for cut in uncovered if pair.span[0] <= cut < pair.span[1]}
            if covered:
                kept.append(pair)
                uncovered -= covered
    return sorted(kept)


def earliest(pairs: Iterable[Pair]) -> list[Pair]:
    """Of the pairs of each event, that with the earliest first event: where a life really ended."""
    kept: dict[int, Pair] = {}
    for pair in sorted(pairs):
        kept.setdefault(pair.second, pair)
    return list(kept.values())


def _cuts(group: list[Pair], span: Span) -> Iterator[int]:
    """One byte for each piece of `span` that no boundary of the group cuts."""
    return (cut for pair in group for cut in pair.span if span[0] <= cut < span[1])


Key = tuple[str, frozenset[Hashable]]


def shown(events: list[Event], pairs: Iterable[Pair]) -> dict[Key, Shown]:
    """Pairs, deduplicated as a report does it: by kind and the unordered pair of sites.

    An access without a site stands for itself: its thread, operation, page and range.
    """
    grouped: defaultdict[Key, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for pair in pairs:
        places = frozenset(place(events[number]) for number in (pair.first, pair.second))
        grouped[pair.kind, places][pair.second].add(pair.first)
    return {
        key: Shown(min(seconds), frozenset(seconds[min(seconds)]), len(seconds))
        for key, seconds in grouped.items()
    }


def place(event: Event) -> Hashable:
    """Where an access was made."""
    if event.site is not None:
        return event.site
    return (event.thread, event.op, event.target, event.span)


def _pairs_of_lives(events: list[Event]) -> Iterator[tuple[Life, Event, Event]]:
    for life in lives(events):
        for later, second in enumerate(life.events):
            for first in life.events[:later]:
                yield life, first, second
