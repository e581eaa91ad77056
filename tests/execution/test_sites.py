"""Call sites: the line of the program under test, whatever way it took."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import racepage
from racepage import sync
from racepage.events import Frame, Op, Stack
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, UserSlice, kmap_local_page, kunmap_local
from racepage.trace.columns import NOTHING, Trace

HERE = __file__


def sites(trace: Trace, op: Op) -> list[Stack]:
    found = trace.columns.site[trace.columns.op == op].tolist()
    return [trace.sites[site] if site != NOTHING else () for site in found]


def line_of(body: Callable[..., object], text: str) -> int:
    """The line in `body` that contains `text`."""
    code = body.__code__
    lines = Path(HERE).read_text(encoding="utf-8").splitlines()
    for number in range(code.co_firstlineno, len(lines) + 1):
        if text in lines[number - 1]:
            return number
    raise AssertionError(text)


def test_a_site_is_the_callers_file_line_and_function() -> None:
    page = Page.alloc_page()
    with racepage.record() as recording:
        page.fill_zero_raw(0, 8)  # here
    own = test_a_site_is_the_callers_file_line_and_function
    assert sites(recording.trace(), Op.ZERO) == [
        (Frame(HERE, line_of(own, "# here"), own.__name__),)
    ]


def every_way(page: Page) -> None:
    data = np.zeros(8, np.uint8)
    user = UserSlice(bytes(64), 0, 64).reader()
    page.read_raw(data, 0, 8)
    page.read_raw(np.zeros(2, np.uint32), 0, 8)
    page.write_raw(data, 0, 8)
    page.write_raw(np.zeros(2, np.uint32), 0, 8)
    page.copy_from_user_slice_raw(user, 0, 8)
    user.read_raw(data)
    user.read_all()
    UserSlice(bytearray(8), 0, 8).writer().write_raw(data)
    page.view()[0:4] = b"abcd"
    bytes(page.view()[0:4])
    bytes(page.view())
    page.view()[0]
    page.with_page_mapped(int)
    page.with_pointer_into_page(0, 8, int)
    page.with_slice_in_page(0, 8, bytes)
    page.with_slice_in_page(0, 8, list)
    pointer = kmap_local_page(page)
    pointer[0]
    pointer[0:2]
    pointer[0] = 1
    pointer[0:2] = b"ab"
    pointer.read(2)
    pointer.write(b"ab")
    page.read_raw(pointer, 8, 8)
    page.write_raw(pointer, 8, 8)
    kunmap_local(pointer)
    with page:
        page.borrow().fill_zero_raw(0, 8)


def test_every_operation_s_site_is_the_callers() -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    with racepage.record() as recording:
        every_way(page)
    trace = recording.trace()
    assert len(trace) > 30
    assert {trace.sites[site][0][::2] for site in trace.columns.site} == {(HERE, "every_way")}


def test_one_line_is_one_site() -> None:
    page = Page.alloc_page()
    with racepage.record() as recording:
        for _ in range(3):
            assert page.view()[0] == page.view()[1]
    assert len(recording.trace().sites) == 1


def test_a_method_is_named_with_its_class_and_a_closure_by_itself() -> None:
    page = Page.alloc_page()

    class Process:
        def zero(self) -> None:
            page.fill_zero_raw(0, 8)

    def zero() -> None:
        page.fill_zero_raw(0, 8)

    with racepage.record() as recording:
        Process().zero()
        zero()
    functions = [stack[0].function for stack in sites(recording.trace(), Op.ZERO)]
    assert functions == ["Process.zero", "zero"]


def deeper(page: Page, count: int) -> None:
    if count:
        deeper(page, count - 1)
    else:
        page.fill_zero_raw(0, 8)


def test_depth_says_how_many_frames_there_are() -> None:
    page = Page.alloc_page()
    with racepage.record(depth=3) as recording:
        deeper(page, 5)
    (stack,) = sites(recording.trace(), Op.ZERO)
    assert [frame.function for frame in stack] == ["deeper"] * 3
    assert len({frame.line for frame in stack}) == 2  # the innermost is at the access


def test_a_stack_ends_where_the_thread_begins_and_shows_no_machinery() -> None:
    page = Page.alloc_page()
    with racepage.record(depth=50) as recording:
        thread = sync.Thread(target=deeper, args=(page, 1), name="t")
        thread.start()
        thread.join()
        page.with_page_mapped(lambda pointer: pointer[0])
    trace = recording.trace()
    (zero,) = sites(trace, Op.ZERO)
    assert [frame.function for frame in zero][:2] == ["deeper", "deeper"]
    (read,) = sites(trace, Op.READ)
    assert [frame.function for frame in read][:2] == [
        "<lambda>",
        test_a_stack_ends_where_the_thread_begins_and_shows_no_machinery.__name__,
    ]
    rooms = ("racepage/memory/", "racepage/sync/", "racepage/execution/")
    for stack in trace.sites:
        assert not any(room in frame.file for frame in stack for room in rooms)


def test_equal_stacks_are_one_site() -> None:
    page = Page.alloc_page()
    with racepage.record(depth=4) as recording:
        for _ in range(10):
            deeper(page, 2)
    assert len(recording.trace().sites) == 1


def test_a_lock_s_site_is_the_line_that_takes_it() -> None:
    lock = sync.Lock()
    with racepage.record() as recording, lock:  # taken here
        pass
    own = test_a_lock_s_site_is_the_line_that_takes_it
    (stack,) = sites(recording.trace(), Op.LOCK)
    assert stack == (Frame(HERE, line_of(own, "# taken here"), own.__name__),)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_of_nothing_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="depth"):
        racepage.record(depth=depth)


def test_code_without_a_file_has_a_site_too() -> None:
    program = (
        "import racepage; from racepage.memory import Page\n"
        "page = Page.alloc_page()\n"
        "with racepage.record() as recording: exec('page.fill_zero_raw(0, 1)')\n"
        "print(recording.trace().sites)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[(Frame(file='<string>', line=1, function='<module>'),)]\n"
