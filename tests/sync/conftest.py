"""`stage` records driven threads; `lib` is the original or ours, recorded or not."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from racepage import sync
from racepage.execution.recorder import record
from tests.sync.stage import Stage

ORIGINAL = SimpleNamespace(
    **vars(queue) | vars(threading) | vars(concurrent.futures),
    ThreadPoolExecutor=concurrent.futures.ThreadPoolExecutor,  # loaded when it is asked for
)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(params=["original", "ours", "ours, recorded"])
def lib(request: pytest.FixtureRequest) -> Iterator[object]:
    """Every test with this holds for all three, so that code moves over by changing an import."""
    with record() if request.param == "ours, recorded" else nullcontext():
        yield ORIGINAL if request.param == "original" else sync
