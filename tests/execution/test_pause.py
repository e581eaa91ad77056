"""While the recorder catches up, whoever logs waits; the recorder itself does not."""

from __future__ import annotations

import threading

import pytest

import racepage
from racepage import sync
from racepage.execution import current, cut, recorder
from racepage.memory import Page
from racepage.trace.columns import Columns
from tests.execution.rows import rows


class Gate:
    """A gate that says who came, and lets everybody through."""

    def __init__(self) -> None:
        self.came: list[tuple[str, float]] = []

    def acquire(self, timeout: float = -1) -> bool:
        self.came.append((threading.current_thread().name, timeout))
        return True

    def release(self) -> None:
        pass


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    found = Gate()
    monkeypatch.setattr(current, "_gate", found)
    return found


def everything(page: Page, lock: sync.Lock) -> None:
    page.write_raw(b"a", 0, 1)
    page.read_raw(bytearray(1), 0, 1)
    page.fill_zero_raw(0, 1)
    page.fetch_add(0, 8, 1)
    page.bytewise_read(bytearray(1), 0, 1)
    sync.fence()
    page.with_page_mapped(lambda pointer: pointer[0])
    lock.acquire()
    lock.release()
    with lock:
        pass


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
def test_everything_that_logs_waits_and_is_logged(gate: Gate, depth: int, *, values: bool) -> None:
    page, lock = Page.alloc_page(), sync.Lock()
    with racepage.record(depth=depth, values=values) as recording:
        current.pause()
        thread = threading.Thread(target=everything, args=(page, lock), name="t")
        thread.start()
        thread.join()
        current.resume()
    assert len(rows(recording.trace())) == 13
    assert [who for who, _ in gate.came] == ["MainThread"] + ["t"] * 13
    assert {patience for _, patience in gate.came[1:]} == {current.PATIENCE_SECONDS}


def test_who_pauses_does_not_wait(gate: Gate) -> None:
    page, lock = Page.alloc_page(), sync.Lock()
    with racepage.record() as recording:
        current.pause()
        everything(page, lock)
        current.resume()
        everything(page, lock)
    assert len(gate.came) == 1
    assert len(rows(recording.trace())) == 26


def test_a_flush_that_falls_due_by_number_pauses_and_one_by_time_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page.alloc_page()
    paused: list[bool] = []
    flushed = threading.Semaphore(0)
    real = cut.take

    def take(*arguments: object, **named: object) -> Columns:
        columns = real(*arguments, **named)  # type: ignore[arg-type]
        if len(columns):
            paused.append(bool(current.mode & current.PAUSED))
            flushed.release()
        return columns

    monkeypatch.setattr(cut, "take", take)
    monkeypatch.setattr(recorder, "POLL_SECONDS", 0.0001)
    for events, seconds in ((1, 1e9), (10**9, 0)):
        monkeypatch.setattr(recorder, "FLUSH_EVENTS", events)
        monkeypatch.setattr(recorder, "FLUSH_SECONDS", seconds)
        with racepage.record() as recording:
            page.fill_zero_raw(0, 1)
            flushed.acquire()  # the flusher has taken it
        assert current.mode == current.OFF
        assert rows(recording.trace()) == ["main zero page:0[0:1]"]
    assert paused == [True, False]
