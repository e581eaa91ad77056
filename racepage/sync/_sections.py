"""Sections, and waiting for the ends of those that began earlier: what RCU is made of.

A wait that began at some moment must know of the ends of the sections that began before, and of no
other: a section that begins while somebody waits may end before that wait does. So sections go into
*buckets*. A wait needs the buckets that there are when it begins, and no section enters a bucket as
long as a wait needs it; it enters the first other one. There are as many buckets as waits at a time
and one more, however many sections and waits come and go.

The end of a section merges into its bucket's object, and a wait acquires its buckets' objects.
"""

from __future__ import annotations

from types import FrameType

from racepage.execution import current
from racepage.sync._monitor import FOREVER, Monitor
from racepage.sync._names import HandOvers
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE, RELEASE, RELEASE_MERGE


class Bucket:
    """Some sections, as one: how many are open, and how many waits need them."""

    __slots__ = ("needed", "number", "open", "released")

    def __init__(self, number: int) -> None:
        self.number = number
        self.open = 0
        self.needed = 0
        self.released = False


class Sections:
    """Sections and waits of one primitive, whose mutex is held in every method."""

    __slots__ = ("_buckets", "_changed", "_objects")

    def __init__(self, mutex: Section, objects: HandOvers) -> None:
        self._buckets: list[Bucket] = []
        self._changed = Monitor(mutex, objects)
        self._objects = objects

    def begin(self) -> Bucket:
        """Open a section, in the bucket that is returned."""
        for bucket in self._buckets:
            if not bucket.needed:
                break
        else:
            bucket = Bucket(self._objects.new())
            self._buckets.append(bucket)
        bucket.open += 1
        return bucket

    def release(self, bucket: Bucket, frame: FrameType | None) -> None:
        """Hand on what the current thread did in a section that ends now."""
        if current.mode:
            word = RELEASE_MERGE if bucket.released else RELEASE
            bucket.released = True
            log(word, bucket.number, frame)

    def end(self, bucket: Bucket) -> None:
        """Close a section."""
        bucket.open -= 1
        if not bucket.open:
            self._changed.notify_all()

    def before_now(self) -> list[Bucket]:
        """The buckets of all sections that have begun so far; `forget` them in the end."""
        found = [bucket for bucket in self._buckets if bucket.open or bucket.released]
        for bucket in found:
            bucket.needed += 1
        return found

    def wait(self, buckets: list[Bucket], frame: FrameType | None) -> None:
        """Wait until none of the sections is open."""
        self._changed.wait_for(lambda: not any(bucket.open for bucket in buckets), FOREVER, frame)

    def acquire(self, buckets: list[Bucket], frame: FrameType | None) -> None:
        """Let the current thread know of the ends of the sections."""
        if current.mode:
            for bucket in buckets:
                if bucket.released:
                    log(ACQUIRE, bucket.number, frame)

    def forget(self, buckets: list[Bucket]) -> None:
        """Let sections enter the buckets again, unless another wait needs them."""
        for bucket in buckets:
            bucket.needed -= 1


def log(word: int, number: int, frame: FrameType | None) -> None:
    """Log an event; one without a frame is a primitive's own, that no line of the program did."""
    if frame is None:
        current.log_inside(word, number)
    else:
        current.log(word, number, frame)
