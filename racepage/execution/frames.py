"""Frames of the program under test, as opposed to those of the primitives themselves."""

from __future__ import annotations

import os
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

_OURS: Final = tuple(
    str(Path(__file__).parents[1] / room) + os.sep
    for room in ("execution", "exploration", "memory", "sync")
)


def outside(frame: FrameType) -> FrameType:
    """The nearest frame, from `frame` outwards, that is not one of the primitives themselves.

    For what may be called straight from one: `page.with_slice_in_page(0, 8, bytes)`.
    """
    at: FrameType | None = frame
    while at is not None and at.f_code.co_filename.startswith(_OURS):
        at = at.f_back
    return at or frame


def stack(frame: FrameType, depth: int) -> tuple[CodeType | int, ...]:
    """Up to `depth` frames from `frame` outwards, flat: code, lasti, code, lasti and so on.

    Frames of the primitives themselves, such as the one that calls a thread's body, are left out.
    """
    found: list[CodeType | int] = []
    at: FrameType | None = frame
    while at is not None and len(found) < 2 * depth:
        if not at.f_code.co_filename.startswith(_OURS):
            found.append(at.f_code)
            found.append(at.f_lasti)
        at = at.f_back
    return tuple(found)
