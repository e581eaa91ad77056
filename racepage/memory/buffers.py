"""What a page is copied from and to: buffers of the program under test.

Anything with Python's buffer protocol will do, of any item type: bytes are what is copied. A buffer
that is too short, not contiguous, or read-only where it is written is refused before anything is
touched or logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def source(src: ReadableBuffer, length: int) -> memoryview:
    """The first `length` bytes of `src`, to read.

    Raises:
        ValueError: `src` is not contiguous, or shorter.
        TypeError: `src` has no buffer.
    """
    return _bytes(memoryview(src), "src", length)


def destination(dst: WriteableBuffer, length: int) -> memoryview:
    """The first `length` bytes of `dst`, to write.

    Raises:
        ValueError: `dst` is read-only, not contiguous, or shorter.
        TypeError: `dst` has no buffer.
    """
    view = memoryview(dst)
    if view.readonly:
        raise ValueError("dst is read-only, and it is what would be written")
    return _bytes(view, "dst", length)


def _bytes(view: memoryview, name: str, length: int) -> memoryview:
    if not view.c_contiguous:
        raise ValueError(f"{name} is not contiguous: copy it, or give a contiguous part of it")
    if view.nbytes < length:
        raise ValueError(f"{name} has {view.nbytes} bytes, fewer than the length {length}")
    if not view.nbytes:  # an empty shape cannot be cast
        return memoryview(bytearray())
    return view.cast("B")[:length]
