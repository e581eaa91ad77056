"""ThreadSanitizer's cases on locks, atomics and counts: what a report says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from racepage.detect.analysis import Engine
from racepage.finding import Finding, Side
from tests.expectations import ENGINES, finds_what_it_expects

TSAN = Path(__file__).parent / "tsan"

engines = pytest.mark.parametrize("engine", ENGINES)


def sides(case: str, engine: Engine) -> tuple[Finding, Side, Side]:
    """The one finding of a case, and both of its sides."""
    (finding,) = finds_what_it_expects(TSAN / f"{case}.trace", engine).findings
    assert finding.first is not None
    assert finding.second is not None
    return finding, finding.first, finding.second


@engines
def test_atomic_stack(engine: Engine) -> None:
    """One side is told as atomic, of four bytes, and the frames are the program's."""
    _, plain, atomic = sides("atomic_stack", engine)
    assert (plain.op, plain.access) == ("write", "plain")
    assert (atomic.op, atomic.access, atomic.range) == ("rmw", "atomic", (0, 4))
    assert [side.stack[0].function for side in (plain, atomic)] == ["Thread2", "Thread1"]


@engines
def test_free_race(engine: Engine) -> None:
    """The use, the free and the allocation are shown, each with its stack."""
    finding, free, use = sides("free_race", engine)
    (alloc,) = finding.related
    assert [(side.thread, side.op, side.stack[0].line) for side in (alloc, free, use)] == [
        ("main", "alloc", 40),
        ("T1", "free", 18),
        ("main", "write", 27),
    ]


@engines
@pytest.mark.parametrize(
    ("case", "first", "second"),
    [
        ("mutexset1", "", "write m"),
        ("mutexset2", "write m", ""),
        ("mutexset3", "", "write m1, write m2"),
        ("mutexset4", "write m1, write m2", ""),
        ("mutexset5", "write m1", "write m2"),
        ("mutexset6", "write m2, read m3", "write m1"),
        ("mutexset7", "write m", ""),
        ("mutexset8", "write m", ""),
    ],
)
def test_mutexset(case: str, first: str, second: str, engine: Engine) -> None:
    """Which locks each side held, and how."""
    _, *both = sides(case, engine)
    held = [", ".join(f"{lock.mode} {lock.name}" for lock in side.locks) for side in both]
    assert held == [first, second]


@engines
def test_suppress_same_stacks(engine: Engine) -> None:
    finding, *_ = sides("suppress_same_stacks", engine)
    assert finding.count == 4
