"""A page that counts who uses it, in its own first bytes; the last one to let go frees it.

    get   fetch_add(1, relaxed)            by somebody who has a reference already
    put   fetch_sub(1, release); who took the last one: fence(acquire), and free

What protects what: whoever frees the page must come after everybody's last access. Each put
releases, the read-modify-writes of the others continue its release sequence, and so the fence of
the last one knows of all of them. (Source: std::shared_ptr's count; Linux, refcount_dec_and_test.)

`relaxed`: the count is right, and the decrements order nothing. So exactly one thread frees the
page, and nothing says that the others have finished with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.workloads import crew

COUNT: Final = 8  # bytes, at the start of the page
SHARE: Final = 64  # bytes that each user has for itself


def run(variant: str = "correct", *, rounds: int = 4, users: int = 3) -> None:
    """Let `users` threads use a page and let go of it, `rounds` times with a new page."""
    let_go = drop if variant == "relaxed" else put
    for number in range(rounds):
        page = Page.alloc_page(GFP_KERNEL | GFP_ZERO, label=f"shared[{number}]")
        page.store(0, COUNT, 1, "relaxed")  # the reference of this thread
        for _ in range(users):
            get(page)
        let_go(page)
        crew.run(crew.team(f"user-{number}", users, partial(visit, page, let_go)))


def visit(page: Page, let_go: Callable[[Page], None], user: int) -> None:
    """Use the page, and let go of it."""
    use(page, user)
    let_go(page)


def use(page: Page, user: int) -> None:
    """Write to one's own share."""
    page.write_raw(bytes([user % 256]) * SHARE, SHARE * (user + 1), SHARE)


def get(page: Page) -> None:
    """Take a reference for somebody: the caller has one itself."""
    page.fetch_add(0, COUNT, 1, "relaxed")


def put(page: Page) -> None:
    """Give a reference back; with the last one, the page."""
    if count_down(page, "release") == 1:
        sync.fence("acquire")
        give_up(page)


def drop(page: Page) -> None:
    """The bug: nothing makes the last one wait for what the others did."""
    if count_down(page, "relaxed") == 1:
        give_up(page)


def count_down(page: Page, order: str) -> int:
    """Take one reference away; return how many there were."""
    return page.fetch_sub(0, COUNT, 1, order)


def give_up(page: Page) -> None:
    """Free the page."""
    page.free()
