"""Structs in memory: what compiled code reads and assigns is what lies there."""

from __future__ import annotations

import numpy as np
import pytest

from racepage.jit import compiled
from racepage.structs import I32, I64, address, layout, number, pointer


class Pair:
    small: I32
    other: I32
    large: I64


pair_at = pointer(Pair)
bytes_at = number(np.uint8)


@compiled
def read(pairs: int, index: int) -> tuple[int, int, int]:
    pair = pair_at(pairs, index)
    return pair.small, pair.other, pair.large


@compiled
def assign(pairs: int, index: int, value: int) -> None:
    pair_at(pairs, index).small = value


@compiled
def difference(pairs: int) -> int:
    return pair_at(pairs, 0).small - pair_at(pairs, 1).small


@compiled
def add_one(numbers: int, index: int) -> None:
    bytes_at(numbers, index).value += 1


@pytest.fixture
def pairs() -> np.ndarray:
    return np.array([(1, 2, 3), (4, 5, 1 << 40), (-6, 7, -8)], layout(Pair))


def test_a_layout_is_the_fields_in_their_order() -> None:
    assert layout(Pair) == np.dtype([("small", "i4"), ("other", "i4"), ("large", "i8")])


def test_fields_are_read(pairs: np.ndarray) -> None:
    for index, expected in enumerate(pairs.tolist()):
        assert read(address(pairs), index) == expected


def test_a_field_is_assigned_and_its_neighbours_are_not(pairs: np.ndarray) -> None:
    assign(address(pairs), 1, -9)
    assert pairs.tolist() == [(1, 2, 3), (-9, 5, 1 << 40), (-6, 7, -8)]


def test_numbers_of_fields_are_signed_and_wide(pairs: np.ndarray) -> None:
    assert difference(address(pairs)) == -3


def test_plain_numbers_are_assigned_in_place() -> None:
    numbers = np.array([1, 2, 3], np.uint8)
    add_one(address(numbers), 1)
    assert numbers.tolist() == [1, 3, 3]
