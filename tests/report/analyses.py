"""Analyses made by hand, as the detector would hand them over."""

from __future__ import annotations

from dataclasses import replace as changed

from racepage.events import Frame
from racepage.finding import (
    Analysis,
    Finding,
    HeldLock,
    LastSync,
    PageInfo,
    Side,
    ThreadInfo,
    Why,
)

__all__ = ["ALLOC", "CRASH", "FIRST", "LEAK", "RACE", "SECOND", "WHY", "analysis", "changed"]

ALLOC = Side(
    0, "main", "alloc", (0, 4096), "lifetime", 1, {"main": 1}, (Frame("setup.py", 30, "make"),)
)
START_T1 = Side(1, "main", "start", None, "none", 2, {"main": 2}, (Frame("setup.py", 40, "run"),))
START_T2 = Side(2, "main", "start", None, "none", 3, {"main": 3}, (Frame("setup.py", 41, "run"),))
FIRST = Side(
    event=3,
    thread="t1",
    op="write",
    range=(0, 64),
    access="plain",
    clock=1,
    vector={"main": 2, "t1": 1},
    stack=(Frame("binder.py", 120, "copy_in"), Frame("binder.py", 88, "transact")),
    locks=(HeldLock("mmap", "read"), HeldLock("range", "write")),
)
SECOND = Side(
    event=6,
    thread="t2",
    op="read",
    range=(32, 96),
    access="plain",
    clock=3,
    vector={"main": 3, "t2": 3},
    stack=(Frame("binder.py", 131, "read_back"),),
)
WHY = Why(
    last_of_first_known_to_second=LastSync("t1", 0),
    last_of_second_known_to_first=LastSync(
        "t2", 2, 5, "unlock", "lock:range", (Frame("binder.py", 99, "give"),)
    ),
)
RACE = Finding(
    kind="data-race",
    message="t1 wrote bytes that t2 read, and nothing orders the two",
    count=3,
    page="page:0",
    overlap=(32, 64),
    first=FIRST,
    second=SECOND,
    related=(ALLOC,),
    why=WHY,
)
LEAK = Finding(
    kind="page-leak",
    message="page:1 was never freed",
    page="page:1",
    first=ALLOC,
)
CRASH = Finding(kind="program-error", message="ValueError: no")


def analysis(*findings: Finding, lost_bytes: int = 0, warnings: tuple[str, ...] = ()) -> Analysis:
    """Nine events of three threads on two pages, with these findings."""
    racy = (6, 7, 8) if RACE in findings else ()
    return Analysis(
        path="inbox.trace",
        events=9,
        lost_bytes=lost_bytes,
        order="hb",
        engine="reference",
        findings=findings,
        racy_events=len(racy),
        racy_event_ids=racy,
        racy_bytes={"page:0": [(32, 64)]} if racy else {},
        threads={"main": ThreadInfo(), "t1": ThreadInfo(START_T1), "t2": ThreadInfo(START_T2)},
        pages={"page:0": PageInfo(4096, "inbox", ALLOC), "page:1": PageInfo(8192)},
        warnings=warnings,
    )
