"""Watches: a task that waits until what it has read was written.

That is what a loop does that looks at memory again and again: as long as nobody writes there, it
finds what it found before. What it read are the touches of its own steps. Locks that it took on the
way do not count, where there is anything else: whoever takes them next changes nothing by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from racepage.execution.step import AWAIT, CHANGES, LOCK, READ, UNLOCK, Touch


class Watch(NamedTuple):
    """What a task has read, and whether that still stands.

    Attributes:
        touches: the bytes, each once, as reads.
        changed: another task has written some of them since they were read.
    """

    touches: tuple[Touch, ...]
    changed: bool


def watch(steps: Iterable[tuple[int, Sequence[Touch]]], task: int) -> Watch:
    """What `task` has read in `steps`, which are (who did it, what it touched), in order."""
    read: dict[Touch, None] = {}
    locks: dict[Touch, None] = {}
    changed = False
    for who, touches in steps:
        if who != task:
            changed = changed or written((*read, *locks), touches)
            continue
        for touch in touches:
            if touch.how != AWAIT:
                seen = locks if touch.how in {LOCK, UNLOCK} else read
                seen[touch._replace(how=READ)] = None
    return Watch(tuple(read or locks), changed)


def written(read: Iterable[Touch], touches: Sequence[Touch]) -> bool:
    """Whether a step that does `touches` writes any of what was read."""
    return any(
        mine.target == theirs.target
        and theirs.how & CHANGES
        and mine.start < theirs.stop
        and theirs.start < mine.stop
        for mine in read
        for theirs in touches
    )
