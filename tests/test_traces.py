"""Every golden trace, through both engines: exactly what its header expects is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from racepage.detect.analysis import Engine, analyse
from racepage.finding import Finding
from racepage.trace.columns import Expectation, Trace
from racepage.trace.text import parse

FOLDER = Path(__file__).parent.parent / "traces"
TRACES = sorted(path.stem for path in FOLDER.glob("*.trace"))
ENGINES: tuple[Engine, ...] = ("reference",)


def read(name: str) -> Trace:
    path = FOLDER / f"{name}.trace"
    return parse(path.read_text(), str(path))


def as_expectation(finding: Finding, trace: Trace) -> Expectation:
    """What an `expect:` line would say of a finding."""
    sides = [side for side in (finding.first, finding.second) if side is not None]
    target = next((one for one in trace.targets if str(one) == finding.page), None)
    return Expectation(
        kind=finding.kind,
        events=tuple(side.event for side in sides),
        target=target,
        overlap=finding.overlap,
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TRACES)
def test_a_golden_trace_has_exactly_its_findings(name: str, engine: Engine) -> None:
    trace = read(name)
    expected = trace.origin.expects
    assert expected is not None, "a golden trace says what it expects"
    found = [as_expectation(one, trace) for one in analyse(trace, engine=engine).findings]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("name", TRACES)
def test_a_golden_trace_opens_with_one_line_of_what_it_teaches(name: str) -> None:
    first, second, *_ = (FOLDER / f"{name}.trace").read_text().splitlines()
    assert re.fullmatch(r"# .+[.]", first)
    assert re.match(r"# (expect|check): ", second)


def test_the_readme_lists_every_trace_with_its_line() -> None:
    listed = dict(
        re.findall(r"^\| \[`([\w-]+)`\]\(\1\.trace\) \| (.*) \|$", readme(), flags=re.MULTILINE)
    )
    lines = {name: (FOLDER / f"{name}.trace").read_text().splitlines()[0][2:] for name in TRACES}
    assert listed == lines


def readme() -> str:
    return (FOLDER / "README.md").read_text()
