"""Findings made by hand, whose sides stand where a test says."""

from __future__ import annotations

from dataclasses import replace

from racepage.events import Frame
from racepage.finding import Analysis, Finding, HeldLock, PageInfo, Side

__all__ = ["analysis", "race", "side", "suppressed"]


def side(
    event: int,
    function: str | None,
    file: str = "/src/ipc/a.py",
    *,
    line: int = 1,
    locks: tuple[str, ...] = (),
    op: str = "write",
    target: str | None = "page:0",
) -> Side:
    """An event of a thread `t`; its place is not known where there is no function."""
    return Side(
        event=event,
        thread="t",
        op=op,
        range=(0, 8),
        access="plain",
        clock=1,
        vector={},
        stack=() if function is None else (Frame(file, line, function), Frame("c.py", 9, "caller")),
        locks=tuple(HeldLock(name, "write") for name in locks),
        target=target,
    )


def race(first: Side | None, second: Side | None, kind: str = "data-race") -> Finding:
    """A finding about page:0."""
    return Finding(kind=kind, message="", page="page:0", first=first, second=second)


def analysis(*findings: Finding, complete: bool = True) -> Analysis:
    """One page, `server[0]`, and a lock that is called `mmap`."""
    return Analysis(
        path=None,
        events=9,
        lost_bytes=0,
        order="hb",
        engine="reference",
        findings=findings,
        racy_events=0,
        racy_event_ids=(),
        racy_bytes={},
        pages={"page:0": PageInfo(4096, "server[0]")},
        complete=complete,
        labels={"page:0": "server[0]", "lock:0": "mmap"},
    )


def suppressed(result: Analysis) -> list[str | None]:
    """The reasons, finding by finding."""
    return [finding.suppressed for finding in result.findings]


def anonymous(finding: Finding) -> Finding:
    """The same, of no page."""
    return replace(finding, page=None)
