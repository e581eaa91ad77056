"""A consistent cut: what a flush may take from the threads' lists, and in which order it stood.

Threads go on logging while the recorder looks. It looks in this order: at the length of every
thread's list, then at the length of `turns`, then at the lists. What it takes is

- every synchronising event whose turn it saw, with everything its thread logged before it. A turn
  is taken after the event is in its thread's list, so all of that is there;
- further accesses, up to the length that it saw first. Whatever happens before one of those took
  its turn before the recorder looked at `turns`: the start of the thread, the allocation of the
  page, the unlock that let it in.

So nothing is taken without what happens before it, and nobody is made to wait.

A BLOCK that would be the last event of its thread is left for the next cut, since who wakes the
thread may come in a cut before its WAKE does. It is taken at an end, where the thread still waits,
and where the log itself says whether a wait goes on: a lock is free, or a thread has ended.

Synchronising events stand in the order of their turns. An access sorts with the next synchronising
event of its own thread, that is, as late as its thread's order allows; what follows a thread's last
synchronising event stands at the end of the cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Kind, LockKind, Op
from racepage.execution import current
from racepage.execution.current import ThreadLog
from racepage.execution.decode import Words, decode, words
from racepage.execution.flat import FIELDS
from racepage.execution.tables import Tables
from racepage.execution.targets import KIND_MASK
from racepage.execution.waits import BLOCK
from racepage.trace.columns import NOTHING, Columns, Detail

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "thread": np.int32,
    "op": np.uint8,
    "target": np.int32,
    "offset": np.int64,
    "length": np.int64,
    "site": np.int32,
    "flags": np.uint8,
    "order": np.uint8,
    "time": np.int64,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What a cut takes from one thread, in program order.

    Attributes:
        key: int64: the turn of the thread's next synchronising event, the row itself included.
        columns: the rows, of the same length.
    """

    key: NDArray[np.int64]
    columns: Columns


def take(tables: Tables, *, collector: int, final: bool, still: bool = False) -> Columns:
    """Take what can be taken now out of the threads' lists.

    Args:
        tables: the recording's names and sites; they grow.
        collector: the number of the thread that is to have freed the pages that the garbage
            collector freed: one that is there until the recording ends.
        final: no thread logs any more; what is there is all there will be.
        still: every thread waits, and there may not be more, either.
    """
    gone = current.collected[:]
    now = perf_counter_ns()
    seen = {log.number: len(log.events) // FIELDS for log in list(current.logs.values())}
    turns = current.turns[:]
    turn_of = dict(zip(map(id, turns), range(len(turns)), strict=True))
    parts = []
    left = []
    for log in list(current.logs.values()):
        ended = log.ended  # before its list is read: nothing is logged after that
        events = log.events[:]
        count = len(events) // FIELDS
        limit = 0
        if events:
            said = words(events)
            turn = _turns(said, events, turn_of)
            limit = count if final else _limit(turn, seen.get(log.number, 0))
            if limit and said.word[limit - 1] == BLOCK:
                _, on, time, *_ = events[(limit - 1) * FIELDS : limit * FIELDS]
                if not _tells(on) and not ((final or still) and _still_waits(log, limit)):
                    limit -= 1
                    left.append(time)
            if limit:
                del events[limit * FIELDS :]
                said = Words(said.word[:limit], said.timed[:limit])
                parts.append(_part(log, events, said, turn[:limit], now=now, tables=tables))
        del log.events[: limit * FIELDS]
        if ended and limit == count:
            current.logs.pop(log.number, None)
    current.turns[: len(turns)] = left
    del current.collected[: len(gone)]
    # Every access of a page that was collected is in the lists, and was seen there: so it is in
    # this cut or an earlier one, and the end of this one is after it.
    return _with_collected(
        _merge(parts), [p for p in gone if tables.knows(p)], collector, now, tables
    )


def _tells(on: int) -> bool:
    """Whether the log says when a wait for `on` is over; readers may be let in to others."""
    kind = on & KIND_MASK
    return kind == Kind.THREAD or (
        kind == Kind.LOCK and current.lock_kinds.get(on) is not LockKind.RW
    )


def _still_waits(log: ThreadLog, count: int) -> bool:
    """Whether a thread whose `count`-th event is a BLOCK waits in it, and is not about to go on."""
    waits = log.waits
    # Asked in this order: with nothing logged since, the flag is that of this wait.
    return waits and len(log.events) == count * FIELDS


_NO_TURN: Final = -1  # an access
_NOT_SEEN: Final = -2  # a synchronising event that took no turn yet


def _turns(said: Words, events: list[Any], turn_of: dict[int, int]) -> NDArray[np.int64]:
    """The turn of each event; _NO_TURN for an access, _NOT_SEEN where there is none to be seen."""
    turn = np.full(len(said.word), _NO_TURN, dtype=np.int64)
    rows = np.flatnonzero(said.timed)
    places = (rows * FIELDS + 2).tolist()
    turn[rows] = [turn_of.get(id(events[place]), _NOT_SEEN) for place in places]
    return turn


def _limit(turn: NDArray[np.int64], seen: int) -> int:
    """How many events of a thread belong to the cut, if its list was `seen` long at first."""
    known = np.flatnonzero(turn >= 0)
    after_last = int(known[-1]) + 1 if len(known) else 0
    waiting = np.flatnonzero(turn[after_last:] == _NOT_SEEN)
    stop = after_last + int(waiting[0]) if len(waiting) else len(turn)
    return min(stop, max(seen, after_last))


def _part(
    log: ThreadLog,
    events: list[Any],
    said: Words,
    turn: NDArray[np.int64],
    *,
    now: int,
    tables: Tables,
) -> _Part:
    """The columns of one thread's events."""
    count = len(said.word)
    columns = decode(
        events, said, np.full(count, tables.thread(log.number), dtype=np.int32), tables
    )
    time = columns.time
    if not said.timed[-1]:  # an access now and then has a time: the thread's last of every flush
        time[-1] = max(now, int(time.max()))
    known = np.flatnonzero(turn >= 0)
    following = np.append(turn[known], np.iinfo(np.int64).max)
    part = _Part(following[np.searchsorted(known, np.arange(count))], columns)
    # The end of an earlier recording may have caught a thread between its list and its turn.
    stray = turn == _NOT_SEEN
    return _choose(part, np.flatnonzero(~stray)) if stray.any() else part


def concatenate(batches: list[Columns]) -> Columns:
    """The rows of all batches, one after the other."""
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return _columns((np.empty(0, dtype) for dtype in _DTYPES.values()), {})
    starts = np.cumsum([0, *map(len, batches[:-1])]).tolist()
    return _columns(
        (np.concatenate([getattr(batch, name) for batch in batches]) for name in _DTYPES),
        {
            start + row: detail
            for start, batch in zip(starts, batches, strict=True)
            for row, detail in batch.details.items()
        },
    )


def _merge(parts: list[_Part]) -> Columns:
    """All threads' rows in one order that is consistent with what happened."""
    columns = concatenate([part.columns for part in parts])
    if len(parts) < 2:
        return columns
    together = _Part(np.concatenate([part.key for part in parts]), columns)
    return _choose(together, np.argsort(together.key, kind="stable")).columns


def _columns(arrays: Iterable[NDArray[Any]], details: dict[int, Detail]) -> Columns:
    return Columns(**dict(zip(_DTYPES, arrays, strict=True)), details=details)


def _choose(part: _Part, rows: NDArray[np.int64]) -> _Part:
    """Those rows, in that order."""
    return _Part(part.key[rows], part.columns.rows(rows))


def _with_collected(
    columns: Columns, pages: list[int], collector: int, now: int, tables: Tables
) -> Columns:
    """`columns`, and after them the pages that the garbage collector freed."""
    if not pages:
        return columns
    count = len(pages)
    targets = tables.ids(pages)
    rows: tuple[Iterable[int], ...] = (
        repeat(tables.thread(collector), count),
        repeat(int(Op.COLLECT), count),
        targets,
        repeat(0, count),
        (tables.page_sizes[target] for target in targets.tolist()),
        repeat(NOTHING, count),
        repeat(0, count),
        repeat(0, count),
        repeat(now, count),
    )
    arrays = (
        np.concatenate([getattr(columns, name), np.fromiter(row, dtype, count)])
        for (name, dtype), row in zip(_DTYPES.items(), rows, strict=True)
    )
    return _columns(arrays, columns.details)
