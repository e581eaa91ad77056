"""The programs of the exact numbers for schedule exploration, over the abstract machine.

`ROWS` are those whose numbers of traces and of interleavings are known, `BUGS` those in which the
chance to hit a bug is. The numbers are those of the reference "Exact numbers for schedule
exploration" that came with the project; small ones can be had by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from tests.exploration.machine import Body, Operation, Program

Steps = Generator[Operation, Any, None]


def program(*bodies: Body, **values: int) -> Program:
    return lambda: (dict(values), list(bodies))


def straight(*operations: Operation) -> Body:
    def body() -> Steps:
        for operation in operations:  # noqa: UP028  (a tuple takes no answers)
            yield operation

    return body


def add(amount: int) -> Callable[[int], int]:
    return lambda value: value + amount


def readers(count: int) -> Program:
    return program(straight(("write", "x", 42)), *[straight(("read", "x"))] * count)


def lastzero(count: int) -> Program:
    def reader() -> Steps:
        at = count
        while (yield "read", at) != 0:
            at -= 1

    def writer(number: int) -> Body:
        def body() -> Steps:
            value = yield "read", number - 1
            yield "write", number, value + 1

        return body

    return program(reader, *[writer(number) for number in range(1, count + 1)])


def indexer(count: int) -> Program:
    def thread(number: int) -> Body:
        def body() -> Steps:
            for message in range(1, 5):
                word = message * 11 + number
                at = 7 * word % 128
                while not (yield "exchange", at, 0, word):
                    at = (at + 1) % 128

        return body

    return program(*[thread(number) for number in range(count)])


def filesystem(count: int) -> Program:
    def thread(number: int) -> Body:
        def body() -> Steps:
            inode = number % 32
            yield "lock", f"inode lock {inode}"
            if (yield "read", f"inode {inode}") == 0:
                block = 2 * inode % 26
                while True:
                    yield "lock", f"block lock {block}"
                    if not (yield "read", f"busy {block}"):
                        yield "write", f"busy {block}", 1
                        yield "write", f"inode {inode}", block + 1
                        yield "unlock", f"block lock {block}"
                        break
                    yield "unlock", f"block lock {block}"
                    block = (block + 1) % 26
            yield "unlock", f"inode lock {inode}"

        return body

    return program(*[thread(number) for number in range(count)])


def writers(count: int) -> Program:
    return program(
        *[straight(("write", "x", number + 1)) for number in range(count)],
        straight(("read", "x")),
    )


def ainc(count: int) -> Program:
    return program(*[straight(("change", "x", add(1)))] * count)


def inc(count: int) -> Program:
    def body() -> Steps:
        value = yield "read", "x"
        yield "write", "x", value + 1

    return program(*[body] * count)


def rw(count: int) -> Program:
    return program(*[straight(("write", "x", 1), ("read", "x"))] * count)


def binc(count: int) -> Program:
    return program(*[straight(("change", "x", add(1)), ("change", "y", add(1)))] * count)


def cinc(count: int) -> Program:
    return program(*[straight(*[("change", cell, add(1)) for cell in "xyz"])] * count)


def casw(count: int) -> Program:
    return program(
        *[straight(("exchange", "x", 0, 1), ("write", "x", number + 3)) for number in range(count)]
    )


def cas(count: int) -> Program:
    return program(*[straight(("exchange", "x", 0, number)) for number in range(1, count + 1)])


def wcas(count: int) -> Program:
    return program(straight(("write", "x", 2)), *[straight(("exchange", "x", 2, 3))] * count)


def wainc(count: int) -> Program:
    return program(straight(("write", "x", 42)), *[straight(("change", "x", add(1)))] * count)


def mpat(count: int) -> Program:
    bodies = []
    for number in range(count):
        section = (("lock", number), ("unlock", number))
        bodies.append(straight(*section))
        bodies.append(straight(("lock", "m"), *section, ("unlock", "m")))
    return program(*bodies)


def philosophers(count: int) -> Program:
    return program(
        *[
            straight(("lock", left), ("lock", right), ("unlock", right), ("unlock", left))
            for left in range(count)
            for right in [(left + 1) % count]
        ]
    )


def private(count: int) -> Program:
    return program(*[straight(("write", number, 1), ("read", number)) for number in range(count)])


def litmus(*threads: str) -> Program:
    """Threads of accesses: `litmus("Wx Ry", "Wy Rx")` is store buffering."""
    return program(
        *[
            straight(
                *[
                    ("write", access[1], 1) if access[0] == "W" else ("read", access[1])
                    for access in thread.split()
                ]
            )
            for thread in threads
        ]
    )


class Row(NamedTuple):
    """A program of which the exact numbers are known.

    Attributes:
        traces: Mazurkiewicz traces.
        interleavings: None where they are beyond counting.
        deadlocks: how many of the traces end in one.
    """

    name: str
    program: Program
    traces: int
    interleavings: int | None = None
    deadlocks: int = 0


ROWS = [
    Row("readers(2)", readers(2), 4, 6),
    Row("readers(3)", readers(3), 8, 24),
    Row("readers(4)", readers(4), 16, 120),
    Row("readers(6)", readers(6), 64, 5040),
    Row("readers(8)", readers(8), 256, 362_880),
    Row("lastzero(2)", lastzero(2), 5, 35),
    Row("lastzero(3)", lastzero(3), 12, 920),
    Row("lastzero(4)", lastzero(4), 28, 44_300),
    Row("lastzero(5)", lastzero(5), 64),
    Row("indexer(12)", indexer(12), 8),
    Row("filesystem(16)", filesystem(16), 8),
    Row("writers(2)", writers(2), 6, 6),
    Row("writers(3)", writers(3), 24, 24),
    Row("writers(4)", writers(4), 120, 120),
    Row("ainc(2)", ainc(2), 2, 2),
    Row("ainc(3)", ainc(3), 6, 6),
    Row("ainc(4)", ainc(4), 24, 24),
    Row("inc(2)", inc(2), 4, 6),
    Row("inc(3)", inc(3), 36, 90),
    Row("rw(2)", rw(2), 4, 6),
    Row("rw(3)", rw(3), 36, 90),
    Row("binc(2)", binc(2), 4, 6),
    Row("binc(3)", binc(3), 36, 90),
    Row("cinc(2)", cinc(2), 8, 20),
    Row("casw(2)", casw(2), 6, 6),
    Row("casw(3)", casw(3), 66, 90),
    Row("wcas(2)", wcas(2), 5, 6),
    Row("wcas(3)", wcas(3), 13, 24),
    Row("wcas(4)", wcas(4), 33, 120),
    Row("wcas(5)", wcas(5), 81, 720),
    Row("wainc(2)", wainc(2), 6, 6),
    Row("wainc(3)", wainc(3), 24, 24),
    Row("mpat(1)", mpat(1), 2, 6),
    Row("mpat(2)", mpat(2), 8, 1638),
    Row("mpat(3)", mpat(3), 48, 1_837_404),
    Row("store buffering", litmus("Wx Ry", "Wy Rx"), 3, 6),
    Row("message passing", litmus("Wx Wy", "Ry Rx"), 3, 6),
    Row("load buffering", litmus("Rx Wy", "Ry Wx"), 3, 6),
    Row("independent reads", litmus("Wx", "Wy", "Rx Ry", "Ry Rx"), 15, 180),
    Row("philosophers(2)", philosophers(2), 3, 6, deadlocks=1),
    Row("philosophers(3)", philosophers(3), 7, 168, deadlocks=1),
    Row("private(3)", private(3), 1, 90),
]
