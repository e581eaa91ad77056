"""Counts the Mazurkiewicz traces of a small program, step by step from the definition.

Shares no code with the strategies, nor with the machine that they are tested on: programs are data,
and are interpreted here once more. A set of executions that differ in the order of independent
steps is written down as what all of them have in common: each event with what it touched and
picked, and with the events before it that depend on it. All such sets are grown from the empty
one by one event at a time.

A program is a tuple of threads, a thread a tuple of operations; a place is (page, start, stop).

    ("read", place)  ("write", place, value)  ("copy", place, place)
    ("skip", place)                     a read; skips the next operation if the bytes are not all 0
    ("exchange", place, old, new)       skips the next operation if it failed
    ("lock", n)  ("unlock", n)          an unlock of what nobody holds is a read
    ("try", n)                          skips the next operation if it failed
    ("pick", place, base, more)         writes one of base + (more if the bytes are not all 0)
    ("place", place, place)             writes 1 into the one that is picked
    ("check", place, value)             a read that ends the execution if the bytes add up to value
    ("join", thread)                    waits for the end of a thread
    ("wait", n, place)                  two events: a write of condition n, and, when it was woken,
                                        a write of 1 into the place, or, if that is a number, a
                                        lock of it
    ("timed", n, place)                 the same, or else its time runs out: a write of condition n,
                                        and the next operation is skipped
    ("notify", n)                       a write of condition n that wakes one that waits, if any
    ("daemon", 0)                       no event, and at the beginning only: the thread ends where
                                        all threads have ended that are no daemons
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Place = tuple[int, int, int]
Operation = tuple[Any, ...]
Threads = tuple[tuple[Operation, ...], ...]

LOCKS = 100
CONDITIONS = 200
THREADS = 300
WAKE_UPS = 400
"""Lock n is page LOCKS + n, of one byte; so are conditions, threads, and the wake-ups of each."""


class Access(NamedTuple):
    page: int
    start: int
    stop: int
    kind: str  # r, w, l (lock), u (unlock), a (await)


class Event(NamedTuple):
    thread: int
    number: int  # of the thread's events
    accesses: tuple[Access, ...]
    picks: tuple[int, ...]


Part = tuple[Event, frozenset[tuple[int, int]]]
"""An event, and (thread, number) of those before it that depend on it."""

Trace = frozenset[Part]


def clash(one: Event, other: Event) -> bool:
    if one.thread == other.thread:
        return True
    return any(
        a.page == b.page
        and not (a.kind in "ra" and b.kind in "ra")
        and set(range(a.start, a.stop)) & set(range(b.start, b.stop))
        for a in one.accesses
        for b in other.accesses
    )


def trace(events: Iterable[Event]) -> Trace:
    """What all executions that are equivalent to this one have in common."""
    done: list[Event] = []
    found = set()
    for event in events:
        before = frozenset((old.thread, old.number) for old in done if clash(old, event))
        found.add((event, before))
        done.append(event)
    return frozenset(found)


class State(NamedTuple):
    counters: tuple[int, ...]  # which operation is next
    numbers: tuple[int, ...]  # how many events each thread did
    memory: frozenset[tuple[tuple[int, int], int]]  # (page, byte) -> value, where it is not 0
    held: frozenset[int]
    cut: int = -1  # the thread that ended the execution with its last event, before others
    waiting: frozenset[tuple[int, int, bool]] = frozenset()  # condition, thread, whether timed
    woken: frozenset[int] = frozenset()


def daemon(operations: tuple[Operation, ...]) -> bool:
    return operations[:1] == (("daemon", 0),)


def left(threads: Threads, counters: Sequence[int]) -> list[int]:
    """The threads that have not ended."""
    return [thread for thread, at in enumerate(counters) if at < len(threads[thread])]


def enabled(threads: Threads, state: State) -> list[int]:
    ready = []
    alive = left(threads, state.counters)
    if state.cut >= 0 or all(daemon(threads[thread]) for thread in alive):
        return []
    for thread in alive:
        at = state.counters[thread]
        word, place = threads[thread][at][:2]
        blocked = (
            (word == "lock" and place in state.held)
            or (word == "join" and place in alive)
            or (place, thread, False) in state.waiting
            or (thread in state.woken and threads[thread][at][2] in state.held)
        )
        if not blocked:
            ready.append(thread)
    return ready


def results(  # noqa: C901, PLR0912, PLR0915  (one branch for each operation)
    threads: Threads, state: State, thread: int
) -> Iterator[tuple[Event, State]]:
    """What can come of the next operation of `thread`: one result for each pick."""
    operation = threads[thread][state.counters[thread]]
    word = operation[0]
    memory = dict(state.memory)

    def load(place: Any) -> int:
        page, start, stop = place
        return sum(memory.get((page, byte), 0) for byte in range(start, stop))

    def after(
        accesses: list[Access],
        *,
        stored: Iterable[tuple[Any, int]] = (),
        picks: tuple[int, ...] = (),
        jump: int = 1,
        held: frozenset[int] = state.held,
        cut: int = state.cut,
        waiting: frozenset[tuple[int, int, bool]] = state.waiting,
        woken: frozenset[int] = state.woken,
    ) -> tuple[Event, State]:
        new = dict(memory)
        for place, value in stored:
            page, start, stop = place
            new.update({(page, byte): value for byte in range(start, stop)})
        counters = list(state.counters)
        numbers = list(state.numbers)
        counters[thread] += jump
        if counters[thread] >= len(threads[thread]) and cut < 0:
            accesses = [*accesses, Access(THREADS + thread, 0, 1, "u")]
            alive = left(threads, counters)
            if alive and all(daemon(threads[other]) for other in alive):
                cut = thread
        event = Event(thread, numbers[thread], tuple(accesses), picks)
        numbers[thread] += 1
        kept = frozenset((byte, value) for byte, value in new.items() if value)
        return event, State(tuple(counters), tuple(numbers), kept, held, cut, waiting, woken)

    def access(place: Any, kind: str) -> Access:
        page, start, stop = place
        return Access(page, start, stop, kind)

    where = operation[1]
    if word in {"lock", "unlock", "try"}:
        assert isinstance(where, int)
        lock = (LOCKS + where, 0, 1)
        free = where not in state.held
        if word == "lock":
            yield after([access(lock, "l")], held=state.held | {where})
        elif word == "unlock":
            yield after([access(lock, "r" if free else "u")], held=state.held - {where})
        else:
            kind = "w" if free else "r"
            yield after([access(lock, kind)], held=state.held | {where}, jump=1 if free else 2)
    elif word == "join":
        yield after([Access(THREADS + where, 0, 1, "a")])
    elif word in {"wait", "timed", "notify"}:
        condition = Access(CONDITIONS + where, 0, 1, "w")
        mine = (where, thread, word == "timed")
        there = sorted(other for other in state.waiting if other[0] == where)
        if word == "notify":
            for pick, other in enumerate(there):
                wake_up = Access(WAKE_UPS + 10 * other[1] + state.counters[other[1]], 0, 1, "u")
                yield after(
                    [condition, wake_up],
                    picks=(pick,) if len(there) > 1 else (),
                    waiting=state.waiting - {other},
                    woken=state.woken | {other[1]},
                )
            if not there:
                yield after([condition])
        elif thread in state.woken:
            wake_up = Access(WAKE_UPS + 10 * thread + state.counters[thread], 0, 1, "a")
            place, woken = operation[2], state.woken - {thread}
            if isinstance(place, int):
                taken = Access(LOCKS + place, 0, 1, "l")
                yield after([wake_up, taken], held=state.held | {place}, woken=woken)
            else:
                yield after([wake_up, access(place, "w")], stored=[(place, 1)], woken=woken)
        elif mine in state.waiting:
            yield after([condition], jump=2, waiting=state.waiting - {mine})
        else:
            yield after([condition], jump=0, waiting=state.waiting | {mine})
    elif word == "read":
        yield after([access(where, "r")])
    elif word == "skip":
        yield after([access(where, "r")], jump=2 if load(where) else 1)
    elif word == "check":
        yield after([access(where, "r")], cut=thread if load(where) == operation[2] else -1)
    elif word == "write":
        yield after([access(where, "w")], stored=[(where, operation[2])])
    elif word == "copy":
        to = operation[2]
        yield after([access(where, "r"), access(to, "w")], stored=[(to, load(where))])
    elif word == "exchange":
        if load(where) == operation[2]:
            yield after([access(where, "w")], stored=[(where, operation[3])])
        else:
            yield after([access(where, "r")], jump=2)
    elif word == "pick":
        count = operation[2] + (operation[3] if load(where) else 0)
        for pick in range(count):
            picks = (pick,) if count > 1 else ()
            yield after([access(where, "w")], stored=[(where, pick)], picks=picks)
    else:
        assert word == "place"
        for pick, place in enumerate(operation[1:]):
            yield after([access(place, "w")], stored=[(place, 1)], picks=(pick,))


def causes(end: Trace, thread: int) -> tuple[Part, Trace]:
    """The last event of `thread`, and all that happened before it and itself."""
    parts = {(part[0].thread, part[0].number): part for part in end}
    last = max(name for name in parts if name[0] == thread)
    left, found = [last], set()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(parts[name][1])
    return parts[last], frozenset(parts[name] for name in found)


def ends(part: Part) -> bool:
    """Whether an event is the end of its thread."""
    event = part[0]
    return Access(THREADS + event.thread, 0, 1, "u") in event.accesses


def traces(threads: Threads, most: int = 1 << 40) -> dict[Trace, State] | None:
    """Every trace of a whole execution, and how it ends; None if that is too much work.

    Args:
        threads: the program.
        most: how many traces of one length may be at hand.
    """
    nothing = tuple(0 for _ in threads)
    begin = tuple(int(daemon(operations)) for operations in threads)
    level: dict[Trace, tuple[State, tuple[Event, ...]]] = {
        frozenset(): (State(begin, nothing, frozenset(), frozenset()), ())
    }
    ends = {}
    while level:
        grown: dict[Trace, tuple[State, tuple[Event, ...]]] = {}
        for known, (state, events) in level.items():
            ready = enabled(threads, state)
            if not ready:
                ends[known] = state
            for thread in ready:
                for event, new in results(threads, state, thread):
                    before = frozenset(
                        (old.thread, old.number) for old in events if clash(old, event)
                    )
                    grown[known | {(event, before)}] = (new, (*events, event))
        level = grown
        if len(level) > most:
            return None
    return ends
