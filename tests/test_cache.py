"""Where compiled code is kept, for how long, and whether it is there."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import pytest

from racepage.cache import _digest, directory_for, is_kept

SOURCE = Path(__file__)
DAY = 24 * 3600


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory of racepage."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "racepage"


def made(directory: Path, days: float) -> Path:
    """A directory with something in it that was last used some days ago."""
    (directory / "detect").mkdir(parents=True)
    (directory / "detect" / "native._scan-1.py311.nbi").touch()
    os.utime(directory, (time() - days * DAY,) * 2)
    return directory


def test_it_is_in_the_users_cache_directory(base: Path) -> None:
    directory = directory_for(SOURCE)
    assert directory is not None
    assert directory.is_dir()
    assert directory.parent == base
    assert directory_for(SOURCE) == directory


@pytest.mark.parametrize("named", ["", "cache", "./cache", "../cache"])
def test_a_relative_xdg_cache_home_says_nothing(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    directory = directory_for(SOURCE)
    assert directory is not None
    assert directory.parent == tmp_path / "home" / ".cache" / "racepage"
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]


def test_what_was_not_used_for_a_month_goes_when_something_is_added(base: Path) -> None:
    old = made(base / "native-0123456789abcdef", 31)
    recent = made(base / "native-0123456789abcde0", 29)
    foreign = [made(base / name, 31) for name in ("native-mine", "other-0123456789abcdef")]
    assert directory_for(SOURCE) is not None
    assert not old.exists()
    assert recent.exists()
    assert all(directory.exists() for directory in foreign)


def test_what_is_used_stays(base: Path) -> None:
    used = made(base / f"native-{_digest(SOURCE)}", 31)
    assert directory_for(SOURCE) == used
    assert time() - used.stat().st_mtime < DAY


def test_a_link_to_somewhere_else_is_not_followed(base: Path, tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere", 31)
    base.mkdir()
    (base / "native-0123456789abcdef").symlink_to(elsewhere)
    assert directory_for(SOURCE) is not None
    assert list(elsewhere.iterdir())


def test_where_there_is_no_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    assert directory_for(SOURCE) is None
    assert not is_kept(SOURCE)


@pytest.mark.usefixtures("base")
def test_code_of_another_file_or_python_is_not_kept() -> None:
    directory = directory_for(SOURCE)
    assert directory is not None
    (directory / "tests").mkdir()
    assert not is_kept(SOURCE)
    for name in ("other._scan-1.py311.nbi", "test_cache._scan-1.py27.nbi"):
        (directory / "tests" / name).touch()
    assert not is_kept(SOURCE)
