"""Call sites: from (code object, instruction offset) to file, line and function, once each."""

from __future__ import annotations

from operator import add
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racepage.events import Frame, Stack
from racepage.trace.columns import NOTHING


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
        # This runs for every event of a recording: maps, and no step of Python's own.
        known, count = self._by_key, len(codes)
        try:
            found = map(known.__getitem__, map(add, map(id, codes), lastis))
            return np.fromiter(found, np.int32, count)
        except KeyError:
            keys = list(map(add, map(id, codes), lastis))
            known = self._learn(set(keys) - known.keys(), keys, codes, lastis)
            return np.fromiter(map(known.__getitem__, keys), np.int32, count)

    def _learn(
        self, new: set[int], keys: list[int], codes: list[Any], lastis: list[int]
    ) -> dict[int, int]:
        """Every key's id, those of `new` keys included."""
        rows = dict(zip(keys, range(len(keys)), strict=True))  # one row of each key
        stacks: dict[int, int] = {}
        for key in new:
            code = codes[rows[key]]
            if isinstance(code, tuple):  # dies with the batch, and its address serves another
                stacks[key] = self._stack(code)
            else:
                self._by_key[key] = self._intern((self._frame(code, lastis[rows[key]]),))
        return self._by_key | stacks if stacks else self._by_key

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
