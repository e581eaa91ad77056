"""The parts of the binder model, one by one, and what its correct variant really does."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racepage import record, workloads
from racepage.errors import AllocError, BadAddress, InvalidArgument
from racepage.events import Flag, Op
from racepage.memory import PAGE_SIZE, UserMemory, failing_allocations
from racepage.trace.columns import Trace
from racepage.workloads.binder.death import DeathList
from racepage.workloads.binder.page_range import Lru, ShrinkablePageRange
from racepage.workloads.binder.process import Process
from racepage.workloads.binder.range_alloc import NoSpaceError, RangeAllocator
from racepage.workloads.binder.transaction import Message, message, send

# Where buffers go


REGION = 6 * PAGE_SIZE


def pages_of(start: int, end: int) -> set[int]:
    return set(range(start // PAGE_SIZE, -(-end // PAGE_SIZE)))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("reserve"), st.integers(1, REGION // 2)),
            st.tuples(st.just("release"), st.integers(0, 20)),
        ),
        max_size=40,
    )
)
def test_ranges_are_disjoint_and_a_released_one_gives_up_exactly_its_own_pages(
    steps: list[tuple[str, int]],
) -> None:
    allocator = RangeAllocator(REGION)
    live: list[tuple[int, int]] = []
    for step, number in steps:
        if step == "reserve":
            try:
                start = allocator.reserve(number)
            except NoSpaceError:
                gaps = zip(
                    [0, *(end for _, end in sorted(live))],
                    [*(start for start, _ in sorted(live)), REGION],
                    strict=True,
                )
                assert all(stop - start < number for start, stop in gaps)
                continue
            end = start + number
            assert 0 <= start < end <= REGION
            assert all(end <= other or start >= other_end for other, other_end in live)
            live.append((start, end))
        elif live:
            start, end = live.pop(number % len(live))
            kept = set().union(*(pages_of(*other) for other in live))
            assert set(range(*allocator.release(start))) == pages_of(start, end) - kept


# Which pages may be taken back


@pytest.fixture
def lru() -> Lru:
    return Lru()


@pytest.fixture
def pages(lru: Lru) -> ShrinkablePageRange:
    return ShrinkablePageRange("someone", 4, lru)


def test_the_shrinker_takes_available_pages_only(lru: Lru, pages: ShrinkablePageRange) -> None:
    pages.use_range(0, 4)
    pages.stop_using_range(1, 3)
    assert lru.shrink() == 2
    assert [page is None for page in pages.mapped] == [False, True, True, False]


def test_the_shrinker_takes_no_more_than_it_was_asked_for(
    lru: Lru, pages: ShrinkablePageRange
) -> None:
    pages.use_range(0, 4)
    pages.stop_using_range(0, 4)
    assert [lru.shrink(3), lru.shrink(3), lru.shrink(3)] == [3, 1, 0]


def test_a_page_that_is_used_again_is_not_taken_and_keeps_its_bytes(
    lru: Lru, pages: ShrinkablePageRange
) -> None:
    pages.use_range(0, 1)
    pages.write(0, b"still here")
    pages.stop_using_range(0, 1)
    pages.use_range(0, 1)
    assert lru.shrink() == 0
    assert pages.read(0, 10) == b"still here"
    assert pages.allocated == 1


def test_a_page_that_was_taken_is_allocated_again_and_zero(
    lru: Lru, pages: ShrinkablePageRange
) -> None:
    pages.use_range(0, 1)
    pages.write(0, b"gone")
    pages.stop_using_range(0, 1)
    lru.shrink()
    pages.use_range(0, 1)
    assert pages.read(0, 4) == bytes(4)
    assert pages.allocated == 2


@pytest.mark.parametrize("which", ["mmap_lock", "lock"])
def test_the_shrinker_skips_a_page_whose_locks_are_taken_and_gets_it_later(
    lru: Lru, pages: ShrinkablePageRange, which: str
) -> None:
    pages.use_range(0, 2)
    pages.stop_using_range(0, 2)
    with getattr(pages, which):
        assert lru.shrink() == 0
    assert lru.skipped == 2
    assert not pages.mmap_lock.locked()
    assert lru.shrink() == 2


def test_bytes_of_a_page_that_is_not_there_are_a_bad_address(pages: ShrinkablePageRange) -> None:
    pages.use_range(0, 1)
    with pytest.raises(BadAddress, match="someone has no page at place 1"):
        pages.read(PAGE_SIZE - 4, 8)


def test_bytes_are_read_as_written_across_a_page_border(pages: ShrinkablePageRange) -> None:
    pages.use_range(0, 2)
    pages.write(PAGE_SIZE - 3, b"across")
    assert pages.read(PAGE_SIZE - 4, 8) == b"\0across\0"
    pages.fill_zero(PAGE_SIZE - 1, 2)
    assert pages.read(PAGE_SIZE - 3, 6) == b"ac\0\0ss"


# Messages


@pytest.fixture
def process(lru: Lru) -> Process:
    return Process("someone", 3, lru)


def test_a_message_arrives_with_handles_in_place_of_its_objects(process: Process) -> None:
    send(message(PAGE_SIZE + 64, 5, {8: 700, PAGE_SIZE: 701}), process)
    transaction = process.todo.get()
    assert transaction is not None
    data = process.load(transaction.buffer.offset, transaction.buffer.data_size)
    assert data[8:16] == struct.pack("<Q", process.handle(700))
    assert data[PAGE_SIZE : PAGE_SIZE + 8] == struct.pack("<Q", process.handle(701))
    assert set(data[:8] + data[16:PAGE_SIZE] + data[PAGE_SIZE + 8 :]) == {5}
    offsets = process.load(transaction.buffer.offsets_start, transaction.buffer.offsets_size)
    assert offsets == struct.pack("<QQ", 8, PAGE_SIZE)


@pytest.mark.parametrize(
    "offsets", [(64,), (57,), (3,), (8, 8), (16, 8)], ids=["past", "cut", "odd", "twice", "back"]
)
def test_offsets_that_are_of_no_object_are_refused_before_anything_is_reserved(
    process: Process, offsets: tuple[int, ...]
) -> None:
    raw = bytes(64) + struct.pack(f"<{len(offsets)}Q", *offsets)
    with pytest.raises(InvalidArgument, match="there is no object at offset"):
        send(Message(UserMemory(raw), 64), process)
    assert process.buffer_alloc(3 * PAGE_SIZE, 0, clear_on_free=False).offset == 0


def test_a_fault_in_the_senders_memory_gives_the_buffer_back(process: Process, lru: Lru) -> None:
    content = message(2 * PAGE_SIZE, 1)
    content.memory.unmap(PAGE_SIZE + 10, PAGE_SIZE + 11)
    with pytest.raises(BadAddress, match=f"faults at offset {PAGE_SIZE + 10}"):
        send(content, process)
    assert process.todo.empty()
    assert lru.shrink() == 2
    assert process.buffer_alloc(3 * PAGE_SIZE, 0, clear_on_free=False).offset == 0


def test_a_failed_allocation_gives_the_buffer_back(process: Process, lru: Lru) -> None:
    with failing_allocations(nth=2), pytest.raises(AllocError):
        send(message(3 * PAGE_SIZE, 1), process)
    assert process.todo.empty()
    assert lru.shrink() == 1
    assert process.buffer_alloc(3 * PAGE_SIZE, 0, clear_on_free=False).offset == 0


def test_a_buffer_that_was_to_be_cleared_is_zero_when_it_is_free(process: Process) -> None:
    buffer = process.buffer_alloc(100, 8, clear_on_free=True)
    process.pages.write(0, bytes([1]) * 200)
    process.buffer_free(buffer)
    assert process.pages.read(0, 200) == bytes(108) + bytes([1]) * 92


# Who is told of a death


def test_all_watchers_are_told_in_the_order_of_their_requests() -> None:
    deaths, told = DeathList("someone"), list[int]()
    for cookie in (5, 6, 7):
        deaths.request(cookie)
    deaths.release(told.append)
    assert told == [5, 6, 7]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_watcher_that_cleared_its_request_is_not_told(gone: int) -> None:
    deaths, told = DeathList("someone"), list[int]()
    nodes = [deaths.request(cookie) for cookie in (5, 6, 7)]
    assert deaths.clear(nodes[gone])
    assert not deaths.clear(nodes[gone])
    deaths.release(told.append)
    assert told == [cookie for cookie in (5, 6, 7) if cookie != 5 + gone]


# What the correct variant does


@pytest.fixture(scope="module")
def trace() -> Trace:
    program = workloads.program("binder")
    with record() as recording:
        program()
    return recording.trace()


def lock_name(trace: Trace, event: int) -> str:
    """`mmap` for `lock:server.mmap#2`."""
    return trace.targets[int(trace.columns.target[event])].name.split("#")[0].split(".")[-1]


def test_reclaimed_pages_are_allocated_again(trace: Trace) -> None:
    columns, places = trace.columns, dict[str, int]()
    for event in np.flatnonzero(columns.op == Op.ALLOC):
        label = trace.labels[int(columns.target[event])]
        places[label] = places.get(label, 0) + 1
    scenes = 3  # that send to a server of their own, besides the traffic
    assert places["server[0]"] > 1 + scenes


@pytest.mark.parametrize("op", [Op.ZERO, Op.COPY_IN, Op.READ, Op.WRITE, Op.FREE])
def test_every_kind_of_access_happens(trace: Trace, op: Op) -> None:
    assert (trace.columns.op == op).any()


def test_copies_reach_the_end_of_a_page_and_go_on_in_the_next(trace: Trace) -> None:
    columns = trace.columns
    copies = columns.op == Op.COPY_IN
    assert ((columns.offset + columns.length)[copies] == PAGE_SIZE).any()
    assert (columns.offset[copies] == 0).any()


def test_locks_are_waited_for_in_the_order_inner_mmap_pages_lru(trace: Trace) -> None:
    order = ["refs", "deaths", "inner", "mmap", "pages", "lru"]
    columns, nested = trace.columns, set[tuple[str, str]]()
    held: dict[int, list[str]] = {}
    for event in range(len(trace)):
        mine = held.setdefault(int(columns.thread[event]), [])
        if columns.op[event] == Op.UNLOCK:
            mine.remove(lock_name(trace, event))
        elif columns.op[event] == Op.LOCK and not columns.flags[event] & Flag.TRYFAIL:
            name = lock_name(trace, event)
            if not columns.flags[event] & Flag.TRY:
                nested |= {(outer, name) for outer in mine}
            mine.append(name)
    assert all(order.index(outer) < order.index(inner) for outer, inner in nested)
    assert nested >= {("inner", "pages"), ("mmap", "pages"), ("pages", "lru")}


def test_the_shrinker_tries_the_locks_in_the_reverse_order(trace: Trace) -> None:
    columns = trace.columns
    tried = np.flatnonzero(
        (columns.op == Op.LOCK) & ((columns.flags & (Flag.TRY | Flag.TRYFAIL)) != 0)
    )
    assert {lock_name(trace, event) for event in tried.tolist()} == {"mmap", "pages"}
