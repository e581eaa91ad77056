from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from racepage.errors import RecordingError, TraceError
from racepage.order.hb import HappensBefore
from racepage.trace import lines, text
from racepage.trace.columns import Trace
from racepage.trace.files import read_trace, write_trace
from tests.trace.sameness import rows

SUFFIXES = (".trace", ".trace.gz", ".arrows", ".std", ".std.gz")

SOURCE = """\
main  start   t1
t1    lock    lock:m    @ location:1
t1    write   page:0[0:8]  @ location:2
t1    unlock  lock:m    @ location:3
main  read    page:0[0:8]  @ location:4
main  join    t1
"""


def stamped(trace: Trace, path: Path) -> None:
    stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    write_trace(trace, path, stamps=stamps)


def refusal(path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    assert caught.value.path == str(path)
    return f"{caught.value.place}: {caught.value.reason}"


@pytest.mark.parametrize("first", SUFFIXES)
@pytest.mark.parametrize("second", SUFFIXES)
def test_any_format_converts_to_any_other(first: str, second: str, tmp_path: Path) -> None:
    # By way of STD, events keep their number, thread and operation, and a page's bytes their names.
    path = tmp_path / "x.trace"
    path.write_text(SOURCE)
    for number, suffix in enumerate((first, second)):
        trace = read_trace(path)
        path = tmp_path / f"{number}{suffix}"
        stamped(trace, path)
    found = read_trace(path)
    assert found.origin.form == {"t": "text", "a": "arrows", "s": "std"}[second[1]]
    if ".std" in first + second:
        assert [row[:2] for row in rows(found)] == [row[:2] for row in rows(text.parse(SOURCE))]
        assert {str(target) for target in found.targets} == {"thread:t1", "lock:m", "page:std"}
    else:
        assert rows(found) == rows(text.parse(SOURCE))


def test_a_suffix_that_names_no_format_lists_those_that_do(tmp_path: Path) -> None:
    message = refusal(tmp_path / "x.txt")
    assert "use one of .trace, .trace.gz, .arrows, .std, .std.gz" in message
    with pytest.raises(TraceError, match=r"use one of \.trace"):
        write_trace(text.parse(SOURCE), tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_not_there_is_one_line(suffix: str, tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / f"x{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_directory_is_no_trace(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"x{suffix}").mkdir()
    assert "cannot be read: Is a directory" in refusal(tmp_path / f"x{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_cannot_be_written_is_one_line(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written: No such file or directory"):
        write_trace(text.parse(SOURCE), tmp_path / "no" / f"x{suffix}")


def test_a_trace_that_std_cannot_say_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be said in STD"):
        write_trace(text.parse("a rlock lock:0"), tmp_path / "x.std")
    assert not (tmp_path / "x.std").exists()


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    path.write_bytes(b"\xef\xbb\xbfmain exit\r\n")
    assert read_trace(path).threads == ["main"]


def test_bytes_that_are_not_utf8_are_named_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    path.write_bytes(b"main lock lock:0\nmain lock lock:\xff\n")
    assert refusal(path) == "line 2: expected UTF-8, found byte 0xff: invalid start byte"


def test_the_same_trace_is_gzipped_to_the_same_bytes(tmp_path: Path) -> None:
    trace = text.parse(SOURCE)
    write_trace(trace, tmp_path / "x.trace.gz")
    write_trace(trace, tmp_path / "y.trace.gz")
    assert (tmp_path / "x.trace.gz").read_bytes() == (tmp_path / "y.trace.gz").read_bytes()
    assert gzip.decompress((tmp_path / "x.trace.gz").read_bytes()).decode() == text.render(trace)


def test_a_gzip_stream_that_is_cut_off_or_damaged_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.std.gz"
    whole = gzip.compress(b"T|r(x)|1\n" * 10_000)
    path.write_bytes(whole[:-20])
    assert "the gzip stream is damaged" in refusal(path)
    path.write_bytes(whole[:30] + b"\0" * 10 + whole[40:])
    assert "the gzip stream is damaged" in refusal(path)
    path.write_bytes(b"T|r(x)|1\n")
    assert "the gzip stream is damaged" in refusal(path)


def test_a_small_file_that_unpacks_to_very_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_SPARED", 1 << 21)
    path = tmp_path / "x.trace.gz"
    for line in (b"\n", b"#"):
        path.write_bytes(gzip.compress(line * (1 << 23)))
        assert "unpack to more than 2097152" in refusal(path)
    path.write_bytes(gzip.compress(b"\n" * (1 << 20)))
    assert len(read_trace(path)) == 0
