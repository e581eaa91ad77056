"""Which locks a thread held, whether the replay is compiled or not."""

from __future__ import annotations

import pytest

from racepage.detect.locks import held_locks
from racepage.events import Kind, Op, Target
from racepage.trace.columns import TraceBuilder


@pytest.mark.parametrize("native_from", [0, 1 << 62], ids=["compiled", "as it stands"])
def test_any_number_of_locks_may_be_held(native_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("racepage.detect.rows.NATIVE_FROM", native_from)
    builder = TraceBuilder()
    locks = [Target(Kind.LOCK, str(number)) for number in range(40)]
    numbers = [builder.target(lock) for lock in locks]
    asked = []
    for number, lock in enumerate(locks):
        builder.add("t1" if number % 2 else "t2", Op.LOCK if number < 30 else Op.RLOCK, lock)
        page = Target(Kind.PAGE, "0")
        asked += [builder.add(thread, Op.READ, page, 0, 8) for thread in ("t1", "t2")]
    builder.add("t2", Op.UNLOCK, locks[0])
    asked.append(builder.add("t2", Op.READ, page, 0, 8))
    held = held_locks(builder.finish(), asked)
    for number in range(40):
        taken = [(numbers[lock], lock < 30) for lock in range(number + 1)]
        assert held[asked[2 * number]] == taken[1::2]
        assert held[asked[2 * number + 1]] == taken[::2]
    assert held[asked[-1]] == taken[2::2]
