"""The path of a depth-first search: at each choice, which alternative of how many.

What a search of this kind has still to see is all that lies after its path, in the order of the
alternatives; so the path is the whole state of the search.
"""

from __future__ import annotations

from typing import Any, Final

from racepage.errors import NondeterminismError
from racepage.exploration.saved import Saved

WIDEST: Final = 1 << 32


class Path:
    """Where a depth-first search is.

    Attributes:
        taken: which alternative was taken at each choice between several.
        counts: how many there were.
        done: there is nothing left to try.
    """

    __slots__ = ("_at", "counts", "done", "taken")

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.counts: list[int] = []
        self.done = False
        self._at = 0

    def restart(self) -> bool:
        """Go back to the root; False when there is nothing left to try."""
        self._at = 0
        return not self.done

    def take(self, count: int) -> int:
        """Which of `count` alternatives comes next.

        Raises:
            NondeterminismError: there were more or fewer of them the last time.
        """
        if count == 1:
            return 0
        at = self._at
        self._at = at + 1
        if at == len(self.taken):
            self.taken.append(0)
            self.counts.append(count)
            return 0
        if self.counts[at] != count:
            raise NondeterminismError(
                f"the program is not the same in every execution: at choice {at} there are {count} "
                f"alternatives now, and there were {self.counts[at]} of them before; make it "
                "independent of time, random numbers, and the order of sets"
            )
        return self.taken[at]

    def advance(self) -> None:
        """Leave the leaf that was reached for the next one."""
        taken, counts = self.taken, self.counts
        del taken[self._at :], counts[self._at :]
        while taken and taken[-1] + 1 == counts[-1]:
            taken.pop()
            counts.pop()
        if taken:
            taken[-1] += 1
        else:
            self.done = True

    def state(self) -> dict[str, Any]:
        """The path, as JSON can hold it."""
        return {"taken": list(self.taken), "counts": list(self.counts), "done": self.done}

    def restore(self, saved: Saved) -> None:
        """Take over a path.

        Raises:
            RacepageError: it is none.
        """
        taken = saved.numbers("taken", 0, WIDEST)
        counts = saved.numbers("counts", 2, WIDEST)
        if len(taken) != len(counts) or any(
            one >= of for one, of in zip(taken, counts, strict=True)
        ):
            saved.refuse('"taken" and "counts" do not go together')
        self.done = saved.flag("done")
        self.taken, self.counts = taken, counts
