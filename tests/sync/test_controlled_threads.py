"""Threads that are made under control: made in a shorter way, and no other threads for that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from racepage import sync
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import OptimalDpor
from racepage.exploration.strategy import Strategy
from tests.sync.controlled import results


def nothing() -> None:
    """What a thread may do."""


MADE: dict[str, Callable[[type[threading.Thread]], threading.Thread]] = {
    "bare": lambda kind: kind(),
    "target": lambda kind: kind(target=nothing),
    "target without a name": lambda kind: kind(target=partial(nothing)),
    "name": lambda kind: kind(name="ann"),
    "empty name": lambda kind: kind(name="", target=nothing),
    "name that is no string": lambda kind: kind(name=7),  # type: ignore[arg-type]
    "arguments": lambda kind: kind(target=print, args=[1], kwargs={"end": ""}),
    "daemon": lambda kind: kind(daemon=True),
    "no daemon": lambda kind: kind(daemon=False),
}


def looks(thread: threading.Thread) -> dict[str, Any]:
    """What can be seen of a thread before it is started."""
    kept = vars(thread)
    return {
        "daemon": thread.daemon,
        "ident": thread.ident,
        "native": thread.native_id,
        "alive": thread.is_alive(),
        "repr": repr(thread).replace("racepage.sync.", ""),
        **{name: kept[name] for name in ("_name", "_args", "_kwargs")},
        "attributes": {name for name in dir(thread) if not name.startswith(("_racepage", "__"))},
    }


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_a_thread_looks_as_one_of_threading(
    made: Callable[[type[threading.Thread]], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    assert results(lambda: seen.append(looks(made(sync.Thread)))) == {None}
    counts = iter(range(1, 9))
    monkeypatch.setattr(threading, "_counter", counts.__next__)
    assert seen[0] == looks(made(threading.Thread))


def test_a_thread_takes_after_the_one_that_makes_it() -> None:
    def program() -> tuple[bool, bool]:
        seen: list[bool] = []
        parent = sync.Thread(target=lambda: seen.append(sync.Thread().daemon), daemon=True)
        parent.start()
        parent.join()
        return sync.Thread().daemon, seen[0]

    assert results(program) == {(False, True)}


def test_a_thread_that_was_not_started_under_control_can_be_started_afterwards() -> None:
    made: list[sync.Thread] = []
    done: list[int] = []

    def program() -> None:
        made.append(sync.Thread(target=done.append, args=(1,), name="late", daemon=True))

    assert results(program) == {None}
    thread = made.pop()
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="before it is started"):
        thread.join()
    thread.start()
    thread.join()
    assert (done, thread.name, thread.daemon) == ([1], "late", True)
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()


@pytest.mark.parametrize("strategy", [DepthFirst, OptimalDpor])
def test_of_two_that_start_a_thread_one_is_refused(strategy: Callable[[], Strategy]) -> None:
    def program() -> tuple[int, int]:
        done, refused = sync.Atomic(), sync.Atomic()
        shared = sync.Thread(target=done.fetch_add, args=(1,))

        def begin() -> None:
            try:
                shared.start()
            except RuntimeError:
                refused.fetch_add(1)

        starters = [sync.Thread(target=begin) for _ in range(2)]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        shared.join()
        return done.load(), refused.load()

    assert results(program, strategy()) == {(1, 1)}
