from __future__ import annotations

import numpy as np
import pytest

from racepage.memory import GFP_KERNEL, GFP_ZERO, Page, PageView
from tests.execution.rows import recorded


def view() -> PageView:
    return Page.alloc_page(GFP_KERNEL | GFP_ZERO).view()


def test_what_is_assigned_is_read_back() -> None:
    page = view()
    page[0:4] = b"abcd"
    page[4:8] = [1, 2, 3, 4]
    page[8:12] = 9
    page[12] = 255
    page[-1] = 7
    assert bytes(page[0:4]) == b"abcd"
    assert page[4:13].tolist() == [1, 2, 3, 4, 9, 9, 9, 9, 255]
    assert page[4095] == 7
    assert len(page) == 4096
    assert bytes(page)[:4] == b"abcd"
    assert np.asarray(page)[0] == ord("a")


def test_each_is_logged_as_what_it_is() -> None:
    page = view()

    def body() -> None:
        page[0:8] = bytes(8)
        bytes(page[2:4])
        page[5] += 1
        bytes(page)
        page[10:5] = b""

    assert recorded(body) == [
        "main write page:0[0:8]",
        "main read page:0[2:4]",
        "main read page:0[5:6]",
        "main write page:0[5:6]",
        "main read page:0[0:4096]",
        "main write page:0[10:10]",
    ]


def test_a_part_is_a_copy_that_says_so() -> None:
    page = view()
    part = page[0:4]
    page[0] = 1
    assert part[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        part[0] = 1


def test_refused_values_write_and_log_nothing() -> None:
    page = view()

    def body() -> None:
        with pytest.raises(ValueError, match="3 bytes of data for a range of 4"):
            page[0:4] = b"abc"
        with pytest.raises(ValueError, match="broadcast"):
            page[0:4] = [1, 2, 3]
        with pytest.raises(ValueError, match="step"):
            page[0:4:2] = b"ab"
        with pytest.raises(ValueError, match="step"):
            _ = page[::-1]
        for place in (4096, -4097):
            with pytest.raises(IndexError, match="4096 bytes"):
                page[place] = 1

    assert recorded(body) == []
    assert not any(page[0:4])


def test_indices_end_at_the_page_as_a_list_s_do() -> None:
    assert len(view()[4000:9999]) == 96


def test_the_memory_itself_is_not_handed_out() -> None:
    page = view()
    with pytest.raises(ValueError, match="never handed out"):
        page.__array__(copy=False)
    assert not np.shares_memory(np.asarray(page), np.asarray(page))
