"""The four unsafe methods: what they copy, what they refuse, what they log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import BadAddress
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, UserMemory, UserSlice
from tests.execution.rows import recorded

PATTERN = np.arange(64, dtype=np.uint8)


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def test_write_raw_then_read_raw_gives_the_bytes_back() -> None:
    page = zeroed()
    page.write_raw(PATTERN, 100, 64)
    found = np.zeros(64, np.uint8)
    page.read_raw(found, 100, 64)
    assert found.tobytes() == PATTERN.tobytes()
    assert bytes(page.view()[99:165]) == b"\0" + PATTERN.tobytes() + b"\0"


def test_a_longer_buffer_is_used_from_its_beginning() -> None:
    page = zeroed()
    page.write_raw(PATTERN, 0, 4)
    found = np.full(10, 9, np.uint8)
    page.read_raw(found, 0, 4)
    assert found.tolist() == [0, 1, 2, 3, 9, 9, 9, 9, 9, 9]
    assert page.view()[4] == 0


def test_fill_zero_raw_zeroes_that_range_only() -> None:
    page = Page.alloc_page(GFP_KERNEL)
    page.fill_zero_raw(8, 8)
    assert bytes(page.view()[7:17]) == b"\xaa" + bytes(8) + b"\xaa"


@pytest.mark.parametrize(
    "make",
    [
        bytearray,
        lambda data: memoryview(bytearray(data)),
        lambda data: np.frombuffer(data, np.uint32).copy(),
        lambda data: np.frombuffer(data, np.float64).copy(),
        lambda data: np.frombuffer(data, np.uint8).reshape(4, 16).copy(),
        lambda data: np.frombuffer(data, np.int8).copy(),
    ],
)
def test_any_contiguous_buffer_will_do_whatever_its_items(make: Callable[[bytes], Any]) -> None:
    page = zeroed()
    page.write_raw(make(PATTERN.tobytes()), 0, 64)
    found = make(bytes(64))
    page.read_raw(found, 0, 64)
    assert bytes(memoryview(found).cast("B")) == PATTERN.tobytes()


@given(st.binary(max_size=80), st.integers(0, 4096), st.integers(0, 80))
@settings(max_examples=200)
def test_a_page_is_memory(data: bytes, offset: int, length: int) -> None:
    offset = min(offset, 4096 - length)
    page, model = zeroed(), bytearray(4096)
    if length <= len(data):
        page.write_raw(data, offset, length)
        model[offset : offset + length] = data[:length]
    found = bytearray(4096)
    page.read_raw(found, 0, 4096)
    assert found == model


REFUSED: dict[str, Callable[[], Any]] = {
    "too short": lambda: np.zeros(7, np.uint8),
    "strided": lambda: np.zeros(32, np.uint8)[::2],
    "transposed": lambda: np.zeros((4, 8), np.uint8).T,
    "too short in bytes": lambda: np.zeros(1, np.uint32),
    "empty": lambda: np.zeros((0, 3), np.uint8),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_unusable_dst_is_a_value_error_and_nothing_is_logged(what: str) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match="dst"):
            page.read_raw(REFUSED[what](), 0, 8)

    assert recorded(body) == []


@pytest.mark.parametrize("what", REFUSED)
def test_an_unusable_src_is_a_value_error_and_nothing_is_written(what: str) -> None:
    page = Page.alloc_page(GFP_KERNEL)

    def body() -> None:
        with pytest.raises(ValueError, match="src"):
            page.write_raw(REFUSED[what](), 0, 8)

    assert recorded(body) == []
    assert bytes(page.view()) == b"\xaa" * 4096


def test_a_read_only_dst_is_a_value_error() -> None:
    data = np.zeros(8, np.uint8)
    data.flags.writeable = False

    def body() -> None:
        for dst in (data, bytes(8)):
            with pytest.raises(ValueError, match="read-only"):
                zeroed().read_raw(dst, 0, 8)

    assert "read" not in " ".join(recorded(body))


def test_a_read_only_src_will_do() -> None:
    page = zeroed()
    page.write_raw(b"const", 0, 5)
    assert bytes(page.view()[:5]) == b"const"


def test_what_is_no_buffer_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        zeroed().read_raw([0] * 8, 0, 8)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        zeroed().write_raw("text", 0, 4)  # type: ignore[arg-type]


def test_each_is_logged_as_what_it_is() -> None:
    page = zeroed()

    def body() -> None:
        page.read_raw(np.zeros(8, np.uint8), 8, 8)
        page.write_raw(PATTERN, 0, 64)
        page.fill_zero_raw(4, 4)
        page.read_raw(np.zeros(2, np.uint32), 16, 8)  # the slow path logs the same

    assert recorded(body) == [
        "main read page:0[8:16]",
        "main write page:0[0:64]",
        "main zero page:0[4:8]",
        "main read page:0[16:24]",
    ]


def test_an_empty_access_is_logged_and_touches_nothing() -> None:
    page = zeroed()

    def body() -> None:
        page.write_raw(b"", 4096, 0)
        page.read_raw(bytearray(), 4096, 0)

    assert recorded(body) == ["main write page:0[4096:4096]", "main read page:0[4096:4096]"]


def test_the_implicit_maps_are_not_logged() -> None:
    page = zeroed()
    assert recorded(lambda: page.write_raw(PATTERN, 0, 1)) == ["main write page:0[0:1]"]


def test_a_pointer_as_dst_is_a_write_of_the_other_page() -> None:
    one, two = zeroed(), zeroed()
    one.write_raw(b"abcd", 0, 4)

    def body() -> None:
        two.with_page_mapped(lambda pointer: one.read_raw(pointer + 8, 0, 4))

    assert recorded(body) == [
        "main map page:0 via pointer:0",
        "main read page:1[0:4]",
        "main write page:0[8:12] via pointer:0",
        "main unmap pointer:0",
    ]
    assert bytes(two.view()[8:12]) == b"abcd"


def test_a_slice_as_src_is_a_read_of_the_other_page() -> None:
    one, two = zeroed(), zeroed()
    two.write_raw(b"abcd", 8, 4)

    def body() -> None:
        two.with_slice_in_page(8, 4, lambda part: one.write_raw(part, 0, 4))

    assert recorded(body)[1:3] == [
        "main read page:0[8:12] via pointer:0 bound (8, 12)",
        "main write page:1[0:4]",
    ]
    assert bytes(one.view()[:4]) == b"abcd"


def test_a_slice_that_is_too_short_is_a_value_error() -> None:
    one, two = zeroed(), zeroed()
    with pytest.raises(ValueError, match="4 bytes"):
        two.with_slice_in_page(8, 4, lambda part: one.write_raw(part, 0, 5))


# From user memory


def test_copy_from_user_copies_and_advances() -> None:
    page, user = zeroed(), UserSlice(PATTERN, 10, 20).reader()

    def body() -> None:
        page.copy_from_user_slice_raw(user, 100, 15)
        page.copy_from_user_slice_raw(user, 200, 5)

    assert recorded(body) == [
        "main copy_in page:0[100:115] from user:0+10 BEGIN",
        "main copy_in page:0[200:205] from user:0+25",
    ]
    assert bytes(page.view()[100:115]) == PATTERN[10:25].tobytes()
    assert bytes(page.view()[200:205]) == PATTERN[25:30].tobytes()
    assert user.is_empty()


def test_copy_from_user_of_more_than_is_left_moves_nothing() -> None:
    page, user = Page.alloc_page(), UserSlice(PATTERN, 0, 8).reader()

    def body() -> None:
        with pytest.raises(BadAddress):
            page.copy_from_user_slice_raw(user, 0, 9)

    assert recorded(body) == []
    assert bytes(page.view()) == b"\xaa" * 4096
    assert len(user) == 8


def test_a_fault_in_the_middle_has_written_the_prefix_and_does_not_advance() -> None:
    memory = UserMemory(PATTERN)
    memory.unmap(16, 17)
    page, user = Page.alloc_page(), UserSlice(memory, 10, 20).reader()

    def body() -> None:
        with pytest.raises(BadAddress, match="offset 16, after 6 of the 10"):
            page.copy_from_user_slice_raw(user, 0, 10)

    assert recorded(body) == ["main copy_in page:0[0:6] from user:0+10 of 10 BEGIN"]
    assert bytes(page.view()[:7]) == PATTERN[10:16].tobytes() + b"\xaa"
    assert len(user) == 20


def test_bounds_are_checked_before_user_memory() -> None:
    user = UserSlice(PATTERN, 0, 8).reader()
    with pytest.raises(OSError, match="EINVAL"):
        zeroed().copy_from_user_slice_raw(user, 4090, 9)
