"""A table of records in one page under a read-write lock, whose readers mend what they find stale.

    store     write lock { write the record }
    look up   read lock { read the record }
    refresh   write lock { read it again; if it is still stale, write it } -> downgrade -> read it

What protects what: the lock guards every byte of the table. Readers do not order each other, which
is why a reader that has something to write must let go of its read lock and come back with the
write lock, and why it must look again: the record may have changed in between. `downgrade` lets the
readers in without letting a writer in between.

`unlocked-upgrade`: the worker that finds its record stale writes it there and then, under the read
lock. Other readers are inside at the same time.

Each worker refreshes one record of its own and looks at all of them. In each round all workers
store their records (`stored`), then all look at all of them and wait for each other with their read
locks held (`inside`), and only then comes the upgrade. Neither wait makes an edge. So the lookups
of a record and its upgrade are in one group of readers, and no writer stood between them. With
`free` nobody waits, and readers are inside together when it so happens.
"""

from __future__ import annotations

import struct
from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.workloads import crew

RECORD: Final = struct.Struct("<QQ")  # whether it is fresh, and its value


class Table:
    """`records` records from the start of one page, and the lock that guards them."""

    def __init__(self, records: int) -> None:
        self.page = Page.alloc_page(GFP_KERNEL | GFP_ZERO, label="table")
        self.lock = sync.RwLock(name="table")
        self.records = records


def run(variant: str = "correct", *, rounds: int = 5, workers: int = 3, free: int = 0) -> None:
    """Let each of `workers` (at most 256) store, look up and refresh, `rounds` times."""
    table = Table(workers)
    stored, inside = crew.meeting(workers, free), crew.meeting(workers, free)
    upgrades = variant == "unlocked-upgrade"

    def worker(own: int) -> None:
        for number in range(rounds):
            store(table, own, number)
            stored.wait()
            with table.lock.read():
                stale = not look_up(table, own)
                inside.wait()
                if stale and upgrades:
                    upgrade_in_place(table, own)
            if stale and not upgrades:
                refresh(table, own)

    crew.run(crew.team("worker", workers, worker))
    table.page.free()


def store(table: Table, own: int, number: int) -> None:
    """Write a record that is stale."""
    with table.lock.write():
        table.page.write_raw(record(fresh=False, value=number + 2), own * RECORD.size, RECORD.size)


def look_up(table: Table, own: int) -> bool:
    """Read all records under the read lock; say whether the worker's own is fresh."""
    found = []
    data = bytearray(RECORD.size)
    for index in range(table.records):
        table.page.read_raw(data, index * RECORD.size, RECORD.size)
        found.append(RECORD.unpack(data))
    return bool(found[own][0])


def upgrade_in_place(table: Table, own: int) -> None:
    """The bug: write the worker's own record while others read it under the same lock."""
    table.page.write_raw(record(fresh=True, value=0), own * RECORD.size, RECORD.size)


def refresh(table: Table, own: int) -> None:
    """Square the record's value, unless somebody was faster, and read back what stands there."""
    data = bytearray(RECORD.size)
    table.lock.acquire_write()
    table.page.read_raw(data, own * RECORD.size, RECORD.size)
    fresh, value = RECORD.unpack(data)
    if not fresh:
        mended = record(fresh=True, value=value * value)
        table.page.write_raw(mended, own * RECORD.size, RECORD.size)
    table.lock.downgrade()
    table.page.read_raw(data, own * RECORD.size, RECORD.size)
    table.lock.release_read()
    crew.check(RECORD.unpack(data) == (1, value * value), f"record {own} was not refreshed")


def record(*, fresh: bool, value: int) -> bytes:
    """A record's bytes."""
    return RECORD.pack(fresh, value)
