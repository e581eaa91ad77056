"""`deadlock`: threads that wait, and that nothing can wake any more.

Two signs of it, at the end of the log. A circle of waiting: each thread waits for a lock that the
next one holds, or for its end. Or all there are: every thread that has begun, and not ended, waits.
Who waits for a limited time does not count, and neither does who waits for a lock that is free or
for a thread that has ended, since it is about to go on. (What wakes a thread from any other wait
leaves no row; the recorder leaves the BLOCK out of a thread that has been woken.)

Sound for a log that was cut off, too, as far as the log goes: a cut holds everything that happened
before what it holds. A thread that the log does not know may yet wake one that it knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.lock_replay import LockReplay
from racepage.detect.rows import which
from racepage.detect.waits import last_waits
from racepage.detect.worlds import ONE_WORLD, Worlds
from racepage.events import Flag, Kind, Op
from racepage.trace.columns import Trace

_RLOCK: Final = int(Op.RLOCK)  # numpy takes ten times as long to compare with what is no int

_NAMED: Final = 8
"""Threads of a deadlock that its sentence names."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """A thread that waits.

    Attributes:
        block: its BLOCK.
        on: (thread, LOCK or RLOCK) for each that holds the lock; (thread, NONE) for one whose end
            it waits for.
    """

    block: int
    on: tuple[tuple[int, int], ...]


def deadlock(
    trace: Trace, replay: LockReplay, rare: NDArray[np.int64], worlds: Worlds = ONE_WORLD
) -> Iterator[Evidence]:
    """Every deadlock. first, second = the first two BLOCK rows of it; there may be but one."""
    blocks = last_waits(trace, rare)
    if not blocks:
        return
    columns = trace.columns
    exited = set(columns.thread[which(columns, rare, Op.EXIT)].tolist())
    waits = _waits(trace, replay, blocks, exited)
    waits_of: defaultdict[int, dict[int, _Wait]] = defaultdict(dict)
    for thread, wait in waits.items():
        waits_of[worlds.of(thread)][thread] = wait
    begun = set(np.unique(columns.thread[columns.op != int(Op.COLLECT)]).tolist())
    number_of = {name: number for number, name in enumerate(trace.threads)}
    for target in columns.target[which(columns, rare, Op.START)].tolist():
        begun.add(number_of[trace.targets[target].name])
    going_on = {worlds.of(thread) for thread in begun - exited - waits.keys()}
    for world, all_ in waits_of.items():
        circles = list(_circles(all_))
        for circle in circles:
            yield _evidence(trace, all_, circle)
        if not circles and world not in going_on:
            yield _evidence(trace, all_, list(all_))


def _waits(
    trace: Trace, replay: LockReplay, blocks: dict[int, int], exited: set[int]
) -> dict[int, _Wait]:
    """Thread -> its wait, for those that cannot be about to go on."""
    columns = trace.columns
    number_of = {name: number for number, name in enumerate(trace.threads)}
    everybody = [(len(columns), thread) for thread in range(len(trace.threads))]
    holders: dict[int, list[tuple[int, int]]] = {}
    for (_, thread), rows in zip(everybody, replay.held(everybody), strict=True):
        for row in rows:
            holders.setdefault(int(columns.target[row]), []).append((thread, row))
    # Readers let other readers in, unless a writer waits before those; and it may give up.
    waiting = np.sort(np.fromiter(blocks.values(), np.int64, len(blocks)))
    targets, tried = columns.target[waiting], columns.flags[waiting] & int(Flag.TRY) != 0
    given_up = set(targets[tried].tolist())
    waits = {}
    for block, thread, target, for_a_time in zip(
        waiting.tolist(),
        columns.thread[waiting].tolist(),
        targets.tolist(),
        tried.tolist(),
        strict=True,
    ):
        kind, name = trace.targets[target]
        on: list[tuple[int, int]] = []
        if for_a_time or thread in exited:
            continue
        if kind is Kind.LOCK:
            if target not in holders:
                continue
            on = holders[target]
            if target in given_up and all(columns.op[row] == _RLOCK for _, row in on):
                on = []
        elif kind is Kind.THREAD and name in number_of:
            if number_of[name] in exited:
                continue
            on = [(number_of[name], NONE)]
        waits[thread] = _Wait(block, tuple(on))
    return waits


def _circles(waits: dict[int, _Wait]) -> Iterator[list[int]]:
    """Threads that wait for each other, each for the next one; no thread is in two circles."""
    left = dict(waits)
    while True:
        while dead_ends := [
            thread for thread, wait in left.items() if not any(on in left for on, _ in wait.on)
        ]:
            for thread in dead_ends:
                del left[thread]
        if not left:
            return
        path = [next(iter(left))]
        while True:
            following = next(on for on, _ in left[path[-1]].on if on in left)
            if following in path:
                break
            path.append(following)
        circle = path[path.index(following) :]
        for thread in circle:
            del left[thread]
        yield circle


def _evidence(trace: Trace, waits: dict[int, _Wait], threads: list[int]) -> Evidence:
    blocks = sorted(waits[thread].block for thread in threads)
    related: list[int] = []
    for thread in threads:
        related.append(waits[thread].block)
        related += [row for on, row in waits[thread].on if on in threads and row != NONE]
    others = [thread for thread in waits if thread not in threads]
    told = [_sentence(trace, thread, waits[thread]) for thread in (*threads, *others)[:_NAMED]]
    if len(waits) > _NAMED:
        told.append(f"{len(waits) - _NAMED:,} more wait")
    return Evidence(
        "deadlock",
        blocks[0],
        blocks[1] if len(blocks) > 1 else NONE,
        related=tuple(related),
        message="; ".join(told),
    )


def _sentence(trace: Trace, thread: int, wait: _Wait) -> str:
    """Who waits for what that whom holds."""
    columns = trace.columns
    kind, name = target = trace.targets[columns.target[wait.block]]
    who = trace.threads[thread]
    if kind is Kind.THREAD:
        return f"{who} waits for the end of {name}"
    holders = [
        "itself" if on == thread else trace.threads[on] for on, row in wait.on if row != NONE
    ]
    if holders == ["itself"]:
        return f"{who} waits for {target}, which it holds itself"
    held = f", which {' and '.join(holders[:_NAMED])} hold{'s' * (len(holders) == 1)}"
    return f"{who} waits for {target}{held if holders else ''}"
