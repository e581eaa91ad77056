from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from racepage.cli import main

RACY = """\
# expect: data-race 2 3 page:0[32:64]
main  start  t1
main  start  t2
t1    write  page:0[0:64]    @ binder.py:120 copy_in
t2    write  page:0[32:96]   @ binder.py:120 copy_in
main  join   t1
main  join   t2
"""

CLEAN = """\
main  alloc  page:0 size=4096 zero
main  write  page:0[0:64]
main  free   page:0
"""


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a command says when it cannot work."""
        assert self.code == 2
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert self.err.startswith("racepage: ")
        return self.err.removeprefix("racepage: ").rstrip("\n")


Racepage = Callable[..., Result]


@pytest.fixture
def racepage(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Racepage:
    """Run the command line in an empty directory of its own, as a shell would see it."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def command(*args: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(arg) for arg in args])
        assert isinstance(end.value.code, int)
        return Result(end.value.code, *capfd.readouterr())

    return command


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened; no test opens a browser."""
    pages: list[str] = []

    def open_(url: str) -> bool:
        pages.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    return pages


@pytest.fixture
def racy(tmp_path: Path) -> Path:
    path = tmp_path / "racy.trace"
    path.write_text(RACY)
    return path


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "clean.trace"
    path.write_text(CLEAN)
    return path
