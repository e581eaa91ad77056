"""Every golden trace, through both engines: exactly what its header expects is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from racepage.detect.analysis import Engine
from tests.expectations import ENGINES, finds_what_it_expects, traces

FOLDER = Path(__file__).parent.parent / "traces"
TRACES = traces(FOLDER)


def opening(name: str) -> list[str]:
    return TRACES[name].read_text(encoding="utf-8").splitlines()[:2]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TRACES)
def test_a_golden_trace_has_exactly_its_findings(name: str, engine: Engine) -> None:
    finds_what_it_expects(TRACES[name], engine)


@pytest.mark.parametrize("name", TRACES)
def test_a_golden_trace_opens_with_one_line_of_what_it_teaches(name: str) -> None:
    first, second = opening(name)
    assert re.fullmatch(r"# .+[.]", first)
    assert re.match(r"# (expect|check): ", second)


def test_the_readme_lists_every_trace_with_its_line() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = dict(
        re.findall(r"^\| \[`([\w-]+)`\]\(\1\.trace\) \| (.*) \|$", readme, flags=re.MULTILINE)
    )
    assert listed == {name: opening(name)[0].removeprefix("# ") for name in TRACES}
