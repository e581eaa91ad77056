"""What a fresh machine relies on: the package says what it needs, and the README what to type."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import racepage

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")

_NOT_INSTALLED = {"racepage", "tests", "benchmarks", "_typeshed"}  # ours, and for types only
_LOADS_US = {"pytest"}  # the plugin, that is: where there is no pytest, nobody imports it
_COMES_WITH_NUMBA = {"llvmlite"}  # of the version that numba was made for
SLOW = {"numpy", "numba", "pyarrow", "rich"}


def third_party(folder: Path) -> set[str]:
    """The top-level packages that the files below `folder` import, wherever in them."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names) - _NOT_INSTALLED - _COMES_WITH_NUMBA


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[; ]", one)[0] for one in requirements}


def python(*args: str, **more: str) -> str:
    """What a Python that may import nothing but the checkout and its own packages prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(
        [sys.executable, *args], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def test_the_package_declares_what_it_imports_and_nothing_else() -> None:
    assert third_party(ROOT / "racepage") - _LOADS_US == names(PROJECT["project"]["dependencies"])


def test_the_tests_declare_what_they_import() -> None:
    declared = names(PROJECT["project"]["dependencies"])
    declared |= names(PROJECT["project"]["optional-dependencies"]["test"])
    assert third_party(ROOT / "tests") <= declared


def test_the_version_is_said_once_in_effect() -> None:
    assert PROJECT["project"]["version"] == racepage.__version__


def test_the_licence_stands_beside_its_name() -> None:
    assert PROJECT["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = README.splitlines()[:40]
    [setup] = [line for line in first_screen if line.startswith("python3 -m venv")]
    [tests] = [line for line in first_screen if "pytest" in line]
    assert setup.endswith("racepage run binder:shrinker-unchecked")
    assert "pip install '.[test]'" in tests


def test_ci_calls_the_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    for found in re.findall(r"\$\(readme (.*)\)", text):
        pattern = found.strip("'\"")
        assert re.search(f"^{pattern}", README, re.MULTILINE), pattern
    assert text.count("$(readme ") == 2


def test_every_file_that_is_no_code_is_shipped_with_the_package() -> None:
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["racepage"]}
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    suffixes = {".json", ".md", ".html", ".css", ".mjs"}
    data = [path for path in (ROOT / "racepage").rglob("*") if path.suffix in suffixes]
    assert {path.suffix for path in data} == suffixes
    assert not [pattern for pattern in ignored for path in data if path.match(pattern)]


@pytest.mark.parametrize(
    "code",
    [
        "import racepage",
        "import racepage.cli",
        "from racepage.cli import main; main(['--help'])",
        "from racepage.cli import main; main(['run', '--help'])",
        "from racepage.cli import main; main(['explain', 'RP001'])",
        "from racepage.cli import main; main(['workloads'])",
        "import racepage.pytest_plugin",
    ],
)
def test_what_must_be_instant_imports_nothing_slow(code: str) -> None:
    told = f"""
import sys
try:
    {code}
except SystemExit as end:
    assert not end.code, end.code
slow = {SLOW!r} & set(sys.modules)
print("slow:", *sorted(slow))
"""
    assert python("-c", told).splitlines()[-1] == "slow:"


@pytest.mark.parametrize("args", [["--version"], ["explain", "RP003"], ["workloads"]])
def test_the_top_level_file_equals_the_command(args: list[str]) -> None:
    [(name, place)] = PROJECT["project"]["scripts"].items()
    module, function = place.split(":")
    installed = f"import sys; from {module} import {function}; sys.exit({function}())"
    assert name == "racepage"
    assert python(str(ROOT / "cli.py"), *args) == python("-c", installed, *args)


def test_the_top_level_file_ends_with_the_command_s_code() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "nonsense"], check=False, capture_output=True
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
