from __future__ import annotations

import pytest

from racepage import explore, sync


@pytest.mark.parametrize("strategy", ["dfs", "dpor"])
def test_a_thread_that_is_joined_may_not_have_been_started(strategy: str) -> None:
    """Whether it was is shared by those who start it and those who ask: an order of steps."""

    def program() -> None:
        late = sync.Thread(target=int, name="late")
        starter = sync.Thread(target=late.start, name="starter")
        starter.start()
        late.join()
        starter.join()

    exploration = explore(program, strategy=strategy, findings=None)
    assert [found.finding.kind for found in exploration.findings] == ["program-error"]
    assert set(exploration.outcomes) == {"ended", "failed"}


@pytest.mark.parametrize("strategy", ["dfs", "dpor"])
def test_a_thread_that_is_asked_for_may_not_have_been_started(strategy: str) -> None:
    seen = set()

    def program() -> None:
        gate = sync.Event()
        late = sync.Thread(target=gate.wait)
        starter = sync.Thread(target=late.start)
        starter.start()
        seen.add(late.is_alive())
        starter.join()
        gate.set()
        late.join()

    assert explore(program, strategy=strategy, findings=None).verdict == "clean"
    assert seen == {False, True}
