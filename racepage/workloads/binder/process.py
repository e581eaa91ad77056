"""A process: its region for incoming transactions, what waits for it, and what it refers to.

After `drivers/android/binder/process.rs`. The kernel's side and the process's own side of the
region stand next to each other here:

    kernel     `buffer_alloc`, `buffer_free`, and through `pages` every access to a buffer's bytes
    process    `load` and `store`: what its instructions do to its mapping. No lock, no kernel; the
               kernel maps the region read-only, so that `store` is a process that got around that

Locks: `inner` guards the range allocator; it is taken before the page range's locks, since freeing
a buffer makes pages available before another buffer can be given their bytes. `refs` guards the
table of handles and nests in nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from racepage import sync
from racepage.errors import AllocError, BadAddress
from racepage.memory import PAGE_SIZE, Page
from racepage.workloads.binder.page_range import Lru, ShrinkablePageRange
from racepage.workloads.binder.range_alloc import RangeAllocator


@dataclass(frozen=True, slots=True)
class Buffer:
    """A transaction's bytes in the receiver's region: `data_size` of data, then the offsets.

    As long as it exists, the pages it touches are in use, and its bytes are nobody else's.
    """

    offset: int
    data_size: int
    offsets_size: int
    clear_on_free: bool

    @property
    def offsets_start(self) -> int:
        """Where in the region the offsets are."""
        return self.offset + self.data_size

    @property
    def size(self) -> int:
        """All its bytes."""
        return self.data_size + self.offsets_size


@dataclass(frozen=True, slots=True)
class Transaction:
    """What lies in a process's queue: a buffer in its region, and who waits for the reply."""

    buffer: Buffer
    reply_to: Process | None


class Process:
    """One process with a region of `pages` pages."""

    def __init__(self, name: str, pages: int, lru: Lru) -> None:
        self.name = name
        self.todo: sync.Queue[Transaction | None] = sync.Queue(name=f"{name}.todo")
        self.pages = ShrinkablePageRange(name, pages, lru)
        self.inner = sync.SpinLock(name=f"{name}.inner")
        self.refs = sync.Mutex(name=f"{name}.refs")
        self._ranges = RangeAllocator(pages * PAGE_SIZE)
        self._handles: dict[int, int] = {}

    def buffer_alloc(self, data_size: int, offsets_size: int, *, clear_on_free: bool) -> Buffer:
        """Reserve a buffer, and put its pages in use.

        Raises:
            NoSpaceError: the region is full.
            AllocError: there is no memory; the reservation is undone.
        """
        size = data_size + offsets_size
        with self.inner:
            offset = self._ranges.reserve(size)
        buffer = Buffer(offset, data_size, offsets_size, clear_on_free)
        try:
            # May sleep, hence without the lock. Nobody else makes pages of our range available.
            self.pages.use_range(offset // PAGE_SIZE, -(-(offset + size) // PAGE_SIZE))
        except AllocError:
            self._give_back(buffer)
            raise
        return buffer

    def buffer_free(self, buffer: Buffer) -> None:
        """Give a buffer back, zeroed if that was asked for. Its bytes are not the caller's now."""
        if buffer.clear_on_free:
            self.pages.fill_zero(buffer.offset, buffer.size)
        self._give_back(buffer)

    def _give_back(self, buffer: Buffer) -> None:
        with self.inner:
            # Before the lock is given back: else the next buffer's `use_range` could come first.
            self.pages.stop_using_range(*self._ranges.release(buffer.offset))

    def handle(self, node: int) -> int:
        """The number by which this process calls `node`; a new one if it does not know it yet."""
        with self.refs:
            return self._handles.setdefault(node, len(self._handles) + 1)

    def load(self, offset: int, size: int) -> bytes:
        """What the process itself reads in its mapping."""
        data, done = bytearray(size), 0
        for page, start, count in self._mapped(offset, size):
            page.read_raw(memoryview(data)[done:], start, count)
            done += count
        return bytes(data)

    def store(self, offset: int, data: bytes) -> None:
        """What the process itself writes in its mapping, which it should not be able to."""
        done = 0
        for page, start, count in self._mapped(offset, len(data)):
            page.write_raw(memoryview(data)[done:], start, count)
            done += count

    def _mapped(self, offset: int, size: int) -> Iterator[tuple[Page, int, int]]:
        while size:
            index, start = divmod(offset, PAGE_SIZE)
            count = min(size, PAGE_SIZE - start)
            page = self.pages.mapped[index]
            if page is None:
                raise BadAddress(f"{self.name} touches page {index}, which is not mapped")
            yield page, start, count
            offset += count
            size -= count
