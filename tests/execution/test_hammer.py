"""Threads hammer pages while flushes run: what is recorded is what happened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import racepage
from racepage import sync
from racepage.execution import recorder
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.trace.validate import validate
from tests.execution.rows import rows

THREADS = 4
ROUNDS = 300


@pytest.fixture(autouse=True, params=["alongside", "waited for"])
def _flush_all_the_time(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    if request.param == "waited for":
        monkeypatch.setattr(recorder, "FLUSH_EVENTS", 1)
    else:
        monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0)
    monkeypatch.setattr(recorder, "POLL_SECONDS", 0.0001)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def hammer(page: Page, locks: list[sync.Lock], own: int, effects: list[list[int]]) -> None:
    """Lock after lock; what each lock saw is what its holders wrote down under it."""
    for number in range(ROUNDS):
        page.fill_zero_raw(number, 1)
        which = (own + number) % len(locks)
        with locks[which]:
            effects[which].append(own)
            page.fill_zero_raw(number, 2)


@pytest.mark.parametrize("to_file", [False, True])
def test_program_order_and_every_lock_s_order_are_kept(tmp_path: Path, *, to_file: bool) -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    locks = [sync.Lock(name=f"m{number}") for number in range(3)]
    effects: list[list[int]] = [[] for _ in locks]
    with racepage.record(tmp_path / "x.arrows" if to_file else None) as recording:
        threads = [
            sync.Thread(target=hammer, args=(page, locks, own, effects), name=f"t{own}")
            for own in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = recording.trace()
    validate(trace)
    assert len(trace) == recording.events
    found = rows(trace)
    assert len(found) == THREADS * (4 * ROUNDS + 3)
    for own in range(THREADS):
        expected = []
        for number in range(ROUNDS):
            name = f"m{(own + number) % len(locks)}"
            expected += [
                f"t{own} zero page:0[{number}:{number + 1}]",
                f"t{own} lock lock:{name}",
                f"t{own} zero page:0[{number}:{number + 2}]",
                f"t{own} unlock lock:{name}",
            ]
        assert [line for line in found if line.startswith(f"t{own} ")] == [
            *expected,
            f"t{own} exit",
        ]
    for number, seen in enumerate(effects):
        holders = [line.split() for line in found if line.endswith(f"lock lock:m{number}")]
        assert [line[0] for line in holders if line[1] == "lock"] == [f"t{own}" for own in seen]
        assert [line[1] for line in holders] == ["lock", "unlock"] * len(seen)


def test_pages_come_and_go_while_others_use_theirs() -> None:
    def churn() -> None:
        for _ in range(ROUNDS):
            with Page.alloc_page(GFP_KERNEL | GFP_ZERO) as page:
                page.fill_zero_raw(0, 8)
            Page.alloc_page(GFP_KERNEL | GFP_ZERO).fill_zero_raw(0, 8)

    with racepage.record() as recording:
        threads = [sync.Thread(target=churn, name=f"t{own}") for own in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = recording.trace()
    validate(trace)
    assert [finding.kind for finding in racepage.analyse(trace).findings] == []
    lives: dict[str, list[str]] = {}
    for line in rows(trace):
        _, op, target, *_ = (*line.split(), "")
        if target.startswith("page:"):
            lives.setdefault(target.split("[")[0], []).append(op)
    assert len(lives) == 2 * ROUNDS * THREADS
    assert {tuple(life) for life in lives.values()} == {
        ("alloc", "zero", "free"),
        ("alloc", "zero", "collect"),
    }


def mailbox(page: Page, own: int) -> None:
    """One side of a one-slot mailbox, whose flag is a word of the page."""
    full = page.atomic(0, 4)
    for number in range(ROUNDS):
        sync.spin_until(lambda: full.load("acquire") == own)
        page.write_raw(bytes([number % 256] * 8), 64, 8)
        full.store(1 - own, "release")


@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("values", [False, True])
def test_a_mailbox_of_atomics_is_clean_and_each_load_reads_the_last_store(
    tmp_path: Path, *, to_file: bool, values: bool
) -> None:
    page = Page.alloc_page(GFP_KERNEL | GFP_ZERO)
    with racepage.record(tmp_path / "x.arrows" if to_file else None, values=values) as recording:
        threads = [sync.Thread(target=mailbox, args=(page, own)) for own in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = recording.trace()
    validate(trace)
    assert [finding.kind for finding in racepage.analyse(trace).findings] == []
    lines = [line.split() for line in rows(trace)]
    words = [line for line in lines if line[-1] in ("acquire", "release") or "old" in line]
    assert sum("store" in line for line in words) == 2 * ROUNDS
    if not values:
        return
    flag = "00000000"
    for line in words:
        if line[2] == "page:0[0:4]":
            assert line[line.index("old") + 1] == flag
            flag = line[line.index("new") + 1] if line[1] == "store" else flag


def test_a_page_handed_over_is_clean_and_one_that_leaks_across_is_not() -> None:
    guarded, bare = Page.alloc_page(), Page.alloc_page()
    lock = sync.Lock()

    def work(own: int) -> None:
        for _ in range(ROUNDS):
            with lock:
                guarded.fill_zero_raw(0, 64)
            bare.fill_zero_raw(own * 60, 64)  # neighbours overlap in four bytes

    with racepage.record() as recording:
        threads = [sync.Thread(target=work, args=(own,), name=f"t{own}") for own in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = recording.trace()
    # However they were scheduled: a thread's last bare write stands after its last unlock, so that
    # nothing orders it with its neighbours' last ones. The guarded page is clean.
    (ranges,) = racepage.analyse(trace).racy_bytes.values()
    assert ranges == [(60, 64), (120, 124), (180, 184)]
