"""Sizes and addresses of pages. Source: `rust/kernel/page.rs`."""

from __future__ import annotations

from operator import index
from typing import Final

from racepage.errors import InvalidArgument

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT
PAGE_MASK: Final = 0xFFFF_FFFF_FFFF_F000
"""What of a 64-bit address names the page."""

MAX_ORDER: Final = 10
"""The largest order of an allocation: MAX_PAGE_ORDER of `include/linux/mmzone.h`."""


def page_align(addr: int) -> int | None:
    """`addr` rounded up to a multiple of PAGE_SIZE; None where that does not fit in 64 bits.

    Raises:
        InvalidArgument: `addr` is no 64-bit address itself.
    """
    if not 0 <= addr < 1 << 64:
        raise InvalidArgument(f"{addr} is no address: addresses have 64 bits")
    aligned = (addr + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)
    return aligned if aligned < 1 << 64 else None


def check_range(offset: int, length: int, size: int) -> tuple[int, int]:
    """`offset` and `length` as plain integers, if they lie in a page of `size` bytes.

    The kernel's condition: `offset <= size && length <= size && offset + length <= size`. Python's
    integers do not overflow, so the sum alone decides; the kernel's unsigned types have no
    negative numbers, so one is refused.

    Raises:
        InvalidArgument: they do not.
        TypeError: they are no integers.
    """
    offset, length = index(offset), index(length)
    if offset < 0 or length < 0 or offset + length > size:
        raise InvalidArgument(
            f"offset {offset} and length {length} do not lie in a page of {size} bytes"
        )
    return offset, length
