"""Programs with a bug, over what people write programs with, and the chance to hit it.

They are those of the reference "Exact numbers for schedule exploration" that came with the project,
and so are the numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.exploration.public_programs import MINUS_ONE, Body, Program, Shared, zeros


def reorder(setters: int) -> Program:
    def setter(shared: Shared) -> None:
        shared["a"].store(1)
        shared["b"].store(-1)

    def checker(shared: Shared) -> None:
        if shared["a"].load() == 0 and shared["b"].load() == 0:
            return
        if shared["a"].load() == 1 and shared["b"].load() == MINUS_ONE:
            return
        raise AssertionError("neither before nor after")

    return Program([*[setter] * setters, checker], zeros("ab"))


def twostage() -> Program:
    def first(shared: Shared) -> None:
        with shared.locks[1]:
            shared["d1"].store(1)
        with shared.locks[2]:
            shared["d2"].store(shared["d1"].load() + 1)

    def second(shared: Shared) -> None:
        with shared.locks[1]:
            if shared["d1"].load() == 0:
                return
            one = shared["d1"].load()
        with shared.locks[2]:
            two = shared["d2"].load()
        assert two == one + 1, "the second stage is missing"

    return Program([first, second], zeros(["d1", "d2"]), [1, 2])


def deadlock01() -> Program:
    def thread(outer: str, inner: str, amount: int) -> Body:
        def body(shared: Shared) -> None:
            with shared.locks[outer], shared.locks[inner]:
                shared["c"].store(shared["c"].load() + amount)

        return body

    return Program([thread("a", "b", 1), thread("b", "a", -1)], zeros("c"), ["a", "b"])


def carter01() -> Program:
    def change(cell: Any, amount: int) -> int:
        """Two steps; what is compared is what was written, and not read once more."""
        value: int = cell.load() + amount
        cell.store(value)
        return value

    def thread(counter: str) -> Body:
        def body(shared: Shared) -> None:
            with shared.locks["m"]:
                if change(shared[counter], 1) == 1:
                    shared.locks["l"].acquire()
            with shared.locks["m"]:
                if change(shared[counter], -1) == 0:
                    shared.locks["l"].release()

        return body

    return Program([thread("v1"), thread("v2")], zeros(["v1", "v2"]), ["m", "l"])


def bluetooth() -> Program:
    def stop(shared: Shared) -> None:
        shared["stopping"].store(1)
        if shared["io"].fetch_sub(1) == 1:
            shared["event"].store(1)
        if shared["event"].load():
            shared["stopped"].store(1)

    def add(shared: Shared) -> None:
        if shared["stopping"].load():
            status = -1
        else:
            status = 0
            shared["io"].fetch_add(1)
        if status == 0:
            assert not shared["stopped"].load(), "used after it was stopped"
        if shared["io"].fetch_sub(1) == 1:
            shared["event"].store(1)

    return Program([stop, add], {"io": 1, **zeros(["stopping", "event", "stopped"])})


class Chance(NamedTuple):
    """The probability to hit a bug in one execution.

    Attributes:
        walk: of a random walk; exact.
        pct: of PCT with depth 3, as measured for a textbook implementation.
        pos: of POS, likewise.
    """

    walk: float
    pct: float
    pos: float


class Bug(NamedTuple):
    """A program that fails under some schedules.

    Attributes:
        preemptions: the smallest number of them that shows the bug.
        interleavings, buggy: of threads that are all there from the beginning.
        ready, spawned: with threads that are there, or that a main thread starts and joins.
    """

    name: str
    program: Program
    preemptions: int
    interleavings: int
    buggy: int
    ready: Chance
    spawned: Chance


BUGS = [
    Bug(
        "reorder_3",
        reorder(2),
        1,
        162,
        8,
        Chance(0.04938, 0.069, 0.100),
        Chance(0.02503, 0.040, 0.068),
    ),
    Bug(
        "reorder_4",
        reorder(3),
        1,
        6573,
        57,
        Chance(0.03809, 0.045, 0.078),
        Chance(0.00740, 0.018, 0.028),
    ),
    Bug(
        "twostage",
        twostage(),
        1,
        72,
        1,
        Chance(0.01562, 0.130, 0.084),
        Chance(0.02148, 0.162, 0.094),
    ),
    Bug(
        "deadlock01",
        deadlock01(),
        1,
        6,
        2,
        Chance(0.50000, 0.168, 0.336),
        Chance(0.37500, 0.124, 0.253),
    ),
    Bug(
        "carter01",
        carter01(),
        1,
        4,
        2,
        Chance(0.50000, 0.448, 0.502),
        Chance(0.49219, 0.381, 0.440),
    ),
    Bug(
        "bluetooth",
        bluetooth(),
        1,
        73,
        4,
        Chance(0.03906, 0.056, 0.066),
        Chance(0.01953, 0.029, 0.045),
    ),
]
