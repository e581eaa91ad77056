"""Two accounts, each a page with a lock of its own, and transfers that need both locks.

    transfer   lock the one, lock the other -> read both, write both -> unlock

What protects what: an account's bytes belong to who holds its lock. Two transfers at once, in
opposite directions, wait for each other for ever unless both take the locks in the same order: here
that of the accounts' numbers.

`abba`: each direction locks the account that it takes from first. No run of this workload gets
stuck, because the second direction begins when the first has ended (`turn`, which makes no edge):
it is the orders that are wrong, and a program that has both can get stuck some day. With `free`
nobody waits for his turn, and that day comes.
"""

from __future__ import annotations

from typing import Final

from racepage import sync
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.workloads import crew

BALANCE: Final = 8  # bytes, at the start of an account's page
MONEY: Final = 1000


class Account:
    """A balance in a page of its own, and the lock that guards it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.page = Page.alloc_page(GFP_KERNEL | GFP_ZERO, label=f"account[{number}]")
        self.lock = sync.Mutex(name=f"account[{number}]")
        self.balance = MONEY

    @property
    def balance(self) -> int:
        """What is in the account; the caller holds its lock."""
        return int.from_bytes(bytes(self.page.view()[:BALANCE]), "little")

    @balance.setter
    def balance(self, amount: int) -> None:
        self.page.view()[:BALANCE] = amount.to_bytes(BALANCE, "little")


def run(variant: str = "correct", *, rounds: int = 4, free: int = 0) -> None:
    """Transfer there `rounds` times, and then back as often."""
    here, there = Account(0), Account(1)
    turn = crew.meeting(2, free)
    by_number = variant != "abba"

    def go() -> None:
        for _ in range(rounds):
            send(here, there, by_number=by_number)
        turn.wait()

    def come() -> None:
        turn.wait()
        for _ in range(rounds):
            send_back(there, here, by_number=by_number)

    crew.run({"there": go, "back": come})
    with here.lock, there.lock:
        crew.check(here.balance == there.balance == MONEY, "money was lost")
    here.page.free()
    there.page.free()


def send(giver: Account, taker: Account, *, by_number: bool) -> None:
    """Transfer from account 0 to account 1."""
    first, second = in_order(giver, taker, by_number=by_number)
    with first.lock, second.lock:
        move(giver, taker)


def send_back(giver: Account, taker: Account, *, by_number: bool) -> None:
    """Transfer from account 1 to account 0."""
    first, second = in_order(giver, taker, by_number=by_number)
    with first.lock, second.lock:
        move(giver, taker)


def in_order(giver: Account, taker: Account, *, by_number: bool) -> list[Account]:
    """Whose lock is taken first: the lower number's, or (the bug) the giver's."""
    accounts = [giver, taker]
    return sorted(accounts, key=lambda account: account.number) if by_number else accounts


def move(giver: Account, taker: Account) -> None:
    """Transfer, both locks held."""
    giver.balance -= 1
    taker.balance += 1
