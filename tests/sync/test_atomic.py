"""`Atomic`, `fence`, `spin_until`: what they do, what they log, what they order."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import racepage
from racepage import sync
from racepage.events import MemoryOrder
from racepage.execution import current
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.sync import atomic as module
from tests.execution.rows import recorded, rows
from tests.sync.stage import Stage, until

# Cells


def test_a_cell_counts() -> None:
    cell = sync.Atomic(5)
    assert cell.fetch_add(3) == 5
    assert cell.fetch_sub(1, "relaxed") == 8
    assert cell.exchange(16) == 7
    assert cell.fetch_or(3) == 16
    assert cell.fetch_and(18) == 19
    assert cell.fetch_xor(3) == 18
    assert cell.compare_exchange(17, 40) == (True, 17)
    assert cell.compare_exchange(17, 41) == (False, 40)
    cell.store(9, "release")
    assert cell.load("acquire") == 9


def test_a_cell_begins_at_zero_and_has_8_bytes() -> None:
    assert (sync.Atomic().load(), sync.Atomic().size) == (0, 8)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@given(value=st.integers(-(2**70), 2**70), more=st.integers(-(2**70), 2**70))
@settings(max_examples=100)
def test_a_cell_wraps_around_at_its_size(size: int, value: int, more: int) -> None:
    cell, limit = sync.Atomic(value, size), 1 << 8 * size
    assert cell.fetch_add(more) == value % limit
    assert cell.load() == (value + more) % limit


@pytest.mark.parametrize("size", [0, 3, 16, -8])
def test_no_cell_has_another_size(size: int) -> None:
    with pytest.raises(ValueError, match="1, 2, 4 or 8"):
        sync.Atomic(0, size)


def test_a_cell_holds_integers() -> None:
    with pytest.raises(TypeError):
        sync.Atomic(1.5)  # type: ignore[arg-type]
    flag = sync.Atomic(False, 1)
    flag.store(True)
    assert flag.load()


def test_operations_refuse_the_orders_that_they_cannot_have() -> None:
    cell = sync.Atomic()

    def body() -> None:
        with pytest.raises(ValueError, match="relaxed, acquire or seq_cst"):
            cell.load("release")
        with pytest.raises(ValueError, match="relaxed, release or seq_cst"):
            cell.store(1, sync.MemoryOrder.ACQ_REL)
        with pytest.raises(ValueError, match="fails"):
            cell.compare_exchange(0, 1, failure_order="release")

    assert recorded(body) == []
    assert cell.load() == 0


def test_a_cell_is_logged_by_its_name() -> None:
    ready, cell, other = sync.Atomic(name="ready"), sync.Atomic(), sync.Atomic(size=1)

    def body() -> None:
        ready.store(1, "release")
        ready.load(MemoryOrder.ACQUIRE)
        cell.fetch_add(1, "relaxed")
        other.compare_exchange(1, 2, "acq_rel")
        other.compare_exchange(0, 2, "acq_rel")

    assert recorded(body) == [
        "main store cell:ready release",
        "main load cell:ready acquire",
        "main rmw cell:0 relaxed",
        "main load cell:1 acquire",
        "main rmw cell:1 acq_rel",
    ]


def test_a_cell_s_values_are_recorded_on_demand() -> None:
    cell = sync.Atomic(size=2)
    with racepage.record(values=True) as recording:
        cell.store(0x102)
        cell.fetch_add(1)
        cell.load()
    assert rows(recording.trace()) == [
        "main store cell:0 seq_cst old 0000 new 0201",
        "main rmw cell:0 seq_cst old 0201 new 0301",
        "main load cell:0 seq_cst old 0301",
    ]


def test_a_name_is_forgotten_with_its_cell() -> None:
    cell = sync.Atomic(name="gone")
    number = cell._number
    assert current.given[number] == "gone"
    del cell
    gc.collect()
    assert number not in current.given


def test_repr_says_the_value_and_logs_nothing() -> None:
    cell = sync.Atomic(7, name="head")

    def body() -> None:
        assert repr(cell).startswith("<sync.Atomic 'head' at ")
        assert repr(cell).endswith(": value=7>")

    assert recorded(body) == []


# What they order, recorded


def test_a_release_store_orders_before_the_acquire_load_that_reads_it(stage: Stage) -> None:
    flag = sync.Atomic(name="flag")
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(flag.store, 1, "release")
        t1.mark("after")
        assert t2.do(flag.load, "acquire") == 1
        t2.mark("b")
    assert kinds_between(stage) == {("t1", "store"), ("t2", "load")}
    assert stage.ordered("a", "b")
    assert stage.unordered("after", "b")


def test_relaxed_accesses_order_nothing(stage: Stage) -> None:
    flag = sync.Atomic()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(flag.store, 1, "relaxed")
        assert t2.do(flag.load, "relaxed") == 1
        t2.mark("b")
    assert stage.unordered("a", "b")


def test_fences_order_what_the_relaxed_accesses_between_them_hand_on(stage: Stage) -> None:
    flag = sync.Atomic()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(sync.fence, "release")
        t1.mark("after the fence")
        t1.do(flag.store, 1, "relaxed")
        t2.do(flag.load, "relaxed")
        t2.mark("before the fence")
        t2.do(sync.fence, "acquire")
        t2.mark("b")
    assert stage.ordered("a", "b")
    assert stage.unordered("after the fence", "b")
    assert stage.unordered("a", "before the fence")


@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize("failure", ["acquire", "relaxed"])
def test_a_compare_exchange_acquires_as_it_ended(
    stage: Stage, failure: str, *, succeeds: bool
) -> None:
    flag = sync.Atomic()
    with stage.tasks("t1", "t2") as (t1, t2):
        t1.mark("a")
        t1.do(flag.store, 1, "release")
        found = t2.do(flag.compare_exchange, 1 if succeeds else 0, 2, "acquire", failure)
        assert found == (succeeds, 1)
        t2.mark("b")
    assert stage.ordered("a", "b") is (succeeds or failure == "acquire")


def test_a_relaxed_change_of_another_thread_continues_the_sequence(stage: Stage) -> None:
    count = sync.Atomic()
    with stage.tasks("t1", "t2", "t3") as (t1, t2, t3):
        t1.mark("a")
        t1.do(count.store, 1, "release")
        t2.do(count.fetch_add, 1, "relaxed")
        t3.do(count.load, "acquire")
        t3.mark("b")
    assert stage.ordered("a", "b")


def kinds_between(stage: Stage) -> set[tuple[str, str]]:
    lines = [line.split() for line in rows(stage.trace)]
    return {(line[0], line[1]) for line in lines if "cell:" in " ".join(line)}


# Fences


@pytest.mark.parametrize("order", ["relaxed", "acquire", "release", "acq_rel", "seq_cst"])
def test_a_fence_has_any_order(order: str) -> None:
    def body() -> None:
        sync.fence(order)
        sync.fence(MemoryOrder[order.upper()])

    assert recorded(body) == [f"main fence {order}"] * 2


def test_a_fence_is_sequentially_consistent_unless_told() -> None:
    assert recorded(sync.fence) == ["main fence seq_cst"]


@pytest.mark.parametrize("order", ["none", "consume", 5, None])
def test_a_fence_of_no_order_is_a_value_error(order: Any) -> None:
    with pytest.raises(ValueError, match="a fence cannot have the order"):
        sync.fence(order)


def test_sites_are_the_lines_that_call() -> None:
    cell = sync.Atomic()
    with racepage.record() as recording:
        cell.load()
        sync.fence()
        sync.spin_until(lambda: cell.load() == 0)
        cell.compare_exchange(0, 1)
    trace = recording.trace()
    first = test_sites_are_the_lines_that_call.__code__.co_firstlineno
    lines = [trace.sites[site][0].line - first for site in trace.columns.site]
    assert lines == [3, 4, 5, 6]


# Spinning


class Clock:
    """Time that passes while somebody sleeps, and not otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        monkeypatch.setattr(module, "sleep", self._sleep)
        monkeypatch.setattr(module, "monotonic", lambda: self.now)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def answers(*found: object) -> Callable[[], object]:
    left = list(found)
    return lambda: left.pop(0)


def test_spinning_ends_at_the_first_true_look(clock: Clock) -> None:
    assert sync.spin_until(answers(1)) is True
    assert clock.pauses == []
    assert sync.spin_until(answers(0, None, "yes")) is True
    assert len(clock.pauses) == 2


def test_pauses_grow_up_to_a_millisecond(clock: Clock) -> None:
    sync.spin_until(answers(*[0] * 40, 1))
    assert clock.pauses[0] == 0  # others may run at once
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == 1e-3
    assert sum(clock.pauses) < 0.04


def test_a_timeout_is_kept_to_and_says_false(clock: Clock) -> None:
    assert sync.spin_until(lambda: False, timeout=0.01) is False
    assert clock.now == pytest.approx(1000.01)


def test_a_timeout_of_zero_looks_once(clock: Clock) -> None:
    assert sync.spin_until(answers(0), timeout=0) is False
    assert sync.spin_until(answers(1), timeout=0) is True
    assert clock.pauses == []


def test_what_the_predicate_raises_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        sync.spin_until(lambda: 1 // 0)


def test_spinning_waits_for_another_thread(stage: Stage) -> None:
    flag = sync.Atomic()
    with stage.tasks("t1", "t2") as (t1, t2):
        waiting = t2.begin(
            lambda: sync.spin_until(lambda: flag.load("acquire")), inside="spin_until"
        )
        t1.mark("a")
        t1.do(flag.store, 1, "release")
        until(waiting.done)
        assert waiting.result() is True
        t2.mark("b")
    assert stage.ordered("a", "b")


# Together with pages


def ring(release: str, acquire: str) -> list[tuple[str, str]]:
    """A one-slot mailbox in a page, sent through three times with these orders."""
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    full = page.atomic(0, 4)

    def send() -> None:
        for number in range(3):
            sync.spin_until(lambda: not full.load(acquire))
            page.write_raw(bytes([number] * 8), 64, 8)
            full.store(1, release)

    def receive() -> None:
        for number in range(3):
            sync.spin_until(lambda: full.load(acquire))
            found = bytearray(8)
            page.read_raw(found, 64, 8)
            assert found == bytes([number] * 8)
            full.store(0, release)

    with racepage.record() as recording:
        threads = [sync.Thread(target=each) for each in (send, receive)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    analysis = racepage.analyse(recording.trace())
    return [(finding.kind, str(finding.overlap)) for finding in analysis.findings]


def test_acquire_and_release_guard_what_relaxed_does_not() -> None:
    assert ring("release", "acquire") == []
    assert ring("seq_cst", "seq_cst") == []
    assert ring("relaxed", "acquire") == [("data-race", "(64, 72)")]
    assert ring("release", "relaxed") == [("data-race", "(64, 72)")]
