import itertools

from hypothesis import given
from hypothesis import strategies as st

from racepage.events import (
    CLASS_OF,
    CONFLICT,
    SUBSUMES,
    WRITES,
    AccessClass,
    Op,
    conflicts,
    overlap,
)

ACCESSES = [op for op in Op if CLASS_OF[op] is not AccessClass.NONE]
small = st.integers(min_value=0, max_value=12)


@given(small, small, small, small)
def test_ranges_overlap_when_they_share_a_byte(a: int, b: int, c: int, d: int) -> None:
    shared = set(range(a, b)) & set(range(c, d))
    assert overlap(a, b, c, d) == bool(shared)


def test_conflict_is_symmetric() -> None:
    assert (CONFLICT == CONFLICT.T).all()


def test_two_plain_reads_do_not_conflict() -> None:
    assert not conflicts(Op.READ, Op.READ)


def test_a_plain_read_and_an_atomic_load_do_not_conflict() -> None:
    assert not conflicts(Op.READ, Op.LOAD)


def test_a_plain_write_conflicts_with_everything_but_user_memory() -> None:
    for op in ACCESSES:
        assert conflicts(Op.WRITE, op) == (CLASS_OF[op] is not AccessClass.USER)


def test_atomic_and_bytewise_accesses_never_conflict_with_each_other() -> None:
    marked = [op for op in Op if CLASS_OF[op] in (AccessClass.ATOMIC, AccessClass.BYTEWISE)]
    assert len(marked) == 5
    assert not any(conflicts(a, b) for a, b in itertools.product(marked, marked))


def test_a_plain_read_conflicts_with_an_atomic_store() -> None:
    assert conflicts(Op.READ, Op.STORE)


def test_what_is_no_access_conflicts_with_nothing() -> None:
    for op in set(Op) - set(ACCESSES):
        assert not any(conflicts(op, other) for other in Op)


def test_alloc_and_free_write_the_whole_page() -> None:
    assert {Op.ALLOC, Op.FREE} <= WRITES
    assert conflicts(Op.ALLOC, Op.READ)
    assert conflicts(Op.FREE, Op.LOAD)


def test_user_memory_may_race() -> None:
    for op in Op:
        assert not conflicts(Op.USER_WRITE, op)


def test_every_operation_up_to_free_touches_bytes_of_a_page() -> None:
    touching = {op for op in ACCESSES if CLASS_OF[op] is not AccessClass.USER}
    assert touching == {op for op in Op if op <= Op.FREE}


def test_a_newer_access_subsumes_an_older_one_as_the_design_lists_it() -> None:
    """DESIGN.md section 5, promise 2: what a new write or read may make the detector forget."""
    page = [op for op in Op if op <= Op.FREE]
    for newer, older in itertools.product(page, page):
        marked = CLASS_OF[newer] in (AccessClass.ATOMIC, AccessClass.BYTEWISE)
        forgets_class = not marked or CLASS_OF[older] in (AccessClass.ATOMIC, AccessClass.BYTEWISE)
        forgets_write = newer in WRITES or older not in WRITES
        assert SUBSUMES[newer, older] == (forgets_class and forgets_write)
