"""A linked list in a page that readers walk while a writer replaces its nodes, under `RCU`.

    reader   with rcu.read():   node = first.load(acquire) -> read node -> next.load(acquire) -> ...
    writer   write the spare node -> link.store(release) -> synchronize() -> the old node is spare

What protects what: a node that is linked is not written. A reader sees a node by the acquire of the
link that published it, and every section that may have seen the old one has ended when
`synchronize` returns; so the writer may write the old node again.

`early-reuse`: the writer does not wait. Readers may still be looking at the node that it fills, and
nothing ever orders what they read with that. Every run has both: readers look at all nodes, and
then (`turn`, which makes no edge) the writer replaces one; with `free` it does so at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page
from racepage.workloads import crew

LINK: Final = 8  # bytes: where the next node is, 0 for nowhere
NODE: Final = 64  # bytes: a link and a value that fills the rest
VALUE: Final = NODE - LINK
FIRST: Final = 0  # the link to the first node; the node of its own is not used further


class List:
    """`nodes` linked nodes and a spare one, in one page.

    Attributes:
        spare: the node that is not linked; the writer's own.
        turn: where the readers that have walked the list meet the writer.
    """

    def __init__(self, nodes: int, readers: int, free: int) -> None:
        self.page = Page.alloc_page(GFP_KERNEL, label="list")
        self.rcu = sync.RCU(name="list")
        self.turn = crew.meeting(readers + 1, free)
        self.spare = NODE * (nodes + 1)
        for number in range(nodes + 1):
            following = NODE * (number + 1) if number < nodes else 0
            fill(self, NODE * number, following, b"\0" * VALUE)


def run(
    variant: str = "correct", *, rounds: int = 6, nodes: int = 3, readers: int = 2, free: int = 0
) -> None:
    """Replace `rounds` nodes while readers walk the list as often."""
    shared = List(nodes, readers, free)
    waits = variant != "early-reuse"
    crew.run(
        {"writer": lambda: write(shared, rounds, nodes, waits=waits)}
        | crew.team("reader", readers, lambda _: read(shared, rounds, intact=waits))
    )
    shared.page.free()


def read(shared: List, rounds: int, *, intact: bool) -> None:
    """Walk the list, and let the writer go on."""
    for _ in range(rounds):
        with shared.rcu.read():
            values = list(walk(shared))
        if intact:
            crew.check(all(len(set(value)) == 1 for value in values), "a node was overwritten")
        shared.turn.wait()


def write(shared: List, rounds: int, nodes: int, *, waits: bool) -> None:
    """Replace one node after the other."""
    for number in range(rounds):
        shared.turn.wait()
        old = replace(shared, number % nodes, bytes([number % 256]) * VALUE)
        if waits:
            shared.rcu.synchronize()
        shared.spare = old


def replace(shared: List, position: int, value: bytes) -> int:
    """Put the spare node, with `value`, where the one at `position` is; return that one."""
    link = FIRST
    for _ in range(position):
        link = next_of(shared, link)
    old = next_of(shared, link)
    fill(shared, shared.spare, next_of(shared, old), value)
    shared.page.store(link, LINK, shared.spare, "release")
    return old


def walk(shared: List) -> Iterator[bytes]:
    """The values of the nodes, from the first to the last."""
    node = FIRST
    while node := next_of(shared, node):
        yield look(shared, node)


def fill(shared: List, node: int, following: int, value: bytes) -> None:
    """Write a node that is not linked."""
    shared.page.write_raw(following.to_bytes(LINK, "little") + value, node, NODE)


def next_of(shared: List, node: int) -> int:
    """Where the node after that one is."""
    return shared.page.load(node, LINK, "acquire")


def look(shared: List, node: int) -> bytes:
    """A node's value."""
    value = bytearray(VALUE)
    shared.page.read_raw(value, node + LINK, VALUE)
    return bytes(value)
