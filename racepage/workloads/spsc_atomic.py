"""A ring of records in one page whose two indices are atomics in the same page.

    producer   wait for head.load(acquire)  -> write slot -> tail.store(release)
    consumer   wait for tail.load(acquire)  -> read slot  -> head.store(release)

What protects what: a slot is the consumer's from the store of `tail` that counts it in to the store
of `head` that counts it out, and the producer's otherwise. The two edges are those of a release
store and the acquire load that reads from it, one in each direction.

`relaxed`: the indices count as before, and order nothing. On the machines that most people test on
the data follow the index all the same; nothing promises that they do.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.memory.atomics import PageWord
from racepage.workloads import crew

RECORD: Final = 64  # bytes
HEAD: Final = 0  # how many records were taken; a cache line of its own
TAIL: Final = 64  # how many were put
FIRST: Final = 128
INDEX: Final = 8  # bytes


class Ring:
    """Two indices and `slots` records in one page, and the orders of the indices."""

    def __init__(self, slots: int, *, acquire: str, release: str) -> None:
        self.page = Page.alloc_page(GFP_KERNEL | GFP_ZERO, label="ring")
        self.slots = slots
        self.head = self.page.atomic(HEAD, INDEX)
        self.tail = self.page.atomic(TAIL, INDEX)
        self.acquire, self.release = acquire, release

    def place(self, number: int) -> int:
        """Where the record of that number begins."""
        return FIRST + number % self.slots * RECORD


def run(variant: str = "correct", *, rounds: int = 6, slots: int = 4) -> None:
    """Pass `rounds` laps of `slots` records (at most 62) through the ring."""
    if variant == "relaxed":
        ring = Ring(slots, acquire="relaxed", release="relaxed")
    else:
        ring = Ring(slots, acquire="acquire", release="release")
    count = rounds * slots
    crew.run({"producer": lambda: produce(ring, count), "consumer": lambda: consume(ring, count)})
    ring.page.free()


def produce(ring: Ring, count: int) -> None:
    """Write the records 0 to count - 1."""
    for number in range(count):
        wait(ring.head, number - ring.slots, ring.acquire)
        put(ring, number)
        ring.tail.store(number + 1, ring.release)


def consume(ring: Ring, count: int) -> None:
    """Read the records 0 to count - 1."""
    for number in range(count):
        wait(ring.tail, number, ring.acquire)
        record = take(ring, number)
        ring.head.store(number + 1, ring.release)
        crew.check(record == bytes([number % 256]) * RECORD, f"record {number} was damaged")


def wait(index: PageWord, passed: int, order: str) -> None:
    """Until the index is past a number."""
    sync.spin_until(lambda: index.load(order) > passed)


def put(ring: Ring, number: int) -> None:
    """Write a record."""
    ring.page.write_raw(bytes([number % 256]) * RECORD, ring.place(number), RECORD)


def take(ring: Ring, number: int) -> bytes:
    """Read a record."""
    record = bytearray(RECORD)
    ring.page.read_raw(record, ring.place(number), RECORD)
    return bytes(record)
