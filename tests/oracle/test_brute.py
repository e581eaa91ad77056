"""The oracle itself, on cases small enough to be worked out by hand."""

from __future__ import annotations

import pytest

from racepage.events import Flag, Frame, Kind, MemoryOrder, Op, Target
from racepage.trace.columns import TraceBuilder
from tests.oracle import brute

KINDS = {
    Op.START: Kind.THREAD,
    Op.JOIN: Kind.THREAD,
    Op.USER_READ: Kind.USER,
    Op.USER_WRITE: Kind.USER,
    **dict.fromkeys((Op.LOCK, Op.UNLOCK, Op.RLOCK, Op.RUNLOCK), Kind.LOCK),
    **dict.fromkeys((Op.ACQUIRE, Op.RELEASE, Op.RELEASE_MERGE, Op.TAKE), Kind.SYNC),
}


def events(*lines: str) -> list[brute.Event]:
    """Events written as `THREAD OP NAME [START STOP] [+FLAG] [=ORDER] [@LINE]`.

    NAME is a page's where in doubt, and a cell's if it begins with c.
    """
    builder = TraceBuilder()
    for line in lines:
        words = line.split()
        flags = [Flag[word[1:].upper()] for word in words if word[0] == "+"]
        orders = [MemoryOrder[word[1:].upper()] for word in words if word[0] == "="]
        stack = [Frame("f.py", int(word[1:]), "f") for word in words if word[0] == "@"]
        thread, op, *rest = [word for word in words if word[0] not in "+=@"]
        code = Op[op.upper()]
        kind = Kind.CELL if rest and rest[0][0] == "c" else KINDS.get(code, Kind.PAGE)
        builder.add(
            thread,
            code,
            Target(kind, rest[0]) if rest else None,
            *([int(word) for word in rest[1:]] or [0, 0]),
            stack=tuple(stack),
            flags=sum(flags, Flag.NONE),
            order=sum(orders, MemoryOrder.NONE),
        )
    return brute.events_of(builder.finish())


def races(*lines: str) -> list[tuple[str, int, int, brute.Span]]:
    found = events(*lines)
    pairs = brute.races(found, brute.order(found))
    return [(pair.kind, pair.first, pair.second, pair.span) for pair in pairs]


def ordered(*between: str) -> bool:
    """Whether what stands between a write of t1 and one of t2 orders the one before the other."""
    found = events("t1 write 0 0 8", *between, "t2 write 0 0 8")
    return brute.happens_before(brute.order(found), 0, len(found) - 1)


def test_two_threads_are_unordered() -> None:
    assert not ordered()


def test_a_thread_is_ordered_with_itself() -> None:
    assert not races("t1 write 0 0 8", "t1 write 0 0 8")


@pytest.mark.parametrize(
    "between",
    [
        ["t1 start t2"],
        ["t2 join t1"],
        ["t1 start t3", "t3 start t2"],
        ["t1 start t3", "t2 join t3"],  # t3 did nothing, but lay between
        ["t1 exit", "t2 join t1"],
        ["t1 lock m", "t1 unlock m", "t2 lock m"],
        ["t1 unlock m", "t3 lock m", "t3 unlock m", "t2 lock m"],
        ["t1 unlock m", "t3 unlock m", "t2 lock m"],  # a foreign unlock joins, it does not replace
        ["t1 unlock m", "t2 rlock m"],
        ["t1 rlock m", "t1 runlock m", "t2 lock m"],
        ["t1 unlock m", "t2 lock m +try"],
        ["t1 release s", "t2 acquire s"],
        ["t1 release s", "t2 take s"],
        ["t1 release_merge s", "t2 acquire s"],
        ["t1 release_merge s", "t3 release_merge s", "t2 acquire s"],
        ["t1 release s", "t3 release_merge s", "t2 acquire s"],
        ["t1 release s", "t3 acquire s", "t2 acquire s"],
    ],
    ids=" ; ".join,
)
def test_ordered(between: list[str]) -> None:
    assert ordered(*between)


@pytest.mark.parametrize(
    "between",
    [
        ["t2 join t3"],
        ["t1 exit"],
        ["t2 start t3"],
        ["t1 lock m", "t1 unlock m", "t2 lock n"],
        ["t2 lock m", "t1 unlock m"],  # the lock was taken before
        ["t1 unlock m", "t2 lock m +tryfail"],
        ["t1 unlock m +inner", "t2 lock m"],
        ["t1 unlock m", "t2 lock m +inner"],
        ["t1 rlock m", "t1 runlock m", "t2 rlock m"],
        ["t1 runlock m", "t3 rlock m", "t3 runlock m", "t2 rlock m"],
        ["t1 release s", "t3 release s", "t2 acquire s"],  # replaced
        ["t1 release_merge s", "t3 release s", "t2 acquire s"],
        ["t1 release s", "t3 take s", "t2 acquire s"],  # forgotten
        ["t1 release s", "t3 take s", "t2 take s"],
        ["t1 release s", "t2 acquire r"],
        ["t2 acquire s", "t1 release s"],
    ],
    ids=" ; ".join,
)
def test_unordered(between: list[str]) -> None:
    assert not ordered(*between)


# --- atomics: the threads t1 and t2 of the writes, and what stands between

RELEASED = "t1 store c =release"
ACQUIRED = "t2 load c =acquire"


@pytest.mark.parametrize(
    "between",
    [
        [RELEASED, ACQUIRED],
        ["t1 store c =seq_cst", "t2 load c =seq_cst"],
        ["t1 rmw c =acq_rel", "t2 rmw c =acq_rel"],
        ["t1 store c", "t2 load c"],
        ["t1 rmw c =release", "t2 rmw c =acquire"],
        # Read-modify-writes, whoever makes them, continue a release sequence.
        [RELEASED, "t3 rmw c =relaxed", ACQUIRED],
        [RELEASED, "t3 rmw c =release", "t4 rmw c =relaxed", ACQUIRED],
        [RELEASED, "t2 rmw c =relaxed", ACQUIRED],
        ["t1 rmw c =release", "t3 rmw c =acquire", ACQUIRED],
        # What a release knows, it hands on.
        [RELEASED, "t3 load c =acquire", "t3 store d 0 1 =release", "t2 load d 0 1 =acquire"],
        [RELEASED, "t3 rmw c =acquire", "t3 store d 0 1 =release", "t2 load d 0 1 =acquire"],
        [RELEASED, "t3 rmw c =acq_rel", ACQUIRED],
        # Fences.
        ["t1 fence =release", "t1 store c =relaxed", ACQUIRED],
        [RELEASED, "t2 load c =relaxed", "t2 fence =acquire"],
        ["t1 fence =release", "t1 rmw c =relaxed", "t2 rmw c =relaxed", "t2 fence =acquire"],
        ["t1 fence =seq_cst", "t1 store c =relaxed", "t2 load c =relaxed", "t2 fence =acq_rel"],
        ["t1 fence =release", "t1 store d 0 1", "t1 store c =relaxed", ACQUIRED],
        [RELEASED, "t2 load c =relaxed", "t2 load d 0 1", "t2 fence =acquire"],
        ["t1 fence =release", "t1 store c =relaxed", "t3 rmw c =relaxed", ACQUIRED],
        [RELEASED, "t3 rmw c =relaxed", "t2 load c =relaxed", "t2 fence =acquire"],
        [RELEASED, "t2 load c =relaxed", "t3 store c =relaxed", "t2 fence =acquire"],
        ["t1 fence =release", "t1 store c =acquire", ACQUIRED],
        ["t1 fence =release", "t1 fence =acquire", "t1 store c =relaxed", ACQUIRED],
        # Bytes: some byte of what is read is enough.
        ["t1 store 7 0 4 =release", "t2 load 7 3 5 =acquire"],
        ["t1 store 7 0 4 =release", "t3 store 7 0 2 =relaxed", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 rmw 7 1 2 =relaxed", "t2 load 7 1 2 =acquire"],
        ["t1 store 7 0 4 =release", "t3 rmw 7 1 2 =relaxed", "t2 load 7 2 3 =acquire"],
        [
            "t1 fence =release",
            "t1 bytewise_write 7 0 9",
            "t2 bytewise_read 7 8 9",
            "t2 fence =acquire",
        ],
        ["t1 store 7 0 1 =release", "t3 write 7 1 4", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 1 =release", "t3 zero 7 0 0", "t2 load 7 0 1 =acquire"],
    ],
    ids=" ; ".join,
)
def test_atomics_order(between: list[str]) -> None:
    assert ordered(*between)


@pytest.mark.parametrize(
    "between",
    [
        ["t1 store c =relaxed", ACQUIRED],
        [RELEASED, "t2 load c =relaxed"],
        ["t1 rmw c =acquire", "t2 rmw c =release"],
        ["t1 store c =acquire", ACQUIRED],
        [RELEASED, "t2 load c =release"],
        [RELEASED, "t2 store c =seq_cst"],
        ["t1 load c =seq_cst", "t2 load c =seq_cst"],
        [ACQUIRED, RELEASED],
        [RELEASED, "t2 load d 0 1 =acquire"],
        # What is no read-modify-write ends a release sequence, even if its head's thread does it.
        [RELEASED, "t1 store c =relaxed", ACQUIRED],
        [RELEASED, "t3 store c =relaxed", ACQUIRED],
        [RELEASED, "t3 store c =release", ACQUIRED],
        [RELEASED, "t3 rmw c =relaxed", "t3 store c =relaxed", ACQUIRED],
        [RELEASED, "t3 store c =relaxed", "t3 rmw c =relaxed", ACQUIRED],
        # The relaxed write that continues is no release of its own.
        ["t2 store c =release", "t1 rmw c =relaxed", ACQUIRED],
        # Fences.
        ["t1 store c =relaxed", "t1 fence =release", ACQUIRED],
        [RELEASED, "t2 fence =acquire", "t2 load c =relaxed"],
        ["t1 fence =acquire", "t1 store c =relaxed", ACQUIRED],
        [RELEASED, "t2 load c =relaxed", "t2 fence =release"],
        ["t1 fence =relaxed", "t1 store c =relaxed", ACQUIRED],
        ["t1 fence =release", "t3 store c =relaxed", ACQUIRED],
        [RELEASED, "t3 load c =relaxed", "t2 fence =acquire"],
        ["t1 fence =seq_cst", "t2 fence =seq_cst"],
        ["t1 fence =release", "t1 write 7 0 1", "t2 load 7 0 1 =acquire"],
        ["t1 store 7 0 1 =release", "t2 read 7 0 1", "t2 fence =acquire"],
        # Bytes.
        ["t1 store 7 0 4 =release", "t2 load 7 4 8 =acquire"],
        ["t1 store 7 0 4 =release", "t3 store 7 0 2 =relaxed", "t2 load 7 0 2 =acquire"],
        ["t1 store 7 0 4 =release", "t3 write 7 3 4", "t2 load 7 3 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 zero 7 0 64", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 copy_in 7 0 8", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 bytewise_write 7 0 4", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 free 7", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 collect 7 0 4096", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t3 alloc 7 0 4096", "t2 load 7 0 4 =acquire"],
        ["t1 store 7 0 4 =release", "t2 load 7 0 0 =acquire"],
        ["t1 store 7 0 0 =release", "t2 load 7 0 4 =acquire"],
        ["t1 bytewise_write 7 0 9 =release", "t2 load 7 8 9 =acquire"],
        ["t1 store 7 0 9 =release", "t2 bytewise_read 7 8 9 =acquire"],
    ],
    ids=" ; ".join,
)
def test_atomics_do_not_order(between: list[str]) -> None:
    assert not ordered(*between)


def test_a_release_fence_hands_on_what_stands_before_it_and_not_before_the_store() -> None:
    assert races(
        "t1 write 0 0 8",
        "t1 fence =release",
        "t1 write 0 8 16",
        "t1 store c =relaxed",
        "t2 load c =acquire",
        "t2 read 0 0 16",
    ) == [("data-race", 2, 5, (8, 16))]


def test_an_acquire_fence_orders_what_stands_after_it_and_not_after_the_load() -> None:
    assert races(
        "t1 write 0 0 16",
        "t1 store c =release",
        "t2 load c =relaxed",
        "t2 read 0 0 8",
        "t2 fence =acquire",
        "t2 read 0 8 16",
    ) == [("data-race", 0, 3, (0, 8))]


def test_what_a_refused_operation_would_have_ordered_it_does_not() -> None:
    assert not ordered("t1 unlock m +refused", "t2 lock m")
    assert not ordered("t1 unlock m", "t2 lock m +refused")


def test_an_object_serves_again_after_a_take() -> None:
    assert ordered("t1 release s", "t3 take s", "t1 release s", "t2 take s")


def test_what_follows_a_release_is_not_released() -> None:
    assert races("t1 release s", "t1 write 0 0 8", "t2 acquire s", "t2 read 0 4 12") == [
        ("data-race", 1, 3, (4, 8))
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("read 0 0 8", "read 0 0 8"),
        ("write 0 0 8", "write 0 8 16"),
        ("write 0 0 8", "write 1 0 8"),
        ("write 0 4 4", "write 0 0 8"),
        ("user_write 0 0 8", "write 0 0 8"),
        ("bytewise_write 0 0 8", "bytewise_read 0 0 8"),
        ("collect 0 0 4096", "bytewise_read 0 0 8"),
    ],
)
def test_no_conflict(first: str, second: str) -> None:
    assert not races(f"t1 {first}", f"t2 {second}")
    assert not races(f"t2 {second}", f"t1 {first}")


@pytest.mark.parametrize(
    ("first", "second", "span"),
    [
        ("read 0 0 8", "write 0 7 8", (7, 8)),
        ("zero 0 0 8", "copy_in 0 4 12", (4, 8)),
        ("alloc 0 0 4096", "read 0 8 16", (8, 16)),
        ("bytewise_write 0 0 8", "read 0 0 8", (0, 8)),
        ("bytewise_read 0 0 8", "write 0 0 8", (0, 8)),
    ],
)
def test_conflict(first: str, second: str, span: brute.Span) -> None:
    assert races(f"t1 {first}", f"t2 {second}") == [("data-race", 0, 1, span)]


def test_kinds_of_races_with_frees() -> None:
    assert races("t1 write 0 0 8", "t2 free 0", "t3 free 0") == [
        ("free-race", 0, 1, (0, 8)),
        ("free-race", 0, 2, (0, 8)),
        ("double-free", 1, 2, (0, 4096)),
    ]


def test_lives_are_not_compared() -> None:
    assert not races("t1 write 0 0 8", "t1 free 0", "t2 alloc 0 0 4096", "t2 write 0 0 8")


def test_a_collected_page_is_not_compared_with_what_came_before() -> None:
    lines = ("t1 write 0 0 8", "t3 collect 0 0 4096", "t2 write 0 0 8", "t4 write 0 0 8")
    assert races(*lines) == [("data-race", 2, 3, (0, 8))]


def after_the_end(*lines: str) -> list[tuple[str, int, int, brute.Span]]:
    found = events(*lines)
    pairs = brute.after_the_end(found, brute.order(found))
    return [(pair.kind, pair.first, pair.second, pair.span) for pair in pairs]


def test_use_after_free_needs_an_order() -> None:
    assert after_the_end("t1 free 0", "t1 read 0 0 8", "t2 read 0 0 8") == [
        ("use-after-free", 0, 1, (0, 8))
    ]


def test_collect_is_before_everything_later() -> None:
    assert after_the_end("t1 collect 0", "t2 read 0 0 8", "t2 free 0") == [
        ("use-after-free", 0, 1, (0, 8)),
        ("double-free", 0, 2, (0, 4096)),
    ]


def test_an_alloc_ends_what_a_free_forbids() -> None:
    assert not after_the_end("t1 free 0", "t1 alloc 0 0 4096", "t1 read 0 0 8")


def uninitialised(*lines: str) -> list[tuple[int, int, brute.Span]]:
    pairs = brute.uninitialised(events(*lines))
    return [(pair.first, pair.second, pair.span) for pair in pairs]


def test_uninitialised_bytes_are_those_that_no_earlier_event_wrote() -> None:
    assert uninitialised(
        "t1 alloc 0 0 4096",
        "t1 write 0 0 8",
        "t2 copy_in 0 8 12",
        "t1 read 0 4 12",
        "t1 read 0 10 16",
        "t1 read 0 20 20",
    ) == [(0, 4, (12, 16))]


def test_zeroed_and_given_pages_are_initialised() -> None:
    assert not uninitialised("t1 alloc 0 0 4096 +zeroed", "t1 read 0 0 8", "t1 read 1 0 8")


def test_a_new_life_is_uninitialised_again() -> None:
    lines = ("t1 write 0 0 8", "t1 free 0", "t1 alloc 0 0 4096", "t1 read 0 0 8")
    assert uninitialised(*lines) == [(2, 3, (0, 8))]


def test_racy_bytes_are_merged() -> None:
    found = events("t1 write 0 0 64", "t2 read 0 0 8", "t2 read 0 8 16", "t3 read 0 32 40")
    pairs = brute.races(found, brute.order(found))
    assert brute.racy_events(pairs) == [1, 2, 3]
    assert brute.racy_bytes(pairs) == {"page:0": [(0, 16), (32, 40)]}


def test_latest_is_judged_byte_by_byte() -> None:
    found = events("t1 write 0 0 16", "t2 write 0 0 4", "t3 write 0 8 12", "t4 write 0 0 12")
    pairs = brute.races(found, brute.order(found))
    firsts = [pair.first for pair in brute.latest(pairs) if pair.second == 3]
    assert firsts == [0, 1, 2]  # bytes 4 to 8 are left to the first write


def test_a_race_that_is_covered_by_later_ones_is_not_latest() -> None:
    found = events("t1 write 0 0 16", "t2 write 0 0 8", "t3 write 0 8 16", "t4 write 0 2 12")
    pairs = brute.races(found, brute.order(found))
    assert [pair.first for pair in brute.latest(pairs) if pair.second == 3] == [1, 2]


def test_shown_counts_second_events_by_unordered_sites() -> None:
    found = events("t1 write 0 0 8 @1", "t2 write 0 0 8 @2", "t1 write 0 0 8 @1", "t3 read 0 0 8")
    groups = brute.shown(found, brute.races(found, brute.order(found)))
    one, two = ((Frame("f.py", line, "f"),) for line in (1, 2))
    bare = ("t3", "read", "page:0", (0, 8))
    assert groups == {
        ("data-race", frozenset({one, two})): brute.Shown(1, frozenset({0}), 2),
        ("data-race", frozenset({one, bare})): brute.Shown(3, frozenset({0, 2}), 1),
        ("data-race", frozenset({two, bare})): brute.Shown(3, frozenset({1}), 1),
    }
