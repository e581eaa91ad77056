"""What the detectors of Go and ThreadSanitizer are tested on, as text traces.

A test is named by the case; README.md says how each source was carried over.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from racepage.detect.analysis import Engine
from tests.expectations import ENGINES, finds_what_it_expects, traces

HERE = Path(__file__).parent
TSAN = traces(HERE / "tsan")
GO = traces(HERE / "go")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", TSAN)
def test_tsan(case: str, engine: Engine) -> None:
    finds_what_it_expects(TSAN[case], engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", GO)
def test_go(case: str, engine: Engine) -> None:
    analysis = finds_what_it_expects(GO[case], engine)
    assert bool(analysis.findings) == case.startswith("Race")


def test_the_readme_counts_what_is_here() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    counts = dict(re.findall(r"^\| `(\w+)`: [^|]*\| \d+ \| (\d+) \|", readme, flags=re.MULTILINE))
    assert int(counts["go"]) == len(GO)
    assert int(counts["std"]) == len(list((HERE / "std").glob("*.std")))
