"""Misused locks: which are judged, by which of their rows, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from racepage import sync
from racepage.detect import analyse
from racepage.execution.recorder import record
from racepage.finding import Finding
from racepage.trace.columns import Origin, Trace
from racepage.trace.text import parse


def misuses(trace: Trace) -> list[Finding]:
    return [one for one in analyse(trace).findings if one.kind == "lock-misuse"]


def of(kind: str, rows: str, head: str = "") -> list[str]:
    lines = rows.replace("; ", "\n")
    return [one.message for one in misuses(parse(f"{head}# racepage: lock lock:l {kind}\n{lines}"))]


OWNED = ("mutex", "spin", "recursive", "rw")
LEAKS = "# check: leaks\n"


@pytest.mark.parametrize("kind", OWNED)
def test_a_lock_with_an_owner_is_unlocked_by_nobody_else(kind: str) -> None:
    rows = "a lock lock:l; b unlock lock:l"
    assert of(kind, rows) == ["b unlocks lock:l, which a holds"]
    assert of("plain", rows) == []


@pytest.mark.parametrize("kind", [*OWNED, "plain"])
def test_what_nobody_holds_is_not_unlocked(kind: str) -> None:
    assert of(kind, "a unlock lock:l") == ["a unlocks lock:l, which nobody holds"]


@pytest.mark.parametrize("kind", ["mutex", "spin", "rw"])
def test_what_is_not_re_entrant_is_not_locked_twice(kind: str) -> None:
    rows = "a lock lock:l; a lock lock:l"
    told = "a locks lock:l, which it holds already, and which is not re-entrant"
    assert of(kind, rows) == [told]
    assert of("recursive", rows) == []
    assert of("plain", rows) == []  # that is a deadlock


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("rlock lock", "a locks lock:l for writing while it holds it for reading"),
        ("lock rlock", "a locks lock:l for reading while it holds it for writing"),
        ("lock runlock", "a unlocks lock:l for reading, and holds it for writing"),
        ("rlock unlock", "a unlocks lock:l for writing, and holds it for reading"),
    ],
)
def test_modes_are_not_mixed_up(rows: str, told: str) -> None:
    first, second = rows.split()
    assert of("rw", f"a {first} lock:l; a {second} lock:l") == [told]


def test_readers_may_read_again() -> None:
    assert of("rw", "a rlock lock:l; a rlock lock:l; a runlock lock:l; a runlock lock:l") == []


@pytest.mark.parametrize("kind", [*OWNED, "plain"])
def test_a_lock_is_destroyed_only_when_nobody_holds_it(kind: str) -> None:
    told = "b destroys lock:l while a holds it"
    assert of(kind, "a lock lock:l; b destroy lock:l") == [told]
    rows = "a lock lock:l; b destroy lock:l refused; a unlock lock:l"
    assert of(kind, rows) == [f"{told}, and is refused"]
    assert of(kind, "a lock lock:l; a unlock lock:l; b destroy lock:l") == []


@pytest.mark.parametrize("use", ["locks", "unlocks", "destroys"])
def test_a_destroyed_lock_is_not_used(use: str) -> None:
    rows = f"a destroy lock:l; b {use.removesuffix('s')} lock:l"
    assert of("mutex", rows) == [f"b {use} lock:l after a destroyed it"]


@pytest.mark.parametrize("kind", OWNED)
def test_a_thread_does_not_end_while_it_holds_a_lock(kind: str) -> None:
    rows = "a lock lock:l; a exit"
    assert of(kind, rows, LEAKS) == ["a ends while it holds lock:l"]
    assert of(kind, rows) == []  # nobody asked
    assert of("plain", rows, LEAKS) == []  # somebody may give it back
    assert of(kind, "a lock lock:l; a destroy lock:l refused; a exit") != []


def test_what_was_refused_is_a_misuse_whatever_is_known_of_the_lock() -> None:
    assert of("mutex", "a lock lock:l refused") == ["a locks lock:l, and is refused"]
    assert of("mutex", "a destroy lock:l refused") == ["a destroys lock:l, and is refused"]


def test_what_was_refused_changes_nothing() -> None:
    rows = "a lock lock:l; b unlock lock:l refused; a unlock lock:l; b lock lock:l; b unlock lock:l"
    assert of("mutex", rows) == ["b unlocks lock:l, which a holds, and is refused"]


def test_the_event_that_made_the_state_comes_first() -> None:
    [found] = misuses(parse("# racepage: lock lock:l mutex\na lock lock:l\na lock lock:l refused"))
    assert found.first is not None
    assert found.second is not None
    assert (found.first.event, found.second.event) == (0, 1)
    assert found.why is None


def test_a_lock_that_was_taken_before_the_recording_may_be_given_back_in_it() -> None:
    locks: list[Any] = [sync.Lock(), sync.Mutex(), sync.RLock(), sync.SpinLock()]
    readable = sync.RwLock()
    for lock in locks:
        lock.acquire()
    readable.acquire_read()
    with record() as recording:
        for lock in locks:
            lock.release()
        readable.release_read()
    assert len(recording.trace()) == 5
    assert misuses(recording.trace()) == []


def test_an_imported_trace_is_not_judged() -> None:
    trace = parse("a unlock lock:l")
    imported = Trace(
        columns=trace.columns, threads=trace.threads, targets=trace.targets, sites=[],
        page_sizes={}, labels={}, lock_kinds={}, origin=Origin(form="std"),
    )  # fmt: skip
    assert misuses(imported) == []


def test_misuses_at_one_place_are_one_finding() -> None:
    rows = "a unlock lock:l @ x.py:1 f; a unlock lock:k @ x.py:1 f"
    [found] = misuses(parse(rows.replace("; ", "\n")))
    assert found.count == 2
