from __future__ import annotations

import os
from pathlib import Path

import pytest

from racepage.events import Frame
from racepage.report.source import LARGEST, Sources


def line(path: Path | str, number: int = 1) -> str | None:
    return Sources().line(Frame(str(path), number, "f"))


def test_the_line_is_quoted_without_its_indentation(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("def f():\n    page.write(x)  \n")
    assert line(source, 2) == "page.write(x)"


def test_lines_are_counted_as_editors_count_them(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_bytes(b"a\x0cb\r\nsecond\r\n")
    assert line(source, 2) == "second"


@pytest.mark.parametrize("number", [0, 3, 10**12])
def test_a_line_that_is_not_there_is_not_quoted(tmp_path: Path, number: int) -> None:
    source = tmp_path / "a.py"
    source.write_text("one\ntwo")
    assert line(source, number) is None


def test_a_missing_file_is_not_quoted(tmp_path: Path) -> None:
    assert line(tmp_path / "gone.py") is None


def test_a_directory_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "d.py").mkdir()
    assert line(tmp_path / "d.py") is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert line(tmp_path / "pipe.py") is None


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.py").open("wb") as file:
        file.write(b"first\n")
        file.truncate(LARGEST + 1)
    assert line(tmp_path / "big.py") is None


@pytest.mark.parametrize("name", ["id_rsa", "passwd", "settings.env", "cert.pem"])
def test_what_is_no_source_code_is_never_quoted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("secret")
    assert line(tmp_path / name) is None


def test_a_name_with_a_null_byte_is_no_file() -> None:
    assert line("a\0.py") is None


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_bytes(b"x = '\xff'\n")
    assert line(source) == "x = '\N{REPLACEMENT CHARACTER}'"
