"""The bytes that accesses read and wrote, for a recording that asks for them.

Only the first bytes of a long access are kept: they show what happened, and a page copied a million
times would fill the memory.
"""

from __future__ import annotations

from types import FrameType
from typing import Final

from racepage.execution import current
from racepage.trace.columns import NO_DETAIL, Detail

LONGEST: Final = 256
"""How many bytes of an access are kept, at most."""


def seen(data: memoryview) -> bytes | None:
    """The first bytes of `data`; None where nobody wants them."""
    return bytes(data[:LONGEST]) if current.mode & current.VALUES else None


def detail(old: bytes | None, new: bytes | None = None) -> Detail:
    """What an event says of the bytes before and after."""
    return NO_DETAIL if old is None else Detail(old=old, new=new)


def note(  # noqa: PLR0917  (an event, field by field)
    word: int,
    target: int,
    offset: int,
    length: int,
    frame: FrameType,
    old: bytes | None,
    new: bytes | None = None,
) -> None:
    """As `current.note`, with the bytes before and after the access, where they were `seen`."""
    if old is None:
        current.note(word, target, offset, length, frame)
    else:
        current.note_detail(word, target, offset, length, frame, detail=detail(old, new))
