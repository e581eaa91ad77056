"""A range of pages, some of which the shrinker may take back.

After `drivers/android/binder/page_range.rs` in Linux (`ShrinkablePageRange`, the lru of its
`Shrinker`), with the kernel's names. Each place of the range is in one of three states:

    state        page    on the LRU    who may do what
    free         none    no            `use_range` may put a page there
    available    there   yes           `use_range` may use it, the shrinker may free it
    in use       there   no            whoever holds a buffer there may touch its bytes

`use_range` makes places in use and `stop_using_range` makes them available; the page itself stays
where it is until memory gets short. The bytes are read and written *without any lock*: what
protects them from the shrinker is the state "in use", and what protects buffers from each other is
that the range allocator gave them different bytes.

Locks, in the order in which they are taken:

    1. `mmap_lock`   pages going into and out of the process's mapping (`mapped`)
    2. `lock`        which page is at which place, and its state (a spinlock)
    3. `Lru.lock`    the list of available pages of all processes (a spinlock)

The shrinker comes from the other end: it walks the LRU, under its lock, and needs the two others
for what it finds there. It only *tries* to take those, and skips a page whose locks are not to be
had. It gives the LRU lock back before it unmaps the page, and the mmap lock after that, so that no
new page gets to that place of the mapping before the old one is gone from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from racepage import sync
from racepage.errors import BadAddress
from racepage.memory import (
    __GFP_HIGHMEM,
    __GFP_ZERO,
    GFP_KERNEL,
    PAGE_SIZE,
    Page,
    UserSliceReader,
)

PAGE_FLAGS: Final = GFP_KERNEL | __GFP_HIGHMEM | __GFP_ZERO
EVERYTHING: Final = 1 << 30


class PageInfo:
    """One place of a range: the page that is there, if any."""

    __slots__ = ("index", "owner", "page")

    def __init__(self, owner: ShrinkablePageRange, index: int) -> None:
        self.owner = owner
        self.index = index
        self.page: Page | None = None


class Lru:
    """The available pages of all ranges, the one that was used longest ago first.

    Attributes:
        checks_state: False is the variant `shrinker-unchecked`: the shrinker looks at every page
            there is, and takes those in use as well.
        skipped: how many pages the shrinker had to leave because a lock was taken.
    """

    def __init__(self, *, checks_state: bool = True) -> None:
        self.lock = sync.SpinLock(name="lru")
        self.checks_state = checks_state
        self.skipped = 0
        self._available: dict[PageInfo, None] = {}
        self._places: list[PageInfo] = []

    def watch(self, places: list[PageInfo]) -> None:
        """Be told of the places of a new range."""
        with self.lock:
            self._places += places

    def add(self, info: PageInfo) -> None:
        """The page at `info` becomes available, if it is not yet; the range's lock is held."""
        with self.lock:
            self._available.setdefault(info)

    def remove(self, info: PageInfo) -> None:
        """The page at `info` is available no more, if it was; the range's lock is held."""
        with self.lock:
            self._available.pop(info, None)

    def shrink(self, limit: int = EVERYTHING) -> int:
        """Free up to `limit` available pages, and return how many it freed."""
        freed = 0
        while freed < limit and (found := self._isolate()) is not None:
            info, page = found
            info.owner.mapped[info.index] = None  # zap; its mmap lock is ours since `_isolate`
            info.owner.mmap_lock.release()
            page.free()
            freed += 1
        return freed

    def _isolate(self) -> tuple[PageInfo, Page] | None:
        """Take the first page that is to be had from its place, and keep its mmap lock."""
        with self.lock:
            for info in tuple(self._available if self.checks_state else self._places):
                owner = info.owner
                if not owner.mmap_lock.acquire(blocking=False):
                    self.skipped += 1
                    continue
                if not owner.lock.acquire(blocking=False):
                    owner.mmap_lock.release()
                    self.skipped += 1
                    continue
                page, info.page = info.page, None
                self._available.pop(info, None)
                owner.lock.release()
                if page is not None:
                    return info, page
                owner.mmap_lock.release()
        return None


class ShrinkablePageRange:
    """`size` places for pages, and the mapping through which their process sees them.

    Attributes:
        mapped: the process's page table for the region: what its own loads and stores go through.
        allocated: how many pages were ever put into the range.
    """

    def __init__(self, owner: str, size: int, lru: Lru) -> None:
        self.mmap_lock = sync.Mutex(name=f"{owner}.mmap")
        self.lock = sync.SpinLock(name=f"{owner}.pages")
        self.mapped: list[Page | None] = [None] * size
        self.allocated = 0
        self._owner = owner
        self._lru = lru
        self._places = [PageInfo(self, index) for index in range(size)]
        lru.watch(self._places)

    def use_range(self, start: int, end: int) -> None:
        """Make the places [start, end) in use, each with a page.

        Raises:
            AllocError: there is no memory. Places before the one that failed are in use.
        """
        self.lock.acquire()
        for info in self._places[start:end]:
            if info.page is not None:
                self._lru.remove(info)  # the shrinker cannot come between: it needs our lock
            else:
                self.lock.release()
                self._use_page_slow(info)
                self.lock.acquire()
        self.lock.release()

    def _use_page_slow(self, info: PageInfo) -> None:
        """Allocate a page, and insert it unless somebody else did while no lock was held."""
        page = Page.alloc_page(PAGE_FLAGS, label=f"{self._owner}[{info.index}]")
        with self.mmap_lock:
            with self.lock:
                missing = info.page is None
                if not missing:
                    self._lru.remove(info)
            if missing:
                self.mapped[info.index] = page  # may sleep, hence without the spinlock
                with self.lock:
                    info.page = page  # still missing: places are filled under the mmap lock only
                    self.allocated += 1
        if not missing:
            page.free()

    def stop_using_range(self, start: int, end: int) -> None:
        """Make the places [start, end) available."""
        with self.lock:
            for info in reversed(self._places[start:end]):
                if info.page is not None:
                    self._lru.add(info)

    def copy_from_user_slice(self, reader: UserSliceReader, offset: int, size: int) -> None:
        """Copy user memory to [offset, offset + size), which must be in use."""
        for page, start, count in self._pieces(offset, size):
            page.copy_from_user_slice_raw(reader, start, count)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes [offset, offset + size), which must be in use."""
        data, done = bytearray(size), 0
        for page, start, count in self._pieces(offset, size):
            page.read_raw(memoryview(data)[done:], start, count)
            done += count
        return bytes(data)

    def write(self, offset: int, data: bytes) -> None:
        """Write to [offset, offset + len(data)), which must be in use."""
        done = 0
        for page, start, count in self._pieces(offset, len(data)):
            page.write_raw(memoryview(data)[done:], start, count)
            done += count

    def fill_zero(self, offset: int, size: int) -> None:
        """Zero the bytes [offset, offset + size), which must be in use."""
        for page, start, count in self._pieces(offset, size):
            page.fill_zero_raw(start, count)

    def close(self) -> None:
        """Free every page: the process is gone, and nobody but the shrinker knows of the range."""
        with self.mmap_lock:
            for info in self._places:
                self._lru.remove(info)
        for info in self._places:
            if info.page is not None:
                info.page.free()

    def _pieces(self, offset: int, size: int) -> Iterator[tuple[Page, int, int]]:
        """A range of bytes, cut at page borders: page, start within it, count."""
        with self.lock:  # the kernel fetches the array's address under its lock
            places = self._places
        while size:
            index, start = divmod(offset, PAGE_SIZE)
            count = min(size, PAGE_SIZE - start)
            page = places[index].page
            if page is None:
                raise BadAddress(f"{self._owner} has no page at place {index}: is it in use?")
            yield page, start, count
            offset += count
            size -= count
