"""What a protocol promises about a page, said where it should hold.

    assert_exclusive_writer(page, 0, 64)        # now, nobody else writes these bytes
    with assert_exclusive_access(page):         # in this block, nobody else touches the page
        ...

An assertion checks nothing when it is made, and costs what one access costs. It is an event, and
the detector compares it with the accesses of all other threads: one that is ordered neither before
the assertion nor after it is an `exclusive-violation`. The accesses may be atomic, or under a lock:
what is asserted is that there are none, not that they do not race.

Source: ASSERT_EXCLUSIVE_WRITER, ASSERT_EXCLUSIVE_ACCESS and their scoped forms
(include/linux/kcsan-checks.h).
"""

from __future__ import annotations

from operator import index
from sys import _getframe
from types import TracebackType
from typing import Final, Self

from racepage.events import Flag, Op
from racepage.execution import current
from racepage.execution.frames import outside
from racepage.memory.access import PageAccess
from racepage.memory.kmap import PageSlice
from racepage.memory.layout import check_range

_WRITER: Final = int(Op.ASSERT_WRITER)
_ACCESS: Final = int(Op.ASSERT_ACCESS)
_BEGIN: Final = current.word(Op(0), Flag.BEGIN)
_END: Final = current.word(Op(0), Flag.END)


class Assertion:
    """An assertion that was made, and holds as long as a `with` block if one is opened with it."""

    __slots__ = ("_length", "_page", "_start", "_word")

    def __init__(self, word: int, page: PageAccess, start: int, length: int) -> None:
        self._word = word
        self._page = page
        self._start = start
        self._length = length

    def __enter__(self) -> Self:
        if current.mode:
            word = self._word | _BEGIN
            current.note(word, self._page.number, self._start, self._length, _getframe(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if current.mode:
            word = self._word | _END
            current.note(word, self._page.number, self._start, self._length, _getframe(1))


def assert_exclusive_writer(
    page: PageAccess | PageSlice, start: int | slice | range = 0, stop: int | None = None
) -> Assertion:
    """Assert that no other thread writes these bytes now, or in the `with` block that this opens.

    Args:
        page: a page, or a slice of one.
        start: the first byte; or all bytes that are meant, as `slice(0, 64)` or `range(0, 64)`.
        stop: one past the last byte; None is the end.

    Raises:
        InvalidArgument: the bytes do not lie in the page, or the slice.
        TypeError: `page` is neither.
        ValueError: a range with a step.
    """
    return _assert(_WRITER, page, start, stop)


def assert_exclusive_access(
    page: PageAccess | PageSlice, start: int | slice | range = 0, stop: int | None = None
) -> Assertion:
    """As `assert_exclusive_writer`, but that no other thread even reads them."""
    return _assert(_ACCESS, page, start, stop)


def _assert(
    word: int, page: PageAccess | PageSlice, start: int | slice | range, stop: int | None
) -> Assertion:
    if isinstance(start, slice | range):
        run = start
        if stop is not None:
            raise TypeError(f"{run} says where it stops: leave out stop={stop}")
        if run.step not in (None, 1):
            raise ValueError(f"a step of {run.step}: what is asserted is one run of bytes")
        start, stop = run.start or 0, run.stop
    base = 0
    if isinstance(page, PageSlice):
        pointer, size = page.as_ptr(), len(page)
        base, page = pointer.offset, pointer.mapping.page
    elif isinstance(page, PageAccess):
        size = page.size
    else:
        raise TypeError(f"a page, or a slice of one, not {type(page).__name__}")
    start, length = check_range(start, (size if stop is None else index(stop)) - start, size)
    if current.mode:
        current.note(word, page.number, base + start, length, outside(_getframe(2)))
    return Assertion(word, page, base + start, length)
