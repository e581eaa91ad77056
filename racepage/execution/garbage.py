"""Pages that the garbage collector frees in a controlled execution.

Python's own collector is off there, so that a finalizer runs where a reference is dropped, and the
same in every execution. A page that only a cycle holds is not seen to be freed that way: where one
may be left, the collector is asked, once the execution is over.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any, Final

from racepage.events import Op
from racepage.execution import current
from racepage.execution.flat import FIELDS
from racepage.execution.targets import SMALLEST_PAGE

_FREE: Final = int(Op.FREE)
_COLLECT: Final = int(Op.COLLECT)


def note_collected(events: list[Any], begin: int, made: Sequence[int], *, ended: bool) -> bool:
    """Log what was collected of the pages that an execution made; whether there is any.

    Args:
        events: what was logged, flat (`execution.flat`).
        begin: where the execution begins there.
        made: the numbers of its pages.
        ended: what it still holds is leaked; else its threads hold it, who never came to their end.
    """
    gone = set(current.collected)
    if ended and not gone.issuperset(made):
        words, targets = events[begin::FIELDS], events[begin + 1 :: FIELDS]
        freed = {
            target for word, target in zip(words, targets, strict=True) if word & 0xFF == _FREE
        }
        if not (freed | gone).issuperset(made):
            gc.collect()
            gone.update(current.collected)
    end = len(events)
    for page in made:
        if page in gone:
            size = current.sizes.get(page, SMALLEST_PAGE)
            events += (_COLLECT, page, 0, size, None, -1)
    return len(events) > end


class quiet:  # noqa: N801  (a context, used as one)
    """No garbage collection of Python's own: it would run finalizers anywhere.

    What was there before is put aside unseen: to look at all of it takes longer than to explore a
    small program.
    """

    def __enter__(self) -> None:
        self._was = gc.isenabled()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        if self._was:
            gc.enable()
