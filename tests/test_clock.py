from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.clock import Epoch, VectorClock

FEW = settings(max_examples=settings().max_examples // 8)
components = st.dictionaries(st.integers(0, 5), st.integers(1, 9), max_size=6)


def test_an_unknown_slot_counts_as_zero() -> None:
    assert VectorClock()[7] == 0
    assert not VectorClock().knows(Epoch(clock=1, slot=7))


def test_reading_a_component_does_not_store_it() -> None:
    clock = VectorClock({1: 2})
    assert clock[9] == 0
    assert clock == {1: 2}


@FEW
@given(components, components)
def test_join_is_the_larger_of_each_component(a: dict[int, int], b: dict[int, int]) -> None:
    joined = VectorClock(a)
    changed = joined.join(VectorClock(b))
    assert joined == {slot: max(a.get(slot, 0), b.get(slot, 0)) for slot in a | b}
    assert {epoch.slot for epoch in changed} == {s for s in b if b[s] > a.get(s, 0)}
    assert all(joined[epoch.slot] == epoch.clock for epoch in changed)


@FEW
@given(components, components)
def test_one_clock_covers_another_when_joining_it_changes_nothing(
    a: dict[int, int], b: dict[int, int]
) -> None:
    assert VectorClock(a).covers(VectorClock(b)) == (VectorClock(a).join(VectorClock(b)) == [])


@FEW
@given(components, st.integers(0, 5), st.integers(1, 9))
def test_a_clock_knows_an_epoch_when_its_component_has_reached_it(
    a: dict[int, int], slot: int, clock: int
) -> None:
    assert VectorClock(a).knows(Epoch(clock, slot)) == (a.get(slot, 0) >= clock)


def test_a_copy_goes_its_own_way() -> None:
    clock = VectorClock({0: 1})
    other = clock.copy()
    other[0] = 5
    assert clock[0] == 1
    assert other[3] == 0


def test_an_epoch_reads_clock_at_slot() -> None:
    assert str(Epoch(clock=4, slot=2)) == "4@2"
