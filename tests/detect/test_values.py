"""The bytes before and after, of the side and the part of it that a finding is about."""

from __future__ import annotations

import pytest

import racepage
from racepage import sync
from racepage.detect import analyse
from racepage.finding import Values
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.trace import text
from tests.sync.stage import until


def found(trace: str) -> list[tuple[str, Values | None]]:
    """Of `main` and two threads that nothing orders."""
    return [(one.kind, one.values) for one in analyse(text.parse(trace)).findings]


RACES = {
    "the second side wrote": (
        "t1 write page:0[0:2] old=0000 new=0a0b\nt2 write page:0[0:2] old=0a0b new=0c0d",
        Values(b"\x0a\x0b", b"\x0c\x0d"),
    ),
    "the second side only read, and the first wrote": (
        "t1 write page:0[0:2] old=0000 new=0a0b\nt2 read page:0[0:2] old=0a0b",
        Values(b"\0\0", b"\x0a\x0b"),
    ),
    "of the second side, its part that both touch": (
        "t1 read page:0[4:8] old=00000000\nt2 write page:0[2:6] old=00000102 new=0a0b0c0d",
        Values(b"\x01\x02", b"\x0c\x0d"),
    ),
    "of the first side, its part that both touch": (
        "t1 write page:0[4:8] old=01020304 new=0a0b0c0d\nt2 read page:0[6:10] old=03040000",
        Values(b"\x03\x04", b"\x0c\x0d"),
    ),
    "what the second side wrote was not recorded": (
        "t1 write page:0[0:2] old=0000 new=0a0b\nt2 write page:0[0:2]",
        Values(b"\0\0", b"\x0a\x0b"),
    ),
    "only the read was recorded": (
        "t1 write page:0[0:2]\nt2 read page:0[0:2] old=0a0b",
        Values(b"\x0a\x0b", None),
    ),
    "nothing was recorded": ("t1 write page:0[0:2]\nt2 read page:0[0:2]", None),
    "the recorded bytes end within the overlap": (
        "t1 write page:0[0:8] old=0001 new=0a0b\nt2 read page:0[1:8]",
        Values(b"\x01", b"\x0b"),
    ),
    "the recorded bytes end before the overlap": (
        "t1 write page:0[0:8] old=0001 new=0a0b\nt2 read page:0[2:8]",
        None,
    ),
    "an atomic update": (
        "t1 read page:0[0:2]\nt2 rmw page:0[0:2] order=relaxed old=0100 new=0200",
        Values(b"\x01\0", b"\x02\0"),
    ),
}


@pytest.mark.parametrize("case", RACES)
def test_values_of_a_race(case: str) -> None:
    trace, expected = RACES[case]
    assert found(trace) == [("data-race", expected)]


def test_a_use_after_free_shows_what_the_use_did() -> None:
    assert found("main free page:0\nmain write page:0[0:1] old=aa new=01") == [
        ("use-after-free", Values(b"\xaa", b"\x01"))
    ]


def test_an_uninitialised_read_shows_what_was_read() -> None:
    trace = "main alloc page:0\nmain write page:0[0:2]\nmain read page:0[0:4] old=0102aaaa"
    assert found(trace) == [("uninitialised-read", Values(b"\xaa\xaa", None))]


def test_a_finding_without_bytes_has_no_values() -> None:
    trace = "# check: leaks\nmain alloc page:0\nmain write page:0[0:1] old=aa new=01"
    assert found(trace) == [("page-leak", None)]


def _run_unjoined(page: Page, data: bytes) -> sync.Thread:
    """Let a thread write, and wait for its end without a join, which would order it."""
    thread = sync.Thread(target=page.write_raw, args=(data, 0, 4))
    thread.start()
    until(lambda: not thread.is_alive())
    return thread


def test_recorded_values_reach_the_finding() -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    with racepage.record(values=True) as recording:
        threads = [_run_unjoined(page, data) for data in (b"\x0a\0\0\0", b"\x0b\0\0\0")]
        for thread in threads:
            thread.join()
    (race,) = racepage.analyse(recording.trace()).findings
    assert race.values == Values(b"\x0a\0\0\0", b"\x0b\0\0\0")
