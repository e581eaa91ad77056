"""The replay of lock rows, against one that is written from the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect import lock_replay
from racepage.detect.lock_replay import LockReplay, Remark
from racepage.detect.rows import rare
from racepage.events import Flag, Kind, LockKind, Op, Target
from racepage.jit import compiled
from racepage.trace.columns import Trace, TraceBuilder

LOCKS = {"plain": LockKind.PLAIN, "m": LockKind.MUTEX, "s": LockKind.SPIN}
LOCKS |= {"r": LockKind.RECURSIVE, "w": LockKind.RW}
ACTS = (Op.LOCK, Op.UNLOCK, Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK, Op.DESTROY, Op.EXIT)
FLAGS = (*[Flag.NONE] * 6, Flag.TRY, Flag.TRYFAIL, Flag.REFUSED, Flag.INNER)

Step = tuple[str, Op, str, Flag]
steps = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t1", "t2"]),
        st.sampled_from(ACTS),
        st.sampled_from([*LOCKS]),
        st.sampled_from(FLAGS),
    ),
    max_size=24,
)


def trace_of(rows: list[Step]) -> Trace:
    builder = TraceBuilder()
    for name, kind in LOCKS.items():
        builder.lock_kind(Target(Kind.LOCK, name), kind)
    for thread, op, lock, flags in rows:
        if op is Op.EXIT:
            builder.add(thread, op)
        elif lock == "w" or op not in (Op.RLOCK, Op.RUNLOCK):  # the others have no readers
            fits = flags if op is Op.LOCK or flags in (Flag.REFUSED, Flag.INNER) else Flag.NONE
            fits = Flag.NONE if op is Op.DESTROY and fits is Flag.INNER else fits
            builder.add(thread, op, Target(Kind.LOCK, lock), flags=fits)
    return builder.finish()


def replay_of(trace: Trace) -> LockReplay:
    return LockReplay(trace, rare(trace.columns))


class Holding(NamedTuple):
    thread: int
    lock: int
    write: bool
    event: int


class Told(NamedTuple):
    remarks: list[tuple[Remark, int, int]]
    held: dict[tuple[int, int], list[int]]  # before an event, by a thread


def by_definition(trace: Trace) -> Told:
    """What is held is one list, in the order taken; a level is one more of the same."""
    columns = trace.columns
    told = Told([], {})
    held: list[Holding] = []
    destroyed: dict[int, int] = {}
    for event in range(len(columns) + 1):
        for thread in range(len(trace.threads)):
            mine = [one for one in held if one.thread == thread]
            firsts = {(one.lock, one.write): one.event for one in reversed(mine)}
            told.held[event, thread] = sorted(firsts.values())
        if event == len(columns):
            break
        op, flags = Op(columns.op[event]), Flag(int(columns.flags[event]))
        if flags & (Flag.TRYFAIL | Flag.INNER):
            continue
        told.remarks.extend(remarked(trace, event, held, destroyed))
        if op is not Op.EXIT and not flags & Flag.REFUSED:
            lock = int(columns.target[event])
            this = Holding(int(columns.thread[event]), lock, op is Op.LOCK, event)
            act(op, this, trace.lock_kinds[lock], held)
            if op is Op.DESTROY:
                destroyed[lock] = event
    return told


def remarked(
    trace: Trace, event: int, held: list[Holding], destroyed: dict[int, int]
) -> Iterator[tuple[Remark, int, int]]:
    columns = trace.columns
    op, who = Op(columns.op[event]), int(columns.thread[event])
    if op is Op.EXIT:
        for one in {(one.lock, one.write): one for one in held[::-1] if one.thread == who}.values():
            plain = trace.lock_kinds.get(one.lock, LockKind.PLAIN) is LockKind.PLAIN
            if not plain and one.lock not in destroyed:
                yield Remark.EXITED, one.event, event
        return
    lock = int(columns.target[event])
    mine = [one for one in held if (one.thread, one.lock) == (who, lock)]
    others = [one for one in held if one.lock == lock and one.thread != who]
    outermost = {(one.thread, one.write): one for one in reversed(mine or others)}
    known = sorted(outermost.values(), key=lambda one: -one.event)
    same = [one for one in known if one.write == (op in (Op.LOCK, Op.UNLOCK))]
    wrong = judge(op, trace.lock_kinds[lock], mine, others)
    if lock in destroyed:
        yield Remark.DESTROYED, destroyed[lock], event
    elif wrong:
        yield wrong, (same or known)[0].event if known else -1, event
    elif columns.flags[event] & Flag.REFUSED:
        yield Remark.REFUSED, -1, event


def judge(op: Op, kind: LockKind, mine: list[Holding], others: list[Holding]) -> Remark | None:
    modes = {one.write for one in mine}
    takes_twice = kind in (LockKind.PLAIN, LockKind.RECURSIVE)
    rules = {
        Op.DESTROY: [(bool(mine or others), Remark.DESTROYED_HELD)],
        Op.LOCK: [
            (True in modes and not takes_twice, Remark.DOUBLE),
            (modes == {False}, Remark.UPGRADED),
        ],
        Op.RLOCK: [(modes == {True}, Remark.READ_WHILE_WRITING)],
    }
    unlocks = [
        (bool(mine) and (op is Op.UNLOCK) not in modes, Remark.WRONG_MODE),
        (not mine and bool(others) and kind is not LockKind.PLAIN, Remark.FOREIGN),
        (not mine and not others, Remark.NOT_HELD),
    ]
    return next((remark for holds, remark in rules.get(op, unlocks) if holds), None)


def act(op: Op, this: Holding, kind: LockKind, held: list[Holding]) -> None:
    mine = [one for one in held if one[:2] == this[:2]]
    if op in (Op.LOCK, Op.RLOCK):
        again = [one for one in mine if one.write == this.write]
        if not again or kind is LockKind.RECURSIVE or op is Op.RLOCK:
            held.append(this)
    elif op in (Op.UNLOCK, Op.RUNLOCK):
        fitting = [one for one in mine if one.write == (op is Op.UNLOCK)]
        others = [one for one in held if one.lock == this.lock and one.write]
        if fitting:
            held.remove(fitting[-1])
        elif mine:
            for one in mine:
                held.remove(one)
        elif op is Op.UNLOCK and others:
            for one in [one for one in others if one.thread == others[0].thread]:
                held.remove(one)


@settings(max_examples=settings().max_examples // 4)
@given(steps)
def test_the_replay_remarks_and_holds_what_the_definitions_say(rows: list[Step]) -> None:
    trace = trace_of(rows)
    replay, told = replay_of(trace), by_definition(trace)
    everything = [one for one in Remark if one is not Remark.SLEPT]
    key = [(what, second, first) for what, first, second in told.remarks]
    found = replay.remarks(*everything)
    assert sorted((what, second, first) for what, first, second in found) == sorted(key)
    asked = sorted(told.held)
    assert replay.held(asked) == [told.held[each] for each in asked]


def test_compiled_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    threads, names = ("t1", "t2", "t3"), [*LOCKS]
    rows = [
        (
            threads[random.integers(3)],
            ACTS[random.choice(8, p=[0.22] * 4 + [0.05] * 2 + [0.0, 0.02])],
            names[random.integers(5)],
            FLAGS[random.integers(len(FLAGS))],
        )
        for _ in range(3_000)
    ]
    trace = trace_of(rows)
    asked = [(event, event % 3) for event in range(0, len(trace), 7)]

    def everything() -> tuple[object, ...]:
        replay = replay_of(trace)
        return replay.remarks(*Remark), replay.nested.tolist(), replay.held(asked, 2)

    readable = everything()
    monkeypatch.setattr(lock_replay, "at_size", lambda function, _: compiled(function))
    assert everything() == readable
    assert all(readable)


def test_a_trace_without_locks_is_not_replayed() -> None:
    builder = TraceBuilder()
    builder.add("main", Op.ACQUIRE, Target(Kind.SYNC, "e"), flags=Flag.SLEEPS)
    builder.add("main", Op.EXIT)
    replay = replay_of(builder.finish())
    assert replay.remarks(*Remark) == []
    assert len(replay.nested) == 0
    assert replay.held([(2, 0)]) == [[]]


def test_a_lock_with_readers_is_a_read_write_lock_whatever_nobody_says() -> None:
    builder = TraceBuilder()
    for name, op in (("w", Op.RLOCK), ("plain", Op.LOCK)):
        builder.add("main", op, Target(Kind.LOCK, name))
    trace = builder.finish()
    kinds = {trace.targets[lock].name: kind for lock, kind in enumerate(replay_of(trace).kinds)}
    assert kinds == {"w": LockKind.RW, "plain": LockKind.PLAIN}


def test_what_a_thread_held_last_is_told_first_to_go() -> None:
    builder = TraceBuilder()
    for name in "abc":
        builder.add("main", Op.LOCK, Target(Kind.LOCK, name))
    replay = replay_of(builder.finish())
    assert replay.held([(3, 0)]) == [[0, 1, 2]]
    assert replay.held([(3, 0)], most=2) == [[1, 2]]
