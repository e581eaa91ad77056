"""Every way into a page checks the kernel's condition, and does nothing where it fails."""

from __future__ import annotations

import errno
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from racepage.errors import InvalidArgument
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, UserSlice
from tests.execution.rows import recorded


def kernel_allows(offset: int, length: int, size: int) -> bool:
    """`off <= PAGE_SIZE && len <= PAGE_SIZE && (off + len) <= PAGE_SIZE`, over `usize`."""
    if not (0 <= offset < 2**64 and 0 <= length < 2**64):
        return False
    return offset <= size and length <= size and (offset + length) % 2**64 <= size


def _mapped(page: Page, offset: int, length: int) -> None:
    page.with_pointer_into_page(offset, length, lambda _: None)


def _sliced(page: Page, offset: int, length: int) -> None:
    page.with_slice_in_page(offset, length, lambda _: None)


BIG = np.zeros(4096 << 2, np.uint8)

WAYS: dict[str, Callable[[Page, int, int], None]] = {
    "read_raw": lambda page, offset, length: page.read_raw(BIG.copy(), offset, length),
    "write_raw": lambda page, offset, length: page.write_raw(BIG, offset, length),
    "fill_zero_raw": lambda page, offset, length: page.fill_zero_raw(offset, length),
    "copy_from_user_slice_raw": lambda page, offset, length: page.copy_from_user_slice_raw(
        UserSlice(BIG, 0, len(BIG)).reader(), offset, length
    ),
    "with_pointer_into_page": _mapped,
    "with_slice_in_page": _sliced,
}

SIZES = st.sampled_from([0, 1, 2])
NEAR = st.one_of(
    st.integers(-2, 2),
    st.integers(4094, 4098),
    st.integers(8190, 8194),
    st.integers(16382, 16386),
    st.integers(2**63 - 2, 2**63 + 2),
    st.integers(2**64 - 4098, 2**64 + 4098),
    st.integers(0, 5000),
    st.integers(),
)


@pytest.mark.parametrize("way", WAYS)
@given(order=SIZES, offset=NEAR, length=NEAR)
@settings(max_examples=300)
@example(order=0, offset=4096, length=0)
@example(order=0, offset=0, length=4096)
@example(order=0, offset=1, length=4096)
@example(order=0, offset=2**64 - 1, length=1)
@example(order=0, offset=-1, length=1)
@example(order=0, offset=1, length=-1)
def test_bounds_are_the_kernels(way: str, order: int, offset: int, length: int) -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO, order)
    if kernel_allows(offset, length, 4096 << order):
        WAYS[way](page, offset, length)
    else:
        with pytest.raises(InvalidArgument) as caught:
            WAYS[way](page, offset, length)
        assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_says_offset_length_and_page_size(way: str) -> None:
    page = Page.alloc_page()
    with pytest.raises(InvalidArgument, match=r"offset 4090 .*length 7 .*4096"):
        WAYS[way](page, 4090, 7)


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_logs_nothing(way: str) -> None:
    page = Page.alloc_page()

    def body() -> None:
        with pytest.raises(InvalidArgument):
            WAYS[way](page, 4096, 1)

    assert recorded(body) == []


@pytest.mark.parametrize("way", ["with_pointer_into_page", "with_slice_in_page"])
@pytest.mark.parametrize(("offset", "length"), [(4097, 0), (0, 4097), (-1, 0), (0, -1)])
def test_the_closure_is_not_called_where_the_range_is_refused(
    way: str, offset: int, length: int
) -> None:
    called: list[object] = []
    with pytest.raises(InvalidArgument):
        getattr(Page.alloc_page(), way)(offset, length, called.append)
    assert called == []


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_numpy_integers_are_not_added_in_eight_bits() -> None:
    # 200 + 100 is 44 in eight bits; the page has room for 300.
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    data = np.arange(100, dtype=np.uint8)
    page.write_raw(data, np.uint8(200), np.uint8(100))  # type: ignore[arg-type]
    assert bytes(page.view()[200:300]) == data.tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_integer_is_a_type_error(way: str) -> None:
    with pytest.raises(TypeError):
        WAYS[way](Page.alloc_page(), 0.0, 8)  # type: ignore[arg-type]
