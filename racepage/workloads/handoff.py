"""Ownership of a page passed through a queue: whoever holds the page may touch it, nobody else.

    sender    get(returns) -> write -> put(outbox)            the page is the sender's until the put
    receiver                           get(outbox) -> read -> put(returns)

What protects what: a page's bytes belong to the thread that took the page out of a queue last.
There is no lock; the two edges are put -> the get that returns that item, one in each direction.

`keeps-writing`: the sender adds a postscript to a page that it has given away. The put came before
the postscript, so nothing orders it with the receiver's read. That holds whatever the timing:
between its put and its postscript the sender takes nothing from anybody, and the receiver's read
comes before its own next get.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page
from racepage.workloads import crew

LETTER: Final = 256  # bytes of a letter
POSTSCRIPT: Final = 16  # its last bytes

Queue = sync.Queue[Page]


def run(variant: str = "correct", *, rounds: int = 16, pages: int = 3) -> None:
    """Send `rounds` letters on `pages` pages that travel back and forth."""
    parcels = [Page.alloc_page(GFP_KERNEL, label=f"parcel[{number}]") for number in range(pages)]
    outbox, returns = Queue(name="outbox"), Queue(name="returns")
    for parcel in parcels:
        returns.put(parcel)
    keeps_writing = variant == "keeps-writing"
    crew.run(
        {
            "sender": lambda: send(outbox, returns, rounds, keeps_writing=keeps_writing),
            "receiver": lambda: receive(outbox, returns, rounds, intact=not keeps_writing),
        }
    )
    for parcel in parcels:
        parcel.free()


def send(outbox: Queue, returns: Queue, rounds: int, *, keeps_writing: bool) -> None:
    """Write letters, and give each page away with its letter."""
    for number in range(rounds):
        page = returns.get()
        page.write_raw(letter(number), 0, LETTER)
        outbox.put(page)
        if keeps_writing:
            add_postscript(page)


def add_postscript(page: Page) -> None:
    """The bug: the page is the receiver's by now."""
    page.write_raw(b"P.S." * 4, LETTER - POSTSCRIPT, POSTSCRIPT)


def receive(outbox: Queue, returns: Queue, rounds: int, *, intact: bool) -> None:
    """Read the letters, and give the pages back."""
    paper = bytearray(LETTER)
    for number in range(rounds):
        page = outbox.get()
        page.read_raw(paper, 0, LETTER)
        returns.put(page)
        if intact:
            crew.check(paper == letter(number), f"letter {number} was damaged")


def letter(number: int) -> bytes:
    """What the letter of that number says."""
    return bytes([number % 256]) * LETTER
