from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from racepage.detect import compiling
from racepage.detect.compiling import _lock, taking_turns
from racepage.detect.rows import NATIVE_FROM

LARGE = 1_000_000
PAST = 0.0


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the processes meet, on a machine where nothing is compiled yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(compiling, "is_native", lambda events: events >= NATIVE_FROM)
    return tmp_path / f"racepage-compiling-{os.getuid()}.lock"


def is_free(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        return _lock(descriptor, PAST)
    finally:
        os.close(descriptor)


def test_one_process_compiles_and_others_wait(lock: Path) -> None:
    with taking_turns(LARGE):
        assert not is_free(lock)
    assert is_free(lock)


def test_nobody_waits_for_ever(lock: Path) -> None:
    lock.touch()
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with taking_turns(LARGE, longest=0):
            pass


def test_small_traces_wait_for_nobody(lock: Path) -> None:
    with taking_turns(10):
        assert not lock.exists()


def test_where_it_is_compiled_already_nobody_waits(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "is_native", lambda _: True)
    with taking_turns(LARGE):
        assert not lock.exists()


def test_no_link_of_somebody_else_is_followed(lock: Path, tmp_path: Path) -> None:
    lock.symlink_to(tmp_path / "elsewhere")
    with taking_turns(LARGE):
        assert not (tmp_path / "elsewhere").exists()
