"""A database's buffer pool: frames of memory for blocks of a file, pinned while they are read.

    pin      latch { the block's frame; if it holds another block: evict that one, load ours };
             pins += 1
    read     without the latch: a frame with a pin is never loaded again
    unpin    latch { pins -= 1 }

What protects what: the latch guards the table of frames, the pin counts, and the loading. A frame's
bytes are read without the latch; what protects them is the pin. The edge that makes it right is
unpin's unlock -> the lock under which the frame is loaded again.

The pool is direct-mapped: block b lives in frame b mod F. The workers come in pairs that read the
same block (two pins on a frame), and in each round pair p reads a block of frame p + round mod F,
so that the frame that a pair used is loaded again by the pair beside it.

`read-after-unpin`: a worker reads once more after it unpinned. All workers have unpinned when a
round ends (`round_over`, which makes no edge); then they read late, while the next round's loading
goes on. The first worker that gets the latch in the next round loads a frame that both workers of
another pair read late, and neither of those has taken the latch since: so every round but the last
has a race, whichever worker comes first.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page
from racepage.workloads import crew

BLOCK: Final = 512  # bytes


class Frame:
    """A page of the pool: the block it holds (None at first) and how many workers hold it."""

    def __init__(self, number: int) -> None:
        self.page = Page.alloc_page(GFP_KERNEL, label=f"frame[{number}]")
        self.block: int | None = None
        self.pins = 0


class Pool:
    """`frames` frames, and the latch that guards what is known of them."""

    def __init__(self, frames: int) -> None:
        self.latch = sync.Mutex(name="latch")
        self.frames = [Frame(number) for number in range(frames)]

    def pin(self, block: int) -> Frame:
        """The frame that holds `block`, which stays there until `unpin`."""
        frame = self.frames[block % len(self.frames)]
        with self.latch:
            if frame.block != block:
                crew.check(frame.pins == 0, f"block {frame.block} is in use")
                self.load(frame, block)
            frame.pins += 1
        return frame

    def load(self, frame: Frame, block: int) -> None:
        """Evict what the frame holds, and read `block` into it. The latch is held."""
        frame.page.write_raw(content(block), 0, BLOCK)
        frame.block = block

    def unpin(self, frame: Frame) -> None:
        """Let go of a frame: from now on it may hold another block."""
        with self.latch:
            frame.pins -= 1


def run(variant: str = "correct", *, rounds: int = 6, pairs: int = 2) -> None:
    """Let `2 * pairs` workers read a block each in every round, from a pool of `pairs` frames."""
    pool = Pool(pairs)
    round_over = sync.invisible_barrier(2 * pairs)
    late = variant == "read-after-unpin"

    def worker(number: int) -> None:
        for turn in range(rounds):
            block = turn * pairs + (number // 2 + turn) % pairs
            frame = pool.pin(block)
            data = read(frame)
            pool.unpin(frame)
            round_over.wait()
            if late:
                read_late(frame)
            crew.check(data == content(block), f"block {block} was damaged")

    crew.run(crew.team("worker", 2 * pairs, worker))
    for frame in pool.frames:
        frame.page.free()


def content(block: int) -> bytes:
    """What the file holds at `block`."""
    return bytes([block % 256]) * BLOCK


def read(frame: Frame) -> bytes:
    """A copy of a pinned frame's bytes."""
    data = bytearray(BLOCK)
    frame.page.read_raw(data, 0, BLOCK)
    return bytes(data)


def read_late(frame: Frame) -> None:
    """The bug: the frame is not pinned any more."""
    frame.page.read_raw(bytearray(BLOCK), 0, BLOCK)
