"""Pages: who owns one, and when it is gone.

Source: `Page` and `BorrowedPage` of `rust/kernel/page.rs`; orders above 0 are planned there.

A page's memory outlives its `free` for as long as somebody can name it. So a use after free is
harmless here, and a finding.
"""

from __future__ import annotations

from operator import index
from sys import _getframe
from types import FrameType, TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from racepage.errors import InvalidArgument
from racepage.events import Flag, Op
from racepage.execution import current
from racepage.execution.current import ThreadLog
from racepage.execution.step import WRITE
from racepage.memory import failures
from racepage.memory.access import PageAccess
from racepage.memory.gfp import GFP_KERNEL, GFP_ZERO, Flags, allows_sleeping
from racepage.memory.layout import MAX_ORDER, PAGE_SIZE

POISON: Final = 0xAA
"""What uninitialised bytes look like: PAGE_POISON of `include/linux/poison.h`."""

_ALLOC: Final = {  # zeroed, may sleep
    (False, False): current.word(Op.ALLOC),
    (False, True): current.word(Op.ALLOC, Flag.SLEEPS),
    (True, False): current.word(Op.ALLOC, Flag.ZEROED),
    (True, True): current.word(Op.ALLOC, Flag.ZEROED | Flag.SLEEPS),
}
_FREE: Final = current.word(Op.FREE)


class Page(PageAccess):
    """A page and its ownership: `free()`, the end of a `with`, or the garbage collector frees it.

    Any thread may hold, use or free a page. `with Page.alloc_page() as page:` frees at the end what
    the thread has not freed in the body itself; that another thread freed it in between is a
    double free.
    """

    __slots__ = ("_charge", "_freed_by")

    def __init__(self, array: NDArray[np.uint8], number: int, charge: failures.Charge = ()) -> None:
        super().__init__(array, number, current.raw_section())
        self._charge = charge
        self._freed_by: ThreadLog | None = None

    @classmethod
    def alloc_page(
        cls, flags: Flags = GFP_KERNEL, order: int = 0, *, label: str | None = None
    ) -> Self:
        """A new page of `PAGE_SIZE << order` bytes.

        Args:
            flags: with `__GFP_ZERO` its bytes are zero, without it they are uninitialised.
                `GFP_KERNEL` may sleep, `GFP_ATOMIC` and `GFP_NOWAIT` do not.
            order: 0 to 10.
            label: what reports call it.

        Raises:
            AllocError: `failing_allocations` says so.
            InvalidArgument: there is no such order.
        """
        if not isinstance(flags, Flags):
            raise TypeError(f"flags must be Flags such as GFP_KERNEL, not {type(flags).__name__}")
        order = index(order)
        if not 0 <= order <= MAX_ORDER:
            raise InvalidArgument(f"order {order} is not between 0 and {MAX_ORDER}")
        charge = failures.charge(1 << order)
        zeroed = flags.contains(GFP_ZERO)
        size = PAGE_SIZE << order
        array = np.zeros(size, np.uint8) if zeroed else np.empty(size, np.uint8)
        if not zeroed:
            array.fill(POISON)
        page = cls(array, current.new_page(size, label), charge)
        if current.mode:
            word = _ALLOC[zeroed, allows_sleeping(flags)]
            current.log(word, page.number, _getframe(1), size)
        return page

    def free(self) -> None:
        """Give the page back. What touches it later is a use after free; so is a second `free`."""
        self._free(_getframe(1))

    def borrow(self) -> BorrowedPage:
        """The same page, for somebody who does not free it."""
        return BorrowedPage(self)

    def _free(self, frame: FrameType) -> None:
        if current.mode >= current.CONTROLLED:
            current.kernel.point(WRITE, self.number, 0, self._size)
        if current.mode:
            current.log(_FREE, self.number, frame, self._size)
        if self._freed_by is None:
            failures.give_back(self._charge, self._size // PAGE_SIZE)
        self._freed_by = current.task()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._freed_by is not current.task():
            self._free(_getframe(1))

    def __del__(self) -> None:
        # A finalizer may run anywhere, even inside the recorder: it appends, and nothing else.
        if self._freed_by is None:
            current.collect(self.number)
            if self._charge:
                failures.give_back(self._charge, self._size // PAGE_SIZE)
        else:
            current.drop(self.number)


class BorrowedPage(PageAccess):
    """A page that somebody else owns. It keeps the owner from being collected, not from freeing."""

    __slots__ = ("_owner",)

    def __init__(self, page: Page) -> None:
        super().__init__(page._array, page.number, page._section)  # noqa: SLF001  (it is that page)
        self._owner = page
