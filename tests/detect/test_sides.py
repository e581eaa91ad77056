"""What a report says of the events of a finding: names, vectors, locks, and why."""

import pytest

from racepage.detect import analyse
from racepage.events import Flag, Frame, Kind, Op, Stack, Target
from racepage.finding import Finding, HeldLock
from racepage.trace import std
from racepage.trace.columns import Trace, TraceBuilder

PAGE = Target(Kind.PAGE, "0")
M, N = Target(Kind.LOCK, "m"), Target(Kind.LOCK, "n")
S = Target(Kind.SYNC, "s")


def thread(name: str) -> Target:
    return Target(Kind.THREAD, name)


def at(line: int) -> Stack:
    return (Frame("program.py", line, f"line{line}"),)


def only(trace: Trace) -> Finding:
    (finding,) = analyse(trace).findings
    return finding


@pytest.fixture
def build() -> TraceBuilder:
    builder = TraceBuilder()
    builder.add("main", Op.ALLOC, PAGE, 0, 4096, flags=Flag.ZEROED, stack=at(1))
    builder.add("main", Op.START, thread("t1"), stack=at(2))
    builder.add("main", Op.START, thread("t2"), stack=at(3))
    return builder


def test_a_race_names_both_sides(build: TraceBuilder) -> None:
    build.add("t1", Op.WRITE, PAGE, 0, 64, stack=at(10))
    build.add("t2", Op.READ, PAGE, 32, 96, stack=at(20))
    race = only(build.finish())
    assert race.kind == "data-race"
    assert race.page == "page:0"
    assert race.overlap == (32, 64)
    assert race.first is not None
    assert race.second is not None
    assert (race.first.thread, race.first.op, race.first.range) == ("t1", "write", (0, 64))
    assert (race.second.thread, race.second.op, race.second.range) == ("t2", "read", (32, 96))
    assert race.first.stack == at(10)
    assert race.first.vector == {"main": 1, "t1": 1}
    assert race.second.vector == {"main": 2, "t2": 1}
    assert [side.op for side in race.related] == ["alloc"]


def test_locks_held_are_named_with_their_mode_in_the_order_taken(build: TraceBuilder) -> None:
    build.add("t1", Op.LOCK, M)
    build.add("t1", Op.RLOCK, N)
    build.add("t1", Op.WRITE, PAGE, 0, 8)
    build.add("t1", Op.RUNLOCK, N)
    build.add("t1", Op.UNLOCK, M)
    build.add("t2", Op.RLOCK, N)
    build.add("t2", Op.WRITE, PAGE, 0, 8)
    race = only(build.finish())
    assert race.first is not None
    assert race.second is not None
    assert race.first.locks == (HeldLock("m", "write"), HeldLock("n", "read"))
    assert race.second.locks == (HeldLock("n", "read"),)


def test_a_released_lock_and_a_failed_try_are_not_held(build: TraceBuilder) -> None:
    build.add("t1", Op.LOCK, M)
    build.add("t1", Op.UNLOCK, M)
    build.add("t1", Op.WRITE, PAGE, 0, 8)
    build.add("t2", Op.LOCK, M, flags=Flag.TRYFAIL)
    build.add("t2", Op.WRITE, PAGE, 0, 8)
    race = only(build.finish())
    assert race.first is not None
    assert race.second is not None
    assert race.first.locks == race.second.locks == ()


def test_a_lock_that_another_thread_released_is_held_by_nobody(build: TraceBuilder) -> None:
    build.add("t1", Op.LOCK, M)
    build.add("t2", Op.UNLOCK, M)
    build.add("t1", Op.WRITE, PAGE, 0, 8)
    build.add("t2", Op.WRITE, PAGE, 0, 8)
    race = only(build.finish())
    assert race.first is not None
    assert race.first.locks == ()


def test_the_locks_of_the_allocation_are_named_too(build: TraceBuilder) -> None:
    other = Target(Kind.PAGE, "1")
    build.add("main", Op.LOCK, M)
    build.add("main", Op.ALLOC, other, 0, 4096, flags=Flag.ZEROED)
    build.add("main", Op.UNLOCK, M)
    build.add("main", Op.START, thread("t3"))
    build.add("main", Op.START, thread("t4"))
    build.add("t3", Op.WRITE, other, 0, 8)
    build.add("t4", Op.WRITE, other, 0, 8)
    (allocation,) = only(build.finish()).related
    assert allocation.locks == (HeldLock("m", "write"),)


def test_why_names_the_last_synchronisation_that_the_other_side_knows(build: TraceBuilder) -> None:
    """t2 learns t1's unlock; the write comes after its release."""
    build.add("t1", Op.LOCK, M, stack=at(11))
    build.add("t1", Op.UNLOCK, M, stack=at(12))
    build.add("t2", Op.LOCK, M, stack=at(21))
    build.add("t1", Op.RELEASE, S, stack=at(13))
    build.add("t1", Op.WRITE, PAGE, 0, 8, stack=at(14))
    build.add("t2", Op.WRITE, PAGE, 0, 8, stack=at(22))
    why = only(build.finish()).why
    assert why is not None
    known = why.last_of_first_known_to_second
    assert (known.thread, known.event, known.op, known.target) == ("t1", 4, "unlock", "lock:m")
    assert (known.clock, known.stack) == (1, at(12))
    unknown = why.last_of_second_known_to_first
    assert (unknown.thread, unknown.event, unknown.clock) == ("t2", None, 0)


def test_why_counts_a_thread_from_its_own_beginning_on_a_reused_slot(build: TraceBuilder) -> None:
    build.add("main", Op.JOIN, thread("t1"))
    build.add("main", Op.START, thread("t3"))
    build.add("t3", Op.WRITE, PAGE, 0, 8)
    build.add("t2", Op.WRITE, PAGE, 0, 8)
    race = only(build.finish())
    assert race.first is not None
    assert race.why is not None
    assert race.first.clock == 1
    assert race.why.last_of_first_known_to_second.event is None


def test_threads_say_where_they_were_started_and_ended(build: TraceBuilder) -> None:
    end = build.add("t1", Op.EXIT, stack=at(30))
    threads = analyse(build.finish()).threads
    assert threads["main"].start is None
    assert threads["t1"].start is not None
    assert threads["t1"].start.stack == at(2)
    assert threads["t1"].end is not None
    assert threads["t1"].end.event == end
    assert threads["t2"].end is None


def test_pages_say_their_size_and_the_last_life(build: TraceBuilder) -> None:
    build.add("main", Op.FREE, PAGE)
    again = build.add("main", Op.ALLOC, PAGE, 0, 8192, flags=Flag.ZEROED)
    page = analyse(build.finish()).pages["page:0"]
    assert page.size == 8192
    assert page.alloc is not None
    assert page.alloc.event == again
    assert page.free is None


def test_races_of_one_pair_of_sites_are_one_finding_with_a_count(build: TraceBuilder) -> None:
    for _ in range(3):
        build.add("t1", Op.WRITE, PAGE, 0, 8, stack=at(10))
        build.add("t2", Op.WRITE, PAGE, 0, 8, stack=at(20))
    race = only(build.finish())
    assert race.count == 5  # every event but the first has an unordered earlier one


def test_accesses_without_a_site_stand_for_themselves(build: TraceBuilder) -> None:
    build.add("t1", Op.WRITE, PAGE, 0, 8)
    build.add("t1", Op.WRITE, PAGE, 8, 16)
    build.add("t2", Op.WRITE, PAGE, 0, 16)
    findings = analyse(build.finish()).findings
    assert [(finding.first.event, finding.overlap) for finding in findings if finding.first] == [
        (3, (0, 8)),
        (4, (8, 16)),
    ]


def test_progress_reaches_the_end(build: TraceBuilder) -> None:
    steps: list[tuple[int, int]] = []
    analyse(build.finish(), progress=lambda done, of: steps.append((done, of)))
    assert steps == [(3, 3)]


def test_an_empty_trace_is_clean() -> None:
    analysis = analyse(TraceBuilder().finish())
    assert analysis.verdict == "clean"
    assert analysis.events == 0


def test_a_vector_is_what_was_known_at_the_event_however_late_one_looks(
    build: TraceBuilder,
) -> None:
    build.add("t1", Op.WRITE, PAGE, 0, 64, stack=at(10))
    build.add("t1", Op.RELEASE, S)
    build.add("t2", Op.READ, PAGE, 0, 64, stack=at(20))
    build.add("t2", Op.ACQUIRE, S)
    race = only(build.finish())
    assert race.second is not None
    assert dict(race.second.vector) == {"main": 2, "t2": 1}
    assert (len(race.second.vector), race.second.vector["t2"]) == (2, 1)
    assert "t1" not in race.second.vector
    assert repr(race.second.vector) == "{'main': 2, 't2': 1}"


def test_a_page_of_an_import_has_the_names_of_its_variables() -> None:
    trace = std.parse("t1|w(x)|1\nt2|r(y)|2\n")
    assert analyse(trace).pages["page:std"].variables == ("x", "y")


def test_other_pages_have_no_variables(build: TraceBuilder) -> None:
    assert analyse(build.finish()).pages["page:0"].variables == ()
