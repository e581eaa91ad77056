from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.report.escape import LONGEST, plain


def test_ordinary_names_stay_as_they_are() -> None:
    assert plain("worker-1 (ключ, 鍵) [bold]") == "worker-1 (ключ, 鍵) [bold]"


def test_terminal_escape_sequences_are_spelled_out() -> None:
    assert plain("\x1b[31mred\x07") == "\\x1b[31mred\\x07"


def test_line_breaks_do_not_break_lines() -> None:
    assert plain("a\r\nb\u2028c\x85d\te") == "a\\r\\nb\\u2028c\\x85d\\te"


def test_direction_marks_cannot_reverse_a_line() -> None:
    assert plain("\u202egnp.exe") == "\\u202egnp.exe"


def test_lone_surrogates_can_be_encoded() -> None:
    assert plain("\udcff").encode() == b"\\udcff"


def test_characters_beyond_the_first_plane_are_escaped_whole() -> None:
    assert plain("\U000e0001") == "\\U000e0001"


def test_long_names_are_cut_with_an_ellipsis() -> None:
    assert plain("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
    assert plain("x" * LONGEST) == "x" * LONGEST


@settings(max_examples=300)
@given(st.text(st.characters()))
def test_whatever_comes_out_is_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
