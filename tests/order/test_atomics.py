"""Release sequences and fences, from the sentences of C++20 and the cases of other detectors.

Each case is a text trace in which `t1` writes page:0[0:8] plainly and some other thread reads it
after atomics on page:0[8:16] (and a cell): it races, or it does not.
"""

import pytest

from racepage.clock import VectorClock
from racepage.detect import Engine, analyse
from racepage.order.atomics import Sequences
from racepage.trace import text

ORDERED = {
    "simple_release": """
        t1 store page:0[8:16] order=release
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
    "seq_cst orders as release and acquire do": """
        t1 store page:0[8:16] order=seq_cst
        t2 load page:0[8:16] order=seq_cst
        t2 read page:0[0:8]""",
    "an RMW releases and acquires": """
        t1 rmw page:0[8:16] order=acq_rel
        t2 rmw page:0[8:16] order=acq_rel
        t2 read page:0[0:8]""",
    "rmw_no_block: a relaxed RMW continues the sequence": """
        t1 store page:0[8:16] order=release
        t2 rmw page:0[8:16] order=relaxed
        t3 load page:0[8:16] order=acquire
        t3 read page:0[0:8]""",
    "a releasing RMW adds to the sequence that it continues": """
        t1 store page:0[8:16] order=release
        t2 rmw page:0[8:16] order=release
        t3 load page:0[8:16] order=acquire
        t3 read page:0[0:8]""",
    "fence_sync: a release fence before, an acquire fence after": """
        t1 fence order=release
        t1 store page:0[8:16] order=relaxed
        t2 load page:0[8:16] order=relaxed
        t2 fence order=acquire
        t2 read page:0[0:8]""",
    "sync_through_rmw_and_fences": """
        t1 fence order=release
        t1 rmw page:0[8:16] order=relaxed
        t3 rmw page:0[8:16] order=relaxed
        t2 rmw page:0[8:16] order=relaxed
        t2 fence order=acquire
        t2 read page:0[0:8]""",
    "a byte-wise copy is relaxed, and fences make it hand on": """
        t1 fence order=release
        t1 bytewise_write page:0[8:16]
        t2 bytewise_read page:0[8:16]
        t2 fence order=acquire
        t2 read page:0[0:8]""",
    "a load takes what each of its bytes hands on": """
        t1 store page:0[12:16] order=release
        t3 store page:0[8:12] order=release
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
    "bytes that another store did not touch go on handing on": """
        t1 store page:0[8:16] order=release
        t3 load page:0[8:16] order=acquire
        t3 store page:0[8:12] order=relaxed
        t2 load page:0[12:16] order=acquire
        t2 read page:0[0:8]""",
    "a cell": """
        t1 store cell:0 order=release
        t2 load cell:0 order=acquire
        t2 read page:0[0:8]""",
    "a plain write elsewhere ends nothing": """
        t1 store page:0[8:16] order=release
        t1 write page:0[16:24]
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
}

UNORDERED = {
    "rlx_rlx": """
        t1 store page:0[8:16] order=relaxed
        t2 load page:0[8:16] order=relaxed
        t2 read page:0[0:8]""",
    "rlx_acq": """
        t1 store page:0[8:16] order=relaxed
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
    "rel_rlx": """
        t1 store page:0[8:16] order=release
        t2 load page:0[8:16] order=relaxed
        t2 read page:0[0:8]""",
    "relax_acquire_race: another thread's relaxed store ends the sequence": """
        t1 store page:0[8:16] order=release
        t2 load page:0[8:16] order=acquire
        t2 store page:0[8:16] order=relaxed
        t3 load page:0[8:16] order=acquire
        t3 read page:0[0:8]""",
    "release_seq_race_same_thread: its own relaxed store too": """
        t1 store page:0[8:16] order=release
        t1 store page:0[8:16] order=relaxed
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
    "rmw_race: a store after the RMW ends it": """
        t1 store page:0[8:16] order=release
        t2 rmw page:0[8:16] order=relaxed
        t2 store page:0[8:16] order=relaxed
        t3 load page:0[8:16] order=acquire
        t3 read page:0[0:8]""",
    "atomic_store: a release store replaces, and does not join": """
        t1 store page:0[8:16] order=release
        t2 store page:0[8:16] order=release
        t3 load page:0[8:16] order=acquire
        t3 read page:0[0:8]""",
    "fence_after_load: an acquire fence before the load gives nothing": """
        t1 store page:0[8:16] order=release
        t2 fence order=seq_cst
        t2 load page:0[8:16] order=relaxed
        t2 read page:0[0:8]""",
    "a release fence after the store gives nothing": """
        t1 store page:0[8:16] order=relaxed
        t1 fence order=release
        t2 load page:0[8:16] order=acquire
        t2 read page:0[0:8]""",
    "neighbouring bytes hand on nothing": """
        t1 store page:0[8:12] order=release
        t2 load page:0[12:16] order=acquire
        t2 read page:0[0:8]""",
    "another cell": """
        t1 store cell:0 order=release
        t2 load cell:1 order=acquire
        t2 read page:0[0:8]""",
}

ENDED = ["write page:0[8:16]", "zero page:0[0:4096]", "copy_in page:0[8:16]"]


ENGINES: tuple[Engine, ...] = ("reference", "native")


def kinds(body: str) -> set[tuple[str, int]]:
    """What is found, with the last byte that it concerns."""
    trace = text.parse("t1 write page:0[0:8]\n" + body)
    found: set[tuple[str, int]] | None = None
    for engine in ENGINES:
        analysis = analyse(trace, engine=engine)
        said = {
            (finding.kind, finding.overlap[1]) for finding in analysis.findings if finding.overlap
        }
        assert found in (None, said), "the engines disagree"
        found = said
    assert found is not None
    return found


@pytest.mark.parametrize("case", ORDERED)
def test_ordered(case: str) -> None:
    assert kinds(ORDERED[case]) == set()


@pytest.mark.parametrize("case", UNORDERED)
def test_unordered(case: str) -> None:
    assert kinds(UNORDERED[case]) == {("data-race", 8)}


@pytest.mark.parametrize("write", ENDED)
def test_a_write_without_a_mark_ends_the_sequence(write: str) -> None:
    """By the thread that wrote last, so that nothing but the missing edge can race."""
    trace = text.parse(
        "t1 write page:1[0:8]\n"
        "t1 store page:0[8:16] order=release\n"
        f"t1 {write}\n"
        "t2 load page:0[8:16] order=acquire\n"
        "t2 read page:1[0:8]"
    )
    racy = analyse(trace).racy_bytes
    assert racy["page:1"] == [(0, 8)]


def test_a_sequence_costs_its_runs_and_not_its_bytes() -> None:
    sequences = Sequences()
    sequences.head(0, 0, 1 << 30, VectorClock({0: 1}))
    sequences.go_on(0, 8, 16, VectorClock({1: 1}))
    sequences.end(0, 512, 1 << 29)
    assert sequences.read(0, 512, 1 << 29) == {}
    assert sequences.read(0, 0, 8) == sequences.read(0, 1 << 29, 1 << 30) == {0: 1}
    assert sequences.read(0, 0, 1 << 30) == sequences.read(0, 15, 16) == {0: 1, 1: 1}


def test_what_a_thread_does_after_its_release_is_not_handed_on() -> None:
    body = """
        t1 store cell:0 order=release
        t1 write page:0[100:101]
        t2 load cell:0 order=acquire
        t2 read page:0[0:8]
        t2 read page:0[100:101]"""
    assert kinds(body) == {("data-race", 101)}


def test_what_a_thread_does_after_its_release_fence_is_not_handed_on() -> None:
    body = """
        t1 fence order=release
        t1 write page:0[100:101]
        t1 store cell:0 order=relaxed
        t2 load cell:0 order=acquire
        t2 read page:0[0:8]
        t2 read page:0[100:101]"""
    assert kinds(body) == {("data-race", 101)}


@pytest.mark.parametrize(
    ("first", "second", "races"),
    [
        ("rmw page:0[8:12] order=relaxed", "rmw page:0[8:12] order=relaxed", False),
        ("store page:0[8:12] order=seq_cst", "load page:0[8:12] order=relaxed", False),
        ("read page:0[8:12]", "load page:0[8:12] order=seq_cst", False),
        ("bytewise_write page:0[8:12]", "bytewise_read page:0[8:12]", False),
        ("write page:0[8:12]", "rmw page:0[8:12] order=relaxed", True),
        ("read page:0[8:12]", "rmw page:0[8:12] order=relaxed", True),
        ("write page:0[8:12]", "load page:0[8:12] order=seq_cst", True),
        ("read page:0[8:12]", "store page:0[8:12] order=seq_cst", True),
        ("write page:0[8:12]", "bytewise_read page:0[8:12]", True),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_plain_and_atomic_accesses_race_when_one_writes(
    first: str, second: str, races: bool, turned: bool
) -> None:
    """ThreadSanitizer's atomic_norace and atomic_race, in both orders."""
    one, other = (second, first) if turned else (first, second)
    if not (turned and "seq_cst" in first):  # else the second would acquire what the first gave
        assert kinds(f"t2 {one}\nt3 {other}") == ({("data-race", 12)} if races else set())
