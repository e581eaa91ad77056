"""ThreadSanitizer's cases on orders of locks and on threads: many of something, and the report."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from racepage.detect.analysis import Engine, analyse
from racepage.events import Flag, Kind, LockKind, Op, Target
from racepage.finding import Analysis, Finding
from racepage.trace.columns import TraceBuilder
from tests.expectations import ENGINES, finds_what_it_expects

TSAN = Path(__file__).parent / "tsan"

engines = pytest.mark.parametrize("engine", ENGINES)


def lock(number: int) -> Target:
    return Target(Kind.LOCK, str(number))


def nested(orders: Iterable[Iterable[int]], engine: Engine, *, unused: int = 0) -> Analysis:
    """One thread takes the locks of each order, one under the other, and gives them all back."""
    builder = TraceBuilder()
    for number in range(unused):
        builder.lock_kind(Target(Kind.LOCK, f"unused/{number}"), LockKind.MUTEX)
    for order in orders:
        taken = [lock(number) for number in order]
        for one in taken:
            builder.lock_kind(one, LockKind.MUTEX)
            builder.add("main", Op.LOCK, one)
        for one in reversed(taken):
            builder.add("main", Op.UNLOCK, one)
    return analyse(builder.finish(), engine=engine)


def locks_of(finding: Finding) -> frozenset[str]:
    """The locks of a cycle."""
    assert finding.kind == "lock-order"
    return frozenset(str(side.target) for side in finding.related)


@engines
@pytest.mark.parametrize("length", [5, 10, 15, 20, 30])
def test_mutex_cycle_long(length: int, engine: Engine) -> None:
    """Each lock under the one before it, around; the finding shows both rows of every edge."""
    around = [*range(length), 0]
    (finding,) = nested(pairwise(around), engine).findings
    assert locks_of(finding) == {str(lock(number)) for number in range(length)}
    assert len(finding.related) == 2 * length


@engines
def test_test3(engine: Engine) -> None:
    """Two orders, and a thousand locks that nobody takes."""
    (finding,) = nested([(0, 1), (1, 0)], engine, unused=1000).findings
    assert locks_of(finding) == {"lock:0", "lock:1"}


@engines
def test_test4(engine: Engine) -> None:
    """Two orders, with two thousand other pairs of locks in between: nothing is forgotten."""
    others = [(number, number + 1) for number in range(2, 4002, 2)]
    (finding,) = nested([(0, 1), *others, (1, 0)], engine).findings
    assert locks_of(finding) == {"lock:0", "lock:1"}


@engines
def test_test19(engine: Engine) -> None:
    """45 locks in every rotation: whatever else is told, neighbours are taken in both orders.

    The first under nothing but itself, the last under all others: no lock is held around both.
    """
    count = 45
    rotations = [[(first + step) % count for step in range(count)] for first in range(count)]
    told = [locks_of(finding) for finding in nested(rotations, engine).findings]
    assert len(set(told)) == len(told)
    neighbours = {
        frozenset((str(lock(number)), str(lock((number + 1) % count)))) for number in range(count)
    }
    assert neighbours <= set(told)


@engines
def test_real_deadlock_detector_stress_test(engine: Engine) -> None:
    """Four threads wait for locks in ascending order only, and try others as they come."""
    random = Random("real_deadlock")  # noqa: S311  (the same each time)
    builder = TraceBuilder()
    free = set(range(16))
    held: dict[str, list[int]] = {f"T{number}": [] for number in range(4)}
    for _ in range(2000):
        thread = random.choice([*held])
        mine = held[thread]
        number = random.randrange(16)
        if number in free:
            waits = not mine or number > max(mine)
            flags = Flag.NONE if waits else Flag.TRY
            builder.add(thread, Op.LOCK, lock(number), flags=flags)
            free.remove(number)
            mine.append(number)
        elif mine:
            given = mine.pop(random.randrange(len(mine)))
            builder.add(thread, Op.UNLOCK, lock(given))
            free.add(given)
    assert analyse(builder.finish(), engine=engine).findings == ()


@engines
@pytest.mark.parametrize(("case", "length"), [("Test16", 2), ("Test17", 3)])
def test_a_cycle_shows_who_took_what_and_held_what(case: str, length: int, engine: Engine) -> None:
    (finding,) = finds_what_it_expects(TSAN / f"{case}.trace", engine).findings
    edges = list(zip(finding.related[::2], finding.related[1::2], strict=True))
    assert len(edges) == length
    for number, (outer, inner) in enumerate(edges, 1):
        after = number % length + 1
        assert (outer.thread, inner.thread) == (f"T{number}", f"T{number}")
        assert (outer.target, inner.target) == (f"lock:{number}", f"lock:{after}")
        assert [side.stack[0].function for side in (outer, inner)] == [
            f"Lock_{number}",
            f"Lock_{after}",
        ]
        assert [held.name for held in inner.locks] == [str(number)]


@engines
def test_thread_leak5(engine: Engine) -> None:
    """Five threads that one line starts are one finding, which counts them."""
    (finding,) = finds_what_it_expects(TSAN / "thread_leak5.trace", engine).findings
    assert finding.count == 5
