"""Words of a page under many threads: no change is lost, and the log has the order of effect."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import racepage
from racepage import sync
from racepage.events import Op
from racepage.memory import GFP_KERNEL, GFP_ZERO, BorrowedPage, Page
from racepage.trace.columns import Trace
from racepage.trace.validate import validate
from tests.execution.rows import recorded, rows


def zeroed() -> Page:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO)


def test_what_comes_between_in_the_same_thread_is_not_lost() -> None:
    """As a finalizer or a signal handler may, that happens to use the same word."""
    page = zeroed()
    word = page.atomic(0, 8)
    interruptions = [100, 10]

    def add(old: int, operand: int) -> int:
        if interruptions:
            page.fetch_add(0, 8, interruptions.pop())
        return old + operand

    def body() -> None:
        assert word._change(add, 1, "relaxed") == 110

    assert recorded(body) == ["main rmw page:0[0:8] seq_cst"] * 2 + ["main rmw page:0[0:8] relaxed"]
    assert page.load(0, 8) == 111


@pytest.fixture
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def work(page: Page | BorrowedPage, own: int) -> None:
    """Counts up a word by whatever means; `own` decides in which order."""
    for number in range(120):
        match (number + own) % 4:
            case 0:
                page.fetch_add(0, 8, 1)
            case 1:
                while not (last := page.compare_exchange(0, 8, page.load(0, 8), 1 << 40)):
                    pass
                page.store(0, 8, last.old + 1)
            case 2:
                page.bytewise_read(bytearray(16), 0, 16)
            case _:
                page.fetch_sub(0, 8, -1)


def replay(trace: Trace) -> int:
    """How many atomic rows say they saw what the rows before them left there."""
    memory = bytearray(4096)
    columns = trace.columns
    checked = 0
    for event in range(len(columns)):
        detail = columns.detail(event)
        if detail.old is None:
            continue
        start = int(columns.offset[event])
        assert memory[start : start + len(detail.old)] == detail.old, f"event {event}"
        if detail.new is not None:
            memory[start : start + len(detail.new)] = detail.new
        assert (detail.new is not None) == (columns.op[event] in (Op.STORE, Op.RMW))
        checked += 1
    return checked


@pytest.mark.usefixtures("_switching")
def test_the_log_s_order_is_the_order_of_effect() -> None:
    page = zeroed()
    with racepage.record(values=True) as recording:
        threads = [
            sync.Thread(target=work, args=(page.borrow() if own else page, own), name=f"t{own}")
            for own in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = recording.trace()
    validate(trace)
    assert replay(trace) == sum(1 for line in rows(trace) if "page:0" in line) >= 4 * 120


@pytest.mark.usefixtures("_switching")
@pytest.mark.parametrize("record", [False, True])
def test_no_change_is_lost(*, record: bool) -> None:
    page = zeroed()

    def count(own: int) -> None:
        word = (page.borrow() if own % 2 else page).atomic(8, 2)
        for _ in range(200):
            word.fetch_add(1, "relaxed")

    def body() -> None:
        threads = [sync.Thread(target=count, args=(own,)) for own in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    if record:
        assert len(recorded(body)) == 4 * 203
    else:
        body()
    assert page.load(8, 2) == 800
