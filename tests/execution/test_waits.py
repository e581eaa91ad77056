"""What a cut takes of a wait, and when every thread waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

import racepage
from racepage.events import LockKind, Op
from racepage.execution import current, cut, waits
from racepage.execution.tables import Tables


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Those of a recording that nobody flushes."""
    here = current.task()
    current.begin(current.SITES, 1)
    yield Tables()
    here.waits = False
    current.end()
    current.tidy()


def taken(tables: Tables, *, still: bool = False) -> list[str]:
    columns = cut.take(tables, collector=current.task().number, final=False, still=still)
    return [Op(op).name for op in columns.op.tolist()]


def block(*, flag: bool = True, timed: bool = False, on: int | None = None) -> None:
    current.task().waits = flag
    waits.block(current.one_shot() if on is None else on, sys._getframe(0), timed=timed)


def test_a_wait_is_left_until_it_is_over(tables: Tables) -> None:
    """Who ends it might stand in a cut before the one with the WAKE."""
    current.log(int(Op.RELEASE), current.one_shot(), sys._getframe(0))
    block()
    assert taken(tables) == ["RELEASE"]
    assert taken(tables) == []
    waits.wake(sys._getframe(0))
    assert taken(tables) == ["BLOCK", "WAKE"]


def test_what_is_left_stands_where_it_stood(tables: Tables) -> None:
    """Its turn is still before those of other threads that came later."""
    block()
    assert taken(tables) == []
    other = threading.Thread(
        target=current.log, args=(int(Op.ACQUIRE), current.one_shot(), sys._getframe(0))
    )
    other.start()
    other.join()
    waits.wake(sys._getframe(0))
    assert taken(tables) == ["BLOCK", "ACQUIRE", "WAKE"]


def test_where_nothing_moves_any_more_a_wait_is_taken(tables: Tables) -> None:
    block()
    assert taken(tables, still=True) == ["BLOCK"]


def test_but_not_that_of_a_thread_that_was_woken(tables: Tables) -> None:
    block(flag=False)
    assert taken(tables, still=True) == []


def test_a_wait_whose_end_the_log_tells_is_taken_at_once(tables: Tables) -> None:
    for on in (current.new_lock(), current.new_lock(kind=LockKind.SPIN), current.task().number):
        block(on=on)
        assert taken(tables) == ["BLOCK"]
    block(on=current.new_lock(kind=LockKind.RW))
    assert taken(tables) == []


def test_a_wait_that_ends_by_itself_is_taken_at_once(tables: Tables) -> None:
    block(flag=False, timed=True)
    assert taken(tables) == ["BLOCK"]


class Threads:
    """Which threads there are, as far as racepage and as Python knows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.here = threading.get_ident()

    def are(self, known: dict[str, bool], others: int = 0) -> None:
        """Threads that racepage knows, with their flags, and so many that it does not."""
        logs = {}
        for number, (name, flag) in enumerate(known.items()):
            log = logs[number] = current.ThreadLog(name)
            log.waits, log.ident = flag, 1_000 + number
        self._patch.setattr(current, "logs", logs)
        idents = [*(log.ident for log in logs.values()), *range(9_000, 9_000 + others), self.here]
        self._patch.setattr(sys, "_current_frames", lambda: dict.fromkeys(idents))


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


def test_everybody_waits_where_every_thread_has_its_flag_up(threads: Threads) -> None:
    threads.are({"main": True, "t1": True})
    assert waits.everybody_waits()


def test_one_that_goes_on_is_enough(threads: Threads) -> None:
    threads.are({"main": True, "t1": False})
    assert not waits.everybody_waits()


def test_one_that_is_not_known_is_enough(threads: Threads) -> None:
    threads.are({"main": True}, others=1)
    assert not waits.everybody_waits()


def test_nobody_is_not_everybody(threads: Threads) -> None:
    threads.are({})
    assert not waits.everybody_waits()


def test_one_that_has_ended_and_is_not_gone_yet_is_enough(threads: Threads) -> None:
    threads.are({"main": True, "t1": True})
    current.logs[1].ended = True
    assert not waits.everybody_waits()


def test_one_that_waits_for_an_end_that_came_is_enough(threads: Threads) -> None:
    threads.are({"main": True, "t1": True})
    main, child = current.logs.values()
    main.joins = child
    assert waits.everybody_waits()
    gone = main.joins = current.ThreadLog("t2")
    gone.ended = True
    assert not waits.everybody_waits()


def test_a_recording_that_is_cut_short_is_not_complete() -> None:
    recording = racepage.record()
    with recording:
        current.log(int(Op.RELEASE), current.one_shot(), sys._getframe(0))
        recording.cut_short()
        trace = recording.trace()
    assert len(trace) == 1
    assert not trace.origin.complete
