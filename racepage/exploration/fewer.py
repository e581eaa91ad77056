"""A plan with fewer preemptions than the best one so far: looking for it from none on.

Most bugs need very few preemptions (Musuvathi and Qadeer, Iterative context bounding for systematic
testing of multithreaded programs, PLDI 2007), so it is worth while to look for them where there
are few. What differs: the search is best first, not one bound after the other. A plan is the more
likely the fewer points it has, and where they come from the schedule that failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, nsmallest
from typing import Final, NamedTuple

from racepage.exploration.attempts import Attempts, Execution
from racepage.exploration.plan import NOBODY, Plan, Switch

_KNOWN: Final = 1  # a switch that the failing schedule has
_FREE: Final = 2
_SAME_PLACE: Final = 2  # a preemption where the failing schedule has a switch to another thread
_ANYWHERE: Final = 3


class _Node(NamedTuple):
    """A plan that is yet to be tried, and from which point on others are made of it."""

    price: int
    serial: int
    switches: tuple[Switch, ...]
    start: int
    left: int  # preemptions that may be added


def fewer(attempts: Attempts, likely: Sequence[Switch]) -> bool | None:
    """Look for a plan with fewer preemptions than the best one, which that becomes.

    Args:
        attempts: what there is so far.
        likely: the switches of the schedule that failed.

    Returns:
        Whether there is one; None where that is not known: other picks may need fewer.

    Raises:
        OverError: the budget was used up before one was found.
    """
    allowed = len(attempts.best.preemptions) - 1
    if allowed < 0:
        return False
    search = _Search(likely)
    heap = [_Node(0, 0, (), 0, allowed)]
    while heap:
        node = heappop(heap)
        execution = attempts.run(Plan(node.switches, attempts.best.plan.picks))
        if execution.found:
            attempts.best = execution
            return True
        for child in search.children(node, execution):
            heappush(heap, child)
        if len(heap) > 4 * attempts.left + 4:  # the budget ends before the rest would be tried
            heap = nsmallest(attempts.left + 1, heap)
    return None if attempts.picks else False


class _Search:
    """What is known of the schedule that failed."""

    def __init__(self, likely: Sequence[Switch]) -> None:
        self._known = {switch[:3] for switch in likely}
        self._places = {switch[:2] for switch in likely}
        self._serial = 0

    def children(self, node: _Node, execution: Execution) -> Iterator[_Node]:
        """Each plan that has one more switch, after all that `node` has."""
        done = {NOBODY: 0}
        last = NOBODY
        for number, (step, point) in enumerate(
            zip(execution.steps, execution.points, strict=False)
        ):
            if number >= node.start and node.left >= point.held:
                for to in point.ready:
                    if to == step.task:
                        continue
                    switch = Switch(last, done[last], to, preempts=point.held)
                    self._serial += 1
                    yield _Node(
                        node.price + self._price(switch),
                        self._serial,
                        (*node.switches, switch),
                        number + 1,
                        node.left - point.held,
                    )
            done[step.task] = done.get(step.task, 0) + 1
            last = step.task

    def _price(self, switch: Switch) -> int:
        if switch[:3] in self._known:
            return _KNOWN
        if not switch.preempts:
            return _FREE
        return _SAME_PLACE if switch[:2] in self._places else _ANYWHERE
