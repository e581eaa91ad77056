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
    ("put", n) ("get", n)            of a queue that has room for one
    ("poll", n)                      as ("get", n), if there is something; the next one is skipped
                                     otherwise
    ("await", n) ("notify", n)       of a condition of lock n, which the thread holds
    ("limited", n)                   as ("await", n), but may run out of time; then the next one is
                                     skipped. Until it has its lock again it may still be the one
                                     that is notified, in vain, as with `threading`
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
CONDITIONS = frozenset({"if", "try", "timed", "soon", "poll", "limited"})
"""What the next operation depends on."""


class State(NamedTuple):
    """A program at some moment.

    Attributes:
        counters: the operation that is next in each thread.
        phases: how far it is, where it has begun to wait for a condition: it `waits`, was `woken`,
            is `late`, or that and notified in `vain`.
        memory: (page, byte) -> what it holds, where that is not 0.
        held: locks.
        flags: events that were set.
        counts: semaphore -> how often it can be taken, where that is more than 0.
        queues: queue -> what is in it, where anything is.
        results: what each thread was told by its operations, in order.
        failed: whether the program did.
    """

    counters: tuple[int, ...]
    phases: tuple[str, ...]
    memory: frozenset[tuple[Place, int]] = frozenset()
    held: frozenset[int] = frozenset()
    flags: frozenset[int] = frozenset()
    counts: frozenset[tuple[int, int]] = frozenset()
    queues: frozenset[tuple[int, int]] = frozenset()
    results: tuple[tuple[Any, ...], ...] = ()
    failed: bool = False


def begin(threads: Threads) -> State:
    return State(
        tuple(0 for _ in threads), tuple("" for _ in threads), results=tuple(() for _ in threads)
    )


def able(threads: Threads, state: State) -> list[int]:
    """The threads that can go on."""
    if state.failed:
        return []
    counts, queues = dict(state.counts), dict(state.queues)
    found = []
    for thread, operations in enumerate(threads):
        if state.counters[thread] < len(operations):
            word, target = operations[state.counters[thread]][:2]
            phase = state.phases[thread]
            waits = (
                ((word == "lock" or phase in {"woken", "late", "vain"}) and target in state.held)
                or (word == "wait" and target not in state.flags)
                or (word == "down" and not counts.get(target))
                or (word == "put" and target in queues)
                or (word == "get" and target not in queues)
                or (word == "await" and phase == "waits")
            )
            if not waits:
                found.append(thread)
    return found


def value(thread: int, number: int) -> int:
    """What an operation writes into each byte."""
    return 1 + 16 * thread + number


class Moment:
    """A state that changes: what an operation does to it."""

    def __init__(self, state: State, thread: int) -> None:
        self.state = state
        self.thread = thread
        self.memory = dict(state.memory)
        self.counts = dict(state.counts)
        self.queues = dict(state.queues)
        self.held = set(state.held)
        self.flags = set(state.flags)
        self.phases = list(state.phases)
        self.failed = False

    def goes_on(self, result: Any, skips: int = 0) -> State:
        """The operation is over."""
        counters, results = list(self.state.counters), list(self.state.results)
        counters[self.thread] += 1 + skips
        results[self.thread] = (*results[self.thread], result)
        return self.stays()._replace(counters=tuple(counters), results=tuple(results))

    def stays(self) -> State:
        """The operation is not over yet."""
        return self.state._replace(
            phases=tuple(self.phases),
            memory=frozenset((byte, what) for byte, what in self.memory.items() if what),
            held=frozenset(self.held),
            flags=frozenset(self.flags),
            counts=frozenset((one, count) for one, count in self.counts.items() if count),
            queues=frozenset(self.queues.items()),
            failed=self.failed,
        )


def after(threads: Threads, state: State, thread: int) -> list[State]:
    """All that can come of the next operation of `thread`."""
    operation = threads[thread][state.counters[thread]]
    word, target = operation[:2]
    now = Moment(state, thread)
    if word in {"await", "limited"}:
        return [_waiting(now, target)]
    if word == "notify":
        waiting = [
            other
            for other, phase in enumerate(state.phases)
            if phase in {"waits", "late"} and threads[other][state.counters[other]][1] == target
        ]
        found = []
        for other in waiting:
            then = Moment(state, thread)
            then.phases[other] = "woken" if state.phases[other] == "waits" else "vain"
            found.append(then.goes_on(None))
        return found or [now.goes_on(None)]
    touched = span(operation)
    if touched is not None:
        result = _access(now, operation, value(thread, state.counters[thread]))
    else:
        result = _synchronise(now, word, target, value(thread, state.counters[thread]))
    skips = word in CONDITIONS and not (any(result) if word == "if" else result)
    return [now.goes_on(result, skips)]


def _waiting(now: Moment, lock: int) -> State:
    """A wait for a condition: it gives the lock back, waits, and takes it again."""
    phase = now.phases[now.thread]
    if phase in {"woken", "late", "vain"}:
        now.held.add(lock)
        now.phases[now.thread] = ""
        return now.goes_on(phase == "woken", skips=phase != "woken")
    if phase == "":
        now.held.discard(lock)
    now.phases[now.thread] = "late" if phase == "waits" else "waits"
    return now.stays()


def _access(now: Moment, operation: Operation, byte: int) -> Any:
    """What an operation on a page does; its result."""
    word, page = operation[:2]
    start, stop = span(operation) or (0, 0)
    here = [(page, at) for at in range(start, stop)]
    if word in {"write", "store"}:
        now.memory.update(dict.fromkeys(here, byte))
        return None
    found = tuple(now.memory.get(at, 0) for at in here)
    if word == "add":
        total = int.from_bytes(bytes(found), "little") + 1
        now.memory.update(zip(here, (total % (1 << 16)).to_bytes(2, "little"), strict=True))
    now.failed = word == "check" and any(found)
    return found


def _synchronise(now: Moment, word: str, target: int, byte: int) -> Any:  # noqa: PLR0911  (one each)
    """What an operation on a primitive does; its result."""
    if word in {"lock", "try"}:
        free = target not in now.held
        now.held.add(target)
        return free if word == "try" else None
    if word == "unlock":
        now.held.discard(target)
        return None
    if word == "set":
        now.flags.add(target)
        return None
    if word in {"wait", "timed"}:
        return target in now.flags
    if word == "up":
        now.counts[target] = now.counts.get(target, 0) + 1
        return None
    if word == "put":
        now.queues[target] = byte
        return None
    if word in {"get", "poll"}:
        return now.queues.pop(target, None)
    assert word in {"down", "soon"}
    there = now.counts.get(target, 0)
    now.counts[target] = max(there - 1, 0)
    return bool(there)


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
            for new in after(threads, state, thread):
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
                (new,) = after(threads, state, thread)
                grown[known | {(place, before)}] = new, (*order, place)
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
