"""A ring of records in one page: one producer, one consumer, two semaphores.

    producer   free.acquire()   -> write slot -> filled.release()
    consumer   filled.acquire() -> read slot  -> free.release()

What protects what: a slot is the consumer's from the release of `filled` to the release of `free`
that answers it, and the producer's otherwise. A semaphore orders every release before every later
acquire, so the two edges are: this record's write before its read, and its read before the write
that uses the slot again.

`no-free-semaphore`: the producer does not wait for room. Each record is still written before it is
read, but nothing orders the read with the write of the next lap.

Both variants are forced into the worst case, where the producer stands right behind a consumer
that has been told of a record and has not read it yet (`lap`, which makes no edge). Without that, a
producer that ran far ahead would release `filled` before the consumer's acquire, and so *would*
order its overwriting before the read: the consumer would get the wrong record and there would be no
race to find in that run. With `free` nobody forces anything, and there are such runs.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page
from racepage.workloads import crew

RECORD: Final = 64  # bytes


class Ring:
    """`slots` records of RECORD bytes, from the start of one page.

    Attributes:
        lap: where the producer, about to use a slot again, meets the consumer that is about to
            read it.
    """

    def __init__(self, slots: int, free: int) -> None:
        self.page = Page.alloc_page(GFP_KERNEL, label="ring")
        self.view = self.page.view()
        self.slots = slots
        self.free = sync.Semaphore(slots, name="free")
        self.filled = sync.Semaphore(0, name="filled")
        self.lap = crew.meeting(2, free)

    def place(self, number: int) -> slice:
        """Where the record of that number lives."""
        start = number % self.slots * RECORD
        return slice(start, start + RECORD)


def run(variant: str = "correct", *, rounds: int = 4, slots: int = 6, free: int = 0) -> None:
    """Pass `rounds` laps of `slots` records (at most 64) through the ring."""
    ring = Ring(slots, free)
    waits = variant != "no-free-semaphore"
    crew.run(
        {
            "producer": lambda: produce(ring, rounds * slots, waits_for_room=waits),
            "consumer": lambda: consume(ring, rounds * slots, gives_room=waits),
        }
    )
    ring.page.free()


def produce(ring: Ring, count: int, *, waits_for_room: bool) -> None:
    """Write the records 0 to count - 1."""
    for number in range(count):
        if number >= ring.slots:
            ring.lap.wait()
        if waits_for_room:
            ring.free.acquire()
        ring.view[ring.place(number)] = bytes([number % 256]) * RECORD
        ring.filled.release()


def consume(ring: Ring, count: int, *, gives_room: bool) -> None:
    """Read the records 0 to count - 1."""
    for number in range(count):
        ring.filled.acquire()
        if number < count - ring.slots:
            ring.lap.wait()
        record = bytes(ring.view[ring.place(number)])
        if gives_room:
            ring.free.release()
            crew.check(record == bytes([number % 256]) * RECORD, f"record {number} was overwritten")
