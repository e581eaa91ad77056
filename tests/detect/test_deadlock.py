"""Deadlocks at the end of a log: circles, everybody, and who is about to go on."""

from __future__ import annotations

import pytest

from racepage.detect import analyse
from racepage.finding import Finding
from racepage.trace.text import parse


def found_in(rows: str) -> list[Finding]:
    trace = parse(rows.replace("; ", "\n"))
    return [one for one in analyse(trace).findings if one.kind == "deadlock"]


CIRCLE = "main write page:0[0:1]; a lock lock:x; b lock lock:y; a block lock:y; b block lock:x"


def test_a_circle_is_told_by_who_waits_for_what_that_whom_holds() -> None:
    [found] = found_in(CIRCLE)
    assert found.message == "a waits for lock:y, which b holds; b waits for lock:x, which a holds"
    assert [side.event for side in found.related] == [3, 2, 4, 1]
    assert found.first is not None
    assert found.second is not None
    assert (found.first.event, found.second.event) == (3, 4)


def test_a_circle_of_many_goes_round() -> None:
    locks = "; ".join(f"t{n} lock lock:{n}" for n in range(5))
    waits = "; ".join(f"t{n} block lock:{(n + 1) % 5}" for n in range(5))
    [found] = found_in(f"{locks}; {waits}")
    assert found.message.startswith("t0 waits for lock:1, which t1 holds; t1 waits for lock:2")
    assert len(found.related) == 10


def test_who_waits_for_a_circle_is_told_but_no_part_of_it() -> None:
    [found] = found_in(f"main start c; {CIRCLE}; c block lock:x; main block thread:c")
    told = "; c waits for lock:x, which a holds; main waits for the end of c"
    assert found.message.endswith(told)
    assert {side.thread for side in found.related} == {"a", "b"}


def test_two_circles_are_two_findings() -> None:
    other = CIRCLE.partition("; ")[2].replace("a ", "c ").replace("b ", "d ")
    other = other.replace(":x", ":v").replace(":y", ":w")
    assert len(found_in(f"{CIRCLE}; {other}")) == 2


def test_a_reader_that_does_not_go_holds_a_writer_up() -> None:
    rows = "main write page:0[0:1]; a rlock lock:w; c rlock lock:w; b lock lock:m; "
    [found] = found_in(rows + "b block lock:w; a block lock:m")
    assert "b waits for lock:w, which a and c hold" in found.message


def test_readers_wait_for_a_writer_that_may_give_up() -> None:
    """And then they are let in: nobody waits for ever."""
    rows = "a rlock lock:w; b lock lock:m; c block lock:w try; b block lock:w; a block lock:m"
    assert found_in(rows) == []
    assert len(found_in(rows.replace(" try", ""))) == 1


def test_who_waits_for_what_it_holds_itself_waits_alone() -> None:
    [found] = found_in("main write page:0[0:1]; a lock lock:x; a block lock:x")
    assert found.message == "a waits for lock:x, which it holds itself"
    assert found.second is None


def test_a_lock_of_a_thread_that_has_ended_is_never_given_back() -> None:
    [found] = found_in("main start a; a lock lock:x; a exit; main block lock:x")
    assert found.message == "main waits for lock:x, which a holds"


@pytest.mark.parametrize(
    "rows",
    [
        "a block sync:e; b block sync:e",
        "main start a; main block thread:a; a block sync:e",
        "a block cell:0; b block page:0",
    ],
)
def test_nobody_is_left_who_could_wake_another(rows: str) -> None:
    [found] = found_in(rows)
    assert found.first is not None
    assert found.second is not None


@pytest.mark.parametrize(
    "rows",
    [
        "a block sync:e; b write page:0[0:1]",  # b may do it
        "main start a; main block sync:e",  # a has not begun yet
        "a block sync:e; a wake; b block sync:e",
        "a block sync:e; a write page:0[0:1]; b block sync:e",  # it went on
        "a block sync:e try; b block sync:e",  # its time will run out
        "a block lock:x; b block sync:e",  # it is free
        "a lock lock:x; a unlock lock:x; b block lock:x",
        "main start a; a exit; main block thread:a",  # it has ended
        "main block thread:nobody; a write page:0[0:1]",
    ],
)
def test_who_will_go_on_is_in_no_deadlock(rows: str) -> None:
    assert found_in(rows) == []


def test_threads_that_have_ended_wait_for_nobody() -> None:
    [found] = found_in("main start a; a write page:0[0:1]; a exit; main block sync:e")
    assert found.message == "main waits for sync:e"


def test_what_a_finalizer_frees_is_no_act_of_its_thread() -> None:
    assert len(found_in("main alloc page:0; main block sync:e; main collect page:0")) == 1


def test_of_very_many_threads_some_are_named() -> None:
    [found] = found_in("; ".join(f"t{n} block sync:e" for n in range(2_000)))
    assert found.message.count(" waits for ") == 8
    assert found.message.endswith("; 1,992 more wait")
