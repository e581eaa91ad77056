"""When compiled code is worth it."""

from __future__ import annotations

import pytest

from racepage.detect import rows
from racepage.detect.rows import (
    KEPT_FROM,
    LOADED_FROM,
    NATIVE_FROM,
    at_size,
    following,
    is_native,
    native_is_loaded,
)


def answer() -> int:
    return 42


@pytest.fixture(params=[False, True], ids=["not kept", "kept"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether all compiled code is kept from an earlier time."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(rows, "is_kept", lambda _: request.param)
    monkeypatch.setattr(rows, "_loaded", set())
    return bool(request.param)


@pytest.mark.usefixtures("kept")
def test_small_traces_are_not_worth_loading_a_compiler() -> None:
    assert not is_native(KEPT_FROM - 1)
    assert at_size(answer, KEPT_FROM - 1) is answer


def test_code_that_is_kept_is_worth_loading_earlier_than_it_is_worth_compiling(kept: bool) -> None:
    assert is_native(KEPT_FROM) is kept
    assert is_native(NATIVE_FROM - 1) is kept
    assert is_native(NATIVE_FROM)


@pytest.mark.usefixtures("kept")
def test_without_a_compiler_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert not is_native(NATIVE_FROM)
    assert at_size(answer, NATIVE_FROM) is answer


@pytest.mark.usefixtures("kept")
def test_rows_that_came_before_pay_for_the_compiler_too() -> None:
    with following(NATIVE_FROM - 10), following(5):
        assert is_native(5)
    with following(10):
        assert not is_native(KEPT_FROM - 11)


@pytest.mark.usefixtures("kept")
def test_what_is_loaded_serves_smaller_traces_too() -> None:
    assert not is_native(LOADED_FROM)
    native_is_loaded()
    assert is_native(LOADED_FROM)
    assert not is_native(LOADED_FROM - 1)
    assert at_size(answer, LOADED_FROM) is answer
