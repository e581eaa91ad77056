from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.report.ruler import Range, Ruler, draw

COLUMNS = 48


def columns_of(bar: str) -> set[int]:
    return {column for column, char in enumerate(bar) if char != " "}


def shared(first: Range, second: Range) -> Range:
    return max(first[0], second[0]), min(first[1], second[1])


@st.composite
def overlapping(draw_from: st.DrawFn) -> tuple[Range, Range]:
    """Two ranges that share at least one byte."""
    byte = draw_from(st.integers(0, 1 << 20))
    before = st.integers(0, byte)
    after = st.integers(byte + 1, byte + (1 << 20))
    return (
        (draw_from(before), draw_from(after)),
        (draw_from(before), draw_from(after)),
    )


def test_a_byte_is_as_wide_as_its_neighbour() -> None:
    ruler = draw((0, 2), (1, 3), (1, 2), COLUMNS)
    assert ruler == Ruler(
        labels="0       1       2       3",
        scale="├───────┼───────┼───────┤",
        first="████████████████",
        second="        ████████████████",
        both="        ▀▀▀▀▀▀▀▀",
        per_column=1,
    )


def test_half_overlapping_records_show_where_they_meet() -> None:
    ruler = draw((0, 64), (32, 96), (32, 64), COLUMNS)
    assert ruler.labels == "0               32              64              96"
    assert ruler.per_column == 2
    assert columns_of(ruler.both) == set(range(16, 32))


def test_one_byte_of_a_whole_page_is_seen() -> None:
    ruler = draw((0, 4096), (100, 101), (100, 101), COLUMNS)
    assert len(columns_of(ruler.second)) == 1
    assert ruler.per_column == 128


def test_labels_that_would_touch_are_left_out() -> None:
    ruler = draw((0, 4096), (1, 2), (1, 2), COLUMNS)
    assert ruler.labels.split() == ["0", "4096"]


def test_an_empty_range_has_no_bar() -> None:
    assert draw((8, 8), (0, 16), (8, 8), COLUMNS).first == ""


@settings(max_examples=300)
@given(overlapping(), st.integers(16, 100))
def test_bars_fit_and_nest(ranges: tuple[Range, Range], columns: int) -> None:
    first, second = ranges
    ruler = draw(first, second, shared(first, second), columns)
    assert max(len(ruler.first), len(ruler.second), len(ruler.scale) - 1) <= columns
    assert columns_of(ruler.both)
    assert columns_of(ruler.both) <= columns_of(ruler.first) & columns_of(ruler.second)


@settings(max_examples=300)
@given(overlapping())
def test_where_a_byte_has_columns_the_bars_are_exact(ranges: tuple[Range, Range]) -> None:
    first, second = ranges
    ruler = draw(first, second, shared(first, second), COLUMNS)
    if ruler.per_column == 1:
        assert columns_of(ruler.both) == columns_of(ruler.first) & columns_of(ruler.second)
