"""Random programs over the public API: pages, locks, cells, threads, and all that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, assert_exclusive_writer
from racepage.policy import racy_ok

Operation = tuple[Any, ...]

_ends = st.integers(0, 4)
_pages = st.integers(0, 1)
_simple = st.one_of(
    st.tuples(st.sampled_from(["read", "write", "load", "store", "assert"]), _pages, _ends, _ends),
    st.tuples(st.sampled_from(["free", "add", "set", "mapped", "try"]), _pages),
    st.just(("wait", 0)),
    st.just(("raise", 0)),
)
_operations = st.recursive(
    _simple,
    lambda inner: st.tuples(
        st.sampled_from(["with", "meant"]), _pages, st.lists(inner, min_size=1, max_size=2)
    ),
    max_leaves=3,
)
threads = st.lists(st.lists(_operations, max_size=4), min_size=1, max_size=3)
ends = st.sampled_from(["join", "leave", "daemon"])
"""What becomes of each thread."""


def program(bodies: list[list[Operation]], ends: list[str]) -> Callable[[], None]:
    """A program whose threads do those operations. What it shares is made anew each time."""

    def run() -> None:
        shared = Shared()
        started = [
            (sync.Thread(target=shared.do, args=(body,), daemon=end == "daemon"), end)
            for body, end in zip(bodies, ends, strict=True)
        ]
        for thread, _ in started:
            thread.start()
        for thread, end in started:
            if end == "join":
                thread.join()

    return run


class Shared:
    """What threads share: a raw page and a zeroed one, two locks, a cell and an event."""

    def __init__(self) -> None:
        self.pages = (Page.alloc_page(GFP_KERNEL), Page.alloc_page(GFP_KERNEL | GFP_ZERO))
        self.locks = (sync.Lock(), sync.SpinLock())
        self.cell = sync.Atomic(0)
        self.event = sync.Event()

    def do(self, operations: list[Operation]) -> None:
        for word, which, *rest in operations:
            getattr(self, f"do_{word}")(which, *rest)

    def do_read(self, page: int, start: int, stop: int) -> None:
        self.pages[page].read_raw(bytearray(4), *_span(start, stop))

    def do_write(self, page: int, start: int, stop: int) -> None:
        self.pages[page].write_raw(bytes(4), *_span(start, stop))

    def do_load(self, page: int, start: int, _stop: int) -> None:
        self.pages[page].load(start & ~1, 2)

    def do_store(self, page: int, start: int, _stop: int) -> None:
        self.pages[page].store(start, 1, 1)

    def do_assert(self, page: int, start: int, stop: int) -> None:
        with assert_exclusive_writer(self.pages[page], *sorted((start, stop))):
            self.do_write(page, start, stop)

    def do_free(self, page: int) -> None:
        self.pages[page].free()

    def do_mapped(self, page: int) -> None:
        self.pages[page].with_page_mapped(lambda pointer: pointer.write(b"m"))

    def do_add(self, _which: int) -> None:
        self.cell.fetch_add(1)

    def do_set(self, _which: int) -> None:
        self.event.set()

    def do_wait(self, _which: int) -> None:
        self.event.wait()

    def do_try(self, lock: int) -> None:
        if self.locks[lock].acquire(blocking=False):
            self.locks[lock].release()

    def do_raise(self, _which: int) -> None:
        raise LookupError("as it was told to")

    def do_with(self, lock: int, inner: list[Operation]) -> None:
        with self.locks[lock]:
            self.do(inner)

    def do_meant(self, _which: int, inner: list[Operation]) -> None:
        with racy_ok("it is a test"):
            self.do(inner)


def _span(start: int, stop: int) -> tuple[int, int]:
    """An offset and a length."""
    low, high = sorted((start, stop))
    return low, high - low
