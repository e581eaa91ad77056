"""Rows of what slots know: they grow, keep what they hold, and have a limit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from racepage.detect import vectors as module
from racepage.detect.vectors import Vectors
from racepage.errors import RacepageError


def row(vectors: Vectors, slot: int) -> NDArray[np.int64]:
    start, width = vectors._rows[slot].tolist()
    return vectors._pool[start : start + width]


def test_a_new_slot_knows_nothing() -> None:
    vectors = Vectors()
    vectors.ensure(3)
    for slot in range(3):
        assert not row(vectors, slot).any()


def test_a_row_keeps_what_it_holds_when_it_grows() -> None:
    vectors = Vectors()
    vectors.ensure(2)
    row(vectors, 0)[:3] = (1, 2, 3)
    row(vectors, 1)[:3] = (4, 5, 6)
    vectors.widen(0, 1000)
    assert len(row(vectors, 0)) >= 1000
    assert row(vectors, 0)[:3].tolist() == [1, 2, 3]
    assert not row(vectors, 0)[3:].any()
    assert row(vectors, 1)[:3].tolist() == [4, 5, 6]


def test_an_outgrown_row_is_used_again_and_is_empty() -> None:
    vectors = Vectors()
    vectors.ensure(1)
    row(vectors, 0)[0] = 1
    vectors.widen(0, 9)
    taken = vectors._used
    vectors.ensure(2)
    assert vectors._used == taken
    assert not row(vectors, 1).any()


def test_many_slots_that_know_little_take_little() -> None:
    vectors = Vectors()
    vectors.ensure(100_000)
    assert vectors._used * 8 <= 100_000 * 64


def test_a_limit_is_an_error_before_the_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 12)
    vectors = Vectors()
    vectors.ensure(2)
    taken = vectors._pool.nbytes
    with pytest.raises(RacepageError, match=r"2 threads .* join threads that have ended"):
        vectors.widen(1, 1 << 30)
    assert vectors._pool.nbytes == taken
