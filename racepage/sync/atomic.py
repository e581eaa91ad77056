"""Atomics outside of pages: free cells, fences, and loops that wait for them.

Edges: those of C++20, as `racepage.order.atomics` has them. A release store heads a release
sequence, which read-modify-writes of any thread continue and any other store ends; an acquire that
reads from it knows what the releasing thread knew; fences do the same for the relaxed accesses
around them.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from time import monotonic, sleep
from types import FrameType
from typing import Final

from racepage.errors import RacepageError
from racepage.execution import current, waits
from racepage.execution.atomics import FENCES, SEQ_CST, SIZES, AtomicWord, Order
from racepage.execution.current import CONTROLLED
from racepage.execution.frames import outside
from racepage.sync._names import cell_number, shown

FIRST_PAUSE_SECONDS: Final = 1e-6
LONGEST_PAUSE_SECONDS: Final = 1e-3


class Atomic(AtomicWord):
    """A number that threads read and change as a whole: `std::atomic<uint64_t>`.

        ready = Atomic(name="ready")
        ready.store(1, "release")
        ...
        if ready.load("acquire"): ...

    It is unsigned and wraps around. Nothing but its own methods touches it, so that it has no
    races; it is there for what it orders.
    """

    __slots__ = ("__weakref__", "_name", "_number")

    def __init__(self, value: int = 0, size: int = 8, *, name: str | None = None) -> None:
        """A cell of `size` bytes that holds `value`.

        Raises:
            ValueError: a size other than 1, 2, 4 or 8.
        """
        if size not in SIZES:
            raise ValueError(f"an atomic of {size} bytes: it has 1, 2, 4 or 8")
        super().__init__(memoryview(bytearray(size)), current.raw_section())
        self._here[:] = self._encoded(value)
        self._name = name
        self._number = cell_number(self, name)

    def __repr__(self) -> str:
        value = int.from_bytes(self._here, "little")
        return f"<{shown(self, self._name)} at {id(self):#x}: value={value}>"

    def _point(self, how: int) -> None:
        current.kernel.point(how, self._number)

    def _log(self, word: int, frame: FrameType, old: bytes, new: bytes | None) -> None:
        current.log_access(word, self._number, 0, 0, frame, old=old, new=new)


def fence(order: Order = SEQ_CST) -> None:
    """Order the atomic accesses before it with those after it: `std::atomic_thread_fence`.

    A release fence lets the relaxed stores that follow it hand on what was known at the fence; an
    acquire fence takes what the relaxed loads before it read. A relaxed fence does nothing.

    Raises:
        ValueError: no memory order.
    """
    word = FENCES.word(order)
    if current.mode:
        current.log(word, current.NO_TARGET, outside(_getframe(1)))


def spin_until(predicate: Callable[[], object], timeout: float | None = None) -> bool:
    """Call `predicate` again and again until it is true; it should look at atomics.

        spin_until(lambda: head.load("acquire") != tail)

    Nothing is ordered by the wait itself: the loads in `predicate` order what they order.

    Over operating-system threads it pauses between two looks, longer each time up to a
    millisecond, and lets other threads run meanwhile. Under controlled execution it blocks until
    bytes that `predicate` read have changed.

    Args:
        predicate: what is waited for. Under control it has to look at something that another thread
            can change: an atomic, a page, a primitive.
        timeout: how many seconds to wait, at most; None waits for ever.

    Returns:
        Whether it was true before the time was over.
    """
    if current.mode >= CONTROLLED:
        return _await_change(predicate, timeout, outside(_getframe(1)))
    end = None if timeout is None else monotonic() + timeout
    pause = 0.0
    while not predicate():
        if end is not None:
            left = end - monotonic()
            if left <= 0:
                return False
            pause = min(pause, left)
        sleep(pause)
        pause = min(2 * pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
    return True


def _await_change(predicate: Callable[[], object], timeout: float | None, frame: FrameType) -> bool:
    """`spin_until` under control: look again when something that was looked at has changed."""
    kernel = current.kernel
    while True:
        since = kernel.now
        if predicate():
            return True
        if timeout is not None and timeout <= 0:
            return False
        seen = kernel.watch(since)
        if seen.changed:
            continue
        if not seen.touches:
            kernel.refuse(
                RacepageError(
                    f"{frame.f_code.co_filename}:{frame.f_lineno}: what spin_until waits for "
                    "can never change: let it look at an atomic, a page or a primitive"
                )
            )
        waits.block(seen.touches[0].target, frame, timed=timeout is not None)
        woken = kernel.await_write(seen.touches, timed=timeout is not None)
        if not woken:
            kernel.pass_time(timeout)
        waits.wake(frame)
        if not woken:
            return False
