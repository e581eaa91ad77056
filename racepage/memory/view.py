"""A page as a numpy user reaches for it."""

from __future__ import annotations

from operator import index
from sys import _getframe
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.execution import current
from racepage.execution.step import READ, WRITE, Touch
from racepage.memory import values

if TYPE_CHECKING:
    from racepage.memory.access import PageAccess

_READ: Final = int(Op.READ)
_WRITE: Final = int(Op.WRITE)


class PageView:
    """The bytes of a page: `view[i]`, `view[a:b]`, `view[a:b] = data`, `len(view)`, `bytes(view)`.

    `view[a:b]` is a read, at that moment, of those bytes: a copy, and a read-only one, so that
    nobody takes it for the page. `view[a:b] = data` is a write; data are bytes of that length, or
    what numpy would assign to so many `uint8`. Indices behave as a list's.
    """

    __slots__ = ("_array", "_page")

    def __init__(self, page: PageAccess, array: NDArray[np.uint8]) -> None:
        self._page = page
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __bytes__(self) -> bytes:
        return self._read(0, len(self), _getframe(1)).tobytes()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a page's memory is never handed out: take a copy")
        found = self._read(0, len(self), _getframe(1))
        return found if dtype is None else found.astype(dtype)

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> NDArray[np.uint8]: ...
    def __getitem__(self, key: int | slice) -> int | NDArray[np.uint8]:
        if isinstance(key, slice):
            start, stop = self._run(key)
            return self._read(start, stop, _getframe(1))
        place = self._place(key)
        return int(self._read(place, place + 1, _getframe(1))[0])

    def __setitem__(self, key: int | slice, value: Any) -> None:
        if isinstance(key, slice):
            start, stop = self._run(key)
        else:
            start = self._place(key)
            stop = start + 1
        if isinstance(value, bytes | bytearray | memoryview):
            value = np.frombuffer(value, np.uint8)
            if len(value) != stop - start:
                raise ValueError(f"{len(value)} bytes of data for a range of {stop - start}")
        here = self._array.data[start:stop]
        if current.mode >= current.CONTROLLED:
            current.kernel.touching(Touch(self._page.number, start, stop, WRITE))
        before = values.seen(here)
        self._array[start:stop] = value
        if current.mode:
            number, after = self._page.number, values.seen(here)
            values.note(_WRITE, number, start, stop - start, _getframe(1), before, after)

    def _read(self, start: int, stop: int, frame: FrameType) -> NDArray[np.uint8]:
        if current.mode >= current.CONTROLLED:
            current.kernel.touching(Touch(self._page.number, start, stop, READ))
        found = self._array[start:stop].copy()
        found.flags.writeable = False
        if current.mode:
            length = stop - start
            values.note(_READ, self._page.number, start, length, frame, values.seen(found.data))
        return found

    def _run(self, key: slice) -> tuple[int, int]:
        start, stop, step = key.indices(len(self))
        if step != 1:
            raise ValueError(f"a step of {step}: an access touches one run of bytes")
        return start, max(start, stop)

    def _place(self, key: int) -> int:
        place = index(key)
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {place} is not in a page of {len(self)} bytes")
        return place % len(self)
