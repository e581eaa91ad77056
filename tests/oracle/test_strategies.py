"""The generated traces are such as could have happened, and have all there is in them."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from racepage.events import Flag, MemoryOrder, Op
from racepage.trace.columns import Trace
from racepage.trace.validate import validate
from tests.oracle.strategies import traces

QUITE_A_FEW = settings(max_examples=200, phases=[Phase.generate], derandomize=True, database=None)
OPS = {op for op in Op if op <= Op.FENCE} - {Op.MAP, Op.UNMAP}
FLAGS = {Flag.NONE, Flag.TRY, Flag.TRYFAIL, Flag.INNER, Flag.ZEROED}


@QUITE_A_FEW
@given(trace=traces(60, atomics=True))
def test_generated_traces_are_valid(trace: Trace) -> None:
    validate(trace)
    assert set(trace.columns.op.tolist()) <= OPS


def test_every_operation_is_generated() -> None:
    ops: set[int] = set()
    flags: set[int] = set()
    orders: set[int] = set()

    def is_the_last(trace: Trace) -> bool:
        """Whether nothing is missing any more."""
        ops.update(trace.columns.op.tolist())
        flags.update(trace.columns.flags.tolist())
        orders.update(trace.columns.order.tolist())
        return ops >= OPS and flags >= FLAGS and orders >= set(MemoryOrder)

    with suppress(NoSuchExample):  # in 200 there are 3 to 25 with an inner lock
        find(
            traces(60, atomics=True), is_the_last, settings=settings(QUITE_A_FEW, max_examples=800)
        )
    assert ops == OPS
    assert flags >= FLAGS
    assert orders == set(MemoryOrder)
