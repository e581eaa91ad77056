"""What may sleep under a spin lock, told once for each thing that was done."""

from __future__ import annotations

import pytest

from racepage import sync
from racepage.detect import analyse
from racepage.execution.recorder import record
from racepage.finding import Finding
from racepage.memory import GFP_ATOMIC, GFP_KERNEL, Page
from racepage.trace.columns import Trace
from racepage.trace.text import parse

HEAD = "# racepage: lock lock:s spin\n# racepage: lock lock:t spin\n# racepage: lock lock:m mutex\n"


def sleeps(trace: Trace) -> list[Finding]:
    return [one for one in analyse(trace).findings if one.kind == "sleep-in-atomic"]


def under(rows: str) -> list[str]:
    """What is found where main does that while it holds the spin lock."""
    lines = "\n".join(f"main {row}" for row in rows.split("; "))
    found = sleeps(parse(f"{HEAD}main start c\nmain lock lock:s\n{lines}\nmain unlock lock:s\n"))
    return [one.message.removesuffix(" while it holds the spin lock lock:s") for one in found]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("lock lock:m", "main waits for lock:m"),
        ("rlock lock:w", "main waits for lock:w"),
        ("lock lock:plain", "main waits for lock:plain"),
        ("alloc page:0 sleeps", "main allocates page:0 with flags that allow sleeping"),
        ("acquire sync:e sleeps", "main may wait at sync:e"),
        ("take sync:e sleeps", "main may wait at sync:e"),
        ("release_merge sync:rcu sleeps", "main may wait at sync:rcu"),
        ("join c", "main waits for the end of c"),
        ("block sync:e", "main waits for sync:e"),
        ("block sync:e try", "main waits for sync:e"),
    ],
)
def test_what_may_sleep_is_told(row: str, told: str) -> None:
    assert under(row) == [told]


@pytest.mark.parametrize(
    "row",
    [
        "lock lock:t",
        "block lock:t",
        "lock lock:m try",
        "lock lock:m tryfail",
        "lock lock:m refused",
        "alloc page:0",
        "acquire sync:e",
        "release sync:e",
    ],
)
def test_what_does_not_sleep_is_not(row: str) -> None:
    assert under(row) == []


@pytest.mark.parametrize(
    "rows",
    [
        "block lock:m; wake; lock lock:m",
        "block sync:e#2 @ a.py:1 f; wake @ a.py:1 f; acquire sync:e sleeps @ a.py:1 f",
        "block thread:c; wake; join c",
    ],
)
def test_a_wait_and_what_it_ends_in_are_one_thing(rows: str) -> None:
    assert len(under(rows)) == 1


def test_a_wait_and_another_thing_are_two() -> None:
    rows = "block sync:e try @ a.py:1 f; wake @ a.py:1 f; acquire sync:e sleeps @ a.py:2 f"
    assert len(under(rows)) == 2


def test_the_spin_lock_that_was_taken_last_comes_first() -> None:
    rows = "main lock lock:s\nmain lock lock:t\nmain lock lock:m\n"
    [found] = sleeps(parse(HEAD + rows))
    assert found.first is not None
    assert found.first.event == 1


def test_another_thread_s_spin_lock_is_no_concern() -> None:
    assert sleeps(parse(f"{HEAD}t1 lock lock:s\nmain lock lock:m\nmain unlock lock:m\n")) == []


def test_before_and_after_it_may_be_slept() -> None:
    rows = "main lock lock:m\nmain lock lock:s\nmain unlock lock:s\nmain alloc page:0 sleeps\n"
    assert sleeps(parse(HEAD + rows)) == []


def test_a_recorded_program_says_what_may_sleep() -> None:
    spin, event = sync.SpinLock(name="s"), sync.Event(name="e")
    event.set()
    with record() as recording, spin:
        event.is_set()
        Page.alloc_page(GFP_ATOMIC).free()
        event.wait()
        Page.alloc_page(GFP_KERNEL).free()
    told = [one.message for one in sleeps(recording.trace())]
    assert [message.split(" while ")[0] for message in told] == [
        "main may wait at sync:e",
        "main allocates page:1 with flags that allow sleeping",
    ]
