"""What an access does to the runs that it touches: compare, report, replace.

Those of a run's earlier accesses that conflict with the new one, and that its thread does not know,
race with it; on each run the latest of them is reported, or with `all_pairs` each. Then the new
access takes the place of what it subsumes and knows, and joins what is left.

With `all_pairs`, only the last access of each slot, operation and site says something new about
pairs of sites, and nothing else is dropped.
"""

from __future__ import annotations

from typing import Final

from racepage.detect.directory import find, shrink
from racepage.detect.runs import (
    absorb,
    chain,
    collapse,
    cut,
    fill,
    forget,
    give_back,
    insert,
    prepare,
    remove,
    same,
)
from racepage.detect.shadow import (
    OP_MASK,
    By,
    Memory,
    Page,
    Past,
    Run,
    entry_at,
    i64,
    knows,
    run_at,
)
from racepage.detect.tally import report
from racepage.events import Op
from racepage.jit import inlined, larger, smaller

_READ: Final = int(Op.READ)
_ALLOC: Final = int(Op.ALLOC)
_FREE: Final = int(Op.FREE)
READS: Final = 1 << Op.READ | 1 << Op.LOAD | 1 << Op.BYTEWISE_READ
"""The operations that a run keeps as reads; an RMW is a write that conflicts with more."""

USUAL: Final = sum(1 << op for op in (Op.READ, Op.WRITE, Op.ZERO, Op.COPY_IN, Op.ALLOC, Op.FREE))
"""Operations that subsume whatever a run keeps where they go, and its reads if they write."""


@inlined
def touch(memory: Memory, by: By, page: Page, start: int, stop: int) -> bool:
    """Let an access touch the bytes [start, stop) of a page; False if there is no room."""
    if not _lives_on(memory, by, page):
        return False
    if is_usual(memory, by) and _sweep(memory, by, page, start, stop):
        return shrink(memory, page)
    return prepare(memory, page, stop - start, stop) and _cut_out(memory, by, page, start, stop)


@inlined
def _cut_out(memory: Memory, by: By, page: Page, start: int, stop: int) -> bool:
    """Deal with any access: cut at its borders, fill its gaps, settle with each run, and join."""
    at = find(memory, page, start)
    if run_at(memory.runs, at).start < start:
        at = cut(memory, page, at, start)
    reached = start
    while reached < stop:
        run = run_at(memory.runs, at)
        if run.start > reached:
            at = fill(memory, page, at, reached, smaller(stop, run.start))
            run = run_at(memory.runs, at)
        elif run.stop > stop:
            cut(memory, page, at, stop)
        if not settle(memory, by, page, run):
            return False
        reached = run.stop
        following = run.next
        if run.start > start and same(memory, run.previous, at):
            absorb(memory, page, at)
        at = following
    return shrink(memory, page)


@inlined
def _sweep(memory: Memory, by: By, page: Page, start: int, stop: int) -> bool:
    """Deal with the common case of several runs; False, with nothing done, if it is not that.

    The access begins and ends where runs do, they leave no gap, and its thread knows all of their
    history. If they differ only in their reads, or it writes, they become one.
    """
    if stop > page.buckets << page.shift:
        return False
    at = first = find(memory, page, start)
    last, reached, alike = 0, start, True
    write = run_at(memory.runs, first).write
    while reached < stop:
        run = run_at(memory.runs, at)
        if run.start != reached or run.stop > stop or run.more:
            return False
        if not knows(by, run.write) or not knows(by, run.read):
            return False
        alike = alike and run.write == write
        last, reached, at = at, run.stop, run.next
    if READS >> (by.access & OP_MASK) & 1 == 0:
        collapse(memory, page, first, last)
        run = run_at(memory.runs, first)
        run.write, run.write_site, run.read = by.access, by.site, 0
        return True
    if alike:
        collapse(memory, page, first, last)
        last = first
    at = first
    while True:
        run = run_at(memory.runs, at)
        run.read, run.read_site = by.access, by.site
        following = run.next
        if at != first and run_at(memory.runs, run.previous).write == run.write:
            absorb(memory, page, at)
        if at == last:
            return True
        at = following


@inlined
def is_usual(memory: Memory, by: By) -> bool:
    """Whether the access is plain, and not all pairs are asked for."""
    return USUAL >> (by.access & OP_MASK) & 1 == 1 and not memory.all_pairs


@inlined
def _lives_on(memory: Memory, by: By, page: Page) -> bool:
    """Begin and end the lives of a page; False if there is no room."""
    op = by.access & OP_MASK
    if op == _FREE:
        page.ended = 1
    elif op == _ALLOC and page.ended:
        if not forget(memory, page):
            return False
        page.ended = 0
    return True


@inlined
def settle(memory: Memory, by: By, page: Page, run: Run) -> bool:
    """Compare an access with the history of a run, and make it part of that."""
    op = by.access & OP_MASK
    usual = is_usual(memory, by)
    if usual and run.more == 0 and knows(by, run.write) and knows(by, run.read):
        if READS >> op & 1:
            run.read, run.read_site = by.access, by.site
        else:
            run.write, run.write_site, run.read = by.access, by.site, 0
        return True
    if usual and op == _READ:
        return _read(memory, by, page, run)
    return _compare(memory, by, page, run) and _replace(memory, by, run)


@inlined
def _read(memory: Memory, by: By, page: Page, run: Run) -> bool:
    """What `_compare` and `_replace` do, for a plain read, in one walk: readers make long lists."""
    latest = latest_site = 0
    if not knows(by, run.write):
        latest, latest_site = run.write, run.write_site
    spare = before = length = 0
    at = run.more
    while at:
        entry = entry_at(memory.entries, at)
        following = entry.next
        known, reads = knows(by, entry.access), READS >> (entry.access & OP_MASK) & 1
        if known and reads:
            if spare:
                remove(memory, run, before, at)
            else:
                spare = at
                chain(memory, run, before, following)
        else:
            if not known and not reads and entry.access > latest:
                latest, latest_site = entry.access, entry.site
            before = at
            length += 1
        at = following
    if knows(by, run.read):
        if spare:
            give_back(memory, spare)
    else:
        insert(memory, run, run.read, run.read_site, spare)
    memory.longest = larger(memory.longest, length + 1)
    run.read, run.read_site = by.access, by.site
    return latest == 0 or report(memory, by, page, run, Past(latest, latest_site))


@inlined
def races(memory: Memory, by: By, access: int) -> bool:
    """Whether an earlier access to the same bytes races with the one at hand."""
    conflicts = i64(memory.conflicts, by.access & OP_MASK).value
    return conflicts >> (access & OP_MASK) & 1 == 1 and not knows(by, access)


@inlined
def _compare(memory: Memory, by: By, page: Page, run: Run) -> bool:
    """Report the races of an access with the history of a run; False if there is no room."""
    latest = latest_site = site = 0
    write, read, at = run.write, run.read, run.more
    while write or read or at:
        if write:
            access, site, write = write, run.write_site, 0
        elif read:
            access, site, read = read, run.read_site, 0
        else:
            entry = entry_at(memory.entries, at)
            access, site, at = entry.access, entry.site, entry.next
        if races(memory, by, access):
            if memory.all_pairs and not report(memory, by, page, run, Past(access, site)):
                return False
            if access > latest:
                latest, latest_site = access, site
    if latest == 0 or memory.all_pairs:
        return True
    return report(memory, by, page, run, Past(latest, latest_site))


@inlined
def _replace(memory: Memory, by: By, run: Run) -> bool:
    """Take from a run what the new access makes superfluous, and give it the new access; True."""
    before, at, length = 0, run.more, 0
    while at:
        entry = entry_at(memory.entries, at)
        following = entry.next
        if superfluous(memory, by, entry.access, entry.site):
            remove(memory, run, before, at)
        else:
            before = at
            length += 1
        at = following
    memory.longest = larger(memory.longest, length + 1)
    if READS >> (by.access & OP_MASK) & 1:
        if run.read and not superfluous(memory, by, run.read, run.read_site):
            insert(memory, run, run.read, run.read_site, 0)
        run.read, run.read_site = by.access, by.site
        return True
    if run.write and not superfluous(memory, by, run.write, run.write_site):
        insert(memory, run, run.write, run.write_site, 0)
    run.write, run.write_site = by.access, by.site
    if run.read and superfluous(memory, by, run.read, run.read_site):
        run.read = 0
        _promote(memory, run)
    return True


@inlined
def superfluous(memory: Memory, by: By, access: int, site: int) -> bool:
    """Whether an earlier access need not be kept beside the one at hand."""
    if memory.all_pairs:
        mask = (1 << 24) - 1  # slot and operation
        return access & mask == by.access & mask and site == by.site
    subsumes = i64(memory.subsumes, by.access & OP_MASK).value
    return subsumes >> (access & OP_MASK) & 1 == 1 and knows(by, access)


@inlined
def _promote(memory: Memory, run: Run) -> None:
    """Let the latest read of a run's list be the run's read, so that equal histories look equal."""
    before, at = 0, run.more
    while at:
        entry = entry_at(memory.entries, at)
        if READS >> (entry.access & OP_MASK) & 1:
            run.read, run.read_site = entry.access, entry.site
            remove(memory, run, before, at)
            return
        before, at = at, entry.next
