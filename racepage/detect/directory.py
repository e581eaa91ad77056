"""A page's directory: from a byte to the run that holds it, in about one step.

The page is divided into 1, 4, 16, ... equal buckets, and each holds the first run that ends after
the bucket's first byte, or 0. A page has as many buckets as runs, up to four times as many; when it
has eight times as many, it gets a smaller directory. Directories of one size that are no longer
used are kept in a list, the next one's place in the first bucket.
"""

from __future__ import annotations

from racepage.detect.shadow import BUCKETS, PAGES, Memory, Page, i32, lack, page_at, run_at
from racepage.jit import inlined


@inlined
def find(memory: Memory, page: Page, byte: int) -> int:
    """The first run that ends after `byte`; 0 if there is none."""
    at = i32(memory.directory, page.directory + (byte >> page.shift)).value
    while run_at(memory.runs, at).stop <= byte:
        at = run_at(memory.runs, at).next
    return at


@inlined
def point(memory: Memory, page: Page, start: int, stop: int, at: int) -> None:
    """Let the buckets whose first byte lies in [start, stop) hold the run `at`."""
    first = start + (1 << page.shift) - 1 >> page.shift
    for bucket in range(first, (stop - 1 >> page.shift) + 1):
        i32(memory.directory, page.directory + bucket).value = at


@inlined
def admit(memory: Memory, target: int) -> bool:
    """Make the shadow of a page that has none, empty."""
    if memory.live_pages + 1 >= memory.room_pages:
        return lack(memory, PAGES, 1)
    directory = _new_directory(memory, 0)
    if not directory:
        return False
    memory.live_pages += 1
    page = page_at(memory.pages, memory.live_pages)
    page.target, page.directory, page.buckets, page.shift = target, directory, 1, 12
    page.runs = page.last = page.ended = 0
    i32(memory.directory, directory).value = 0
    i32(memory.page_of, target).value = memory.live_pages
    return True


@inlined
def grow(memory: Memory, page: Page, stop: int) -> bool:
    """Give a page a directory for all its runs, and for bytes up to `stop`; False if no room."""
    shift, buckets = page.shift, page.buckets
    while stop > buckets << shift:
        shift += 1
    if page.runs > buckets and shift > 1:
        shift, buckets = shift - 2, buckets << 2
    kept = shift == page.shift and buckets == page.buckets
    return kept or _divide(memory, page, buckets, shift)


@inlined
def shrink(memory: Memory, page: Page) -> bool:
    """Give a page whose runs have become few a smaller directory; False if there is no room."""
    shift, buckets = page.shift, page.buckets
    while page.runs * 8 <= buckets and buckets > 4:
        shift, buckets = shift + 2, buckets >> 2
    return shift == page.shift or _divide(memory, page, buckets, shift)


@inlined
def _divide(memory: Memory, page: Page, buckets: int, shift: int) -> bool:
    """Give a page another directory."""
    first = i32(memory.directory, page.directory).value
    if buckets != page.buckets:
        directory = _new_directory(memory, _size(buckets))
        if not directory:
            return False
        size = _size(page.buckets)
        i32(memory.directory, page.directory).value = i32(memory.free_blocks, size).value
        i32(memory.free_blocks, size).value = page.directory
        page.directory, page.buckets = directory, buckets
    page.shift = shift
    for bucket in range(buckets):
        i32(memory.directory, page.directory + bucket).value = 0
    at, reached = first, 0
    while at:
        run = run_at(memory.runs, at)
        point(memory, page, reached, run.stop, at)
        at, reached = run.next, run.stop
    return True


@inlined
def _size(buckets: int) -> int:
    """Which k a directory of 4 ** k buckets has."""
    size = 0
    while buckets > 1:
        buckets >>= 2
        size += 1
    return size


@inlined
def _new_directory(memory: Memory, size: int) -> int:
    """The place of 4 ** size buckets; 0 if there is no room."""
    directory = i32(memory.free_blocks, size).value
    if directory:
        i32(memory.free_blocks, size).value = i32(memory.directory, directory).value
    elif memory.next_bucket + (1 << 2 * size) > memory.room_buckets:
        lack(memory, BUCKETS, 1 << 2 * size)
    else:
        directory = memory.next_bucket
        memory.next_bucket = directory + (1 << 2 * size)
    return directory
