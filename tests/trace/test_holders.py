"""Two threads that hold one lock: what `validate` refuses, and what it lets be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import TraceError
from racepage.events import Flag, Kind, Op, Target
from racepage.trace.columns import Trace, TraceBuilder
from racepage.trace.holders import second_holder
from racepage.trace.text import parse


@pytest.mark.parametrize(
    ("rows", "line", "since"),
    [
        ("a lock lock:m; b lock lock:m", 2, 1),
        ("a lock lock:m; b rlock lock:m", 2, 1),
        ("a rlock lock:m; b lock lock:m", 2, 1),
        ("a rlock lock:m; c rlock lock:m; a runlock lock:m; b lock lock:m", 4, 2),
        ("a rlock lock:m; a rlock lock:m; a runlock lock:m; b lock lock:m", 4, 1),
        ("a lock lock:m; a lock lock:m inner; a unlock lock:m inner; b lock lock:m", 4, 1),
        ("a lock lock:m; a lock lock:n; a unlock lock:n; b lock lock:m try", 4, 1),
        ("a lock lock:m; a unlock lock:m; b lock lock:m; a lock lock:m", 4, 3),
    ],
)
def test_a_lock_that_another_thread_holds_is_not_taken(rows: str, line: int, since: int) -> None:
    with pytest.raises(TraceError, match=r"lock:m is taken while . holds it") as refused:
        parse(rows.replace("; ", "\n"))
    assert refused.value.place == f"line {line}"
    assert refused.value.reason.endswith(f"it was locked at line {since}")


@pytest.mark.parametrize(
    "rows",
    [
        "a rlock lock:m; b rlock lock:m",
        "a lock lock:m; b unlock lock:m; b lock lock:m",  # any thread may
        "a lock lock:m; b lock lock:m tryfail; b rlock lock:m tryfail",
        "a lock lock:m; b lock lock:m refused; b destroy lock:m refused",
        "a lock lock:m; a unlock lock:m; a rlock lock:m; b rlock lock:m",  # a downgrade
        "a rlock lock:m; a lock lock:m; a unlock lock:m; a runlock lock:m; b lock lock:m",
        "a lock lock:m; a destroy lock:m; b lock lock:m",
        "a lock lock:m; b lock lock:n",
    ],
)
def test_what_may_happen_is_let_be(rows: str) -> None:
    assert second_holder(parse(rows.replace("; ", "\n"))) is None


@pytest.mark.parametrize(
    "rows",
    [
        "a unlock lock:m; a lock lock:m; b lock lock:m",
        "a runlock lock:m; a rlock lock:m; b lock lock:m",
        "a lock lock:m; a runlock lock:m; b lock lock:m",
        "a rlock lock:m; a unlock lock:m; b lock lock:m",
        "a rlock lock:m; a destroy lock:m; b lock lock:m",
    ],
)
def test_a_lock_that_is_misused_says_nothing_for_certain(rows: str) -> None:
    assert second_holder(parse(rows.replace("; ", "\n"))) is None


steps = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from((Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK)),
        st.sampled_from("mn"),
    ),
    max_size=14,
)


def by_definition(trace: Trace) -> int | None:
    """The first row that lets a second thread in; None where no unlock misses its lock."""
    columns = trace.columns
    clashes, odd = [], set()
    writers: dict[int, int | None] = {}
    readers: dict[int, list[int]] = {}
    for event in range(len(columns)):
        op, lock = Op(columns.op[event]), int(columns.target[event])
        who = int(columns.thread[event])
        reads = readers.setdefault(lock, [])
        writer = writers.get(lock)
        taken = writer not in (None, who) or (op == Op.LOCK and bool({*reads} - {who}))
        if op in (Op.LOCK, Op.RLOCK) and taken:
            clashes.append((event, lock))
        if op == Op.LOCK:
            writers[lock] = who
        elif op == Op.UNLOCK:
            odd |= {lock} if writer is None else set()
            writers[lock] = None
        elif op == Op.RLOCK:
            reads.append(who)
        elif who in reads:
            reads.remove(who)
        else:
            odd.add(lock)
    return next((event for event, lock in clashes if lock not in odd), None)


@settings(max_examples=settings().max_examples // 4)
@given(steps)
def test_the_first_one_is_found(rows: list[tuple[str, Op, str]]) -> None:
    builder = TraceBuilder()
    for thread, op, lock in rows:
        builder.add(thread, op, Target(Kind.LOCK, lock), flags=Flag.NONE)
    trace = builder.finish()
    found = second_holder(trace)
    assert (None if found is None else found[0]) == by_definition(trace)
    if found is not None:
        event, holder = found
        assert holder < event
        assert trace.columns.thread[holder] != trace.columns.thread[event]
        assert trace.columns.target[holder] == trace.columns.target[event]
