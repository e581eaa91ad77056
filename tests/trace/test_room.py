"""Where the columns of a trace are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from racepage.detect import analyse
from racepage.trace import room
from racepage.trace.files import read_trace, write_trace
from racepage.trace.text import parse

RACY = "t1 write page:0[0:8] @ a.py:1 f\nt2 write page:0[4:12] @ b.py:2 g\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def is_mapped(column: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    return isinstance(column.base, np.memmap)


def test_few_rows_are_in_memory_and_many_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LARGE", 10)
    assert not is_mapped(room.on_disk(9, np.int64))
    column = room.on_disk(10, np.int64)
    assert is_mapped(column)
    assert column.tolist() == [0] * 10


def test_a_file_of_columns_has_no_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LARGE", 1)
    column = room.on_disk(10, np.int64)
    column[:] = 7
    assert list(folder.iterdir()) == []
    assert column.sum() == 70


def test_a_trace_on_disk_is_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LARGE", 1)
    path = folder / "racy.arrows"
    write_trace(parse(RACY), path)
    large, small = read_trace(path, large=True), read_trace(path)
    assert is_mapped(large.columns.offset)
    assert not is_mapped(small.columns.offset)
    assert large.columns.offset.tolist() == small.columns.offset.tolist() == [0, 4]
    assert analyse(large).racy_event_ids == (1,)
