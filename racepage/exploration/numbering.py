"""Numbers for a trace of many executions, in which each has threads and targets of its own.

A controlled program's threads and targets have the same numbers in every execution. The pair of
such a number and an execution is numbered anew, without a gap, and by kind: threads first, so that
a thread's target is its number less one, since thread 0 is the batch's own. Names are there for
what looks for a thread by its name; they are the same for every trace, and mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Kind, LockKind, Op, Target
from racepage.execution import current
from racepage.execution.sites import Sites
from racepage.execution.targets import KIND_MASK, NO_TARGET
from racepage.trace.columns import NOTHING, Columns, Origin, Trace

Ints = NDArray[np.int64]

_KINDS: Final = (Kind.THREAD, *(kind for kind in Kind if kind is not Kind.THREAD))
"""In the order in which a trace has them."""


class _Ids(dict[int, int]):
    """number -> id; a number that is new is given the next one."""

    def __init__(self) -> None:
        super().__init__({NO_TARGET: NOTHING})
        self.numbers: list[int] = []

    def __missing__(self, number: int) -> int:
        found = self[number] = len(self.numbers)
        self.numbers.append(number)
        return found


class Canonical:
    """The threads, targets and sites of a program, without names: see `decode.Named`."""

    def __init__(self) -> None:
        self.sites = Sites()
        self._ids = _Ids()

    def ids(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """The ids of targets, threads among them."""
        return np.fromiter(map(self._ids.__getitem__, numbers), np.int32, len(numbers))

    def id(self, number: int) -> int:
        """The id of one target."""
        return self._ids[number]

    def kinds(self) -> NDArray[np.uint8]:
        """What each of them is, by id."""
        numbers = self._ids.numbers
        return np.fromiter((number & KIND_MASK for number in numbers), np.uint8, len(numbers))

    def locks(self) -> list[tuple[int, LockKind]]:
        """The locks that are not PLAIN, by id."""
        kinds = current.lock_kinds
        return [(id_, kinds[on]) for id_, on in enumerate(self._ids.numbers) if on in kinds]


@dataclass(frozen=True, slots=True, eq=False)
class Batched:
    """A trace of several executions.

    Attributes:
        trace: it.
        begin: the row that begins each execution: the start of its first thread.
        world: int32, thread -> the execution that it is in, NOTHING for the batch's own.
    """

    trace: Trace
    begin: Ints
    world: NDArray[np.int32]

    def execution(self, event: int) -> int:
        """The execution that a row is in."""
        return int(np.searchsorted(self.begin, event, side="right")) - 1


def batched(columns: Columns, begin: Ints, names: Canonical, *, judge_leaks: bool) -> Batched:
    """A trace of executions that have nothing to do with each other, one after the other.

    Args:
        columns: the events of all, with canonical numbers: threads are among the targets.
        begin: where each execution begins there, ascending; none is empty, and each begins with an
            event of its first thread.
        names: whose numbers they are.
        judge_leaks: what they leave behind are findings.
    """
    count = np.diff(begin, append=len(columns))
    many = len(begin)
    own = np.repeat(np.arange(many), count)  # the execution of each event
    kinds = names.kinds()
    order = np.argsort(np.array(_KINDS).argsort()[kinds], kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) * many
    rank = np.append(rank, 0)  # for NOTHING
    thread, target = rank[columns.thread] + own, rank[columns.target] + own
    somewhere = columns.target != NOTHING
    used = np.zeros((len(order), many), dtype=np.bool_)
    used.reshape(-1)[thread] = True
    used.reshape(-1)[target[somewhere]] = True
    for event, detail in columns.details.items():
        for id_ in (detail.via, detail.source):
            if id_ != NOTHING:
                used.reshape(-1)[rank[id_] + own[event]] = True
    id_of = np.cumsum(used) - 1

    threads = int((kinds == Kind.THREAD).sum())
    world, who = np.nonzero(used[:threads].T)  # the threads of each execution in turn
    ends = id_of[who * many + world]
    ended = np.bincount(world, minlength=many)
    # Before an execution's events stand its own START, and the STARTs and JOINs of those before.
    shift = np.arange(1, many + 1) + np.cumsum(ended) - ended
    row = np.arange(len(columns)) + shift[own]
    start = begin + shift - 1
    join = np.arange(len(ends)) + np.repeat(begin + count + np.arange(1, many + 1), ended)

    def placed(values: NDArray[Any], dtype: type[np.generic], other: int) -> NDArray[Any]:
        column = np.full(len(columns) + many + len(ends), other, dtype)
        column[row] = values
        return column

    on = placed(np.where(somewhere, id_of[target], NOTHING), np.int32, NOTHING)
    on[start], on[join] = id_of[thread[begin]], ends
    op = placed(columns.op, np.uint8, int(Op.JOIN))
    op[start] = int(Op.START)
    threads_of = np.full(len(ends) + 1, NOTHING, np.int32)
    threads_of[ends + 1] = world
    trace = Trace(
        columns=Columns(
            thread=placed(id_of[thread] + 1, np.int32, 0),
            op=op,
            target=on,
            offset=placed(columns.offset, np.int64, 0),
            length=placed(columns.length, np.int64, 0),
            site=placed(columns.site, np.int32, NOTHING),
            flags=placed(columns.flags, np.uint8, 0),
            order=placed(columns.order, np.uint8, 0),
            time=np.zeros(len(op), np.int64),
            details={
                int(row[event]): detail._replace(
                    via=_renumbered(detail.via, id_of, rank, int(own[event])),
                    source=_renumbered(detail.source, id_of, rank, int(own[event])),
                )
                for event, detail in columns.details.items()
            },
        ),
        threads=_POOL.threads(len(ends) + 1),
        targets=_POOL.targets(np.bincount(kinds[order].repeat(used.sum(axis=1)), minlength=8)),
        sites=names.sites.stacks,
        page_sizes={},
        lock_kinds={
            id_: kind
            for lock, kind in names.locks()
            for id_ in id_of[rank[lock] :][:many][used.reshape(-1)[rank[lock] :][:many]].tolist()
        },
        origin=Origin(program="batch", judge_leaks=judge_leaks),
    )
    return Batched(trace, start, threads_of)


def _renumbered(target: int, id_of: Ints, rank: Ints, execution: int) -> int:
    return NOTHING if target == NOTHING else int(id_of[rank[target] + execution])


class _Pool:
    """Names that every trace has, as many as it needs."""

    def __init__(self) -> None:
        self._threads: list[str] = []
        self._targets: dict[Kind, list[Target]] = {kind: [] for kind in Kind}

    def threads(self, count: int) -> list[str]:
        """The names of so many threads."""
        known = self._threads
        known += map(str, range(len(known), count))
        return known[:count]

    def targets(self, counts: Ints) -> list[Target]:
        """So many targets of each kind; the first thread is no target."""
        found: list[Target] = []
        for kind in _KINDS:
            count, known = int(counts[kind]), self._targets[kind]
            first = kind is Kind.THREAD
            known += (Target(kind, str(name + first)) for name in range(len(known), count))
            found += known[:count]
        return found


_POOL: Final = _Pool()
