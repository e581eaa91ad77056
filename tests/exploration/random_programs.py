"""Random programs for Hypothesis, and their threads for the abstract machine."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hypothesis import strategies as st

from racepage.execution.step import AWAIT, LOCK, READ, UNLOCK, WRITE
from racepage.exploration.strategy import Run
from tests.exploration import brute
from tests.exploration.machine import Body, Failure, Operation, Program


@st.composite
def places(draw: st.DrawFn) -> brute.Place:
    """Some bytes of the four of a page of two."""
    start = draw(st.integers(0, 3))
    return draw(st.integers(0, 1)), start, draw(st.integers(start + 1, 4))


cells = st.just((2, 0, 1))
"""A page of one byte: what is exchanged is touched whole by everybody."""


EXACT = frozenset({"read", "write", "skip", "copy", "exchange", "lock", "unlock", "try", "join"})
"""Operations of which each does what it announced, or fails on the same bytes as all others."""

GUESSING = frozenset({"mixed"})
PICKING = frozenset({"pick", "place"})
WAITING = frozenset({"wait", "timed", "notify"})
FAILING = frozenset({"check"})
DAEMONS = frozenset({"daemon"})


def operations(words: frozenset[str]) -> st.SearchStrategy[Operation]:
    anywhere = places() | cells
    values = st.integers(0, 2)
    either = st.integers(0, 1)
    kinds = {
        "read": st.tuples(st.just("read"), anywhere),
        "write": st.tuples(st.just("write"), anywhere, values),
        "skip": st.tuples(st.just("skip"), anywhere),
        "copy": st.tuples(st.just("copy"), anywhere, anywhere),
        "exchange": st.tuples(st.just("exchange"), cells, values, values),
        "mixed": st.tuples(st.just("exchange"), anywhere, values, values),
        "lock": st.tuples(st.just("lock"), either),
        "unlock": st.tuples(st.just("unlock"), either),
        "try": st.tuples(st.just("try"), either),
        "join": st.tuples(st.just("join"), either),
        "pick": st.tuples(st.just("pick"), anywhere, st.integers(1, 2), either),
        "place": st.tuples(st.just("place"), anywhere, anywhere),
        "wait": st.tuples(st.just("wait"), either, anywhere | either),
        "timed": st.tuples(st.just("timed"), either, anywhere | either),
        "notify": st.tuples(st.just("notify"), either),
        "check": st.tuples(st.just("check"), anywhere, values),
    }
    return st.one_of([kinds[word] for word in sorted(words - DAEMONS)])


def threads(words: frozenset[str]) -> st.SearchStrategy[brute.Threads]:
    """Two or three threads of up to four operations, of which the later ones may be daemons."""
    thread = st.lists(operations(words), max_size=4).map(tuple)
    others = thread
    if words & DAEMONS:
        others = thread | thread.map(lambda operations: (("daemon", 0), *operations))
    return st.builds(
        lambda one, more: (one, *more), thread, st.lists(others, min_size=1, max_size=2)
    )


def program(threads: brute.Threads) -> Program:
    return lambda: ({}, [_body(*thread) for thread in enumerate(threads)])


def _body(number: int, operations: tuple[Operation, ...]) -> Body:  # noqa: C901  (one branch for each)
    def body() -> Generator[Operation, Any, None]:  # noqa: C901, PLR0912  (one branch for each)
        skipped = False
        for at, operation in enumerate(operations):
            if skipped:
                skipped = False
                continue
            word = operation[0]
            if word == "skip":
                skipped = (yield "read", operation[1]) != 0
            elif word == "check":
                if (yield "read", operation[1]) == operation[2]:
                    raise Failure(str(operation))
            elif word in {"lock", "unlock", "try"}:
                taken = yield word, (brute.LOCKS + operation[1], 0, 1)
                skipped = word == "try" and not taken
            elif word == "exchange":
                skipped = not (yield operation)
            elif word == "pick":
                _, place, base, more = operation
                yield "pick", place, lambda value, base=base, more=more: base + more * (value != 0)
            elif word in {"wait", "timed"}:
                _, condition, place = operation
                if isinstance(place, int):
                    place = "lock", (brute.LOCKS + place, 0, 1)
                cell = (brute.CONDITIONS + condition, 0, 1)
                rest = word == "timed", (brute.WAKE_UPS + 10 * number + at, 0, 1)
                yield "park", cell, *rest
                skipped = not (yield "parked", cell, *rest, place)
            elif word == "daemon":
                yield ("daemon",)
            elif word == "notify":
                yield word, (brute.CONDITIONS + operation[1], 0, 1)
            elif word == "place":
                yield "place", operation[1:]
            else:
                yield operation

    return body


def trace(run: Run, numbers: dict[Any, int]) -> brute.Trace:
    """What all executions that are equivalent to this one have in common."""
    pages = {number: page for page, number in numbers.items()}
    for page, target in numbers.items():
        if isinstance(page, str):
            pages[target] = brute.THREADS + int(page.removeprefix("thread "))
    kinds = {READ: "r", WRITE: "w", LOCK: "l", UNLOCK: "u", AWAIT: "a"}
    counters: dict[int, int] = {}
    events = []
    for step in run.steps:
        number = counters.get(step.task, 0)
        counters[step.task] = number + 1
        accesses = tuple(
            brute.Access(pages[touch.target], touch.start, touch.stop, kinds[touch.how])
            for touch in step.touches
        )
        events.append(brute.Event(step.task, number, accesses, step.picks))
    return brute.trace(events)
