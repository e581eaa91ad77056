"""What a page is copied from and to: buffers of the program under test.

Anything with Python's buffer protocol will do, of any item type: bytes are what is copied. A buffer
that is too short, not contiguous, or read-only where it is written is refused before anything is
touched or logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer
    from numpy.typing import NDArray

    # Before Python 3.12 the types do not say that an array has a buffer.
    Source: TypeAlias = ReadableBuffer | NDArray[Any]
    Destination: TypeAlias = WriteableBuffer | NDArray[Any]


def view(buffer: Source) -> memoryview:
    """The buffer as Python sees it.

    Raises:
        TypeError: it is none.
    """
    return memoryview(buffer)  # type: ignore[arg-type,unused-ignore]


def source(src: Source, length: int) -> memoryview:
    """The first `length` bytes of `src`, to read.

    Raises:
        ValueError: `src` is not contiguous, or shorter.
        TypeError: `src` has no buffer.
    """
    return _bytes(view(src), "src", length)


def destination(dst: Destination, length: int) -> memoryview:
    """The first `length` bytes of `dst`, to write.

    Raises:
        ValueError: `dst` is read-only, not contiguous, or shorter.
        TypeError: `dst` has no buffer.
    """
    target = view(dst)
    if target.readonly:
        raise ValueError("dst is read-only, and it is what would be written")
    return _bytes(target, "dst", length)


def _bytes(seen: memoryview, name: str, length: int) -> memoryview:
    if not seen.c_contiguous:
        raise ValueError(f"{name} is not contiguous: copy it, or give a contiguous part of it")
    if seen.nbytes < length:
        raise ValueError(f"{name} has {seen.nbytes} bytes, fewer than the length {length}")
    if not seen.nbytes:  # an empty shape cannot be cast
        return memoryview(bytearray())
    return seen.cast("B")[:length]
