"""Compiling: once, said once, kept where it may be kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from racepage.cache import is_kept

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "racepage: compiling the native engine (once, about 10 s) ...\n"
INNER = """
from racepage.jit import inlined

@inlined
def scaled(number: int) -> int:
    return number * {factor}
"""
OUTER = """
from racepage.jit import compiled
from inner import scaled

@compiled
def double(number: int) -> int:
    return scaled(number)

@compiled
def half(number: int) -> int:
    return number // 2
"""


class Project:
    """Two modules, one of which inlines a function of the other, and a cache of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.write(2)

    def write(self, factor: int) -> None:
        (self.folder / "inner.py").write_text(INNER.format(factor=factor))
        (self.folder / "outer.py").write_text(OUTER)

    def run(self, **environment: str) -> tuple[str, str]:
        """What a fresh process prints, and what it says on stderr."""
        done = subprocess.run(
            [sys.executable, "-c", "from outer import *; print(double(4), double(5), half(8))"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(self.folder))),
                "XDG_CACHE_HOME": str(self.cache),
                "PYTHONDONTWRITEBYTECODE": "1",  # a .pyc is stale for a change within one second
                **environment,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_compiling_is_said_once_and_then_never_again(project: Project) -> None:
    assert project.run() == ("8 10 4\n", NOTICE)
    assert project.run() == ("8 10 4\n", "")


def test_a_changed_inner_function_is_compiled_again(project: Project) -> None:
    project.run()
    project.write(3)
    assert project.run() == ("12 15 4\n", NOTICE)


def test_what_was_compiled_is_known_to_be_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.cache))
    outer = project.folder / "outer.py"
    assert not is_kept(outer)
    project.run()
    assert is_kept(outer)
    assert not is_kept(project.folder / "inner.py")


def test_without_a_compiler_the_native_engine_says_so_in_one_line(tmp_path: Path) -> None:
    trace = tmp_path / "two.trace"
    trace.write_text("t1 write page:0[0:8]\nt2 write page:0[0:8]\n")
    said = {}
    for engine in ("auto", "native"):
        command = [sys.executable, str(ROOT / "cli.py"), "check", "--engine", engine, str(trace)]
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        said[engine] = done.returncode, done.stderr
    assert said["auto"] == (1, "")
    status, line = said["native"]
    assert status == 2
    assert line == (
        f"racepage: {trace}: NUMBA_DISABLE_JIT is set, and the native engine has to be compiled: "
        "unset it, or take the reference engine (--engine reference)\n"
    )


def test_numbas_own_setting_says_where_it_is_kept(project: Project, tmp_path: Path) -> None:
    project.run(NUMBA_CACHE_DIR=str(tmp_path / "elsewhere"))
    assert not project.cache.exists()
    assert list((tmp_path / "elsewhere").rglob("*.nbi"))


def test_without_a_place_to_keep_it_every_process_compiles(project: Project) -> None:
    project.cache.write_text("a file, where there should be a directory")
    for _ in range(2):
        assert project.run() == ("8 10 4\n", NOTICE)


def test_processes_that_compile_at_the_same_time_do_not_disturb_each_other(
    project: Project,
) -> None:
    command = [sys.executable, "-c", "from outer import *; print(double(4), double(5), half(8))"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(project.folder))),
        "XDG_CACHE_HOME": str(project.cache),
    }
    for number in range(50):  # they all remove what nobody uses, too
        unused = project.cache / "racepage" / f"native-{number:016x}"
        unused.mkdir(parents=True)
        os.utime(unused, (0, 0))
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert {process.communicate()[0] for process in running} == {b"8 10 4\n"}
    assert not (project.cache / "racepage" / f"native-{0:016x}").exists()
    assert project.run() == ("8 10 4\n", "")
