"""What the README shows is what there is."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from racepage.cli.settings import load
from racepage.report.formats import FORMATS
from racepage.trace.files import SUFFIXES
from tests.cli.conftest import Racepage, racepage

__all__ = ["racepage"]

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def example() -> str:
    [code] = [block for block in blocks("python") if "GFP_ZERO" in block]
    return code


def test_the_example_prints_exactly_what_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    [report] = [block for block in blocks("text") if "━━" in block]
    (tmp_path / "early.py").write_text(example())
    done = racepage("run", "early.py")
    assert (done.code, done.err) == (1, "")
    assert done.out == report


def test_the_example_is_drawn_as_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    [drawing] = [block for block in blocks("text") if "unordered ╌" in block]
    (tmp_path / "early.py").write_text(example())
    racepage("run", "early.py", "--trace", "early.arrows")
    assert f"\n\n{drawing}\n" in racepage("view", "early.arrows", "--text").out


def test_the_suppressed_example_prints_what_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    [suppressions] = [block for block in blocks("toml") if "[[suppress]]" in block]
    [report] = [block for block in blocks("text") if "suppressed" in block]
    (tmp_path / "early.py").write_text(example())
    (tmp_path / "races.toml").write_text(suppressions)
    done = racepage("run", "early.py", "--suppressions", "races.toml")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(report)


def test_the_baseline_is_written_and_asked_as_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    [commands] = [block for block in blocks("sh") if "--baseline" in block]
    (tmp_path / "early.py").write_text(example())
    lines = [shlex.split(line, comments=True)[1:] for line in commands.splitlines()]
    assert [racepage(*line).code for line in lines] == [0, 0]
    assert (tmp_path / "known.json").is_file()


def test_the_scope_suppresses_as_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    """The scope's access stands where the example's read did, and is early as well."""
    [scope] = [block for block in blocks("python") if "racy_ok" in block]
    code = example().replace("from racepage", "import racepage\nfrom racepage", 1)
    *others, _read, join = code.splitlines()
    lines = [*others, *(f"    {line}" for line in scope.splitlines()), join]
    (tmp_path / "early.py").write_text("\n".join(lines))
    done = racepage("run", "early.py")
    assert done.code == 0
    assert done.out.startswith("1 finding suppressed: a statistic, which may be off by some\n")


def test_the_example_is_mended_as_the_text_says(racepage: Racepage, tmp_path: Path) -> None:
    *others, read, join = example().splitlines()
    assert "join" in join
    (tmp_path / "early.py").write_text("\n".join([*others, join, read]))
    assert racepage("run", "early.py").out.startswith("clean: nothing found\n")


def test_the_example_for_python_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = [block for block in blocks("python") if "racepage.record()" in block]
    (tmp_path / "embedded.py").write_text(code)
    spaces: dict[str, object] = {"__name__": "__main__"}
    exec(compile(code, str(tmp_path / "embedded.py"), "exec"), spaces)  # noqa: S102  (the README's)
    assert capsys.readouterr().out.startswith("clean: nothing found\n")


def test_the_lost_update_is_found_as_is_shown(racepage: Racepage, tmp_path: Path) -> None:
    [code] = [block for block in blocks("python") if "a hit is lost" in block]
    [shown] = [block for block in blocks("text") if "racepage replay" in block]
    (tmp_path / "lost.py").write_text(code)
    done = racepage("explore", "lost.py:main")
    assert (done.code, done.err) == (1, "")
    assert shown.removesuffix("…\n") in done.out


def test_the_exploration_from_python_runs() -> None:
    [code] = [block for block in blocks("python") if "racepage.explore(" in block]
    exec(compile(code, "explored.py", "exec"), {"__name__": "__main__"})  # noqa: S102  (as above)


def test_the_settings_are_settings(tmp_path: Path) -> None:
    [settings] = [block for block in blocks("toml") if "[tool.racepage]" in block]
    (tmp_path / "pyproject.toml").write_text(settings)
    assert load(tmp_path) == tomllib.loads(settings)["tool"]["racepage"]


def test_every_verb_and_every_suffix_is_told(racepage: Racepage) -> None:
    commands = racepage("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    for line in commands.splitlines():
        assert f"| `racepage {line.split()[0]}" in README
    for suffix in SUFFIXES:
        assert f"`{suffix.removesuffix('.gz')}`" in README


def test_every_format_is_told_and_no_other() -> None:
    table = README.partition("| format | what it is |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(FORMATS)


@pytest.mark.parametrize("system", ["codeql-action", "codequality"])
def test_what_ci_is_to_run_writes_what_it_takes(
    racepage: Racepage, tmp_path: Path, system: str
) -> None:
    [workflow] = [block for block in blocks("yaml") if system in block]
    (tmp_path / "early.py").write_text(example())
    for line in re.findall(r"- (?:run: )?racepage ([^|\n]+)", workflow):
        assert racepage(*shlex.split(line)).code == 1
    taken = re.findall(r"(?:sarif_file|junit|codequality): ([\w.-]+)", workflow)
    assert [(tmp_path / name).stat().st_size > 0 for name in taken] == [True] * len(taken)
    assert taken


def test_files_that_it_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_stress_suite_comes_to_what_is_shown(racepage: Racepage) -> None:
    [shown] = [block for block in blocks("text") if block.startswith("variant")]
    done = racepage("stress", "abba", "--strategies", "dpor")
    assert done.code == 0
    for line, said in zip(shown.splitlines(), done.out.splitlines(), strict=False):
        assert line.split() == said.split()
