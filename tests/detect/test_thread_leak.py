"""Threads that nobody joins: judged at a whole end, by who started them."""

from __future__ import annotations

from dataclasses import replace

from racepage import sync
from racepage.detect import analyse
from racepage.execution.recorder import record
from racepage.finding import Finding
from racepage.trace.columns import Trace
from racepage.trace.text import parse


def leaks(trace: Trace) -> list[Finding]:
    return [one for one in analyse(trace).findings if one.kind == "thread-leak"]


def trace_of(rows: str) -> Trace:
    return parse("# check: leaks\n" + rows.replace("; ", "\n"))


def test_a_thread_that_ended_and_that_nobody_joined_is_told() -> None:
    [found] = leaks(trace_of("main start a; a exit"))
    assert found.message == ("a, which main started, has ended, and nobody joins or detaches it")
    assert found.first is not None
    assert found.first.op == "start"
    assert found.second is None
    assert [side.op for side in found.related] == ["exit"]


def test_anybody_may_join_it_or_say_that_nobody_has_to() -> None:
    assert leaks(trace_of("main start a; main start b; a exit; b join a; main join b")) == []
    assert leaks(trace_of("main start a; a detach a; a exit")) == []


def test_one_that_still_runs_may_be_joined_later() -> None:
    assert leaks(trace_of("main start a; a write page:0[0:1]")) == []


def test_a_thread_that_nobody_started_has_nobody_to_join_it() -> None:
    assert leaks(trace_of("a write page:0[0:1]; a exit")) == []


def test_nothing_is_left_behind_where_the_end_is_missing_or_nobody_asks() -> None:
    trace = trace_of("main start a; a exit")
    for origin in (replace(trace.origin, judge_leaks=False), replace(trace.origin, complete=False)):
        assert leaks(replace(trace, origin=origin)) == []


def test_threads_of_one_place_are_one_finding() -> None:
    """ThreadSanitizer's thread_leak5."""
    rows = "; ".join(f"main start t{n} @ a.py:1 f; t{n} exit" for n in range(5))
    [found] = leaks(trace_of(rows))
    assert found.count == 5


def test_a_recorded_program_joins_its_threads() -> None:
    with record() as recording:
        threads = [sync.Thread(target=int, name=name) for name in ("joined", "left")]
        for thread in threads:
            thread.start()
        threads[0].join()
        while threads[1].is_alive():
            pass
        sync.Thread(target=int, daemon=True).start()
    assert [one.message.split(",")[0] for one in leaks(recording.trace())] == ["left"]
