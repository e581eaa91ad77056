"""KCSAN's cases: text traces of their names, and here what is a grid.

A test is named by the case; README.md says how the source was carried over.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from racepage.detect.analysis import Engine, analyse
from racepage.events import Kind, MemoryOrder, Op, Target, overlap
from racepage.finding import Analysis
from racepage.policy.apply import Policy
from racepage.policy.suppress import parse as parse_entries
from racepage.trace.columns import Trace, TraceBuilder
from racepage.trace.text import parse
from tests.conformance import ledger
from tests.expectations import ENGINES, finds_what_it_expects, traces

KCSAN = traces(Path(__file__).parent / "kcsan")

engines = pytest.mark.parametrize("engine", ENGINES)


@engines
@pytest.mark.parametrize("case", KCSAN)
def test_kcsan(case: str, engine: Engine) -> None:
    finds_what_it_expects(KCSAN[case], engine)


def test_every_case_is_accounted_for() -> None:
    ledger.is_held("kcsan")


def test_the_readme_counts_them() -> None:
    counted = {letter: section.numbers for letter, section in ledger.sections("kcsan").items()}
    assert ledger.readme_rows("kcsan") == counted


@engines
def test_data_race(engine: Engine) -> None:
    """It is found, listed with its reason, and does not count."""
    analysis = finds_what_it_expects(KCSAN["test_data_race"], engine)
    (finding,) = analysis.findings
    assert finding.suppressed == "data_race"
    assert finding.first is not None
    assert finding.second is not None
    assert (finding.first.event, finding.second.event) == (3, 5)
    assert analysis.verdict == "clean"


@engines
def test_data_racy_qualifier(engine: Engine) -> None:
    """What may race is known by its name, and a suppression gives the name."""
    analysis = finds_what_it_expects(KCSAN["test_data_racy_qualifier"], engine)
    entry = {"page": "data_racy.*", "reason": "declared so"}
    assert Policy(parse_entries([entry], "suppressions.toml")).apply(analysis).verdict == "clean"


# --- every marked access against every other one

MARKED = [
    *product((Op.LOAD,), map(MemoryOrder, (1, 2, 5))),
    *product((Op.STORE,), map(MemoryOrder, (1, 3, 5))),
    *product((Op.RMW,), map(MemoryOrder, (1, 2, 3, 4, 5))),
]


def pairs(plain: Op | None) -> tuple[Trace, int]:
    """Each marked access against each, or against a plain one, on bytes of their own."""
    builder = TraceBuilder()
    page = Target(Kind.PAGE, "0")
    count = 0
    for (op, order), (other, other_order) in product(MARKED, MARKED):
        where = 8 * count, 8 * count + 8
        builder.add("T1", op, page, *where, order=order)
        if plain is None:
            builder.add("T2", other, page, *where, order=other_order)
        else:
            builder.add("T2", plain, page, *where)
        count += 1
    return builder.finish(), count


@engines
def test_atomic_builtins(engine: Engine) -> None:
    """Whatever is marked, with whatever order, is in a race with nothing that is marked."""
    trace, _ = pairs(None)
    assert analyse(trace, engine=engine).findings == ()
    trace, count = pairs(Op.WRITE)
    assert len(analyse(trace, engine=engine).findings) == count


# --- which primitives order what came before them

RELEASES = {
    "smp_mb": "T1 fence order=seq_cst / T1 store page:y[0:4] order=relaxed",
    "smp_store_mb": "T1 store page:y[0:4] order=relaxed / T1 fence order=seq_cst / "
    "T1 store page:y[0:4] order=relaxed",
    "smp_store_release": "T1 store page:y[0:4] order=release",
    "xchg": "T1 rmw page:y[0:4] order=seq_cst",
    "xchg_release": "T1 rmw page:y[0:4] order=release",
    "cmpxchg": "T1 rmw page:y[0:4] order=acq_rel",
    "cmpxchg_release": "T1 rmw page:y[0:4] order=release",
    "atomic_add_return": "T1 rmw page:y[0:4] order=seq_cst",
    "atomic_add_return_release": "T1 rmw page:y[0:4] order=release",
    "test_and_set_bit": "T1 rmw page:y[0:1] order=seq_cst",
    "clear_bit_unlock": "T1 rmw page:y[0:1] order=release",
    "clear_bit_unlock_is_negative_byte": "T1 rmw page:y[0:1] order=release",
    "spin_unlock": "T1 unlock lock:l",
    "mutex_unlock": "T1 unlock lock:l",
}
RELEASES_NOTHING = {
    "smp_load_acquire": "T1 load page:y[0:4] order=acquire",
    "xchg_relaxed": "T1 rmw page:y[0:4] order=relaxed",
    "xchg_acquire": "T1 rmw page:y[0:4] order=acquire",
    "cmpxchg_relaxed": "T1 rmw page:y[0:4] order=relaxed",
    "cmpxchg_acquire": "T1 rmw page:y[0:4] order=acquire",
    "atomic_add_return_relaxed": "T1 rmw page:y[0:4] order=relaxed",
    "atomic_add_return_acquire": "T1 rmw page:y[0:4] order=acquire",
    "atomic_read": "T1 load page:y[0:4] order=relaxed",
    "atomic_set": "T1 store page:y[0:4] order=relaxed",
    "atomic_add": "T1 rmw page:y[0:4] order=relaxed",
    "set_bit": "T1 rmw page:y[0:1] order=relaxed",
    "clear_bit": "T1 rmw page:y[0:1] order=relaxed",
    "change_bit": "T1 rmw page:y[0:1] order=relaxed",
    "test_and_set_bit_lock": "T1 rmw page:y[0:1] order=acquire",
    "spin_lock": "T1 lock lock:l / T2 lock lock:l tryfail",
    "mutex_lock": "T1 lock lock:l / T2 lock lock:l tryfail",
}


def after(primitive: str, access: str, engine: Engine) -> Analysis:
    """T1 accesses x before the primitive; T2 takes what that hands on, and writes x."""
    rows = [f"T1 {access} page:x[0:4]", *primitive.split(" / ")]
    if "T1 unlock" in primitive:
        rows.insert(0, "T1 lock lock:l")
    if "lock:l" in primitive:
        rows += [] if "tryfail" in primitive else ["T2 lock lock:l", "T2 unlock lock:l"]
    else:
        size = 1 if "y[0:1]" in primitive else 4
        rows.append(f"T2 load page:y[0:{size}] order=acquire")
    rows.append("T2 write page:x[0:4]")
    return analyse(parse("\n".join(rows)), engine=engine)


@engines
@pytest.mark.parametrize("primitive", [*RELEASES, *RELEASES_NOTHING])
def test_barrier_nothreads(primitive: str, engine: Engine) -> None:
    """What came before a release is before who takes it; what is no release orders nothing."""
    rows = {**RELEASES, **RELEASES_NOTHING}[primitive]
    for access in ("read", "write"):
        racy = bool(after(rows, access, engine).findings)
        assert racy == (primitive in RELEASES_NOTHING)


# --- overlap


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((10, 1), (10, 1), True),
        ((10, 2), (11, 1), True),
        ((10, 1), (9, 2), True),
        ((10, 1), (11, 1), False),
        ((9, 1), (10, 1), False),
    ],
)
@engines
def test_matching_access(
    one: tuple[int, int], other: tuple[int, int], expected: bool, engine: Engine
) -> None:
    ranges = [(start, start + size) for start, size in (one, other)]
    assert overlap(*ranges[0], *ranges[1]) == expected
    builder = TraceBuilder()
    for thread, (start, stop) in zip(("T1", "T2"), ranges, strict=True):
        builder.add(thread, Op.WRITE, Target(Kind.PAGE, "0"), start, stop)
    assert bool(analyse(builder.finish(), engine=engine).findings) == expected
