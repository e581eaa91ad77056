"""Who holds which locks: one replay of the lock rows, for every check that asks.

The replay follows what the rows say was done, and remarks what should not have been: it is an
unlock's effect that the lock is given back, whoever gave it back, and in whatever mode. A row that
was refused, or failed, has no effect. A lock that says nothing of itself is PLAIN, and RW where it
has rows of readers.

One function over arrays, that runs as it stands on small traces and compiled on large ones. Cost:
a few tens of nanoseconds for each lock row, whatever else is held; for readers of one lock, as many
steps as read it at a time. A trace without locks costs one look at its operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import at_size, which
from racepage.events import Flag, LockKind, Op
from racepage.trace.columns import Trace

Rows = NDArray[np.int64]


class Remark(IntEnum):
    """What should not have been, of a row and the row that made the state that it met."""

    SLEPT = 1  # sleeps; the spin lock was taken
    DOUBLE = 2  # locks; the same thread had locked
    UPGRADED = 3  # locks; the same thread had locked for reading
    READ_WHILE_WRITING = 4  # locks for reading; the same thread had locked
    NOT_HELD = 5  # unlocks
    FOREIGN = 6  # unlocks; another thread had locked
    WRONG_MODE = 7  # unlocks in one mode; the same thread had locked in the other
    DESTROYED_HELD = 8  # destroys; somebody had locked
    DESTROYED = 9  # does something; the lock was destroyed
    EXITED = 10  # ends; the same thread had locked
    REFUSED = 11  # was refused, for what the trace does not show


# What a row does, in the words of the replay: an act, and what is to be known of it.
_LOCK, _RLOCK, _UNLOCK, _RUNLOCK, _DESTROY, _EXIT, _NOTHING = range(7)
_ACT: Final = 7
_WAS_REFUSED: Final = 8
_TRIED: Final = 16
_SLEEPS: Final = 32
_ACTS: Final = np.full(256, _NOTHING, dtype=np.uint8)
_ACTS[[Op.LOCK, Op.RLOCK, Op.UNLOCK, Op.RUNLOCK]] = _LOCK, _RLOCK, _UNLOCK, _RUNLOCK
_ACTS[[Op.DESTROY, Op.EXIT]] = _DESTROY, _EXIT
_LOCKING: Final = _ACTS < _DESTROY

_PLAIN, _SPIN, _RECURSIVE = int(LockKind.PLAIN), int(LockKind.SPIN), int(LockKind.RECURSIVE)
_SLEPT, _DOUBLE, _UPGRADED = int(Remark.SLEPT), int(Remark.DOUBLE), int(Remark.UPGRADED)
_READ_WHILE_WRITING, _NOT_HELD = int(Remark.READ_WHILE_WRITING), int(Remark.NOT_HELD)
_FOREIGN, _WRONG_MODE = int(Remark.FOREIGN), int(Remark.WRONG_MODE)
_DESTROYED_HELD, _DESTROYED = int(Remark.DESTROYED_HELD), int(Remark.DESTROYED)
_EXITED, _REFUSED = int(Remark.EXITED), int(Remark.REFUSED)

# The columns of a holding: `lock * 2 + for_writing`, its LOCK or RLOCK, its levels, its thread; the
# ones that the thread took before and after it, and the next one of the same lock.
_KEY, _EVENT, _LEVELS, _WHO, _BELOW, _ABOVE, _NEXT = range(7)


class LockReplay:
    """What a replay of one trace's lock rows tells.

    Args:
        trace: the trace.
        rare: the rows that `rows.rare` chose.

    Attributes:
        kinds: target id -> `LockKind`, as uint8.
    """

    def __init__(self, trace: Trace, rare: Rows) -> None:
        columns = trace.columns
        self._trace = trace
        self.kinds = np.zeros(len(trace.targets), dtype=np.uint8)
        chosen = _LOCKING[columns.op]
        chosen[which(columns, rare, Op.DESTROY)] = True
        if not chosen.any():
            self._rows = np.empty(0, dtype=np.int64)
            self._what = np.empty(0, dtype=np.uint8)
            return
        shared = chosen & ((columns.op == Op.RLOCK) | (columns.op == Op.RUNLOCK))
        self.kinds[columns.target[shared]] = LockKind.RW
        for lock, kind in trace.lock_kinds.items():
            self.kinds[lock] = kind
        spins = self.kinds == LockKind.SPIN
        chosen[which(columns, rare, Op.EXIT)] = True
        if spins.any():
            chosen |= columns.flags & int(Flag.SLEEPS) != 0
            chosen[which(columns, rare, Op.JOIN, Op.BLOCK)] = True
        chosen &= columns.flags & int(Flag.TRYFAIL | Flag.INNER) == 0
        self._rows = np.flatnonzero(chosen)
        op, flags = columns.op[self._rows], columns.flags[self._rows]
        tried, refused = (flags & int(flag) != 0 for flag in (Flag.TRY, Flag.REFUSED))
        waits = np.isin(op, (Op.LOCK, Op.RLOCK)) & ~tried & ~refused | (op == Op.BLOCK)
        sleeps = waits & ~spins[columns.target[self._rows]]
        sleeps |= (op == Op.JOIN) | (flags & int(Flag.SLEEPS) != 0) & ~refused
        self._what = _ACTS[op]
        for bit, where in ((_WAS_REFUSED, refused), (_TRIED, tried), (_SLEEPS, sleeps)):
            self._what[where] |= bit

    def remarks(self, *wanted: Remark) -> list[tuple[Remark, int, int]]:
        """What should not have been: (what, the event that made the state or NONE, the event)."""
        found = self._told[0]
        return [
            (Remark(what), first, second)
            for what, first, second in found[np.isin(found[:, 0], wanted)].tolist()
        ]

    @property
    def nested(self) -> Rows:
        """Every time that a thread took a lock while it held others; int64, shape (n, 4).

        (event, the lock that it took last before, lock, what it held). What it held is a number
        that differs where that differs. The event is NONE for what could not make it wait: a try,
        or that of two locks only the later one is left after one in between was given back.
        """
        return self._told[1]

    def held(self, asked: Iterable[tuple[int, int]], most: int | None = None) -> list[list[int]]:
        """The LOCK and RLOCK rows whose locks a thread holds, in the order taken.

        Args:
            asked: (event, thread): what it holds before that event; in ascending order.
            most: how many are told, at most: those that were taken last. None for all.
        """
        questions = np.array(list(asked), dtype=np.int64).reshape(-1, 2)
        if not len(questions):
            return []
        _, _, bounds, held = self._replay(questions, len(self._rows) if most is None else most)
        return [held[low:high].tolist() for low, high in pairwise(bounds.tolist())]

    @cached_property
    def _told(self) -> tuple[Rows, Rows]:
        remarks, nested, *_ = self._replay(np.empty((0, 2), dtype=np.int64), 0)
        return remarks, nested

    def _replay(self, asked: Rows, most: int) -> tuple[Rows, Rows, Rows, Rows]:
        columns = self._trace.columns
        count = 2 * len(self.kinds) if len(self._rows) else 0
        marks = np.random.default_rng(0).integers(np.iinfo(np.int64).max, size=count)
        return at_size(_replay, len(self._rows))(
            self._rows,
            self._what,
            columns.thread[self._rows],
            columns.target[self._rows],
            self.kinds,
            marks,
            asked,
            most,
            len(self._trace.threads),
        )


def _replay(  # noqa: C901, PLR0912, PLR0915, PLR0917  (compiled as one, from columns)
    event: Rows,
    what: NDArray[np.uint8],
    thread: NDArray[np.int32],
    target: NDArray[np.int32],
    kind: NDArray[np.uint8],
    marks: Rows,
    asked: Rows,
    most: int,
    threads: int,
) -> tuple[Rows, Rows, Rows, Rows]:
    """What `remarks` and `nested` are made from, and for `held` (bounds, events)."""
    top = np.full(threads, -1, dtype=np.int64)  # the holding that the thread took last
    depth = np.zeros(threads, dtype=np.int64)
    spins = np.zeros(threads, dtype=np.int64)  # spin locks held
    whole = np.zeros(threads, dtype=np.int64)  # the marks of all that is held, XORed
    holders = np.full(len(kind), -1, dtype=np.int64)  # a lock's holdings, latest first
    gone = np.full(len(kind), -1, dtype=np.int64)  # its DESTROY
    node = np.empty((64, 7), dtype=np.int64)
    used, spare = 0, -1
    remarks = np.empty((64, 3), dtype=np.int64)
    nested = np.empty((64, 4), dtype=np.int64)
    said, found = 0, 0
    bounds = np.zeros(len(asked) + 1, dtype=np.int64)
    held = np.empty(64, dtype=np.int64)
    count, question = 0, 0
    for at in range(len(event) + 1):
        while question < len(asked) and (at == len(event) or asked[question, 0] <= event[at]):
            who = asked[question, 1]
            told = min(most, depth[who])
            while count + told > len(held):
                more = np.empty(2 * len(held), dtype=np.int64)
                more[:count] = held[:count]
                held = more
            count += told
            place = top[who]
            for step in range(told):
                held[count - 1 - step] = node[place, _EVENT]
                place = node[place, _BELOW]
            question += 1
            bounds[question] = count
        if at == len(event):
            break
        who, lock, act, now = np.int64(thread[at]), target[at], what[at] & _ACT, event[at]
        if said + 2 + depth[who] > len(remarks):
            longer = np.empty((2 * len(remarks) + depth[who], 3), dtype=np.int64)
            longer[:said] = remarks[:said]
            remarks = longer
        if found == len(nested):
            wider = np.empty((2 * found, 4), dtype=np.int64)
            wider[:found] = nested
            nested = wider
        if used == len(node):
            larger = np.empty((2 * used, 7), dtype=np.int64)
            larger[:used] = node
            node = larger
        if what[at] & _SLEEPS and spins[who] > 0:
            place = top[who]
            while kind[node[place, _KEY] >> 1] != _SPIN:
                place = node[place, _BELOW]
            remarks[said, 0], remarks[said, 1], remarks[said, 2] = _SLEPT, node[place, _EVENT], now
            said += 1
        if act == _NOTHING:
            continue
        if act == _EXIT:
            place = top[who]
            while place >= 0:
                lock = node[place, _KEY] >> 1
                if kind[lock] != _PLAIN and gone[lock] < 0:
                    remarks[said, 0], remarks[said, 1] = _EXITED, node[place, _EVENT]
                    remarks[said, 2] = now
                    said += 1
                place = node[place, _BELOW]
            continue

        # the holding of this thread and the latest of another one, in this row's mode if there is
        key = 2 * np.int64(lock) + (act in (_LOCK, _UNLOCK))
        taking = act in (_LOCK, _RLOCK)
        mine, other = -1, -1
        place = holders[lock]
        while place >= 0:
            if node[place, _WHO] != who:
                if other < 0 or (node[place, _KEY] == key and node[other, _KEY] != key):
                    other = place
            elif mine < 0 or node[place, _KEY] == key:
                mine = place
                if node[place, _KEY] == key:
                    break
            place = node[place, _NEXT]
        same = mine >= 0 and node[mine, _KEY] == key

        wrong, first = 0, np.int64(-1)
        if mine >= 0:
            first = node[mine, _EVENT]
        elif other >= 0:
            first = node[other, _EVENT]
        if gone[lock] >= 0:
            wrong, first = _DESTROYED, gone[lock]
        elif act == _DESTROY:
            if mine >= 0 or other >= 0:
                wrong = _DESTROYED_HELD
        elif taking:
            if mine >= 0 and not same:
                wrong = _UPGRADED if act == _LOCK else _READ_WHILE_WRITING
            elif same and act == _LOCK and kind[lock] != _PLAIN and kind[lock] != _RECURSIVE:
                wrong = _DOUBLE
        elif mine >= 0:
            if not same:
                wrong = _WRONG_MODE
        elif other < 0:
            wrong = _NOT_HELD
        elif kind[lock] != _PLAIN:
            wrong = _FOREIGN
        refused = what[at] & _WAS_REFUSED != 0
        if refused and wrong == 0:
            wrong, first = _REFUSED, np.int64(-1)
        if wrong != 0:
            remarks[said, 0], remarks[said, 1], remarks[said, 2] = wrong, first, now
            said += 1
        if refused:
            continue
        if act == _DESTROY:
            gone[lock] = now
        elif same and taking:
            if kind[lock] == _RECURSIVE or act == _RLOCK:
                node[mine, _LEVELS] += 1
        elif taking:
            place = top[who]
            if place >= 0:
                nested[found, 0] = -1 if what[at] & _TRIED else now
                nested[found, 1], nested[found, 2] = node[place, _KEY] >> 1, lock
                nested[found, 3] = whole[who]
                found += 1
            mine = spare
            if mine >= 0:
                spare = node[mine, _NEXT]
            else:
                mine = used
                used += 1
            node[mine, _KEY], node[mine, _EVENT], node[mine, _LEVELS] = key, now, 1
            node[mine, _WHO], node[mine, _BELOW], node[mine, _ABOVE] = who, place, -1
            node[mine, _NEXT] = holders[lock]
            holders[lock] = mine
            if place >= 0:
                node[place, _ABOVE] = mine
            top[who] = mine
            depth[who] += 1
            whole[who] ^= marks[key]
            spins[who] += kind[lock] == _SPIN
        else:
            if mine < 0 and other >= 0 and act == _UNLOCK and node[other, _KEY] == key:
                mine = other
            if mine < 0:
                continue
            if same and node[mine, _LEVELS] > 1:
                node[mine, _LEVELS] -= 1
                continue
            who, below, above = node[mine, _WHO], node[mine, _BELOW], node[mine, _ABOVE]
            if below >= 0:
                node[below, _ABOVE] = above
            if above >= 0:
                node[above, _BELOW] = below
            else:
                top[who] = below
            if below >= 0 and above >= 0:
                nested[found, 0], nested[found, 3] = -1, 0
                nested[found, 1], nested[found, 2] = node[below, _KEY] >> 1, node[above, _KEY] >> 1
                found += 1
            if holders[lock] == mine:
                holders[lock] = node[mine, _NEXT]
            else:
                place = holders[lock]
                while node[place, _NEXT] != mine:
                    place = node[place, _NEXT]
                node[place, _NEXT] = node[mine, _NEXT]
            depth[who] -= 1
            whole[who] ^= marks[node[mine, _KEY]]
            spins[who] -= kind[lock] == _SPIN
            node[mine, _NEXT] = spare
            spare = mine
    return remarks[:said], nested[:found], bounds, held[:count]
