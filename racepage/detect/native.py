"""The race engine that users run: `detect/reference.py`'s meaning, at a compiled speed.

`_scan` is the hot loop: one pass over the columns. Most accesses touch exactly one run whose
earlier accesses their thread knows; the loop deals with those where it stands, and leaves the
others to `touch`. Python is back only where a batch ends, or where there is no room: then it makes
room, and the loop goes on with the same event.

Memory: `detect/shadow.py` says what a run costs. What grows, grows by a sixteenth, and in
place where the system's allocator can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect import shadow
from racepage.detect.directory import admit
from racepage.detect.races import Races, RacingPair
from racepage.detect.ranges import joined, no_ranges, racy_ranges
from racepage.detect.runs import forget
from racepage.detect.shadow import (
    BAD_ROW,
    CONFLICTS,
    END,
    EVENT_BIT,
    LARGEST_PAGE,
    MOST_EVENTS,
    MOST_SLOTS,
    SLOT_BIT,
    SUBSUMED,
    TARGETS,
    VECTORS,
    By,
    Entry,
    Memory,
    Page,
    Run,
    by_at,
    i32,
    i64,
    known_to,
    lack,
    memory_at,
    page_at,
    run_at,
    u8,
)
from racepage.detect.tally import Name, Pair, Place, move_names, move_pairs, name
from racepage.detect.touch import touch
from racepage.detect.vectors import Vectors, vector_at
from racepage.errors import RacepageError
from racepage.events import Op
from racepage.jit import compiled, inlined
from racepage.order.stamps import Stamps
from racepage.structs import address, layout
from racepage.trace.columns import Columns

_READ, _COPY_IN, _FREE = int(Op.READ), int(Op.COPY_IN), int(Op.FREE)
_COLLECT: Final = int(Op.COLLECT)
_COLUMNS: Final = {
    "thread": np.int32,
    "op": np.uint8,
    "target": np.int32,
    "offset": np.int64,
    "length": np.int64,
    "site": np.int32,
    "changed": np.int64,
    "bounds": np.int64,
    "component": np.int32,
    "known": np.int64,
    "slot": np.int32,
}
"""The columns of a batch and of its stamps that the kernel reads, by their names in `Batch`."""


_LEAST: Final = 1024
"""Items by which a pool grows."""


class Batch(NamedTuple):
    """The addresses of a batch of events and their stamps, and how many of each there are."""

    thread: int
    op: int
    target: int
    offset: int
    length: int
    site: int
    events: int  # how many
    fed: int  # events before this batch
    changed: int
    bounds: int
    component: int
    known: int
    changes: int
    slot: int
    threads: int
    vectors: int
    pool: int


@compiled
def _scan(  # noqa: C901, PLR0911, PLR0912  (the hot loop: calls would cost it)
    batch: Batch, at: int, begin: int
) -> int:
    """Take the events from `begin` on; return the first that there was no room for, or the end.

    `at` is where the engine's `Memory` is.
    """
    memory = memory_at(at, 0)
    by = by_at(memory.by, 0)
    upcoming = _upcoming(batch, memory.change)
    thread, slot, width, known = -1, 0, 0, 0
    for row in range(begin, batch.events):
        if i32(batch.thread, row).value != thread:
            thread = i32(batch.thread, row).value
            slot = i32(batch.slot, thread).value if 0 <= thread < batch.threads else -1
            if slot < 0:
                lack(memory, BAD_ROW, 0)
                return row
            vector = vector_at(batch.vectors, slot)
            width, known = vector.width, batch.pool + 8 * vector.start
        if row == upcoming:
            if not _learn(batch, memory, known, width):
                return row
            upcoming = _upcoming(batch, memory.change)
        op = int(u8(batch.op, row).value)
        if op > _FREE and op != _COLLECT:
            continue
        target = i32(batch.target, row).value
        start, length = i64(batch.offset, row).value, i64(batch.length, row).value
        if length == 0 and op != _COLLECT:
            continue
        number = _page_number(memory, target, start, length)
        if number == 0:
            return row
        page = page_at(memory.pages, number)
        if op == _COLLECT:
            page.ended = 1
            if not forget(memory, page):
                return row
            continue
        site = i32(batch.site, row).value
        if site < 0:
            site = name(memory, Place(thread, op, target, start, length))
            if site == 0:
                return row
        access = batch.fed + row + 1 << EVENT_BIT | slot << SLOT_BIT | op
        bucket = start >> page.shift
        if op <= _COPY_IN and bucket < page.buckets and not memory.all_pairs:
            run = run_at(memory.runs, i32(memory.directory, page.directory + bucket).value)
            while run.stop <= start:
                run = run_at(memory.runs, run.next)
            whole = run.start == start and run.stop == start + length and run.more == 0
            if (
                whole
                and known_to(access, known, width, run.write)
                and known_to(access, known, width, run.read)
            ):
                if op == _READ:
                    run.read, run.read_site = access, site
                else:
                    run.write, run.write_site, run.read = access, site, 0
                continue
        by.access, by.site, by.known, by.width, by.row = access, site, known, width, row
        if not touch(memory, by, page, start, start + length):
            return row
    return batch.events


@inlined
def _page_number(memory: Memory, target: int, start: int, length: int) -> int:
    """The shadow of the page that is touched; 0 if there is no room for one, or no such page."""
    if target < 0 or start < 0 or length < 0 or start + length > LARGEST_PAGE:
        lack(memory, BAD_ROW, 0)
        return 0
    if target >= memory.room_targets:
        lack(memory, TARGETS, target + 1)
        return 0
    if i32(memory.page_of, target).value == 0 and not admit(memory, target):
        return 0
    return i32(memory.page_of, target).value


@inlined
def _upcoming(batch: Batch, change: int) -> int:
    """The row at which the next vector change is in force, or the end."""
    return i64(batch.changed, change).value if change < batch.changes else batch.events


@inlined
def _learn(batch: Batch, memory: Memory, known: int, width: int) -> bool:
    """Apply the next vector change to the vector at `known`; False if that is too narrow."""
    first = i64(batch.bounds, memory.change).value
    last = i64(batch.bounds, memory.change + 1).value
    for row in range(first, last):
        slot = i32(batch.component, row).value
        if slot >= width:
            return lack(memory, VECTORS, slot + 1)
        i64(known, slot).value = i64(batch.known, row).value + 1
    memory.change += 1
    return True


class Native:
    """Finds the races of one trace, batch by batch. See `races.RaceEngine`."""

    def __init__(self, *, all_pairs: bool = False) -> None:
        self._fed = 0
        self._racy_events: list[NDArray[np.int64]] = []
        self._vectors = Vectors()
        self._memory = np.zeros(1, layout(Memory))
        self._by = np.zeros(1, layout(By))
        self._racy_rows = np.zeros(0, np.bool_)
        self._runs = np.zeros(512, layout(Run))
        self._entries = np.zeros(512, layout(Entry))
        self._directory = np.zeros(1024, np.int32)
        self._free_blocks = np.zeros(16, np.int32)
        self._pages = np.zeros(64, layout(Page))
        self._page_of = np.zeros(64, np.int32)
        self._ranges = no_ranges(64)
        self._pairs = np.zeros(64, layout(Pair))
        self._names = np.zeros(64, layout(Name))
        self._runs[0]["start"] = self._runs[0]["stop"] = END
        for field in ("next_run", "next_entry", "next_bucket"):
            self._memory[0][field] = 1  # number 0 is none
        self._memory[0]["all_pairs"] = all_pairs

    def feed(self, columns: Columns, stamps: Stamps) -> None:
        """Take the next events; event numbers go on from the last batch.

        Raises:
            RacepageError: more events, threads or bytes than the engine can count.
        """
        events, stamped = _arrays(columns), _arrays(stamps)
        slots = int(stamps.slot.max(initial=-1)) + 1
        if self._fed + len(columns) >= MOST_EVENTS or slots >= MOST_SLOTS:
            raise RacepageError(
                f"the native engine takes at most {MOST_EVENTS:,} events, and {MOST_SLOTS:,} "
                "threads that were not joined; check the trace in parts"
            )
        self._vectors.ensure(slots)
        self._racy_rows = np.zeros(len(columns), np.bool_)
        self._memory[0]["change"] = row = 0
        while True:
            self._tell_places()
            batch = Batch(
                **{name: address(array) for name, array in (events | stamped).items()},
                events=len(columns),
                fed=self._fed,
                changes=len(stamps.changed),
                threads=len(stamps.slot),
                vectors=self._vectors.rows,
                pool=self._vectors.pool,
            )
            row = _scan(batch, address(self._memory), row)
            if row == len(columns):
                break
            self._make_room(columns, stamps, row)
        self._racy_events.append(np.flatnonzero(self._racy_rows) + self._fed)
        self._fed += len(columns)

    def races(self) -> Races:
        """What was found so far."""
        found = self._pairs[self._pairs["times"] > 0]
        found = found[np.lexsort((found["first"], found["second"]))]
        return Races(
            events=np.concatenate([np.empty(0, np.int64), *self._racy_events]),
            ranges=racy_ranges(self._ranges[: int(self._memory[0]["live_ranges"]) + 1]),
            pairs=[
                RacingPair(*pair)
                for pair in zip(
                    *(found[field].tolist() for field in ("first", "second", "times")), strict=True
                )
            ],
        )

    def _tell_places(self) -> None:
        """Say where the pools are and how long: they may have grown, and moved."""
        memory = self._memory[0]
        pools = {
            "runs": self._runs,
            "entries": self._entries,
            "pages": self._pages,
            "ranges": self._ranges,
            "pairs": self._pairs,
            "names": self._names,
        }
        for pool, array in pools.items():
            memory[pool], memory[f"room_{pool}"] = address(array), len(array)
        memory["directory"], memory["room_buckets"] = address(self._directory), len(self._directory)
        memory["page_of"], memory["room_targets"] = address(self._page_of), len(self._page_of)
        memory["free_blocks"], memory["by"] = address(self._free_blocks), address(self._by)
        memory["racy_rows"] = address(self._racy_rows)
        memory["conflicts"], memory["subsumes"] = address(CONFLICTS), address(SUBSUMED)

    def _make_room(self, columns: Columns, stamps: Stamps, row: int) -> None:
        """Give the event at `row` what it lacks."""
        state = self._memory[0]
        wanted = int(state["wanted"])
        match int(state["status"]):
            case shadow.RUNS:
                _grow(self._runs, int(state["live_runs"]) + wanted + 1)
            case shadow.ENTRIES:
                _grow(self._entries, int(state["live_entries"]) + wanted + 1)
            case shadow.BUCKETS:
                _grow(self._directory, int(state["next_bucket"]) + wanted)
            case shadow.PAGES:
                _grow(self._pages, int(state["live_pages"]) + 2)
            case shadow.TARGETS:
                self._page_of.resize(max(wanted, 2 * len(self._page_of)), refcheck=False)
            case shadow.VECTORS:
                self._vectors.widen(int(stamps.slot[columns.thread[row]]), wanted)
            case shadow.RANGES:
                self._join_ranges(wanted)
            case shadow.PAIRS:
                self._pairs = _doubled(self._pairs, move_pairs)
            case shadow.NAMES:
                self._names = _doubled(self._names, move_names)
            case _:
                raise RacepageError(
                    f"event {self._fed + row} touches bytes that no page can have, or its thread "
                    "or page has no number; the trace was not validated"
                )

    def _join_ranges(self, wanted: int) -> None:
        """Make room in the list of racy ranges: at least half of it."""
        ranges = joined(self._ranges[: int(self._memory[0]["live_ranges"]) + 1])
        self._memory[0]["live_ranges"] = len(ranges) - 1
        self._ranges.resize(max(len(self._ranges), 2 * len(ranges) + wanted), refcheck=False)
        self._ranges[: len(ranges)] = ranges


def _arrays(table: Columns | Stamps) -> dict[str, NDArray[Any]]:
    """The columns that a batch needs, as the kernel reads them."""
    return {
        field: np.ascontiguousarray(getattr(table, field), kind)
        for field, kind in _COLUMNS.items()
        if hasattr(table, field)
    }


def _grow(pool: NDArray[Any], least: int) -> None:
    """Make a pool longer by a sixteenth, and a few pages of memory, and to `least`; in place."""
    pool.resize(max(least, len(pool) + max(len(pool) // 16, _LEAST)), refcheck=False)


def _doubled(table: NDArray[Any], move: Callable[[int, int, int, int], None]) -> NDArray[Any]:
    """A hash table with twice the room and the same content."""
    larger = np.zeros(2 * len(table), table.dtype)
    move(address(table), len(table), address(larger), len(larger))
    return larger
