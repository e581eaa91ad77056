"""Looks into the native engine's memory, and holds it to what it promises of itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from racepage.detect.native import Native
from racepage.detect.shadow import END, EVENT_BIT
from racepage.detect.touch import READS


class Run(NamedTuple):
    """A run of bytes, and the accesses that it keeps: (access, site), the latest first."""

    start: int
    stop: int
    accesses: tuple[tuple[int, int], ...]

    @property
    def events(self) -> set[int]:
        return {(access >> EVENT_BIT) - 1 for access, _ in self.accesses}


def shadow_of(engine: Native) -> dict[int, list[Run]]:
    """Target id -> the runs of that page, ascending; raises AssertionError for a broken promise."""
    pages, entries, runs = {}, 0, 0
    state = engine._memory[0]
    for page in engine._pages[1 : int(state["live_pages"]) + 1]:
        found, used = _runs_of(engine, page)
        pages[int(page["target"])] = found
        entries += used
        runs += len(found)
        assert len(found) == page["runs"]
        assert page["buckets"] < max(5, 8 * len(found))
    assert runs == state["live_runs"]
    assert entries == state["live_entries"]
    _hold_free_lists(engine)
    return pages


def _runs_of(engine: Native, page: np.void) -> tuple[list[Run], int]:
    found: list[Run] = []
    entries = before = reached = 0
    at = int(engine._directory[page["directory"]])
    ends = []
    while at:
        row = engine._runs[at]
        start, stop = int(row["start"]), int(row["stop"])
        assert reached <= start < stop, "disjoint, ascending, not empty"
        assert row["previous"] == before
        more = _list_of(engine, int(row["more"]))
        entries += len(more)
        own = [(int(row[kind]), int(row[f"{kind}_site"])) for kind in ("write", "read")]
        for (access, _), reads in zip(own, (False, True), strict=True):
            assert not access or bool(READS >> (access & 15) & 1) is reads
        kept = [one for one in own if one[0]]
        assert kept, "a run was touched"
        run = Run(start, stop, tuple(sorted(kept + more, reverse=True)))
        if found and found[-1].stop == start:
            assert found[-1].accesses != run.accesses, "equal neighbours are one run"
        found.append(run)
        ends.append((stop, at))
        before, reached, at = at, stop, int(row["next"])
    assert page["last"] == before
    _hold_directory(engine, page, ends)
    return found, entries


def _list_of(engine: Native, at: int) -> list[tuple[int, int]]:
    found = []
    while at:
        entry = engine._entries[at]
        found.append((int(entry["access"]), int(entry["site"])))
        at = int(entry["next"])
    assert found == sorted(found, reverse=True)
    return found


def _hold_directory(engine: Native, page: np.void, ends: list[tuple[int, int]]) -> None:
    """Every bucket holds the first run that ends after the bucket's first byte."""
    buckets = engine._directory[page["directory"] :][: page["buckets"]].tolist()
    for number, bucket in enumerate(buckets):
        first = number << int(page["shift"])
        assert bucket == next((at for stop, at in ends if stop > first), 0)
    assert not ends or ends[-1][0] <= len(buckets) << int(page["shift"])


def _hold_free_lists(engine: Native) -> None:
    state = engine._memory[0]
    for pool, name in ((engine._runs, "run"), (engine._entries, "entry")):
        free = set()
        at = int(state[f"free_{name}"])
        while at:
            assert at not in free
            free.add(at)
            at = int(pool[at]["next"])
        live = int(state["live_runs" if name == "run" else "live_entries"])
        assert len(free) + live == int(state[f"next_{name}"]) - 1 < len(pool)
    assert engine._runs[0]["start"] == engine._runs[0]["stop"] == END
