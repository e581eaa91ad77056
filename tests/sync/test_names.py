"""Code moves over by changing an import: what it may import is there, and every name is taken."""

from __future__ import annotations

import concurrent.futures
import gc
import inspect
import queue
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest

from racepage import sync
from racepage.execution import current
from racepage.execution.recorder import record

NOT_OURS = {"setprofile_all_threads", "settrace_all_threads"}  # 3.12: for debuggers

NAMED = [
    sync.Barrier,
    sync.BoundedSemaphore,
    sync.Channel,
    sync.Completion,
    sync.Condition,
    sync.Event,
    sync.Future,
    sync.LifoQueue,
    sync.Lock,
    sync.Mutex,
    sync.Once,
    sync.PriorityQueue,
    sync.Queue,
    sync.RCU,
    sync.RLock,
    sync.RwLock,
    sync.Semaphore,
    sync.SeqLock,
    sync.SimpleQueue,
    sync.SpinLock,
    sync.ThreadPool,
    sync.WaitGroup,
]


@pytest.mark.parametrize("module", [threading, queue])
def test_every_public_name_of_the_original_is_here(module: Any) -> None:
    assert set(module.__all__) - NOT_OURS <= set(sync.__all__)


def test_everything_that_is_listed_is_there() -> None:
    assert all(hasattr(sync, name) for name in sync.__all__)


def test_what_threads_have_of_concurrent_futures_is_here() -> None:
    """Except `TimeoutError`, which is Python's own, and what it takes to make an executor."""
    others = {"Executor", "ProcessPoolExecutor", "InterpreterPoolExecutor", "TimeoutError"}
    assert set(concurrent.futures.__all__) - others <= set(sync.__all__)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *[(threading, n) for n in ("Barrier", "Condition", "Event", "Semaphore", "Timer")],
        *[(threading, n) for n in ("BoundedSemaphore",)],
        *[(concurrent.futures, n) for n in ("Future", "ThreadPoolExecutor")],
        *[(queue, n) for n in ("Queue", "LifoQueue", "PriorityQueue")],
    ],
)
def test_every_public_method_takes_the_original_s_arguments(module: Any, name: str) -> None:
    original, ours = getattr(module, name), getattr(sync, name)
    for method in [n for n in vars(original) if not n.startswith("_")]:
        if not inspect.isfunction(getattr(original, method)):
            continue
        if method in ("isSet", "notifyAll"):  # deprecated since 3.10
            continue
        wanted = inspect.signature(getattr(original, method)).parameters
        given = inspect.signature(getattr(ours, method)).parameters
        assert list(given)[: len(wanted)] == list(wanted), method


def make(kind: Any, name: str) -> Any:
    return kind(1, name=name) if kind is sync.Barrier else kind(name=name)


@pytest.mark.parametrize("kind", NAMED)
def test_every_primitive_says_its_name(kind: Any) -> None:
    assert "'mine'" in repr(make(kind, "mine"))


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_is_forgotten_with_its_primitive(kind: Any) -> None:
    gc.collect()
    before = dict(current.given)
    primitive = make(kind, "mine")
    with record():  # some get their name when it is first needed
        if kind is sync.Barrier:
            primitive.wait()
        elif kind is sync.SimpleQueue:
            primitive.put(1)
        elif kind is sync.Future:
            primitive.set_result(1)
    assert len(current.given) > len(before)
    gone = weakref.ref(primitive)
    del primitive
    gc.collect()
    assert gone() is None
    assert current.given == before


def test_importing_it_is_quiet_and_light() -> None:
    """Neither the compiler nor the file format is loaded for a program that only locks."""
    code = "import sys, racepage.sync; print('numba' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")
