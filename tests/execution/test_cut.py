"""A cut takes nothing without what happens before it, whatever the threads do meanwhile.

The lists are written by hand here, as threads would leave them at the moment the recorder looks.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.events import Op
from racepage.execution import current, cut
from racepage.execution.current import ThreadLog
from racepage.execution.tables import Tables

READ, LOCK, EXIT = int(Op.READ), int(Op.LOCK), int(Op.EXIT)


class Stage:
    """Threads whose lists the test writes, and one recording's tables."""

    def __init__(self) -> None:
        self.page = current.new_page(4096)
        self.lock = current.new_lock("m")
        self.tables = Tables()
        self.clock = 2**61

    def thread(self, name: str) -> ThreadLog:
        log = current.new_thread(name)
        current.logs[log.number] = log
        return log

    def access(self, log: ThreadLog, offset: int) -> None:
        log.events.extend((READ, self.page, offset, 1, None, -1))

    def sync(self, log: ThreadLog, *, turn: bool = True) -> int:
        self.clock += 1
        moment = self.clock
        log.events.extend((LOCK, self.lock, moment, 0, None, -1))
        if turn:
            current.turns.append(moment)
        return moment

    def take(self, *, final: bool = False) -> list[str]:
        columns = cut.take(self.tables, collector=current.task().number, final=final)
        return [
            f"{self.tables.threads[thread]} {offset if op == READ else Op(op).name.lower()}"
            for thread, op, offset in zip(columns.thread, columns.op, columns.offset, strict=True)
        ]


@pytest.fixture
def stage() -> Iterator[Stage]:
    found = Stage()
    current.begin(current.OFF, 1)
    yield found
    for log in list(current.logs.values()):
        log.events.clear()
        log.ended = log.ended or log.name in {"a", "b", "c"}
    current.turns.clear()
    current.tidy()


def test_turns_decide_the_order_between_threads(stage: Stage) -> None:
    a, b = stage.thread("a"), stage.thread("b")
    stage.access(a, 0)
    stage.access(b, 1)
    stage.sync(b)
    stage.access(b, 2)
    stage.sync(a)
    stage.access(a, 3)
    assert stage.take() == ["b 1", "b lock", "a 0", "a lock", "a 3", "b 2"]


def test_an_event_without_a_turn_waits_with_what_follows_it(stage: Stage) -> None:
    a, b = stage.thread("a"), stage.thread("b")
    stage.access(a, 0)
    moment = stage.sync(a, turn=False)  # between its list and its turn
    stage.sync(b)
    assert stage.take() == ["b lock", "a 0"]
    current.turns.append(moment)
    stage.access(a, 1)
    assert stage.take() == ["a lock", "a 1"]


def test_what_was_taken_is_gone_and_the_rest_stays(stage: Stage) -> None:
    a = stage.thread("a")
    stage.access(a, 0)
    assert stage.take() == ["a 0"]
    assert stage.take() == []
    stage.access(a, 1)
    assert stage.take() == ["a 1"]


def test_a_thread_met_after_the_first_look_gives_only_what_its_turns_vouch_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The parent's START is not in this cut, so the child's accesses must not be either.
    a = stage.thread("a")
    stage.access(a, 0)
    late: list[ThreadLog] = []
    looks = []

    class Watched(dict[int, ThreadLog]):
        def values(self) -> object:  # type: ignore[override]
            looks.append(1)
            if len(looks) == 2:  # after the turns were read
                late.append(stage.thread("b"))
                stage.access(late[0], 1)
            return super().values()

    monkeypatch.setattr(current, "logs", Watched(current.logs))
    assert stage.take() == ["a 0"]
    assert stage.take() == ["b 1"]


def test_accesses_logged_after_the_first_look_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = stage.thread("a"), stage.thread("b")
    stage.access(a, 0)
    looks = []

    class Watched(dict[int, ThreadLog]):
        def values(self) -> object:  # type: ignore[override]
            looks.append(1)
            if len(looks) == 2:
                stage.sync(b)
                stage.access(a, 1)
            return super().values()

    monkeypatch.setattr(current, "logs", Watched(current.logs))
    assert stage.take() == ["a 0"]
    assert stage.take() == ["b lock", "a 1"]


def test_an_ended_thread_is_dropped_once_it_is_drained(stage: Stage) -> None:
    a = stage.thread("a")
    stage.access(a, 0)
    moment = stage.sync(a, turn=False)
    a.ended = True
    stage.take()
    assert a.number in current.logs
    current.turns.append(moment)
    stage.take()
    assert a.number not in current.logs


def test_the_final_cut_takes_everything(stage: Stage) -> None:
    a = stage.thread("a")
    stage.access(a, 0)
    stage.sync(a, turn=False)  # will never take its turn
    stage.access(a, 1)
    assert stage.take(final=True) == ["a 0", "a 1"]


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["access", "sync", "half", "take"])),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300)
def test_any_cuts_together_are_every_event_in_an_order_that_happened(
    steps: list[tuple[str, str]],
) -> None:
    stage = Stage()
    current.begin(current.OFF, 1)
    logs = {name: stage.thread(name) for name in "abc"}
    pending: dict[str, int] = {}
    did: dict[str, list[str]] = {name: [] for name in "abc"}
    turns: list[str] = []
    found: list[str] = []
    for name, step in steps:
        if name in pending and step != "take":  # first it takes the turn it owes
            current.turns.append(pending.pop(name))
            turns.append(name)
        if step == "access":
            did[name].append(f"{name} {len(did[name])}")
            stage.access(logs[name], len(did[name]) - 1)
        elif step in {"sync", "half"}:
            moment = stage.sync(logs[name], turn=step == "sync")
            did[name].append(f"{name} lock")
            if step == "sync":
                turns.append(name)
            else:
                pending[name] = moment
        else:
            found += stage.take()
    for name, moment in pending.items():
        current.turns.append(moment)
        turns.append(name)
    found += stage.take(final=True)
    for name in "abc":
        assert [line for line in found if line.startswith(name)] == did[name]
    assert [line[0] for line in found if line.endswith("lock")] == turns
    for log in logs.values():
        log.ended = True
    current.tidy()
