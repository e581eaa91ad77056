"""ThreadSanitizer's cases on what is not to count; the traces are racy, and a policy says more."""

from __future__ import annotations

from pathlib import Path

import pytest

from racepage.detect.analysis import Engine
from racepage.finding import Finding, Verdict
from racepage.policy.apply import Policy
from racepage.policy.suppress import parse
from tests.expectations import ENGINES, finds_what_it_expects

TSAN = Path(__file__).parent / "tsan"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("case", "entry", "verdict"),
    [
        ("suppressions_global", {"page": "RacyGlobal"}, "clean"),
        ("suppressions_race", {"function": "TestFunction"}, "clean"),
        ("suppressions_race2", {"function": "TestFunction"}, "clean"),
        ("race_top_suppression", {"function": "TopFunction"}, "clean"),
        ("race_top_suppression1", {"function": "TopFunction"}, "findings"),
        ("suppressions_mutex", {"rule": "lock-misuse", "lock": "MutexTest"}, "clean"),
        ("ignore_free", {"rule": "free-race", "function": ["Thread", "main"]}, "clean"),
    ],
)
def test_suppressions(
    case: str, entry: dict[str, object], verdict: Verdict, engine: Engine
) -> None:
    analysis = finds_what_it_expects(TSAN / f"{case}.trace", engine)
    assert analysis.verdict == "findings"
    policy = Policy(parse([{"reason": "as the case says", **entry}], "suppressions.toml"))
    assert policy.apply(analysis).verdict == verdict


def events(finding: Finding) -> tuple[int, int]:
    assert finding.first is not None
    assert finding.second is not None
    return finding.first.event, finding.second.event


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("case", "pairs"),
    [
        ("benign_race", {(2, 6), (3, 7)}),
        ("ignore_race", {(2, 4)}),
        ("ignore_malloc", {(3, 7)}),
    ],
)
def test_what_is_meant(case: str, pairs: set[tuple[int, int]], engine: Engine) -> None:
    """It is found, listed with its reason, and does not count."""
    analysis = finds_what_it_expects(TSAN / f"{case}.trace", engine)
    reason = "benign" if case == "benign_race" else "ignored"
    assert {finding.suppressed for finding in analysis.findings} == {reason}
    assert {events(finding) for finding in analysis.findings} == pairs
    assert analysis.verdict == "clean"
