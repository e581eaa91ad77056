"""Go's cases: all are accounted for, and those of atomics run as programs too.

`go/` has every case as a text trace, `tests/sync/test_go_programs.py` the channels, wait groups and
timers as programs. A test is named by the case.
"""

# ruff: noqa: N802  (a test is named by its case)

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from racepage import sync
from tests.conformance import ledger
from tests.sync.test_go_programs import Go, Meeting, Var, both, no_race, races, two


def test_every_case_is_accounted_for() -> None:
    ledger.is_held("go")


def test_the_readme_counts_them() -> None:
    counted = {letter: section.numbers for letter, section in ledger.sections("go").items()}
    assert ledger.readme_rows("go") == counted


# atomic_test.go


def add(go: Go, size: int) -> None:
    """Whoever adds second writes what the other one wrote."""
    x1, x2, s = go.var("x1"), go.var("x2"), sync.Atomic(size=size)

    def adds(own: Var, other: Var) -> None:
        own.write()
        if s.fetch_add(1, "acq_rel") == 1:
            other.write()

    two(go, (partial(adds, x1, x2),), (partial(adds, x2, x1),))


@no_race
def test_NoRaceAtomicAddInt64(go: Go) -> None:
    add(go, 8)


@no_race
def test_NoRaceAtomicAddInt32(go: Go) -> None:
    add(go, 4)


def hand_over(go: Go, s: sync.Atomic, give: Callable[[], object], seen: Callable[[], bool]) -> None:
    """G1 writes and gives; main writes when it has seen that, having looked once too early."""
    x, looked = go.var("x"), Meeting()
    go(looked.wait, x.write, give)
    assert not seen()
    looked.wait()
    assert sync.spin_until(seen, timeout=30)
    x.write()
    assert s.load("relaxed")


@no_race
def test_NoRaceAtomicLoadStoreInt32(go: Go) -> None:
    s = sync.Atomic(size=4)
    hand_over(go, s, lambda: s.store(1), lambda: s.load() == 1)


@no_race
def test_NoRaceAtomicCASLoadInt32(go: Go) -> None:
    s = sync.Atomic(size=4)
    hand_over(go, s, lambda: s.compare_exchange(0, 1), lambda: s.load() == 1)


@no_race
def test_NoRaceAtomicCASCASUInt64(go: Go) -> None:
    s = sync.Atomic()
    hand_over(go, s, lambda: s.compare_exchange(0, 1), lambda: s.compare_exchange(1, 2).ok)


@no_race
def test_NoRaceAtomicStoreCASUint64(go: Go) -> None:
    s = sync.Atomic()
    hand_over(go, s, lambda: s.store(1), lambda: s.compare_exchange(1, 2).ok)


@no_race
def test_NoRaceAtomicCASCASInt32_2(go: Go) -> None:
    """Whoever fails to exchange writes what the other one wrote."""
    x1, x2, s = go.var("x1"), go.var("x2"), sync.Atomic(size=4)

    def exchanges(own: Var, other: Var) -> None:
        own.write()
        if not s.compare_exchange(0, 1):
            other.write()

    two(go, (partial(exchanges, x1, x2),), (partial(exchanges, x2, x1),))


@races("x: G1 G2")
def test_a_failed_exchange_that_is_relaxed_learns_nothing(go: Go) -> None:
    x, s, done = go.var("x"), sync.Atomic(size=4), Meeting()

    def fails() -> None:
        done.wait()
        assert not s.compare_exchange(0, 2, "acq_rel", "relaxed")
        x.write()

    two(go, (x.write, lambda: s.compare_exchange(0, 1), done.wait), (fails,))


@races("a: G1 main")
def test_RaceAtomicLoadStore(go: Go) -> None:
    a = go.var("a")
    both(go, (lambda: a.word().load(),), (a.write,))


@races("a: G1 main")
def test_RaceAtomicAddStore(go: Go) -> None:
    a = go.var("a")
    both(go, (lambda: a.word().fetch_add(1),), (a.write,))
