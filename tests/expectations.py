"""Text traces that say in their header what there is to find, and the comparison with it."""

from __future__ import annotations

from pathlib import Path

from racepage.detect.analysis import Engine, analyse
from racepage.finding import Analysis, Finding
from racepage.trace.columns import Expectation, Trace
from racepage.trace.text import parse

ENGINES: tuple[Engine, ...] = ("reference", "native")


def traces(folder: Path) -> dict[str, Path]:
    """The text traces of a folder by their names."""
    return {path.stem: path for path in sorted(folder.glob("*.trace"))}


def finds_what_it_expects(path: Path, engine: Engine) -> Analysis:
    """Assert that kind, events, page and bytes of all findings are those of the header.

    What is suppressed is not there to find.
    """
    trace = parse(path.read_text(encoding="utf-8"), str(path))
    expected = trace.origin.expects
    assert expected is not None, "no `# expect:` line"
    analysis = analyse(trace, engine=engine)
    told = [one for one in analysis.findings if one.suppressed is None]
    found = [_as_expectation(one, trace) for one in told]
    assert sorted(found, key=str) == sorted(expected, key=str)
    return analysis


def _as_expectation(finding: Finding, trace: Trace) -> Expectation:
    """What an `expect:` line would say of a finding."""
    sides = [side for side in (finding.first, finding.second) if side is not None]
    return Expectation(
        kind=finding.kind,
        events=tuple(side.event for side in sides),
        target=next((one for one in trace.targets if str(one) == finding.page), None),
        overlap=finding.overlap,
    )
