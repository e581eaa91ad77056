"""What ThreadSanitizer is tested on about queues of tasks, groups, timers and once, as programs.

The rows `libdispatch` of its cases: a concurrent queue is a `ThreadPool`, a serial queue one of one
worker, a group a `WaitGroup`, and what is submitted to be waited for a future whose result is asked
for at once. In the racy ones an invisible barrier holds both tasks, so that no order in time helps.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import racepage
from racepage import memory, sync
from racepage.events import Kind
from racepage.execution import current

ZEROED = memory.GFP_KERNEL | memory.__GFP_ZERO


class Shared:
    """One variable; `write` is the task of every program."""

    def __init__(self) -> None:
        self.page = memory.Page.alloc_page(ZEROED)
        controlled = current.mode >= current.CONTROLLED
        self.meet = sync.invisible_barrier(2, timeout=None if controlled else 30)

    def write(self, _: object = None) -> None:
        self.page.write_raw(bytes(8), 0, 8)

    def write_together(self, _: object = None) -> None:
        self.meet.wait()
        self.write()


def apply_norace(x: Shared) -> None:
    """Apply returns after all of it: before and after are ordered."""
    x.write()
    with sync.ThreadPool(4) as pool:
        list(pool.map(int, range(4)))
        x.write()


def async_norace(x: Shared) -> None:
    """What comes before the submit is before the task."""
    x.write()
    with sync.ThreadPool(2) as pool:
        pool.submit(x.write).result()
        pool.submit(x.write).result()


def after_norace(x: Shared) -> None:
    x.write()
    timer = sync.Timer(0, x.write)
    timer.start()
    timer.join()
    x.write()


def groups_norace(x: Shared) -> None:
    """Leaving a group is before what waits for it."""
    group = sync.WaitGroup()
    with sync.ThreadPool(2) as pool:
        group.add()

        def task() -> None:
            x.write()
            group.done()

        pool.submit(task)
        group.wait()
        x.write()


def once_norace(x: Shared) -> None:
    once = sync.Once()

    def use() -> None:
        once.call(x.write)
        x.page.read_raw(bytearray(8), 0, 8)

    with sync.ThreadPool(2) as pool:
        for _ in range(4):
            pool.submit(use)


def semaphore_norace(x: Shared) -> None:
    semaphore = sync.Semaphore(0)

    def task() -> None:
        x.write()
        semaphore.release()

    with sync.ThreadPool(1) as pool:
        pool.submit(task)
        semaphore.acquire()
        x.write()


def serial_queue_norace(x: Shared) -> None:
    """One worker does one task after the other, whoever submits them."""
    with sync.ThreadPool(1) as pool:
        threads = [sync.Thread(target=pool.submit, args=(x.write,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def sync_norace(x: Shared) -> None:
    """Two threads that each wait for their task on one serial queue."""
    with sync.ThreadPool(1) as pool:

        def submit() -> None:
            pool.submit(x.write).result()

        threads = [sync.Thread(target=submit) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        x.write()


def apply_race(x: Shared) -> None:
    with sync.ThreadPool(2) as pool:
        list(pool.map(x.write_together, range(2)))


def async_race(x: Shared) -> None:
    with sync.ThreadPool(2) as pool:
        pool.submit(x.write_together)
        pool.submit(x.write_together)


def sync_race(x: Shared) -> None:
    """Two different serial queues."""
    with sync.ThreadPool(1) as one, sync.ThreadPool(1) as other:
        one.submit(x.write_together)
        other.submit(x.write_together)


def racy_bytes(program: Callable[[Shared], None]) -> list[tuple[int, int]]:
    with racepage.record() as recording:
        shared = Shared()
        program(shared)
        shared.page.free()
    trace = recording.trace()
    (page,) = [str(one) for one in trace.targets if one.kind is Kind.PAGE]
    analysis = racepage.analyse(trace, engine="reference")
    assert all(finding.kind == "data-race" for finding in analysis.findings)
    return analysis.racy_bytes.get(page, [])


CLEAN = (
    after_norace,
    apply_norace,
    async_norace,
    groups_norace,
    once_norace,
    semaphore_norace,
    serial_queue_norace,
    sync_norace,
)
RACY = (apply_race, async_race, sync_race)


@pytest.mark.parametrize("program", CLEAN)
def test_no_race(program: Callable[[Shared], None]) -> None:
    assert racy_bytes(program) == []


@pytest.mark.parametrize("program", RACY)
def test_race(program: Callable[[Shared], None]) -> None:
    assert racy_bytes(program) == [(0, 8)]
