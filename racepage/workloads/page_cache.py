"""A cache that zeroes its pages when they are freed, so that a free page is known to be all zero.

    filler     take: lock, pop, unlock -> read header, write body -> publish: lock, push, unlock
    evictor    claim: lock, pop, unlock -> write header, read body, zero
                                        -> put back: lock, push, unlock

What protects what: `lock` guards the two lists, and with them who owns a page: bytes are touched
without the lock by the one thread that took the page off a list. Every edge is unlock -> next lock.
A page on the free list is all zero; the filler counts on it for the header, which it never writes.

`late-zeroing`: the evictor puts the page back first and zeroes it then. The page may have a new
owner by that time, whose read of the header and write of the body are unordered with the zeroing.
The header and the body do not overlap, so that each of the two races is seen whichever access came
first.

The filler and the evictor take turns (`turn`, which makes no edge): the filler takes its pages
after the evictor put the last one back and before the evictor's next lock, which would order the
zeroing of it. With `free` each comes when it likes, and goes without a page where there is none.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import __GFP_ZERO, GFP_KERNEL, Page
from racepage.workloads import crew

HEADER: Final = 16  # bytes: what the evictor notes about the writing back
BODY: Final = 240  # bytes behind it: the data
ZEROED: Final = GFP_KERNEL | __GFP_ZERO


class Cache:
    """Free pages, all zero, and filled ones, oldest first."""

    def __init__(self, pages: int) -> None:
        self.lock = sync.Lock(name="lists")
        self.pages = [Page.alloc_page(ZEROED, label=f"cached[{n}]") for n in range(pages)]
        self.free = list(self.pages)
        self.filled: list[Page] = []

    def take(self) -> Page | None:
        """A free page, which is the caller's from now on; None if there is none."""
        with self.lock:
            return self.free.pop(0) if self.free else None

    def publish(self, page: Page) -> None:
        """Give a filled page to the cache."""
        with self.lock:
            self.filled.append(page)

    def claim(self) -> Page | None:
        """The oldest filled page, which is the caller's from now on; None if there is none."""
        with self.lock:
            return self.filled.pop(0) if self.filled else None

    def put_back(self, page: Page) -> None:
        """Give a page to the free list."""
        with self.lock:
            self.free.append(page)


def run(variant: str = "correct", *, rounds: int = 6, pages: int = 3, free: int = 0) -> None:
    """Fill and evict every one of `pages` pages, `rounds` times."""
    cache = Cache(pages)
    turn = crew.meeting(2, free)
    late = variant == "late-zeroing"

    def filler() -> None:
        for number in range(rounds):
            for _ in range(pages):
                fill_one(cache, number, trusts=not late)
            turn.wait()
            turn.wait()

    def evictor() -> None:
        for number in range(rounds):
            turn.wait()
            for _ in range(pages):
                data = evict_one(cache, number, late=late)
                crew.check(late or whole(data, None if free else number), "data were lost")
            turn.wait()

    crew.run({"filler": filler, "evictor": evictor})
    for page in cache.pages:
        page.free()


def fill_one(cache: Cache, number: int, *, trusts: bool) -> None:
    """Take a page, if there is one, and fill it with the data of a round."""
    page = cache.take()
    if page is None:
        return
    clean = check_header(page)
    fill(page, number)
    cache.publish(page)
    crew.check(clean or not trusts, f"a page of round {number} was not zeroed")


def evict_one(cache: Cache, number: int, *, late: bool) -> bytes:
    """Claim a page, if there is one, give it back, and return what was in it.

    `late` is the bug: the page is zeroed when it is back.
    """
    page = cache.claim()
    if page is None:
        return b""
    data = write_back(page, number)
    if not late:
        zero(page)
    cache.put_back(page)
    if late:
        zero(page)
    return data


def whole(data: bytes, number: int | None) -> bool:
    """Whether these are the data of that round, or of any."""
    return len(set(data)) < 2 if number is None else data == stuff(number)


def stuff(number: int) -> bytes:
    """The data of a round."""
    return bytes([number % 255 + 1]) * BODY


def check_header(page: Page) -> bool:
    """Whether the header is zero, as that of a free page is."""
    header = bytearray(HEADER)
    page.read_raw(header, 0, HEADER)
    return not any(header)


def fill(page: Page, number: int) -> None:
    """Write the data of a round behind the header."""
    page.write_raw(stuff(number), HEADER, BODY)


def write_back(page: Page, number: int) -> bytes:
    """Note the round in the header, and read the data."""
    page.write_raw(bytes([number % 255 + 1]) * HEADER, 0, HEADER)
    body = bytearray(BODY)
    page.read_raw(body, HEADER, BODY)
    return bytes(body)


def zero(page: Page) -> None:
    """Make the page what the free list promises."""
    page.fill_zero_raw(0, HEADER + BODY)
