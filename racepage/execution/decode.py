"""Flat lists of events become columns: what `flat.py` packs, unpacked, many events at a time.

Cost: a few maps over the lists, and no step of Python's own for an event without a `Detail`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from racepage.execution.flat import (
    DETAIL,
    FIELDS,
    FLAG_SHIFT,
    ORDER_SHIFT,
    SPAN_BITS,
    TAKES_TURN,
    TURN,
)
from racepage.trace.columns import Columns

_TAKES_TURN: Final = np.zeros(256, dtype=np.bool_)
_TAKES_TURN[: len(TAKES_TURN)] = TAKES_TURN


class Sited(Protocol):
    """Who numbers call sites: `Sites` does."""

    def ids(self, codes: list[Any], lastis: list[int]) -> NDArray[np.int32]:
        """The ids of the sites of many events."""


class Named(Protocol):
    """Who numbers targets and call sites: `Tables` does."""

    @property
    def sites(self) -> Sited:
        """Who numbers call sites."""

    def ids(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """The ids of targets."""

    def id(self, number: int) -> int:
        """The id of one target."""


class Words(NamedTuple):
    """What was done in each event, and which of them have the time as their third field."""

    word: NDArray[np.int32]
    timed: NDArray[np.bool_]


def words(events: list[Any]) -> Words:
    """The words of a flat list."""
    word = np.fromiter(events[::FIELDS], np.int32, len(events) // FIELDS)
    return Words(word, _TAKES_TURN[word & 0xFF] | (word & TURN != 0))


def decode(events: list[Any], words: Words, thread: NDArray[np.int32], names: Named) -> Columns:
    """The columns of a flat list.

    Args:
        events: the list; as many events as there are words.
        words: what `words` says of it, or of its beginning.
        thread: whose each event is.
        names: who numbers targets and call sites.
    """
    word, timed = words
    count = len(word)
    third = np.fromiter(events[2::FIELDS], np.int64, count)
    time = np.where(timed, third, 0)
    offset = np.where(timed, 0, third)
    length = np.fromiter(events[3::FIELDS], np.int64, count)
    packed = word & (TURN | DETAIL) == TURN
    offset[packed] = length[packed] >> SPAN_BITS
    length[packed] &= (1 << SPAN_BITS) - 1
    codes, lastis = events[4::FIELDS], events[5::FIELDS]
    details = {}
    for row in np.flatnonzero(word & DETAIL).tolist():
        codes[row], lastis[row], detail, offset[row] = codes[row]
        details[row] = detail._replace(via=names.id(detail.via), source=names.id(detail.source))
    return Columns(
        thread=thread,
        op=(word & 0xFF).astype(np.uint8),
        target=names.ids(events[1::FIELDS]),
        offset=offset,
        length=length,
        site=names.sites.ids(codes, lastis),
        flags=(word >> FLAG_SHIFT & 0xFF).astype(np.uint8),
        order=(word >> ORDER_SHIFT).astype(np.uint8),
        time=time,
        details=details,
    )
