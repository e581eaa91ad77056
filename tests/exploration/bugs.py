"""Programs with a bug, over the abstract machine.

They are those of the reference "Exact numbers for schedule exploration" that came with the project,
with threads that are there from the beginning.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.exploration.machine import Body, Failure, Program
from tests.exploration.programs import Steps, add, program, straight


def reorder(setters: int) -> Program:
    def checker() -> Steps:
        if (yield "read", "a") == 0 and (yield "read", "b") == 0:
            return
        if (yield "read", "a") == 1 and (yield "read", "b") == -1:
            return
        raise Failure("neither before nor after")

    return program(*[straight(("write", "a", 1), ("write", "b", -1))] * setters, checker)


def twostage() -> Program:
    def first() -> Steps:
        yield "lock", "l1"
        yield "write", "d1", 1
        yield "unlock", "l1"
        yield "lock", "l2"
        value = yield "read", "d1"
        yield "write", "d2", value + 1
        yield "unlock", "l2"

    def second() -> Steps:
        yield "lock", "l1"
        one = yield "read", "d1"
        if one == 0:
            yield "unlock", "l1"
            return
        again = yield "read", "d1"
        yield "unlock", "l1"
        yield "lock", "l2"
        two = yield "read", "d2"
        yield "unlock", "l2"
        if two != again + 1:
            raise Failure("the second stage is missing")

    return program(first, second)


def deadlock01() -> Program:
    def thread(outer: str, inner: str, amount: int) -> Body:
        def body() -> Steps:
            yield "lock", outer
            yield "lock", inner
            value = yield "read", "c"
            yield "write", "c", value + amount
            yield "unlock", inner
            yield "unlock", outer

        return body

    return program(thread("a", "b", 1), thread("b", "a", -1))


def carter01() -> Program:
    def thread(counter: str) -> Body:
        def body() -> Steps:
            yield "lock", "m"
            value = yield "read", counter
            yield "write", counter, value + 1
            if (yield "read", counter) == 1:
                yield "lock", "l"
            yield "unlock", "m"
            yield "lock", "m"
            value = yield "read", counter
            yield "write", counter, value - 1
            if (yield "read", counter) == 0:
                yield "unlock", "l"
            yield "unlock", "m"

        return body

    return program(thread("v1"), thread("v2"))


def bluetooth() -> Program:
    def stop() -> Steps:
        yield "write", "stopping", 1
        if (yield "change", "io", add(-1)) == 1:
            yield "write", "event", 1
        if (yield "read", "event"):
            yield "write", "stopped", 1

    def adder() -> Steps:
        if (yield "read", "stopping"):
            status = -1
        else:
            status = 0
            yield "change", "io", add(1)
        if status == 0 and (yield "read", "stopped"):
            raise Failure("used after it was stopped")
        if (yield "change", "io", add(-1)) == 1:
            yield "write", "event", 1

    return program(stop, adder, io=1)


class Bug(NamedTuple):
    """A program that fails under some schedules.

    Attributes:
        preemptions: the smallest number of them that shows the bug.
    """

    name: str
    program: Program
    preemptions: int


BUGS = [
    Bug("reorder_3", reorder(2), 1),
    Bug("reorder_4", reorder(3), 1),
    Bug("twostage", twostage(), 1),
    Bug("deadlock01", deadlock01(), 1),
    Bug("carter01", carter01(), 1),
    Bug("bluetooth", bluetooth(), 1),
]
