"""Allocation failure on demand, so that the path nobody takes is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from racepage.errors import AllocError
from racepage.events import Kind
from racepage.execution import current, targets
from racepage.execution.step import WRITE


class _Plan:
    """When allocations fail. Threads share it, so every look at it is under its lock.

    Each controlled execution begins it anew, and an allocation is a point there: it changes what
    becomes of the allocations of other threads.
    """

    def __init__(
        self, nth: int | None, probability: float | None, seed: int | None, budget: int | None
    ) -> None:
        self._lock = current.raw_lock()
        self._nth = nth
        self._probability = probability
        self._seed = Random().getrandbits(64) if seed is None else seed  # noqa: S311  (no secret)
        self._budget = budget
        self._number = targets.new(Kind.SYNC)  # what an allocation touches
        self._begin()

    def _begin(self) -> None:
        self._execution = current.execution
        self._random = Random(self._seed)  # noqa: S311  (a test repeats itself)
        self._left = self._budget
        self._returned: list[int] = []
        self._seen = 0

    def charge(self, pages: int) -> None:
        if current.mode >= current.CONTROLLED:
            current.kernel.point(WRITE, self._number)
        with self._lock:
            if self._execution != current.execution:
                self._begin()
            self._seen += 1
            if self._seen == self._nth:
                raise AllocError(f"allocation number {self._nth} fails, as was asked for")
            if self._probability is not None and self._random.random() < self._probability:
                raise AllocError(
                    f"allocation number {self._seen} fails by a probability of {self._probability}"
                )
            if self._left is not None:
                while self._returned:
                    self._left += self._returned.pop()
                if pages > self._left:
                    raise AllocError(
                        f"{pages} pages do not fit into what is left of a budget of "
                        f"{self._budget} pages: {self._left}"
                    )
                self._left -= pages

    def give_back(self, pages: int) -> None:
        # A finalizer comes here, perhaps from inside `charge`: no lock.
        if self._execution == current.execution:
            self._returned.append(pages)
            if current.mode >= current.CONTROLLED:
                current.kernel.touch(WRITE, self._number)


_plans: tuple[_Plan, ...] = ()
_change = current.raw_lock()


@contextmanager
def failing_allocations(
    *,
    nth: int | None = None,
    probability: float | None = None,
    seed: int | None = None,
    budget: int | None = None,
) -> Iterator[None]:
    """Let page allocations of every thread fail while the body runs, with `AllocError`.

    Args:
        nth: the n-th allocation, counted from 1, and no other.
        probability: each allocation, by itself, with that probability.
        seed: what makes the failures by probability repeat themselves.
        budget: whatever would bring the pages that were allocated under the body, and are not
            freed, above that number; an allocation of order n counts `1 << n`.

    Raises:
        ValueError: an `nth` below 1, a probability outside [0, 1], a negative budget.
    """
    if nth is not None and nth < 1:
        raise ValueError(f"nth counts allocations from 1; {nth} is never reached")
    if probability is not None and not 0 <= probability <= 1:
        raise ValueError(f"probability must lie between 0 and 1, not {probability}")
    if budget is not None and budget < 0:
        raise ValueError(f"a budget cannot be negative, as {budget} is")
    plan = _Plan(nth, probability, seed, budget)
    _with(plan, add=True)
    try:
        yield
    finally:
        _with(plan, add=False)


def _with(plan: _Plan, *, add: bool) -> None:
    global _plans  # noqa: PLW0603  (read without a lock by every allocation)
    with _change:
        others = tuple(other for other in _plans if other is not plan)
        _plans = (*others, plan) if add else others


Charge = tuple[_Plan, ...]
"""The plans that an allocation was charged to."""


def charge(pages: int) -> Charge:
    """Charge an allocation of `pages` pages to every plan that is on.

    Raises:
        AllocError: one of them says no; the others are not charged.
    """
    charged: list[_Plan] = []
    try:
        for plan in _plans:
            plan.charge(pages)
            charged.append(plan)
    except AllocError:
        give_back(tuple(charged), pages)
        raise
    return tuple(charged)


def give_back(charged: Charge, pages: int) -> None:
    """Say that those pages are freed."""
    for plan in charged:
        plan.give_back(pages)
