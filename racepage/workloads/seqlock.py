"""A record in a page that readers copy while writers may be changing it, under a `SeqLock`.

    writer   with lock.write():   bytewise_write(record)
    reader   lock.read(...):      bytewise_read(record), and again if a writer came in between

What protects what: the lock keeps writers apart. Readers keep nobody out, so a copy may be torn,
which is why both sides copy byte by byte, atomically, and why a reader looks again; a reader that
need not look again knows what the last writer did.

`plain-reader`: the reader copies as if nobody could be writing. That its copy is thrown away where
somebody was does not help: the access itself is not ordered with the writer's. This holds in every
run, since a reader learns of a writer only after its copy, and a writer of a reader never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page
from racepage.workloads import crew

RECORD: Final = 64  # bytes, all of which say who wrote them


class Board:
    """One record, at the start of one page, and its lock."""

    def __init__(self) -> None:
        self.page = Page.alloc_page(GFP_KERNEL, label="board")
        self.page.write_raw(bytes(RECORD), 0, RECORD)
        self.lock = sync.SeqLock(name="board")


def run(variant: str = "correct", *, rounds: int = 16, writers: int = 2, readers: int = 2) -> None:
    """Let every writer change the record `rounds` times, and every reader read it as often."""
    board = Board()
    look = load_plainly if variant == "plain-reader" else load
    crew.run(
        crew.team("writer", writers, lambda number: write(board, number + 1, rounds))
        | crew.team("reader", readers, lambda _: read(board, look, rounds))
    )
    board.page.free()


def write(board: Board, number: int, rounds: int) -> None:
    """Fill the record with `number`, again and again."""
    for _ in range(rounds):
        with board.lock.write():
            store(board, number)


def read(board: Board, look: Callable[[Board], bytes], rounds: int) -> None:
    """Read the record, again and again; what was not thrown away is whole."""
    for _ in range(rounds):
        record = board.lock.read(look, board)
        crew.check(len(set(record)) == 1, "a record was torn")


def store(board: Board, number: int) -> None:
    """Write the record, while readers may be copying it."""
    board.page.bytewise_write(bytes([number % 256]) * RECORD, 0, RECORD)


def load(board: Board) -> bytes:
    """Copy the record, while a writer may be changing it."""
    record = bytearray(RECORD)
    board.page.bytewise_read(record, 0, RECORD)
    return bytes(record)


def load_plainly(board: Board) -> bytes:
    """The bug: a plain copy promises that nobody writes meanwhile."""
    record = bytearray(RECORD)
    board.page.read_raw(record, 0, RECORD)
    return bytes(record)
