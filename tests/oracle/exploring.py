"""What can come of a small program, by brute force: for explorations to be compared with.

A program is data: a tuple of threads, each a tuple of operations. They all begin at once.

    ("read", page, start, stop)      plain
    ("write", page, start, stop)     plain; the value is of that operation alone
    ("if", page, byte)               a plain read; the next operation is skipped if it finds 0
    ("check", page, byte)            a plain read; the program fails if it finds anything but 0
    ("load", page) ("store", page) ("add", page)   of the atomic word [0, 2) of a page
    ("lock", n) ("unlock", n)
    ("try", n)                       the next operation is skipped if somebody holds it
    ("set", n) ("wait", n)           of an event
    ("timed", n)                     a wait that may run out of time; then the next one is skipped
    ("up", n) ("down", n)            of a semaphore that begins at 0
    ("soon", n)                      if it can be taken at once; the next one is skipped otherwise

Two operations *depend* on each other when they are of one thread, or touch the same lock, or the
same byte of a page and one of them writes. Executions that differ in the order of others are of one
*class*, written down as which operation came after which that it depends on. Everything that can
come of a program is had by doing one operation after the other, in every order there is.

This knows nothing of kernels, steps and strategies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.oracle import brute

Operation = tuple[Any, ...]
Threads = tuple[tuple[Operation, ...], ...]
Place = tuple[int, int]
"""A thread, and the number of its operation."""

WORD = (0, 2)

READS = frozenset({"read", "if", "check", "load"})
CONDITIONS = frozenset({"if", "try", "timed", "soon"})
"""What the next operation depends on."""


class State(NamedTuple):
    """A program at some moment.

    Attributes:
        counters: the operation that is next in each thread.
        memory: (page, byte) -> what it holds, where that is not 0.
        held: locks.
        flags: events that were set.
        counts: semaphore -> how often it can be taken, where that is more than 0.
        results: what each thread was told by its operations, in order.
        failed: whether the program did.
    """

    counters: tuple[int, ...]
    memory: frozenset[tuple[Place, int]]
    held: frozenset[int]
    flags: frozenset[int]
    counts: frozenset[tuple[int, int]]
    results: tuple[tuple[Any, ...], ...]
    failed: bool


def begin(threads: Threads) -> State:
    nothing: frozenset[Any] = frozenset()
    counters = tuple(0 for _ in threads)
    return State(counters, nothing, nothing, nothing, nothing, tuple(() for _ in threads), False)


def able(threads: Threads, state: State) -> list[int]:
    """The threads that can go on."""
    if state.failed:
        return []
    found = []
    for thread, operations in enumerate(threads):
        if state.counters[thread] < len(operations):
            word, target = operations[state.counters[thread]][:2]
            waits = (
                (word == "lock" and target in state.held)
                or (word == "wait" and target not in state.flags)
                or (word == "down" and not dict(state.counts).get(target))
            )
            if not waits:
                found.append(thread)
    return found


def value(thread: int, number: int) -> int:
    """What an operation writes into each byte."""
    return 1 + 16 * thread + number


def after(threads: Threads, state: State, thread: int) -> State:  # noqa: C901  (one branch for each)
    """What comes of the next operation of `thread`."""
    number = state.counters[thread]
    operation = threads[thread][number]
    word, target = operation[:2]
    memory, counts = dict(state.memory), dict(state.counts)
    held, flags = set(state.held), set(state.flags)
    result: Any = None
    failed = False
    start, stop = span(operation) or (0, 0)
    here = [(target, byte) for byte in range(start, stop)]
    if word in READS:
        result = tuple(memory.get(byte, 0) for byte in here)
        failed = word == "check" and any(result)
    elif word in {"write", "store"}:
        memory.update(dict.fromkeys(here, value(thread, number)))
    elif word == "add":
        result = tuple(memory.get(byte, 0) for byte in here)
        total = int.from_bytes(bytes(result), "little") + 1
        memory.update(zip(here, (total % (1 << 16)).to_bytes(2, "little"), strict=True))
    elif word == "lock":
        held.add(target)
    elif word == "unlock":
        held.discard(target)
    elif word == "try":
        result = target not in held
        held.add(target)
    elif word == "set":
        flags.add(target)
    elif word in {"wait", "timed"}:
        result = target in flags
    elif word == "up":
        counts[target] = counts.get(target, 0) + 1
    else:
        assert word in {"down", "soon"}
        result = bool(counts.get(target))
        if result:
            counts[target] -= 1
    skips = word in CONDITIONS and not (any(result) if word == "if" else result)
    counters = list(state.counters)
    counters[thread] += 2 if skips else 1
    results = list(state.results)
    results[thread] = (*results[thread], result)
    return State(
        tuple(counters),
        frozenset((byte, what) for byte, what in memory.items() if what),
        frozenset(held),
        frozenset(flags),
        frozenset((one, count) for one, count in counts.items() if count),
        tuple(results),
        failed,
    )


def ends(threads: Threads, most: int) -> set[State] | None:
    """Every state in which nobody can go on; None if there are more than `most` before."""
    found: set[State] = set()
    waiting = [begin(threads)]
    seen = set(waiting)
    while waiting:
        state = waiting.pop()
        ready = able(threads, state)
        if not ready:
            found.add(state)
        for thread in ready:
            new = after(threads, state, thread)
            if new not in seen:
                seen.add(new)
                waiting.append(new)
        if len(seen) > most:
            return None
    return found


# Classes


def span(operation: Operation) -> tuple[int, int] | None:
    """The bytes that an operation touches, of its page; None if it touches no page."""
    word = operation[0]
    if word in {"read", "write"}:
        return operation[2], operation[3]
    if word in {"if", "check"}:
        return operation[2], operation[2] + 1
    return WORD if word in {"load", "store", "add"} else None


def depend(threads: Threads, one: Place, other: Place) -> bool:
    if one[0] == other[0]:
        return True
    first, second = threads[one[0]][one[1]], threads[other[0]][other[1]]
    spans = span(first), span(second)
    if spans[0] is None or spans[1] is None:
        return spans == (None, None) and first[1] == second[1]
    return (
        first[1] == second[1]
        and not (first[0] in READS and second[0] in READS)
        and brute.shared(spans[0], spans[1]) is not None
    )


Class = frozenset[tuple[Place, frozenset[Place]]]
"""Each operation that was done, and those before it that it depends on."""


def class_of(threads: Threads, order: Iterable[Place]) -> Class:
    done: list[Place] = []
    found = set()
    for place in order:
        found.add((place, frozenset(old for old in done if depend(threads, old, place))))
        done.append(place)
    return frozenset(found)


def classes(threads: Threads, most: int) -> dict[Class, tuple[Place, ...]] | None:
    """Every class of whole executions, with one of them; None if one length has more than `most`.

    The program has no operations but those of pages and locks.
    """
    level: dict[Class, tuple[State, tuple[Place, ...]]] = {frozenset(): (begin(threads), ())}
    found: dict[Class, tuple[Place, ...]] = {}
    while level:
        grown: dict[Class, tuple[State, tuple[Place, ...]]] = {}
        for known, (state, order) in level.items():
            ready = able(threads, state)
            if not ready:
                found[known] = order
            for thread in ready:
                place = thread, state.counters[thread]
                before = frozenset(old for old in order if depend(threads, old, place))
                grown[known | {(place, before)}] = after(threads, state, thread), (*order, place)
        if len(grown) > most:
            return None
        level = grown
    return found


# Races


def races(threads: Threads, order: Iterable[Place]) -> set[tuple[str, frozenset[Place]]]:
    """The kind and the two operations of every race of one execution."""
    events = list(_events(threads, order))
    pairs = brute.races(events, brute.order(events))
    return {
        (pair.kind, frozenset([_place(events[pair.first]), _place(events[pair.second])]))
        for pair in pairs
    }


def _place(event: brute.Event) -> Place:
    site: Any = event.site
    return site[0], site[1]


def _events(threads: Threads, order: Iterable[Place]) -> Iterator[brute.Event]:
    ops: dict[str, str] = {"if": "read", "check": "read", "add": "rmw"}
    for number, (thread, at) in enumerate(order):
        operation = threads[thread][at]
        word, target = str(operation[0]), operation[1]
        touched = span(operation)
        yield brute.Event(
            number=number,
            thread=f"t{thread}",
            op=ops.get(word, word),
            target=f"lock:{target}" if touched is None else f"page:{target}",
            span=(0, 0) if touched is None else touched,
            site=(thread, at),
            edgeless=False,
            zeroed=False,
            order="seq_cst" if touched == WORD and word in {"load", "store", "add"} else "",
        )
