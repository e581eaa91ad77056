"""A small model of the Android binder driver, for whose page ranges `struct page` got its Rust API.

Binder passes messages between processes with one copy: the kernel copies a message straight from
the sender's memory into pages that the receiver has mapped. It is faithful where pages, locks and
their order are concerned, and leaves out what never touches a page (threads' stacks of
transactions, nodes' reference counts, files, oneway calls, freezing).

Read it from the bottom up; each file says at its top what protects what:

    page_range.py    the pages of a region, who may use which, and the shrinker that takes them back
    range_alloc.py   where in the region a message goes
    process.py       a process: its region, its queue, its handles; allocating and freeing a buffer
    transaction.py   copying a message in, from the sender's thread, and delivering it
    death.py         the list of those who want to know when a process dies, kept in a page's bytes
    scenes.py        what the threads do, and how each known mistake looks

The life of a buffer, and the edge that hands it on:

    sender     reserve (inner), use the pages (mmap, pages, lru)      previous owner's free -> here
    sender     copy data, write offsets and handles                   no lock: nobody else knows it
    sender     put into the receiver's queue                          put -> get
    receiver   load                                                   no lock: the pages are in use
    receiver   zero if asked, free (inner, pages, lru)                lru unlock -> shrinker's lock
    shrinker   isolate (lru, then *try* mmap and pages), unmap, free the page

Order of locks: `inner`, then `mmap`, then `pages`, then `lru`; the shrinker, which holds `lru`
first, only tries the others. `inner` is not held while a page may have to be allocated.

`run` lets the correct protocol do everything: free-running traffic, then every scene. A variant
runs its own scene, with the mistake in it. Sources: `drivers/android/binder/` of Linux (6.18) as
each file names them, and the fixes that two of the variants undo.
"""

from __future__ import annotations

from typing import Final

from racepage.workloads.binder import scenes

SCENES: Final = {
    "shrinker-unchecked": scenes.shrinker_unchecked,
    "early-free": scenes.early_free,
    "early-delivery": scenes.early_delivery,
    "offsets-reread": scenes.offsets_reread,
    "death-list": scenes.death_list,
}


def run(variant: str = "correct", *, rounds: int = 2, clients: int = 2) -> None:
    """Run the traffic of `clients` and every scene, or `rounds` times the scene of a variant.

    With 0 rounds there is no traffic, and every scene by the rules, once.
    """
    if variant != "correct":
        for _ in range(rounds):
            SCENES[variant](broken=True)
        return
    if rounds:
        scenes.traffic(clients, rounds)
    for scene in SCENES.values():
        scene(broken=False)
