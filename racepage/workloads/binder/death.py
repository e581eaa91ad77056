"""Who wants to be told when a process dies: a linked list whose nodes are bytes of a page.

After `Node::release` and `NodeDeath::set_cleared` in `drivers/android/binder/node.rs`. The list is
circular with a head at byte 0; a node is the offsets of the next and the previous one, and a cookie
that says who is to be told. All of it is protected by the lock of the process that may die.

`release` runs when it dies: it takes the first node off the list under the lock, tells its watcher
without the lock, and comes back for the next. Meanwhile a watcher may lose interest: `clear` takes
its node off, under the lock.

`release_unlocked` is how rust_binder did it first (CVE-2025-68260): it takes the whole list off
under the lock, and walks it when the lock is gone. The nodes are still linked with each other, so
that `clear` writes to nodes that the walk is reading. Here the walk comes upon a node that was just
taken off, tells a watcher that did not want to know, and never gets to those behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, Page

NODE: Final = Struct("<IIQ")  # next, previous, cookie
LINK: Final = Struct("<I")
HEAD: Final = 0
POISON: Final = 0xFFFF_FFFF  # both links of a node that is on no list


class DeathList:
    """The watchers of one process."""

    def __init__(self, owner: str) -> None:
        self.lock = sync.SpinLock(name=f"{owner}.deaths")
        self.page = Page.alloc_page(GFP_KERNEL, label="deaths")
        self._view = self.page.view()
        self._view[HEAD : HEAD + NODE.size] = NODE.pack(HEAD, HEAD, 0)
        self._nodes = 1

    def request(self, cookie: int) -> int:
        """Watch the process; the new node stands last. At most 255 in all."""
        with self.lock:
            node = self._nodes * NODE.size
            self._nodes += 1
            _, last, _ = NODE.unpack(bytes(self._view[HEAD : HEAD + NODE.size]))
            self._view[node : node + NODE.size] = NODE.pack(HEAD, last, cookie)
            self._view[last : last + LINK.size] = LINK.pack(node)
            previous = HEAD + LINK.size
            self._view[previous : previous + LINK.size] = LINK.pack(node)
        return node

    def clear(self, node: int) -> bool:
        """Do not watch any more; whether the node was still on the list."""
        with self.lock:
            return self._unlink(node) is not None

    def release(self, tell: Callable[[int], None]) -> None:
        """The process dies: tell every watcher its cookie, without the lock."""
        while True:
            with self.lock:
                first, _, _ = NODE.unpack(bytes(self._view[HEAD : HEAD + NODE.size]))
                cookie = None if first == HEAD else self._unlink(first)
            if cookie is None:
                return
            tell(cookie)

    def release_unlocked(self, tell: Callable[[int], None]) -> None:
        """The bug: walk the nodes when the lock is gone."""
        with self.lock:
            node, _, _ = NODE.unpack(bytes(self._view[HEAD : HEAD + NODE.size]))
            self._view[HEAD : HEAD + NODE.size] = NODE.pack(HEAD, HEAD, 0)
        while node not in (HEAD, POISON):
            following, _, cookie = NODE.unpack(bytes(self._view[node : node + NODE.size]))
            tell(cookie)
            node = following

    def _unlink(self, node: int) -> int | None:
        """Take a node off the list and return its cookie; None if it is on none. Lock held."""
        following, previous, cookie = NODE.unpack(bytes(self._view[node : node + NODE.size]))
        if following == POISON:
            return None
        for at, link in (
            (previous, following),
            (following + LINK.size, previous),
            (node, POISON),
            (node + LINK.size, POISON),
        ):
            self._view[at : at + LINK.size] = LINK.pack(link)
        return int(cookie)
