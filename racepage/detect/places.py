"""Places as columns: what findings are deduplicated by, for checks that find pairs by the million.

`evidence.place` says what the place of an event is; here it is asked of many events at once, and
pairs are put together before Python sees them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from racepage.trace.columns import NOTHING, Columns

Ints = NDArray[np.int64]


def places(columns: Columns, events: Ints) -> Ints:
    """A number for the place of each event: its site, or one of its own kind where it has none.

    Numbers of one call agree with each other; sites are what they are in every call.
    """
    found: Ints = columns.site[events].astype(np.int64)
    bare = np.flatnonzero(found == NOTHING)
    if len(bare):
        names = ("thread", "op", "target", "offset", "length")
        ranks = ranked(*(getattr(columns, name)[events[bare]] for name in names))
        found[bare] = NOTHING - 1 - ranks
    return found


def ranked(*fields: NDArray[np.generic]) -> Ints:
    """Each row's rank among the different rows of these columns, the first of which weighs most."""
    order = np.lexsort(fields[::-1])
    new = np.zeros(len(order), dtype=np.bool_)
    for field in fields:
        ordered = field[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.cumsum(new)
    return ranks


def classes(columns: Columns, first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Pairs of events put together by their unordered pair of places, as in `deduplicated`.

    Returns, in two arrays with an item for each class: the number of the pair that stands for it,
    which has its lowest second event, and of several the latest first; and how many different
    second events it has.
    """
    where = places(columns, np.concatenate((first, second))).reshape(2, -1)
    kind = ranked(where.min(axis=0), where.max(axis=0))
    order = np.lexsort((-first, second, kind))
    new = np.diff(kind[order], prepend=-1) != 0
    counted = new | (np.diff(second[order], prepend=-1) != 0)
    begins = np.flatnonzero(new)
    times = np.add.reduceat(counted, begins, dtype=np.int64) if len(begins) else begins
    return order[begins], times
