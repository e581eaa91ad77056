"""Who touched the same bytes before: for each access, the last one of everybody else.

Several checks ask this of ranges that are no plain accesses, or that do not conflict in the sense
of the race engines: assertions of a page, atomics of different sizes, reads of user memory. Each
brings its *spans*: byte ranges in a *space* (a page in one of its lives, a slice of user memory),
each by somebody (its *lane*: a thread) at an event. `latest` finds, for every span and every lane
that is not its own, the span that lasts longest of those that began before and share a byte.

One per lane is enough for whoever asks about order: what a lane did last is ordered before an event
only if all is that it did before.

The ranges of a lane in a space are a segment tree over the runs between their boundaries. A node
knows the last span that covers it (`full`) and the last that touches it at all (`part`). Two ranges
overlap exactly where a node that the one is made of is, or lies above, a node that the other is
made of; so both are found on the way from a range's ends to the root.

Source: the bottom-up trees of Al.Cash, "Efficient and easy segment trees" (Codeforces, 2015).
Deviation: a node also keeps the last span of another *sort* than its last one, for the check that
is not interested in ranges equal to its own.

Cost: n spans cost n log n, whatever their ranges; a query looks at each lane of its space. The loop
runs as it stands for few spans, and compiled for many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racepage.detect.rows import at_size

Ints = NDArray[np.int64]

_ROOM: Final = 1 << 20
"""Pairs that are handed on at once."""

_WORTH: Final = 32
"""A span is as much work as so many rows are for a check that passes over columns."""


class Spans(NamedTuple):
    """Ranges of bytes, ascending by event; columns of one length.

    Attributes:
        event: when it begins.
        space, start, stop: bytes [start, stop), not empty, of a space; any numbers.
        lane: whose it is.
        strong: two spans are of interest to each other only if one of them is strong.
        sort: two spans of one sort are of no interest to each other.
        until: the event up to which it lasts.
    """

    event: Ints
    space: Ints
    start: Ints
    stop: Ints
    lane: Ints
    strong: NDArray[np.bool_]
    sort: Ints
    until: Ints

    def of(self, rows: Ints) -> Spans:
        """Those of the spans, which ascend."""
        if len(rows) == len(self.event):
            return self
        return Spans(
            event=self.event[rows],
            space=self.space[rows],
            start=self.start[rows],
            stop=self.stop[rows],
            lane=self.lane[rows],
            strong=self.strong[rows],
            sort=self.sort[rows],
            until=self.until[rows],
        )


def meeting(space: Ints, start: Ints, stop: Ints) -> NDArray[np.bool_]:
    """Which of some ranges, none of them empty, share a byte with another one of their space."""
    order = np.lexsort((start, space))
    rank = np.empty(len(order), dtype=np.int64)  # by space, then stop: a running maximum of it
    by_stop = np.lexsort((stop, space))  # does not reach beyond a space
    rank[by_stop] = np.arange(len(order))
    reach = by_stop[np.maximum.accumulate(rank[order])]
    alone = np.ones(len(order) + 1, dtype=np.bool_)  # whether no range reaches to the next one
    alone[1:-1] = (space[reach[:-1]] != space[order[1:]]) | (stop[reach[:-1]] <= start[order[1:]])
    met = np.empty(len(order), dtype=np.bool_)
    met[order] = ~(alone[:-1] & alone[1:])
    return met


def latest(items: Spans, queries: Spans) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of a query and an item: their numbers, in two arrays of one length, batch by batch.

    For every query and every other lane, of the lane's items that began before the query, share a
    byte with it and are of interest to it, the one that lasts longest; of several, the last.
    """
    numbers = np.arange(len(queries.event))
    strong = np.flatnonzero(items.strong)
    for some, rows in (
        (np.arange(len(items.event)), numbers[queries.strong]),
        (strong, numbers[~queries.strong]),
    ):
        for query, item in _latest(items.of(some), queries.of(rows)):
            yield rows[query], some[item]


def _latest(items: Spans, queries: Spans) -> Iterator[tuple[Ints, Ints]]:
    """As `latest`, where everything is strong enough."""
    if not len(items.event) or not len(queries.event):
        return
    track, first_of_track = _ranks(items.space, items.lane)
    spaces, first_track = np.unique(items.space[first_of_track], return_index=True)
    lane = items.lane[first_of_track]
    both = np.concatenate((track, track))
    border, first_of_border = _ranks(both, np.concatenate((items.start, items.stop)))
    place = np.concatenate((items.start, items.stop))[first_of_border]
    begin = np.searchsorted(both[first_of_border], np.arange(len(lane) + 1))
    low, high = border.reshape(2, -1) - begin[track]

    space = np.minimum(np.searchsorted(spaces, queries.space), len(spaces) - 1)
    asked = np.flatnonzero(spaces[space] == queries.space)
    asking, space = queries.of(asked), space[asked]
    first_track = np.append(first_track, len(lane))
    found = np.empty((max(_ROOM, len(lane)), 2), dtype=np.int64)
    full, part = (np.full((2 * len(place), 2), -1, dtype=np.int32) for _ in "fp")
    scan = at_size(_scan, _WORTH * (len(items.event) + len(asked)))
    state = np.zeros(3, dtype=np.int64)  # queries answered, items seen, pairs found
    while state[0] < len(asked):
        scan(
            state,
            found,
            full,
            part,
            (items.event, track, low, high, items.sort, items.until),
            (asking.event, space, asking.start, asking.stop, asking.lane, asking.sort),
            (first_track, lane, begin, place),
        )
        query, item = found[: state[2]].T
        yield asked[query], item.copy()


def _ranks(major: Ints, minor: Ints) -> tuple[Ints, Ints]:
    """Each pair's rank among the pairs that there are, and for each rank the first that has it."""
    order = np.lexsort((minor, major))
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(major[order]) != 0) | (np.diff(minor[order]) != 0)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.cumsum(new) - 1
    return ranks, order[new]


def _scan(  # noqa: C901, PLR0912, PLR0915, PLR0917  (compiled as one function, from columns)
    state: Ints,
    found: Ints,
    full: NDArray[np.int32],
    part: NDArray[np.int32],
    items: tuple[Ints, Ints, Ints, Ints, Ints, Ints],
    queries: tuple[Ints, Ints, Ints, Ints, Ints, Ints],
    tracks: tuple[Ints, Ints, Ints, Ints],
) -> None:
    """Answer queries until the pairs fill `found`; a node is a row of `full` and `part`."""
    event, track, low, high, sort, until = items
    asked, space, start, stop, asker, asked_sort = queries
    first_track, lane, begin, place = tracks

    def put(nodes: NDArray[np.int32], node: int, item: int) -> None:
        """Let a node know of an item."""
        best, other = nodes[node, 0], nodes[node, 1]
        if best < 0 or (sort[best] == sort[item] and until[item] >= until[best]):
            nodes[node, 0] = item
        elif sort[best] == sort[item]:
            return
        elif until[item] >= until[best]:
            nodes[node, 0], nodes[node, 1] = item, best
        elif other < 0 or until[item] >= until[other]:
            nodes[node, 1] = item

    def better(nodes: NDArray[np.int32], node: int, best: int, without: int) -> int:
        """The better one of an item and what a node knows."""
        item = int(nodes[node, 0])
        if item >= 0 and sort[item] == without:
            item = int(nodes[node, 1])
        if item < 0 or (best >= 0 and (until[best], best) > (until[item], item)):
            return best
        return item

    query, item, count = state[0], state[1], 0
    while query < len(asked):
        first, end = first_track[space[query]], first_track[space[query] + 1]
        if count + end - first > len(found):
            break
        while item < len(event) and event[item] < asked[query]:
            base = 2 * begin[track[item]]
            leaves = begin[track[item] + 1] - begin[track[item]] - 1
            left, right = low[item] + leaves, high[item] + leaves
            above = left, right - 1
            while left < right:
                if left & 1:
                    put(full, base + left, item)
                    put(part, base + left, item)
                    left += 1
                if right & 1:
                    right -= 1
                    put(full, base + right, item)
                    put(part, base + right, item)
                left >>= 1
                right >>= 1
            for leaf in above:
                node = leaf >> 1
                while node > 0:
                    put(part, base + node, item)
                    node >>= 1
            item += 1
        for known in range(first, end):
            if lane[known] == asker[query]:
                continue
            borders = place[begin[known] : begin[known + 1]]
            leaves = len(borders) - 1
            left = max(np.searchsorted(borders, start[query], side="right") - 1, 0)
            right = min(np.searchsorted(borders, stop[query], side="left"), leaves)
            if left >= right:
                continue
            base = 2 * begin[known]
            left, right = left + leaves, right + leaves
            best = -1
            for leaf in (left, right - 1):
                node = leaf
                while node > 0:
                    best = better(full, base + node, best, asked_sort[query])
                    node >>= 1
            while left < right:
                if left & 1:
                    best = better(part, base + left, best, asked_sort[query])
                    left += 1
                if right & 1:
                    right -= 1
                    best = better(part, base + right, best, asked_sort[query])
                left >>= 1
                right >>= 1
            if best >= 0:
                found[count, 0], found[count, 1] = query, best
                count += 1
        query += 1
    state[0], state[1], state[2] = query, item, count
