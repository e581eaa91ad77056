"""Byte-wise atomic copies: the buffer rules of the raw methods, in a class of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

import racepage
from racepage import sync
from racepage.errors import BadAddress, InvalidArgument
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from tests.execution.rows import recorded


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def test_what_is_written_is_read_back() -> None:
    page = zeroed()
    page.bytewise_write(b"0123456789", 4090, 6)
    found = np.full(8, 9, np.uint8)
    page.bytewise_read(found, 4088, 8)
    assert found.tobytes() == b"\0\0" + b"012345"
    page.bytewise_read(found, 4092, 2)
    assert found.tobytes() == b"23" + b"012345"


@pytest.mark.parametrize(
    "make",
    [
        bytearray,
        lambda data: np.frombuffer(data, np.uint32).copy(),
        lambda data: np.frombuffer(data, np.float64).copy(),
        lambda data: np.frombuffer(data, np.uint8).reshape(4, 4).copy(),
    ],
)
def test_any_contiguous_buffer_will_do(make: Callable[[bytes], Any]) -> None:
    page = zeroed()
    page.bytewise_write(make(bytes(range(16))), 1, 16)
    found = make(bytes(16))
    page.bytewise_read(found, 1, 16)
    assert bytes(memoryview(found).cast("B")) == bytes(range(16))


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 4097), (4096, 1), (-1, 1), (0, -1), (4000, 97), (1 << 64, 0)]
)
def test_outside_the_page_is_einval_with_nothing_done(offset: int, length: int) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(InvalidArgument):
            page.bytewise_read(bytearray(5000), offset, length)
        with pytest.raises(InvalidArgument):
            page.bytewise_write(b"x" * 5000, offset, length)

    assert recorded(body) == []
    assert bytes(page.view()) == bytes(4096)


READ_ONLY: Final = np.zeros(8, np.uint8)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("dst", "why"),
    [
        (np.zeros(7, np.uint8), "fewer"),
        (np.zeros(32, np.uint8)[::2], "contiguous"),
        (READ_ONLY, "read-only"),
        (bytes(8), "read-only"),
    ],
)
def test_an_unusable_dst_is_a_value_error_and_nothing_is_logged(dst: Any, why: str) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match=why):
            page.bytewise_read(dst, 0, 8)

    assert recorded(body) == []


@pytest.mark.parametrize(
    ("src", "why"),
    [(np.ones(7, np.uint8), "fewer"), (np.ones(32, np.uint8)[::2], "contiguous")],
)
def test_an_unusable_src_is_a_value_error_and_nothing_is_written(src: Any, why: str) -> None:
    page = zeroed()

    def body() -> None:
        with pytest.raises(ValueError, match=why):
            page.bytewise_write(src, 0, 8)

    assert recorded(body) == []
    assert bytes(page.view()[:8]) == bytes(8)


def test_each_is_logged_as_what_it_is() -> None:
    page = zeroed()

    def body() -> None:
        page.bytewise_read(bytearray(8), 8, 8)
        page.bytewise_write(bytes(4096), 0, 4096)
        page.bytewise_read(bytearray(), 4096, 0)

    assert recorded(body) == [
        "main bytewise_read page:0[8:16]",
        "main bytewise_write page:0[0:4096]",
        "main bytewise_read page:0[4096:4096]",
    ]


def test_the_bytes_of_a_large_page() -> None:
    with Page.alloc_page(GFP_KERNEL | GFP_ZERO, order=3) as page:
        page.bytewise_write(b"\1" * 9000, 20000, 9000)
        found = bytearray(9002)
        page.bytewise_read(found, 19999, 9002)
        assert found == b"\0" + b"\1" * 9000 + b"\0"


def test_another_page_s_memory_is_touched_plainly() -> None:
    page, other = zeroed(), zeroed()
    other.store(64, 8, 0x0807060504030201)

    def body() -> None:
        other.with_slice_in_page(64, 8, lambda part: page.bytewise_write(part, 0, 8))
        other.with_pointer_into_page(0, 4, lambda pointer: page.bytewise_read(pointer + 2, 4, 2))

    assert recorded(body) == [
        "main map page:0 via pointer:0",
        "main read page:0[64:72] via pointer:0 bound (64, 72)",
        "main bytewise_write page:1[0:8]",
        "main unmap pointer:0",
        "main map page:0 via pointer:1",
        "main bytewise_read page:1[4:6]",
        "main write page:0[2:4] via pointer:1 bound (0, 4)",
        "main unmap pointer:1",
    ]
    assert bytes(other.view()[0:5]) == b"\0\0\5\6\0"


def test_a_pointer_that_leaves_its_page_moves_nothing() -> None:
    page, other = zeroed(), zeroed()

    def body() -> None:
        with pytest.raises(BadAddress):
            other.with_page_mapped(lambda pointer: page.bytewise_write(pointer + 4092, 0, 8))

    assert [line.split()[1] for line in recorded(body)] == ["map", "unmap"]


def races(one: Callable[[Page], object], other: Callable[[Page], object]) -> bool:
    """Whether two threads that do this race."""
    page = zeroed()
    with racepage.record() as recording:
        threads = [sync.Thread(target=act, args=(page,)) for act in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = {finding.kind for finding in racepage.analyse(recording.trace()).findings}
    assert found <= {"data-race"}
    return bool(found)


def test_byte_wise_copies_race_with_plain_accesses_only() -> None:
    def copy_out(page: Page) -> None:
        page.bytewise_read(bytearray(16), 0, 16)

    def copy_in(page: Page) -> None:
        page.bytewise_write(bytes(16), 0, 16)

    assert not races(copy_out, copy_in)
    assert not races(copy_in, copy_in)
    assert not races(copy_in, lambda page: page.fetch_add(8, 8, 1))
    assert not races(copy_out, lambda page: page.read_raw(bytearray(16), 0, 16))
    assert races(copy_out, lambda page: page.write_raw(bytes(16), 0, 16))
    assert races(copy_in, lambda page: page.read_raw(bytearray(16), 0, 16))
    assert races(copy_in, lambda page: page.fill_zero_raw(15, 1))
