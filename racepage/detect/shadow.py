"""Shadow pages: what is remembered of each page's bytes, as runs.

A page's shadow is a list of *runs*: disjoint, ascending, each a range of bytes whose history is the
same. A run holds the accesses that a later access can still race with: in the usual case one write
and one read; further ones, where several are unordered with each other, hang off it in a list,
the latest first. Bytes that nobody touched have no run. Touching [a, b) cuts the runs that contain
a and b, gives every run between them the new access, and makes one run of neighbours that have
become equal. So the cost of an access follows the number of runs that it touches, not its length,
and a page that is written whole is one run.

*Finding a run.* Each page has a directory: the page is divided into 1, 4, 16, ... equal buckets, at
least as many as it has runs, and each bucket holds the first run that ends after the bucket's first
byte. From there the list is followed, on average for less than one step. The directory costs at
most 32 bytes a run.

*What an access is.* One number: event + 1, slot and operation, with the site beside it. A thread's
vector is kept as events as well (`Stamps.known`): the access of event e in slot s happens before
all that the vector of a thread stands for when the vector's component for s is at least e. No clock
is stored in the shadow, which is what makes room for the site: what a report needs of the earlier
access is in the run, and no column of an earlier batch is ever looked at again. 0 is no access: it
reads as an event that everybody knows.

Source: the shadow words of FastTrack (Flanagan and Freund, PLDI 2009); a new access is compared
with the run's last write and its reads, and replaces those that happen before it. Deviations:

- runs of bytes, whose borders follow the accesses, instead of words of fixed size;
- event numbers in the place of clocks, as said above;
- all that is unordered is kept, writes too, so that what comes after a race is as exact as what
  comes before it (DESIGN.md section 5, promise 2). An older access is dropped only when a newer one
  that knows it subsumes it (`events.SUBSUMES`);
- FastTrack leaves its "same epoch" at once; here the event number is still stored, since the first
  event of a race has to be the latest one.

Every function here may be *taken up again*: when there is no room for what it needs, it says so in
`Memory.status` and returns False, its caller makes room, and the access is touched again from its
beginning. That does no harm: what was done of it is known to itself, and replaced by itself.

Cost: a run is 48 bytes, an access in a list 16, a page 32. `benchmarks/detect.py` has the times.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import CONFLICT, SUBSUMES
from racepage.jit import inlined, smaller
from racepage.structs import I32, I64, number, pointer

END: Final = (1 << 31) - 1
"""Where run 0 starts and stops: it stands after the last run of every page."""

LARGEST_PAGE: Final = 1 << 30

EVENT_BIT, SLOT_BIT = 24, 4
MOST_EVENTS, MOST_SLOTS = 1 << 39, 1 << EVENT_BIT - SLOT_BIT
OP_MASK: Final = (1 << SLOT_BIT) - 1

RUNS, ENTRIES, BUCKETS, PAGES, TARGETS, RACY, PAIRS, NAMES, VECTORS, BAD_ROW = range(10)
"""What `Memory.status` says that there is no room for; the last: what no room would help."""


def _bits(table: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each operation, the bits of the earlier operations that the table pairs it with."""
    return table @ (1 << np.arange(table.shape[1]))


CONFLICTS: Final = _bits(CONFLICT)
SUBSUMED: Final = _bits(SUBSUMES)


class Run:
    """A range of bytes of one page with one history."""

    start: I32
    stop: I32
    next: I32
    previous: I32  # 0 for the first run of a page
    more: I32  # an Entry, or 0
    write_site: I32
    read_site: I32
    unused: I32
    write: I64  # the latest access that writes
    read: I64  # the latest access that only reads


class Entry:
    """An access of a run beside its latest write and its latest read."""

    access: I64
    site: I32
    next: I32


class Page:
    """One page's shadow. Page 0 is none."""

    target: I32
    directory: I32  # its first bucket; of the first size's, a whole page has one
    buckets: I32
    shift: I32  # bytes of a bucket, as a power of two
    runs: I32
    last: I32  # its last run, or 0
    ended: I32  # freed or collected: the next ALLOC begins a new life
    racy: I32  # its Marks, or 0


class Marks:
    """Where the racy bytes of a page are marked, and of how many bytes. Marks 0 are none."""

    start: I64
    size: I64


class Memory:
    """Where everything is, how much of it there is, and what is missing."""

    # Addresses.
    runs: I64
    entries: I64
    directory: I64
    free_blocks: I64  # for each k, the first free directory of 4 ** k buckets, or 0
    pages: I64
    page_of: I64  # target id -> page
    marks: I64  # a Marks for each page with racy bytes
    racy: I64  # a byte for each byte of such a page, 1 where it is racy
    racy_rows: I64  # a byte for each row of the batch
    pairs: I64
    names: I64
    by: I64  # the access at hand
    conflicts: I64  # for each operation, the bits of the earlier ones that it conflicts with
    subsumes: I64  # likewise, which it subsumes
    # What is missing, and how much of it.
    status: I64
    wanted: I64
    # Counts: `next` is the first that was never used, `free` one that is free again, or 0.
    live_runs: I64
    next_run: I64
    free_run: I64
    room_runs: I64
    live_entries: I64
    next_entry: I64
    free_entry: I64
    room_entries: I64
    longest: I64  # entries of the longest list so far
    next_bucket: I64
    room_buckets: I64
    live_pages: I64
    room_pages: I64
    room_targets: I64
    live_pairs: I64
    room_pairs: I64
    live_names: I64
    room_names: I64
    # The rest.
    all_pairs: I64
    change: I64  # how many of the batch's vector changes are applied


class Past(NamedTuple):
    """An earlier access."""

    access: int
    site: int


class By:
    """The access at hand, and what its thread knows."""

    access: I64
    site: I64
    known: I64  # address of its vector: what it knows of each slot, as event + 1
    width: I64  # how many slots that vector has a number for
    row: I64  # in the batch


run_at = pointer(Run)
entry_at = pointer(Entry)
page_at = pointer(Page)
marks_at = pointer(Marks)
memory_at = pointer(Memory)
by_at = pointer(By)
u8, i32, i64 = number(np.uint8), number(np.int32), number(np.int64)


@inlined
def knows(by: By, access: int) -> bool:
    """Whether an earlier access happens before the one at hand, or is by its thread."""
    return known_to(by.access, by.known, by.width, access)


@inlined
def known_to(own: int, known: int, width: int, access: int) -> bool:
    """The same, of the fields of a `By`."""
    slot = access >> SLOT_BIT & MOST_SLOTS - 1
    return slot == (own >> SLOT_BIT & MOST_SLOTS - 1) or (
        slot < width and i64(known, slot).value >= access >> EVENT_BIT
    )


@inlined
def find(memory: Memory, page: Page, byte: int) -> int:
    """The first run that ends after `byte`; 0 if there is none."""
    at = i32(memory.directory, page.directory + (byte >> page.shift)).value
    while run_at(memory.runs, at).stop <= byte:
        at = run_at(memory.runs, at).next
    return at


@inlined
def cut(memory: Memory, page: Page, at: int, byte: int) -> int:
    """Cut a run in two; return the right one, which begins at `byte`."""
    left, right_at = run_at(memory.runs, at), _new_run(memory, page)
    right = run_at(memory.runs, right_at)
    right.start, right.stop = byte, left.stop
    right.write, right.write_site = left.write, left.write_site
    right.read, right.read_site = left.read, left.read_site
    left.stop = byte
    _link(memory, page, at, right_at, left.next)
    _point(memory, page, byte, right.stop, right_at)
    right.more = 0
    last = 0
    at = left.more
    while at:
        entry = entry_at(memory.entries, at)
        copied = _new_entry(memory)
        copy = entry_at(memory.entries, copied)
        copy.access, copy.site, copy.next = entry.access, entry.site, 0
        chain(memory, right, last, copied)
        last, at = copied, entry.next
    return right_at


@inlined
def fill(memory: Memory, page: Page, after: int, start: int, stop: int) -> int:
    """Make a run of bytes that have none, before the run `after`."""
    at = _new_run(memory, page)
    run = run_at(memory.runs, at)
    run.start, run.stop = start, stop
    run.write = run.read = run.more = 0
    before = run_at(memory.runs, after).previous if after else page.last
    _link(memory, page, before, at, after)
    # What lay between the two runs has found `after` so far.
    _point(memory, page, run_at(memory.runs, before).stop if before else 0, stop, at)
    return at


@inlined
def absorb(memory: Memory, page: Page, at: int) -> None:
    """Make one run of a run and the equal one before it: the one before stays."""
    run = run_at(memory.runs, at)
    left = run_at(memory.runs, run.previous)
    left.stop, left.next = run.stop, run.next
    if run.next:
        run_at(memory.runs, run.next).previous = run.previous
    else:
        page.last = run.previous
    _point(memory, page, run.start, run.stop, run.previous)
    _free_run(memory, page, at)


@inlined
def collapse(memory: Memory, page: Page, first: int, last: int) -> None:
    """Make one run of several that follow each other without a gap and have no lists: the first."""
    if first == last:
        return
    run, end = run_at(memory.runs, first), run_at(memory.runs, last)
    _point(memory, page, run.stop, end.stop, first)
    gone, at = 1, run.next
    while at != last:
        gone, at = gone + 1, run_at(memory.runs, at).next
    spare, following = run.next, end.next
    run.stop, run.next = end.stop, following
    if following:
        run_at(memory.runs, following).previous = first
    else:
        page.last = first
    end.next = memory.free_run
    memory.free_run = spare
    memory.live_runs -= gone
    page.runs -= gone


@inlined
def same(memory: Memory, one: int, other: int) -> bool:
    """Whether two runs have the same history."""
    first, second = run_at(memory.runs, one), run_at(memory.runs, other)
    if first.write != second.write or first.read != second.read:
        return False
    left, right = first.more, second.more
    while left and right:
        if entry_at(memory.entries, left).access != entry_at(memory.entries, right).access:
            return False
        left, right = (
            entry_at(memory.entries, left).next,
            entry_at(memory.entries, right).next,
        )
    return left == right  # both 0


@inlined
def forget(memory: Memory, page: Page) -> bool:
    """Drop every run of a page; False if there is no room for a smaller directory."""
    at = i32(memory.directory, page.directory).value
    while at:
        following = run_at(memory.runs, at).next
        _free_run(memory, page, at)
        at = following
    for bucket in range(page.buckets):
        i32(memory.directory, page.directory + bucket).value = 0
    page.last = 0
    return shrink(memory, page)


@inlined
def insert(memory: Memory, run: Run, access: int, site: int, spare: int) -> None:
    """Put an access into the run's list, which stays sorted: the latest first.

    `spare` is an entry to be used for it, which is in no list, or 0.
    """
    before, at = 0, run.more
    while at and entry_at(memory.entries, at).access > access:
        before, at = at, entry_at(memory.entries, at).next
    new = spare or _new_entry(memory)
    entry = entry_at(memory.entries, new)
    entry.access, entry.site, entry.next = access, site, at
    chain(memory, run, before, new)


@inlined
def remove(memory: Memory, run: Run, before: int, at: int) -> None:
    """Take an entry out of the run's list, where it stands after `before`, or first (0)."""
    chain(memory, run, before, entry_at(memory.entries, at).next)
    give_back(memory, at)


@inlined
def chain(memory: Memory, run: Run, before: int, at: int) -> None:
    """Let `at` follow `before` in the run's list, or stand first (0)."""
    if before:
        entry_at(memory.entries, before).next = at
    else:
        run.more = at


@inlined
def give_back(memory: Memory, at: int) -> None:
    """Keep an entry that is in no list for the next access that needs one."""
    entry_at(memory.entries, at).next = memory.free_entry
    memory.free_entry = at
    memory.live_entries -= 1


@inlined
def _new_entry(memory: Memory) -> int:
    at = memory.free_entry
    if at:
        memory.free_entry = entry_at(memory.entries, at).next
    else:
        at = memory.next_entry
        memory.next_entry = at + 1
    memory.live_entries += 1
    return at


@inlined
def _new_run(memory: Memory, page: Page) -> int:
    at = memory.free_run
    if at:
        memory.free_run = run_at(memory.runs, at).next
    else:
        at = memory.next_run
        memory.next_run = at + 1
    memory.live_runs += 1
    page.runs += 1
    return at


@inlined
def _free_run(memory: Memory, page: Page, at: int) -> None:
    run = run_at(memory.runs, at)
    while run.more:
        remove(memory, run, 0, run.more)
    run.next = memory.free_run
    memory.free_run = at
    memory.live_runs -= 1
    page.runs -= 1


@inlined
def _link(memory: Memory, page: Page, before: int, at: int, after: int) -> None:
    """Put a run between two neighbours; 0 is the page's end on either side."""
    run = run_at(memory.runs, at)
    run.previous, run.next = before, after
    if before:
        run_at(memory.runs, before).next = at
    if after:
        run_at(memory.runs, after).previous = at
    else:
        page.last = at


@inlined
def _point(memory: Memory, page: Page, start: int, stop: int, at: int) -> None:
    """Let the buckets whose first byte lies in [start, stop) hold the run `at`."""
    first = start + (1 << page.shift) - 1 >> page.shift
    for bucket in range(first, (stop - 1 >> page.shift) + 1):
        i32(memory.directory, page.directory + bucket).value = at


@inlined
def prepare(memory: Memory, page: Page, length: int, stop: int) -> bool:
    """Make sure that an access of `length` bytes that ends at `stop` has all the room it needs."""
    touched = smaller(page.runs, length)  # at most; each may need one entry, and a run for a gap
    if memory.live_runs + touched + 4 >= memory.room_runs:
        return lack(memory, RUNS, touched + 4)
    entries = touched + 2 + 2 * memory.longest  # both cuts copy a list
    if memory.live_entries + entries >= memory.room_entries:
        return lack(memory, ENTRIES, entries)
    shift, buckets = page.shift, page.buckets
    while stop > buckets << shift:
        shift += 1
    if page.runs > buckets and shift > 1:
        shift, buckets = shift - 2, buckets << 2
    return shift == page.shift or _divide(memory, page, buckets, shift)


@inlined
def shrink(memory: Memory, page: Page) -> bool:
    """Give a page whose runs have become few a smaller directory; False if there is no room."""
    shift, buckets = page.shift, page.buckets
    while page.runs * 8 <= buckets and buckets > 4:
        shift, buckets = shift + 2, buckets >> 2
    return shift == page.shift or _divide(memory, page, buckets, shift)


@inlined
def lack(memory: Memory, what: int, wanted: int) -> bool:
    """Say what there is no room for; False."""
    memory.status, memory.wanted = what, wanted
    return False


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
    page.runs = page.last = page.ended = page.racy = 0
    i32(memory.directory, directory).value = 0
    i32(memory.page_of, target).value = memory.live_pages
    return True


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
        _point(memory, page, reached, run.stop, at)
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
