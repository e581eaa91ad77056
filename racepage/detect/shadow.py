"""Shadow pages: what is remembered of each page's bytes, as runs.

A page's shadow is a list of *runs*: disjoint, ascending, each a range of bytes whose history is the
same. A run holds the accesses that a later access can still race with: in the usual case one write
and one read; further ones, where several are unordered with each other, hang off it in a list,
the latest first. Bytes that nobody touched have no run. Touching [a, b) cuts the runs that contain
a and b, gives every run between them the new access, and makes one run of neighbours that have
become equal. So the cost of an access follows the number of runs that it touches, not its length,
and a page that is written whole is one run.

*Finding a run.* Each page has a directory (`detect/directory.py`), which leads from a byte to its
run in about one step, and costs 4 to 32 bytes a run.

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

An access may be *taken up again*: a function that finds no room for what it needs says so in
`Memory.status` and returns False, its caller makes room, and the access is touched again from its
beginning. That does no harm: what was done of it is known to itself, and replaced by itself.

The rest is in `detect/runs.py` (cutting and joining), `detect/touch.py` (comparing), and
`detect/tally.py` and `detect/ranges.py` (what is counted and noted of a race); `detect/native.py`
has the loop over the events.

Cost: a run is 48 bytes, an access in a list 16, a page 28. `benchmarks/detect.py` has the times.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.events import CONFLICT, SUBSUMES
from racepage.jit import inlined
from racepage.structs import I32, I64, number, pointer

END: Final = (1 << 31) - 1
"""Where run 0 starts and stops: it stands after the last run of every page."""

LARGEST_PAGE: Final = 1 << 30

EVENT_BIT, SLOT_BIT = 24, 4
MOST_EVENTS, MOST_SLOTS = 1 << 39, 1 << EVENT_BIT - SLOT_BIT
OP_MASK: Final = (1 << SLOT_BIT) - 1

RUNS, ENTRIES, BUCKETS, PAGES, TARGETS, RANGES, PAIRS, NAMES, VECTORS, BAD_ROW = range(10)
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


class Memory:
    """Where everything is, how much of it there is, and what is missing."""

    # Addresses.
    runs: I64
    entries: I64
    directory: I64
    free_blocks: I64  # for each k, the first free directory of 4 ** k buckets, or 0
    pages: I64
    page_of: I64  # target id -> page
    ranges: I64  # racy bytes
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
    live_ranges: I64
    room_ranges: I64
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
def lack(memory: Memory, what: int, wanted: int) -> bool:
    """Say what there is no room for; False."""
    memory.status, memory.wanted = what, wanted
    return False
