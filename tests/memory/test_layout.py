from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racepage.errors import InvalidArgument
from racepage.memory import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, page_align

LAST_PAGE = 2**64 - 4096


def test_a_page_has_4096_bytes() -> None:
    assert (PAGE_SHIFT, PAGE_SIZE, PAGE_MASK) == (12, 4096, 0xFFFFFFFFFFFFF000)


@pytest.mark.parametrize(
    ("addr", "aligned"),
    [(0, 0), (1, 4096), (4095, 4096), (4096, 4096), (4097, 8192), (LAST_PAGE, LAST_PAGE)],
)
def test_page_align_rounds_up(addr: int, aligned: int) -> None:
    assert page_align(addr) == aligned


@pytest.mark.parametrize("addr", [LAST_PAGE + 1, 2**64 - 1])
def test_page_align_is_none_where_64_bits_end(addr: int) -> None:
    assert page_align(addr) is None


@pytest.mark.parametrize("addr", [-1, 2**64])
def test_page_align_refuses_what_is_no_address(addr: int) -> None:
    with pytest.raises(InvalidArgument, match="64 bits"):
        page_align(addr)


@given(st.integers(0, LAST_PAGE))
def test_page_align_gives_the_nearest_multiple_above(addr: int) -> None:
    aligned = page_align(addr)
    assert aligned is not None
    assert aligned & PAGE_MASK == aligned
    assert 0 <= aligned - addr < PAGE_SIZE
