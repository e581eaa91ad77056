"""How many executions there are: by hand, and by what programs of one shape have in common."""

from math import comb, factorial

import pytest

from racepage.stress.cell import Cell, Limits, explore
from racepage.stress.sizes import Subject

pytestmark = pytest.mark.stress


def executions(spec: str, **sizes: int) -> int:
    """All that there are."""
    result = explore(Cell(Subject(spec, tuple(sizes.items())), "dpor", None), Limits(5000, None))
    assert result.exhaustive
    assert result.surprises == ()
    return result.executions


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_transfers_that_need_the_same_two_locks_have_an_order(rounds: int) -> None:
    # `rounds` there and as many back, each a section as a whole.
    assert executions("abba:correct", rounds=rounds, free=1) == comb(2 * rounds, rounds)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_two_workers_latch_twice_in_a_round(rounds: int) -> None:
    # Each has a section to pin and one to unpin; then they meet.
    assert executions("buffer-pool:correct", rounds=rounds, pairs=1) == comb(4, 2) ** rounds


@pytest.mark.parametrize(("rounds", "users"), [(1, 2), (1, 4), (2, 3)])
def test_users_count_down_in_any_order(rounds: int, users: int) -> None:
    assert (
        executions("refcounted-page:correct", rounds=rounds, users=users)
        == factorial(users) ** rounds
    )


@pytest.mark.parametrize("laps", [1, 2])
@pytest.mark.parametrize("slots", [1, 2])
def test_a_ring_is_a_ring_whatever_it_is_made_of(laps: int, slots: int) -> None:
    # Two semaphores, two queues, or two indices that are spun on.
    semaphores = executions("ring-buffer:correct", rounds=laps, slots=slots, free=1)
    queues = executions("handoff:correct", rounds=laps * slots, pages=slots)
    indices = executions("spsc-atomic:correct", rounds=laps, slots=slots)
    assert semaphores == queues == indices
