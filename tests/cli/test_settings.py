from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Racepage


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "pyproject.toml"


def test_a_setting_is_an_options_default(racepage: Racepage, racy: Path, settings: Path) -> None:
    settings.write_text('[tool.racepage]\nformat = "json"\nlist-events = true\n')
    done = racepage("check", racy)
    assert json.loads(done.out)["racy_event_ids"] == [3]


def test_an_option_beats_a_setting(racepage: Racepage, racy: Path, settings: Path) -> None:
    settings.write_text('[tool.racepage]\nformat = "json"\n')
    assert racepage("check", racy, "--format", "text").out.startswith("━━ RP001")


def test_the_nearest_file_upwards_counts(
    racepage: Racepage, racy: Path, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.write_text('[tool.racepage]\nformat = "json"\n')
    inner = settings.parent / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert racepage("check", racy).out.startswith("{")
    (inner / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert racepage("check", racy).out.startswith("━━")


def test_a_setting_of_another_verb_is_no_error(
    racepage: Racepage, racy: Path, settings: Path
) -> None:
    settings.write_text("[tool.racepage]\ndepth = 4\n")
    assert racepage("check", racy).code == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("engin = 'native'", "has no setting 'engin'; did you mean engine?"),
        ("all_pairs = true", "has no setting 'all_pairs'; did you mean all-pairs?"),
        ("xyz = 1", "has no setting 'xyz'; there are format, engine,"),
        ("engine = 'fast'", "engine is 'fast'; it is one of auto, reference, native"),
        ("engine = 1", "engine is 1; it is one of"),
        ("engine = ['native']", "engine is ['native']; it is one of"),
        ("depth = 0", "depth is 0; it is a number from 1 to 64"),
        ("depth = true", "depth is True; it is a number"),
        ("depth = '3'", "depth is '3'; it is a number"),
        ("all-pairs = 'yes'", "all-pairs is 'yes'; it is true or false"),
        ("engine = ", "pyproject.toml"),
    ],
)
def test_what_is_no_setting_is_one_line(
    racepage: Racepage, racy: Path, settings: Path, text: str, told: str
) -> None:
    settings.write_text(f"[tool.racepage]\n{text}\n")
    complaint = racepage("check", racy).complaint
    assert str(settings) in complaint
    assert told in complaint


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nracepage = 3", "\xff"])
def test_a_file_that_is_not_as_it_should_be_is_one_line(
    racepage: Racepage, racy: Path, settings: Path, text: str
) -> None:
    settings.write_bytes(text.encode("latin-1"))
    assert str(settings) in racepage("check", racy).complaint


def test_help_is_there_whatever_the_file_says(racepage: Racepage, settings: Path) -> None:
    settings.write_text("[tool.racepage]\nengin = 1\n")
    assert racepage("check", "--help").code == 0
    assert racepage("--help").code == 0
