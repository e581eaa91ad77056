"""The generated traces are such as could have happened, and have all there is in them."""

from __future__ import annotations

from collections import Counter

from hypothesis import Phase, given, settings

from racepage.events import Flag, MemoryOrder, Op
from racepage.trace.columns import Trace
from racepage.trace.validate import validate
from tests.oracle.strategies import traces

QUITE_A_FEW = settings(max_examples=200, phases=[Phase.generate], derandomize=True, database=None)


@QUITE_A_FEW
@given(trace=traces(60, atomics=True))
def test_generated_traces_are_valid(trace: Trace) -> None:
    validate(trace)


def test_every_operation_is_generated() -> None:
    seen: Counter[Op] = Counter()
    flags: Counter[Flag] = Counter()
    orders: Counter[MemoryOrder] = Counter()

    @settings(QUITE_A_FEW, max_examples=800)  # in 200 there are 3 to 25 with an inner lock
    @given(trace=traces(60, atomics=True))
    def look(trace: Trace) -> None:
        seen.update(Op(op) for op in trace.columns.op.tolist())
        flags.update(Flag(flag) for flag in trace.columns.flags.tolist())
        orders.update(MemoryOrder(order) for order in trace.columns.order.tolist())

    look()
    assert set(seen) == {op for op in Op if op <= Op.FENCE} - {Op.MAP, Op.UNMAP}
    assert {Flag.NONE, Flag.TRY, Flag.TRYFAIL, Flag.INNER, Flag.ZEROED} <= set(flags)
    assert set(orders) == set(MemoryOrder)
