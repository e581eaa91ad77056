"""Happens-before, one edge at a time: what a thread knows of another at one event."""

import numpy as np
import pytest

from racepage.events import Flag, Kind, Op, Target
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.order.stamps import Stamps
from racepage.trace.columns import Trace, TraceBuilder

PAGE = Target(Kind.PAGE, "0")
LOCK = Target(Kind.LOCK, "m")
SYNC = Target(Kind.SYNC, "0")


def thread(name: str) -> Target:
    return Target(Kind.THREAD, name)


class Program:
    """A trace under construction whose page accesses are asked about afterwards."""

    def __init__(self) -> None:
        self._builder = TraceBuilder()

    def do(self, who: str, op: Op, target: Target | None = None, flags: Flag = Flag.NONE) -> int:
        return self._builder.add(who, op, target, flags=flags)

    def touch(self, who: str) -> int:
        return self._builder.add(who, Op.WRITE, PAGE, 0, 8)

    def trace(self) -> Trace:
        return self._builder.finish()

    def history(self) -> History:
        trace = self.trace()
        stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
        return History(trace.columns.thread, [stamps])

    def ordered(self, first: int, second: int) -> bool:
        return self.history().before(first, second)


@pytest.fixture
def program() -> Program:
    return Program()


def test_a_thread_is_ordered_with_itself(program: Program) -> None:
    first, second = program.touch("t1"), program.touch("t1")
    assert program.ordered(first, second)


def test_threads_that_nothing_connects_are_unordered(program: Program) -> None:
    first, second = program.touch("t1"), program.touch("t2")
    assert not program.ordered(first, second)


def test_start_orders_what_came_before_it_and_nothing_after(program: Program) -> None:
    before = program.touch("main")
    program.do("main", Op.START, thread("t1"))
    after = program.touch("main")
    child = program.touch("t1")
    assert program.ordered(before, child)
    assert not program.ordered(after, child)


def test_join_orders_everything_the_thread_did(program: Program) -> None:
    program.do("main", Op.START, thread("t1"))
    child = program.touch("t1")
    unjoined = program.touch("main")
    program.do("main", Op.JOIN, thread("t1"))
    joined = program.touch("main")
    assert program.ordered(child, joined)
    assert not program.ordered(child, unjoined)


def test_exit_alone_orders_nothing(program: Program) -> None:
    child = program.touch("t1")
    program.do("t1", Op.EXIT)
    assert not program.ordered(child, program.touch("main"))


@pytest.mark.parametrize(
    ("give", "take", "ordered"),
    [
        (Op.UNLOCK, Op.LOCK, True),
        (Op.UNLOCK, Op.RLOCK, True),
        (Op.RUNLOCK, Op.LOCK, True),
        (Op.RUNLOCK, Op.RLOCK, False),
    ],
)
def test_a_lock_orders_its_holders_but_not_readers_among_themselves(
    program: Program, give: Op, take: Op, ordered: bool
) -> None:
    first = program.touch("t1")
    program.do("t1", give, LOCK)
    program.do("t2", take, LOCK)
    assert program.ordered(first, program.touch("t2")) is ordered


@pytest.mark.parametrize("flag", [Flag.TRYFAIL, Flag.INNER])
def test_a_failed_try_and_an_inner_level_are_no_edge(program: Program, flag: Flag) -> None:
    first = program.touch("t1")
    program.do("t1", Op.UNLOCK, LOCK)
    program.do("t2", Op.LOCK, LOCK, flag)
    assert not program.ordered(first, program.touch("t2"))


def test_an_inner_unlock_hands_nothing_on(program: Program) -> None:
    first = program.touch("t1")
    program.do("t1", Op.UNLOCK, LOCK, Flag.INNER)
    program.do("t2", Op.LOCK, LOCK)
    assert not program.ordered(first, program.touch("t2"))


def test_an_unlock_by_another_thread_does_not_erase_earlier_unlocks(program: Program) -> None:
    first = program.touch("t1")
    program.do("t1", Op.UNLOCK, LOCK)
    program.do("t2", Op.UNLOCK, LOCK)
    program.do("t3", Op.LOCK, LOCK)
    assert program.ordered(first, program.touch("t3"))


def test_release_replaces_and_release_merge_joins(program: Program) -> None:
    replaced = program.touch("t1")
    program.do("t1", Op.RELEASE, SYNC)
    standing = program.touch("t2")
    program.do("t2", Op.RELEASE, SYNC)
    merged = program.touch("t3")
    program.do("t3", Op.RELEASE_MERGE, SYNC)
    program.do("t4", Op.ACQUIRE, SYNC)
    last = program.touch("t4")
    assert [program.ordered(first, last) for first in (replaced, standing, merged)] == [
        False,
        True,
        True,
    ]


def test_take_acquires_and_forgets(program: Program) -> None:
    first = program.touch("t1")
    program.do("t1", Op.RELEASE, SYNC)
    program.do("t2", Op.TAKE, SYNC)
    taker = program.touch("t2")
    program.do("t3", Op.ACQUIRE, SYNC)
    assert program.ordered(first, taker)
    assert not program.ordered(first, program.touch("t3"))


def test_an_edge_carries_what_its_giver_had_learnt(program: Program) -> None:
    first = program.touch("t1")
    program.do("t1", Op.UNLOCK, LOCK)
    program.do("t2", Op.LOCK, LOCK)
    program.do("t2", Op.RELEASE, SYNC)
    program.do("t3", Op.ACQUIRE, SYNC)
    assert program.ordered(first, program.touch("t3"))


def slots(trace: Trace) -> list[int]:
    stamps = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    return [int(slot) for slot in stamps.slot]


def run_and_join(program: Program, name: str) -> None:
    program.do("main", Op.START, thread(name))
    program.touch(name)
    program.do("main", Op.JOIN, thread(name))


def test_a_thousand_threads_in_turn_need_two_slots(program: Program) -> None:
    for number in range(1000):
        run_and_join(program, f"t{number}")
    assert set(slots(program.trace())) == {0, 1}


def test_a_dead_thread_that_nobody_joined_keeps_its_slot(program: Program) -> None:
    program.do("main", Op.START, thread("t1"))
    program.do("t1", Op.EXIT)
    program.do("main", Op.START, thread("t2"))
    assert slots(program.trace()) == [0, 1, 2]


def test_a_slot_is_not_handed_on_by_a_thread_that_does_not_know_its_end(program: Program) -> None:
    program.do("main", Op.START, thread("other"))
    run_and_join(program, "t1")
    program.do("other", Op.START, thread("t2"))  # `other` knows nothing of t1's end
    assert len(set(slots(program.trace()))) == 4


def test_handing_on_a_slot_makes_no_edge_from_its_first_holder_to_others(program: Program) -> None:
    program.do("main", Op.START, thread("stranger"))
    program.do("main", Op.START, thread("t1"))
    first = program.touch("t1")
    program.do("main", Op.JOIN, thread("t1"))
    program.do("main", Op.START, thread("t2"))
    second = program.touch("t2")
    stranger = program.touch("stranger")
    assert program.ordered(first, second)
    assert not program.ordered(first, stranger)
    assert not program.ordered(second, stranger)


def test_clocks_count_from_one_for_every_thread(program: Program) -> None:
    run_and_join(program, "t1")
    program.do("main", Op.START, thread("t2"))
    event = program.touch("t2")
    history = program.history()
    assert history.own_count(event) == 1
    assert history.vector(event) == {0: 2, 2: 1}  # main's second start; t1 gave its slot to t2


def whole(pieces: list[Stamps]) -> list[tuple[int, int, int]]:
    """(event, component, value) of every change, over batches."""
    changes, begin = [], 0
    for stamps in pieces:
        events = np.repeat(stamps.changed, np.diff(stamps.bounds)) + begin
        values = (events.tolist(), stamps.component.tolist(), stamps.value.tolist())
        changes += list(zip(*values, strict=True))
        begin += len(stamps.clock)
    return changes


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_batches_do_not_show_in_the_stamps(program: Program, size: int) -> None:
    for number in range(3):
        run_and_join(program, f"t{number}")
        program.do("main", Op.LOCK, LOCK)
        program.do("main", Op.UNLOCK, LOCK)
        program.do("main", Op.START, thread(f"u{number}"))
        program.do(f"u{number}", Op.LOCK, LOCK)
        program.touch(f"u{number}")
    trace = program.trace()
    once = HappensBefore().stamp(trace.columns, trace.threads, trace.targets)
    order = HappensBefore()
    pieces = [
        order.stamp(piece, trace.threads, trace.targets) for piece in trace.columns.batches(size)
    ]
    assert np.concatenate([piece.clock for piece in pieces]).tolist() == once.clock.tolist()
    assert whole(pieces) == whole([once])
    assert pieces[-1].slot.tolist() == once.slot.tolist()
    assert pieces[-1].base.tolist() == once.base.tolist()
