from __future__ import annotations

import zlib
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.report.viewer.pack import LARGEST, Packed, pack


def unpacked(column: Packed) -> list[int]:
    """By the words of pack.py, and by none of its code."""
    planes = zlib.decompress(b64decode(column.text))
    assert len(planes) == column.planes * column.count
    values = []
    total = column.base
    for at in range(column.count):
        number = sum(planes[k * column.count + at] << 8 * k for k in range(column.planes))
        if column.coding == "raw":
            values.append(column.base + number)
        else:
            total += -(number + 1) // 2 if number % 2 else number // 2
            values.append(total)
    return values


@settings(max_examples=300)  # each deflates three times
@given(st.lists(st.integers(-LARGEST, LARGEST)))
def test_what_is_packed_comes_back(values: list[int]) -> None:
    assert unpacked(pack("x", np.array(values, dtype=np.int64))) == values


@settings(max_examples=300)
@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=20))
def test_what_fits_32_bits_is_not_wide(values: list[int]) -> None:
    assert not pack("x", np.array(values, dtype=np.int64)).wide


@pytest.mark.parametrize("value", [1 << 31, -(1 << 31) - 1])
def test_what_does_not_is_wide(value: int) -> None:
    assert pack("x", np.array([0, value])).wide


def test_numbers_that_rise_are_kept_as_steps() -> None:
    column = pack("x", np.arange(100_000) * 1000)
    assert column.coding == "delta"
    assert len(column.text) < 1000


def test_numbers_that_jump_between_few_are_kept_as_they_are() -> None:
    values = np.random.default_rng(1).choice([3, 1000, 5], 50_000)
    assert pack("x", values).coding == "raw"


def test_what_nobody_recorded_becomes_the_largest() -> None:
    assert unpacked(pack("x", np.array([np.iinfo(np.int64).max, 0]))) == [LARGEST, 0]


def test_a_small_type_does_not_wrap_around() -> None:
    assert unpacked(pack("x", np.array([255, 0, 255], dtype=np.uint8))) == [255, 0, 255]
