"""The runs of a page: cutting, filling, joining, and the lists that hang off them.

Nothing here looks at what an access means; `detect/touch.py` does. Runs and entries that are no
longer used are kept in a list each, by their `next`. `prepare` makes sure that none is lacking.
"""

from __future__ import annotations

from racepage.detect.directory import grow, point, shrink
from racepage.detect.shadow import ENTRIES, RUNS, Memory, Page, Run, entry_at, i32, lack, run_at
from racepage.jit import inlined, smaller


@inlined
def prepare(memory: Memory, page: Page, length: int, stop: int) -> bool:
    """Make sure that an access of `length` bytes that ends at `stop` has all the room it needs."""
    touched = smaller(page.runs, length)  # at most; each may need one entry, and a run for a gap
    if memory.live_runs + touched + 4 >= memory.room_runs:
        return lack(memory, RUNS, touched + 4)
    entries = touched + 2 + 2 * memory.longest  # both cuts copy a list
    if memory.live_entries + entries >= memory.room_entries:
        return lack(memory, ENTRIES, entries)
    return grow(memory, page, stop)


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
    point(memory, page, byte, right.stop, right_at)
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
    point(memory, page, run_at(memory.runs, before).stop if before else 0, stop, at)
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
    point(memory, page, run.start, run.stop, run.previous)
    _free_run(memory, page, at)


@inlined
def collapse(memory: Memory, page: Page, first: int, last: int) -> None:
    """Make one run of several that follow each other without a gap and have no lists: the first."""
    if first == last:
        return
    run, end = run_at(memory.runs, first), run_at(memory.runs, last)
    point(memory, page, run.stop, end.stop, first)
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
