"""`record(values=True)`: the bytes that each access read and wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import racepage
from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, UserMemory, UserSlice
from racepage.trace import text
from tests.execution.rows import recorded, rows


def valued(body: Callable[[], object], path: Path | None = None, depth: int = 1) -> list[str]:
    with racepage.record(path, values=True, depth=depth) as recording:
        body()
    return rows(recording.trace())


def a_page() -> Page:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    page.view()[0:4] = b"\x01\x02\x03\x04"
    return page


def every_way(page: Page) -> None:
    user = UserMemory(b"\x21\x22\x23")
    page.read_raw(bytearray(2), 1, 2)
    page.read_raw(np.zeros(1, np.uint16), 1, 2)
    page.write_raw(b"\x11\x12\x13", 0, 2)
    page.write_raw(np.array([0x1413], np.uint16), 0, 2)
    page.fill_zero_raw(2, 2)
    page.copy_from_user_slice_raw(UserSlice(user, 0, 3).reader(), 3, 3)
    page.view()[0:2]
    page.view()[0] = 7
    page.bytewise_write(b"\x31\x32", 0, 2)
    page.bytewise_read(bytearray(3), 0, 3)
    page.store(0, 2, 0x4241)
    page.load(0, 2)
    page.fetch_add(0, 2, 1)
    page.compare_exchange(0, 2, 0x4242, 5)
    page.compare_exchange(0, 2, 0, 5)


EVERY_WAY = [
    "main read page:0[1:3] old 0203",
    "main read page:0[1:3] old 0203",
    "main write page:0[0:2] old 0102 new 1112",
    "main write page:0[0:2] old 1112 new 1314",
    "main zero page:0[2:4] old 0304 new 0000",
    "main copy_in page:0[3:6] from user:0+0 old 000000 new 212223",
    "main read page:0[0:2] old 1314",
    "main write page:0[0:1] old 13 new 07",
    "main bytewise_write page:0[0:2] old 0714 new 3132",
    "main bytewise_read page:0[0:3] old 313200",
    "main store page:0[0:2] seq_cst old 3132 new 4142",
    "main load page:0[0:2] seq_cst old 4142",
    "main rmw page:0[0:2] seq_cst old 4142 new 4242",
    "main rmw page:0[0:2] seq_cst old 4242 new 0500",
    "main load page:0[0:2] seq_cst old 0500",
]


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("to_file", [False, True])
def test_reads_say_what_they_read_and_writes_what_they_changed(
    tmp_path: Path, depth: int, *, to_file: bool
) -> None:
    page = a_page()
    path = tmp_path / "x.arrows" if to_file else None
    found = valued(lambda: every_way(page), path, depth)
    assert [line.removesuffix(" BEGIN") for line in found] == EVERY_WAY


def test_nothing_is_said_where_nobody_asked() -> None:
    page = a_page()
    found = recorded(lambda: every_way(page))
    assert len(found) == len(EVERY_WAY)
    assert not [line for line in found if " old " in line or " new " in line]


def test_values_survive_the_text_form() -> None:
    page = a_page()
    with racepage.record(values=True) as recording:
        every_way(page)
    trace = recording.trace()
    again = text.parse(text.render(trace))
    assert rows(again) == rows(trace)


def test_through_pointers() -> None:
    page, other = a_page(), a_page()

    def body() -> None:
        with_pointer = page.with_page_mapped
        with_pointer(lambda pointer: pointer[0:2])
        with_pointer(lambda pointer: pointer.write(b"\x55"))
        with_pointer(lambda pointer: pointer.atomic(2).fetch_or(0x8000))
        with_pointer(lambda pointer: other.read_raw(pointer, 2, 2))
        with_pointer(lambda pointer: other.write_raw(pointer, 2, 1))

    found = [line for line in valued(body) if "map" not in line]
    assert [line.split(" via")[0] + " " + line[line.index("old") :] for line in found] == [
        "main read page:0[0:2] old 0102",
        "main write page:0[0:1] old 01 new 55",
        "main rmw page:0[0:2] old 5502 new 5582",
        "main read page:1[2:4] old 0304 old 0304",
        "main write page:0[0:2] old 5582 new 0304",
        "main read page:0[0:1] old 03",
        "main write page:1[2:3] old 03 new 03 old 03 new 03",
    ]


def test_the_first_256_bytes_of_an_access_are_kept() -> None:
    page = a_page()
    data = bytes(range(256)) + b"beyond"

    def body() -> None:
        page.write_raw(data, 0, len(data))
        page.read_raw(bytearray(4096), 0, 4096)
        page.fill_zero_raw(0, 4096)
        page.bytewise_write(data, 0, len(data))

    first = bytes(range(256)).hex()
    assert valued(body) == [
        f"main write page:0[0:262] old {'01020304' + '00' * 252} new {first}",
        f"main read page:0[0:4096] old {first}",
        f"main zero page:0[0:4096] old {first} new {'00' * 256}",
        f"main bytewise_write page:0[0:262] old {'00' * 256} new {first}",
    ]


def test_what_is_refused_is_refused_with_values_too() -> None:
    page = a_page()

    def body() -> None:
        with pytest.raises(ValueError, match="fewer"):
            page.read_raw(bytearray(1), 0, 2)
        with pytest.raises(ValueError, match="contiguous"):
            page.write_raw(np.zeros(8, np.uint8)[::2], 0, 2)
        with pytest.raises(ValueError, match="data for a range"):
            page.view()[0:4] = b"12345"

    assert valued(body) == []


def test_an_empty_access_has_no_bytes() -> None:
    page = a_page()
    assert valued(lambda: page.write_raw(b"", 8, 0)) == ["main write page:0[8:8] old  new "]


def test_locks_and_threads_are_logged_as_ever() -> None:
    page, lock = a_page(), sync.Lock(name="m")

    def work() -> None:
        with lock:
            page.fill_zero_raw(0, 1)

    def body() -> None:
        thread = sync.Thread(target=work, name="t1")
        thread.start()
        thread.join()

    assert valued(body) == [
        "main start thread:t1",
        "t1 lock lock:m",
        "t1 zero page:0[0:1] old 01 new 00",
        "t1 unlock lock:m",
        "t1 exit",
        "main join thread:t1",
    ]
