"""Litmus traces in RAPID's format, and the events that are racy under happens-before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racepage.cli import main
from racepage.detect.analysis import Engine
from tests.expectations import ENGINES

FOLDER = Path(__file__).parent / "std"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())


def test_every_trace_has_an_expectation() -> None:
    assert {path.name for path in FOLDER.glob("*.std")} == set(EXPECTED)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", EXPECTED)
def test_std(name: str, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["check", "--format", "json", "--list-events", "--engine", engine, str(FOLDER / name)])
    report = json.loads(capsys.readouterr().out)
    racy = EXPECTED[name]["hb_racy_event_ids"]
    assert report["trace"]["events"] == EXPECTED[name]["events"]
    assert report["racy_event_ids"] == racy
    assert report["racy_events"] == len(racy)
    assert end.value.code == (1 if racy else 0)
