"""Call sites: from (code object, instruction offset) to file, line and function, once each."""

from __future__ import annotations

from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racepage.events import Frame, Stack
from racepage.trace.columns import NOTHING

_Sorted = tuple[NDArray[np.int64], NDArray[np.int32]]


def _sorted(by_key: dict[int, int]) -> _Sorted:
    """The keys, ascending, and the id of each; behind them one that is greater than any address."""
    keys = [*sorted(by_key), np.iinfo(np.int64).max]
    ids = [by_key.get(key, NOTHING) for key in keys]
    return np.array(keys, np.int64), np.array(ids, np.int32)


class Sites:
    """The sites of one recording.

    The key of a site is the sum of the code object's address and the offset: CPython keeps a code
    object's instructions inside the object itself, so no two sites of live code objects share it,
    and an integer is found faster than a pair. The code objects are kept alive for that.

    Attributes:
        stacks: the distinct call stacks, innermost frame first; two instructions of one line are
            one site.
    """

    def __init__(self) -> None:
        self.stacks: list[Stack] = []
        self._ids: dict[Stack, int] = {}
        self._by_key: dict[int, int] = {id(None) - 1: NOTHING}
        self._sorted = _sorted(self._by_key)
        self._by_frames: dict[tuple[int, ...], int] = {}
        self._lines: dict[int, list[int]] = {}  # id of a code object -> line of each instruction
        self._kept: list[CodeType] = []

    def ids(self, codes: list[Any], lastis: list[int]) -> NDArray[np.int32]:
        """The ids of the sites of many events.

        Args:
            codes: what an event has as its `code`: a code object, a stack of several frames
                (`frames.stack`), or None for an event without a site.
            lastis: the offset of each; -1 where there is none, or a stack has its own.
        """
        # This runs for every event of a recording: maps and arrays, no step of Python's own.
        count = len(codes)
        keys = np.fromiter(map(id, codes), np.int64, count)
        keys += np.fromiter(lastis, np.int64, count)
        known, found = self._sorted
        at = np.searchsorted(known, keys)
        if not np.array_equal(known[at], keys):
            known, found = self._learn(keys, codes, lastis)
            at = np.searchsorted(known, keys)
        return found[at]

    def _learn(self, keys: NDArray[np.int64], codes: list[Any], lastis: list[int]) -> _Sorted:
        """Every key's id, those of new keys included."""
        stacks: dict[int, int] = {}
        distinct, rows = np.unique(keys, return_index=True)
        for key, row in zip(distinct.tolist(), rows.tolist(), strict=True):
            if key in self._by_key:
                continue
            code = codes[row]
            if isinstance(code, tuple):  # dies with the batch, and its address serves another
                stacks[key] = self._stack(code)
            else:
                self._by_key[key] = self._intern((self._frame(code, lastis[row]),))
        self._sorted = _sorted(self._by_key)
        return _sorted(self._by_key | stacks) if stacks else self._sorted

    def _stack(self, frames: tuple[CodeType | int, ...]) -> int:
        """The id of a stack: code, offset, code, offset and so on."""
        key = tuple(id(part) if isinstance(part, CodeType) else part for part in frames)
        found = self._by_frames.get(key)
        if found is None:
            pairs = zip(frames[::2], frames[1::2], strict=True)
            found = self._intern(
                tuple(
                    self._frame(code, offset)
                    for code, offset in pairs
                    if isinstance(code, CodeType) and isinstance(offset, int)
                )
            )
            self._by_frames[key] = found
        return found

    def _intern(self, stack: Stack) -> int:
        if not stack:
            return NOTHING
        found = self._ids.setdefault(stack, len(self.stacks))
        if found == len(self.stacks):
            self.stacks.append(stack)
        return found

    def _frame(self, code: CodeType, offset: int) -> Frame:
        lines = self._lines.get(id(code))
        if lines is None:
            self._kept.append(code)
            first = code.co_firstlineno
            lines = [line or first for line, *_ in code.co_positions()]
            self._lines[id(code)] = lines
        # The offset counts bytes, an instruction has two; -2 is a frame that has not begun.
        line = lines[max(offset, 0) // 2]
        return Frame(code.co_filename, line, code.co_qualname.rsplit("<locals>.")[-1])
