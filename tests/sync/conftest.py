"""`stage` records driven threads; `lib` is the original or ours, recorded or not."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Final

import pytest

from racepage import sync
from racepage.execution.recorder import record
from racepage.exploration.random_walk import RandomWalk
from tests.sync.controlled import explore
from tests.sync.stage import Stage

POOL = concurrent.futures.ThreadPoolExecutor  # loaded when it is asked for, and not before
ORIGINAL = SimpleNamespace(**vars(queue) | vars(threading) | vars(concurrent.futures))


CONTROLLED: Final = "ours, controlled"
SCHEDULES: Final = 4


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "real_threads: of the tests with `lib`, one that leans on clocks, hooks or the order of "
        "waiters, and says nothing under control",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [
        item
        for item in items
        if not (item.get_closest_marker("real_threads") and _under_control(item))
    ]


def _under_control(item: pytest.Item) -> bool:
    spec = getattr(item, "callspec", None)
    return spec is not None and spec.params.get("lib") == CONTROLLED


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test whose `lib` is under control under a kernel."""
    if not _under_control(pyfuncitem):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    tried = explore(lambda: pyfuncitem.obj(**arguments), RandomWalk(seed=0), executions=SCHEDULES)
    for execution in tried:
        if execution.failed:
            assert execution.failed.failed
            raise execution.failed.failed
        assert execution.outcome == "ended"
    return True


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(params=["original", "ours", "ours, recorded", CONTROLLED])
def lib(request: pytest.FixtureRequest) -> Iterator[object]:
    """Every test with this holds for all of them: code moves over by changing an import.

    Under control a test is tried in several schedules.
    """
    with record() if request.param == "ours, recorded" else nullcontext():
        yield ORIGINAL if request.param == "original" else sync
