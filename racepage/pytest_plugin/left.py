"""What a test that fails leaves below the directory of `--racepage-report`.

Each test has a directory of its own, named after it. In it are `report.txt` and `report.json`, and
for each finding `schedule.json`, `trace.arrows`, and `view.html` to look at; the second finding's
names begin with `2-`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from racepage.errors import RacepageError
from racepage.exploration.schedule import Schedule
from racepage.exploration.schedule_file import write as write_schedule
from racepage.finding import Analysis, Finding
from racepage.order.hb import HappensBefore
from racepage.pytest_plugin.failure import VerdictError
from racepage.pytest_plugin.settings import SETTINGS
from racepage.report import html
from racepage.report.escape import plain
from racepage.report.words import counted
from racepage.trace.columns import Trace
from racepage.trace.files import write_trace

_LONGEST: Final = 80
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]+")


class Shown(NamedTuple):
    """An execution that shows a finding; a recording has no schedule."""

    trace: Trace
    analysis: Analysis
    schedule: Schedule | None = None


class Report(NamedTuple):
    """What there is to say: for people and for programs."""

    text: str
    json: str


def leave(folder: Path, nodeid: str, report: Report, shown: Sequence[Shown]) -> Path:
    """Write it all, and say where.

    Raises:
        OSError: something cannot be written.
        RacepageError: the same, or a trace that no file can hold.
    """
    mine = folder / name_for(nodeid)
    mine.mkdir(parents=True, exist_ok=True)
    (mine / "report.txt").write_text(report.text, encoding="utf-8", errors="backslashreplace")
    (mine / "report.json").write_text(report.json, encoding="ascii")
    for number, (trace, analysis, schedule) in enumerate(shown, 1):
        before = "" if number == 1 else f"{number}-"
        if schedule is not None:
            write_schedule(schedule, mine / f"{before}schedule.json")
        stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
        write_trace(trace, mine / f"{before}trace.arrows", stamps=stamps)
        page = html.render(trace, analysis, subject=nodeid)
        (mine / f"{before}view.html").write_text(page, encoding="utf-8")
    return mine


def name_for(nodeid: str) -> str:
    """A name that every file system takes, and no other test has: `test_ring.py-test_wraps-1f2e…`.

    Long names are cut; the digest tells them apart.
    """
    digest = sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    readable = _ODD.sub("-", nodeid)[-_LONGEST:].strip("-.")
    return f"{readable or 'test'}-{digest}"


def failure(
    item: pytest.Item,
    nodeid: str,
    findings: Sequence[Finding],
    report: Report,
    shown: Sequence[Shown],
) -> VerdictError:
    """The failure of a test with `findings`; what there is of them is left where asked for."""
    summary = f"{findings[0].rule} {findings[0].kind}: {findings[0].message}"
    if len(findings) > 1:
        summary += f" (and {counted(len(findings) - 1, 'more finding')})"
    text, folder = report.text, item.config.stash[SETTINGS].report
    if folder is not None:
        try:
            text += f"more of it: {leave(folder, nodeid, report, shown)}\n"
        except (OSError, RacepageError) as error:
            text += f"--racepage-report: not everything could be written: {error}\n"
    return VerdictError(plain(summary), text)
