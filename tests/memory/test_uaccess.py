"""User memory: a cursor over bytes that may not be there."""

from __future__ import annotations

import errno
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import racepage
from racepage.errors import BadAddress, InvalidArgument
from racepage.finding import Values
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, UserMemory, UserSlice
from racepage.sync import Thread
from tests.execution.rows import recorded

DATA = bytes(range(64))


def test_a_reader_goes_from_beginning_to_end() -> None:
    reader = UserSlice(DATA, 8, 16).reader()
    first = bytearray(4)
    reader.read_raw(first)
    reader.skip(2)
    assert bytes(first) == DATA[8:12]
    assert len(reader) == 10
    assert reader.read_all() == DATA[14:24]
    assert reader.is_empty()
    assert reader.read_all() == b""


def test_reads_and_writes_are_logged_as_user_accesses() -> None:
    memory = UserMemory(bytearray(DATA), label="sender")

    def body() -> None:
        reader, writer = UserSlice(memory, 8, 16).reader_writer()
        reader.read_raw(bytearray(4))
        reader.skip(4)
        reader.read_all()
        writer.write_raw(b"abc")

    assert recorded(body) == [
        "main user_read user:0[8:12] BEGIN",
        "main user_read user:0[16:24]",
        "main user_write user:0[8:11]",
    ]


def test_a_writer_writes_there_and_nowhere_else() -> None:
    memory = bytearray(8)
    writer = UserSlice(memory, 2, 4).writer()
    writer.write_raw(b"ab")
    writer.write_raw(np.array([7, 8, 9], np.uint8), 2)
    assert memory == b"\0\0ab\7\x08\0\0"
    assert writer.is_empty()


def test_a_length_uses_the_beginning_of_a_buffer() -> None:
    found = bytearray(b"....")
    UserSlice(DATA, 1, 8).reader().read_raw(found, 2)
    assert found == b"\1\2.."


def test_more_than_is_left_is_efault_and_nothing_moves() -> None:
    reader, writer = UserSlice(bytearray(DATA), 0, 4).reader_writer()
    found = bytearray(5)

    def body() -> None:
        with pytest.raises(BadAddress, match="4 left") as caught:
            reader.read_raw(found)
        assert caught.value.errno == errno.EFAULT
        with pytest.raises(BadAddress):
            writer.write_raw(b"12345")
        with pytest.raises(BadAddress):
            reader.skip(5)

    assert recorded(body) == []
    assert found == bytes(5)
    assert len(reader) == len(writer) == 4


def test_a_fault_on_the_way_moves_the_prefix_and_the_cursor_stays() -> None:
    memory = UserMemory(bytearray(DATA))
    memory.unmap(10, 12)
    reader, writer = UserSlice(memory, 8, 8).reader_writer()
    found = bytearray(8)

    def body() -> None:
        with pytest.raises(BadAddress, match="offset 10, after 2 of the 8"):
            reader.read_raw(found)
        with pytest.raises(BadAddress):
            writer.write_raw(b"abcdefgh")
        with pytest.raises(BadAddress):
            reader.read_all()

    assert recorded(body) == [
        "main user_read user:0[8:10] BEGIN",
        "main user_write user:0[8:10]",
        "main user_read user:0[8:10]",
    ]
    assert bytes(found) == DATA[8:10] + bytes(6)
    assert len(reader) == len(writer) == 8
    memory.map(10, 12)
    assert reader.read_all() == b"ab" + DATA[10:16]


def test_memory_ends_where_the_buffer_ends() -> None:
    reader = UserSlice(bytes(4), 2, 8).reader()
    found = bytearray(b"xxxxxxxx")
    with pytest.raises(BadAddress):
        reader.read_raw(found)
    assert found == b"\0\0xxxxxx"
    with pytest.raises(BadAddress):
        UserSlice(bytes(4), 100, 1).reader().read_all()


def test_writing_read_only_memory_faults_at_once() -> None:
    with pytest.raises(BadAddress, match="after 0"):
        UserSlice(b"const", 0, 5).writer().write_raw(b"x")


def test_unmapping_and_mapping_back_a_part() -> None:
    memory = UserMemory(bytes(16))
    memory.unmap(4, 12)
    memory.map(6, 8)
    readable = [place for place in range(16) if len(memory.readable(place, 1))]
    assert readable == [0, 1, 2, 3, 6, 7, 12, 13, 14, 15]


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 20), st.integers(0, 20)).map(
            lambda t: (t[0], min(t[1:]), max(t[1:]))
        ),
        max_size=6,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
)
@settings(max_examples=300)
def test_what_is_readable_ends_at_the_first_missing_byte(
    changes: list[tuple[bool, int, int]], start: int, length: int
) -> None:
    memory, there = UserMemory(bytes(16)), [True] * 16 + [False] * 30
    for present, low, high in changes:
        (memory.map if present else memory.unmap)(low, high)
        for place in range(low, min(high, 16)):
            there[place] = present
    expected = 0
    while expected < length and there[start + expected]:
        expected += 1
    assert len(memory.readable(start, length)) == expected


def test_a_clone_reads_the_same_again() -> None:
    reader = UserSlice(DATA, 0, 8).reader()
    reader.skip(3)
    clone = reader.clone_reader()
    assert reader.read_all() == clone.read_all() == DATA[3:8]


def test_user_memory_that_changes_between_two_reads_is_read_as_it_is() -> None:
    memory = bytearray(b"ok")
    reader = UserSlice(memory, 0, 2).reader()
    clone = reader.clone_reader()
    assert reader.read_all() == b"ok"
    memory[:] = b"no"
    assert clone.read_all() == b"no"


def targets(body: Callable[[], object]) -> list[str]:
    """What the reads of `body` are of; ` BEGIN` where one is the first of its slice."""
    return [line.split(maxsplit=2)[-1] for line in recorded(body) if "user_read" in line]


def test_slices_that_are_there_at_one_time_are_told_apart() -> None:
    memory = UserMemory(DATA)
    one, other = UserSlice(memory, 0, 1), UserSlice(memory, 0, 1)

    def body() -> None:
        one.reader().read_all()
        other.reader().read_all()
        one.reader().read_all()

    assert targets(body) == ["user:0[0:1] BEGIN", "user:1[0:1] BEGIN", "user:0[0:1]"]


def test_readers_writers_and_their_clones_are_of_one_slice() -> None:
    reader, writer = UserSlice(bytearray(DATA), 0, 4).reader_writer()

    def body() -> None:
        clone = reader.clone_reader()
        clone.clone_reader().read_all()
        reader.read_all()
        writer.write_raw(b"ok")

    assert [line.split(maxsplit=1)[1] for line in recorded(body)] == [
        "user_read user:0[0:4] BEGIN",
        "user_read user:0[0:4]",
        "user_write user:0[0:2]",
    ]


def test_the_number_of_a_slice_that_is_gone_serves_again() -> None:
    def body() -> None:
        for _ in range(3):
            UserSlice(DATA, 0, 1).reader().read_all()
        clone = UserSlice(DATA, 0, 2).reader().clone_reader()
        UserSlice(DATA, 0, 3).reader().read_all()
        clone.read_all()

    assert targets(body) == [
        *["user:0[0:1] BEGIN"] * 3,
        "user:0[0:3] BEGIN",
        "user:0[0:2] BEGIN",
    ]


def test_a_number_serves_slices_of_one_label() -> None:
    first, second = UserMemory(DATA, label="one"), UserMemory(DATA, label="other")
    with racepage.record() as recording:
        for memory in (first, second, first, second):
            UserSlice(memory, 0, 1).reader().read_all()
    trace = recording.trace()
    names = [str(trace.targets[target]) for target in trace.columns.target]
    assert names == ["user:0", "user:1", "user:0", "user:1"]
    assert sorted(trace.labels.values()) == ["one", "other"]


def test_each_thread_has_a_first_read_of_its_own() -> None:
    """So that what one thread reads twice shows in its own events, however these are merged."""
    part = UserSlice(DATA, 0, 1)

    def body() -> None:
        part.reader().read_all()
        thread = Thread(target=lambda: part.reader().read_all(), name="t")
        thread.start()
        thread.join()
        part.reader().read_all()

    assert targets(body) == ["user:0[0:1] BEGIN", "user:0[0:1] BEGIN", "user:0[0:1]"]


def test_a_slice_that_was_begun_before_a_recording_begins_with_its_first_read_in_one() -> None:
    reader = UserSlice(DATA, 0, 8).reader()
    reader.skip(1)
    reader.read_raw(bytearray(1))

    def read() -> None:
        reader.read_raw(bytearray(1))

    assert targets(read) == ["user:0[2:3] BEGIN"]
    assert targets(read) == ["user:0[3:4]"]


def double_fetches(body: Callable[[], object]) -> list[tuple[int, str | None]]:
    with racepage.record() as recording:
        body()
    found = racepage.analyse(recording.trace()).findings
    return [(one.count, one.suppressed) for one in found if one.kind == "double-fetch"]


def test_a_header_that_is_read_again_with_the_whole_is_a_double_fetch() -> None:
    page = Page.alloc_page(GFP_KERNEL)

    def body() -> None:
        for _ in range(3):
            whole = UserSlice(DATA, 0, 64).reader()
            whole.clone_reader().read_raw(bytearray(8))
            page.copy_from_user_slice_raw(whole, 0, 64)

    assert double_fetches(body) == [(3, None)]


def test_a_header_and_what_follows_it_are_read_once() -> None:
    page = Page.alloc_page(GFP_KERNEL)

    def body() -> None:
        for _ in range(3):
            reader = UserSlice(DATA, 0, 64).reader()
            reader.read_raw(bytearray(8))
            page.copy_from_user_slice_raw(reader, 8, 56)

    assert double_fetches(body) == []


def test_a_double_fetch_may_be_meant() -> None:
    def body() -> None:
        part = UserSlice(DATA, 0, 8)
        part.reader().read_all()
        with racepage.racy_ok("it is compared with the first"):
            part.reader().read_all()

    assert double_fetches(body) == [(1, "it is compared with the first")]


def test_the_bytes_of_both_fetches_are_told_where_values_are_recorded() -> None:
    memory = bytearray(b"\1\0\0\0")

    def body() -> None:
        part = UserSlice(memory, 0, 4)
        part.reader().read_all()
        memory[0] = 9
        part.reader().read_all()

    with racepage.record(values=True) as recording:
        body()
    [finding] = racepage.analyse(recording.trace()).findings
    assert finding.values == Values(old=b"\1\0\0\0", new=b"\x09\0\0\0")


@pytest.mark.parametrize(("offset", "length"), [(-1, 4), (0, -4)])
def test_negative_slices_are_refused(offset: int, length: int) -> None:
    with pytest.raises(InvalidArgument):
        UserSlice(DATA, offset, length)


def test_negative_lengths_are_refused() -> None:
    reader = UserSlice(DATA, 0, 4).reader()
    with pytest.raises(InvalidArgument):
        reader.skip(-1)
    with pytest.raises(InvalidArgument):
        reader.read_raw(bytearray(4), -1)


def test_unusable_buffers_are_refused_and_nothing_moves() -> None:
    reader, writer = UserSlice(bytearray(DATA), 0, 8).reader_writer()

    def body() -> None:
        with pytest.raises(ValueError, match="dst"):
            reader.read_raw(bytearray(3), 4)
        with pytest.raises(ValueError, match="read-only"):
            reader.read_raw(b"1234")
        with pytest.raises(ValueError, match="src"):
            writer.write_raw(b"123", 4)

    assert recorded(body) == []
    assert len(reader) == len(writer) == 8


def test_reading_into_a_slice_of_a_page_is_a_copy_in() -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    reader = UserSlice(DATA, 4, 8).reader()

    def body() -> None:
        page.with_slice_in_page(100, 8, reader.read_raw)

    assert recorded(body)[1] == (
        "main copy_in page:0[100:108] via pointer:0 bound (100, 108) from user:0+4 BEGIN"
    )
    assert bytes(page.view()[100:108]) == DATA[4:12]


def test_writing_from_a_pointer_reads_its_page() -> None:
    page, memory = Page.alloc_page(GFP_KERNEL | GFP_ZERO), bytearray(8)
    page.write_raw(b"abcd", 0, 4)
    writer = UserSlice(memory, 0, 8).writer()

    def body() -> None:
        page.with_page_mapped(lambda pointer: writer.write_raw(pointer, 4))

    assert recorded(body)[1:3] == [
        "main read page:0[0:4] via pointer:0",
        "main user_write user:0[0:4]",
    ]
    assert memory == b"abcd\0\0\0\0"
    with pytest.raises(TypeError, match="length"):
        page.with_page_mapped(writer.write_raw)
