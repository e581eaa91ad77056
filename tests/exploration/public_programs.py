"""The programs of the exact numbers for schedule exploration, over what people write programs with.

They are those of `programs` and `bugs`, once more: over `sync` and `memory` instead of an abstract
machine. The numbers are those of the reference "Exact numbers for schedule exploration" that came
with the project.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple

from racepage import sync
from racepage.memory import GFP_KERNEL, Page

SIZE = 8
"""Bytes of a cell."""

MINUS_ONE = (1 << 64) - 1
"""What a cell holds into which -1 was written."""

Kind = Literal["cells", "words", "plain"]
"""What the cells of a program are: free atomics, atomic words of one page, plain bytes of one."""


class Plain:
    """Bytes of a page, without any promise about their order: whoever shares them has races."""

    def __init__(self, page: Page, offset: int, size: int) -> None:
        self._page = page
        self._offset = offset
        self._size = size

    def load(self) -> int:
        found = bytearray(self._size)
        self._page.read_raw(found, self._offset, self._size)
        return int.from_bytes(found, "little")

    def store(self, value: int) -> None:
        self._page.write_raw(value.to_bytes(self._size, "little"), self._offset, self._size)


class Shared:
    """What the threads of one execution share, and who did each step, where they say so."""

    def __init__(self, program: Program, kind: Kind) -> None:
        self.trail: list[int] = []
        self.locks = {name: sync.Lock(name=f"lock {name}") for name in program.locks}
        self.cells: dict[Hashable, Any] = {}
        if kind == "cells":
            self.cells = {
                name: sync.Atomic(value, name=f"cell {name}")
                for name, value in program.cells.items()
            }
            return
        page = Page.alloc_page(GFP_KERNEL)
        for number, (name, value) in enumerate(program.cells.items()):
            page.write_raw(value.to_bytes(SIZE, "little"), SIZE * number, SIZE)
            make: Callable[[int, int], Any] = page.atomic
            if kind == "plain":
                make = partial(Plain, page)
            self.cells[name] = make(SIZE * number, SIZE)

    def __getitem__(self, name: Hashable) -> Any:
        return self.cells[name]


Body = Callable[[Shared], object]


class Program(NamedTuple):
    """Threads, and what they share.

    Attributes:
        cells: name -> the value in the beginning.
    """

    threads: list[Body]
    cells: dict[Hashable, int]
    locks: list[Hashable] = []  # noqa: RUF012  (nobody changes it)

    def shared(self, kind: Kind = "cells") -> Callable[[], Shared]:
        """Makes what the threads of one execution share."""
        return lambda: Shared(self, kind)

    def spawned(self) -> Callable[[], None]:
        """The program whose main thread starts the others one by one, and joins them."""

        def main() -> None:
            shared = Shared(self, "cells")
            threads = [sync.Thread(target=body, args=(shared,)) for body in self.threads]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return main


def zeros(names: Iterable[Hashable]) -> dict[Hashable, int]:
    return dict.fromkeys(names, 0)


# Programs of which the numbers of traces and of interleavings are known


def _reads(shared: Shared) -> None:
    shared["x"].load()


def _writes(value: int) -> Body:
    return lambda shared: shared["x"].store(value)


def _adds(*names: str) -> Body:
    def body(shared: Shared) -> None:
        for name in names:
            shared[name].fetch_add(1)

    return body


def readers(count: int) -> Program:
    return Program([_writes(42), *[_reads] * count], zeros("x"))


def lastzero(count: int) -> Program:
    def reader(shared: Shared) -> None:
        at = count
        while shared[at].load() != 0:
            at -= 1

    def writer(number: int, shared: Shared) -> None:
        shared[number].store(shared[number - 1].load() + 1)

    writers = [partial(writer, number) for number in range(1, count + 1)]
    return Program([reader, *writers], zeros(range(count + 1)))


def indexer(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        for message in range(1, 5):
            word = message * 11 + number
            at = 7 * word % 128
            while not shared[at].compare_exchange(0, word):
                at = (at + 1) % 128

    return Program([partial(thread, number) for number in range(count)], zeros(range(128)))


def filesystem(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        inode = number % 32
        with shared.locks["inode", inode]:
            if shared["inode", inode].load() == 0:
                block = 2 * inode % 26
                while True:
                    with shared.locks["block", block]:
                        if not shared["busy", block].load():
                            shared["busy", block].store(1)
                            shared["inode", inode].store(block + 1)
                            break
                    block = (block + 1) % 26

    inodes: list[Hashable] = [("inode", number) for number in range(32)]
    cells = [*inodes, *[("busy", number) for number in range(26)]]
    locks = [*inodes, *[("block", number) for number in range(26)]]
    return Program([partial(thread, number) for number in range(count)], zeros(cells), locks)


def writers(count: int) -> Program:
    return Program([*[_writes(number + 1) for number in range(count)], _reads], zeros("x"))


def ainc(count: int) -> Program:
    return Program([_adds("x")] * count, zeros("x"))


def inc(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        value = shared["x"].load()
        shared.trail.append(number)
        shared["x"].store(value + 1)
        shared.trail.append(number)

    return Program([partial(thread, number) for number in range(count)], zeros("x"))


def rw(count: int) -> Program:
    def thread(shared: Shared) -> None:
        shared["x"].store(1)
        shared["x"].load()

    return Program([thread] * count, zeros("x"))


def binc(count: int) -> Program:
    return Program([_adds("x", "y")] * count, zeros("xy"))


def cinc(count: int) -> Program:
    return Program([_adds("x", "y", "z")] * count, zeros("xyz"))


def casw(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        shared["x"].compare_exchange(0, 1)
        shared["x"].store(number + 3)

    return Program([partial(thread, number) for number in range(count)], zeros("x"))


def cas(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        shared["x"].compare_exchange(0, number)

    return Program([partial(thread, number) for number in range(1, count + 1)], zeros("x"))


def wcas(count: int) -> Program:
    def thread(shared: Shared) -> None:
        shared["x"].compare_exchange(2, 3)

    return Program([_writes(2), *[thread] * count], zeros("x"))


def wainc(count: int) -> Program:
    return Program([_writes(42), *[_adds("x")] * count], zeros("x"))


def mpat(count: int) -> Program:
    def inner(number: int, shared: Shared) -> None:
        with shared.locks[number]:
            pass

    def both(number: int, shared: Shared) -> None:
        with shared.locks["m"], shared.locks[number]:
            pass

    threads: list[Body] = []
    for number in range(count):
        threads += partial(inner, number), partial(both, number)
    return Program(threads, {}, ["m", *range(count)])


def philosophers(count: int) -> Program:
    def thread(left: int, shared: Shared) -> None:
        with shared.locks[left], shared.locks[(left + 1) % count]:
            pass

    return Program([partial(thread, left) for left in range(count)], {}, [*range(count)])


def private(count: int) -> Program:
    def thread(number: int, shared: Shared) -> None:
        shared[number].store(1)
        shared[number].load()

    return Program([partial(thread, number) for number in range(count)], zeros(range(count)))


def litmus(*threads: str) -> Program:
    """Threads of accesses: `litmus("Wx Ry", "Wy Rx")` is store buffering."""

    def thread(accesses: str, shared: Shared) -> None:
        for access in accesses.split():
            cell = shared[access[1]]
            if access[0] == "W":
                cell.store(1)
            else:
                cell.load()

    return Program([partial(thread, accesses) for accesses in threads], zeros("xy"))


class Row(NamedTuple):
    """A program of which the exact numbers are known.

    Attributes:
        traces: Mazurkiewicz traces.
        interleavings: None where they are beyond counting.
        deadlocks: how many of the traces end in one.
        plain: whether its cells are only read and written, so that plain bytes will do.
    """

    name: str
    program: Program
    traces: int
    interleavings: int | None = None
    deadlocks: int = 0
    plain: bool = False


ROWS = [
    Row("readers(2)", readers(2), 4, 6, plain=True),
    Row("readers(3)", readers(3), 8, 24, plain=True),
    Row("readers(4)", readers(4), 16, 120, plain=True),
    Row("readers(6)", readers(6), 64, 5040, plain=True),
    Row("readers(8)", readers(8), 256, 362_880, plain=True),
    Row("lastzero(2)", lastzero(2), 5, 35, plain=True),
    Row("lastzero(3)", lastzero(3), 12, 920, plain=True),
    Row("lastzero(4)", lastzero(4), 28, 44_300, plain=True),
    Row("lastzero(5)", lastzero(5), 64, plain=True),
    Row("indexer(12)", indexer(12), 8),
    Row("filesystem(16)", filesystem(16), 8, plain=True),
    Row("writers(2)", writers(2), 6, 6, plain=True),
    Row("writers(3)", writers(3), 24, 24, plain=True),
    Row("writers(4)", writers(4), 120, 120, plain=True),
    Row("ainc(2)", ainc(2), 2, 2),
    Row("ainc(3)", ainc(3), 6, 6),
    Row("ainc(4)", ainc(4), 24, 24),
    Row("inc(2)", inc(2), 4, 6, plain=True),
    Row("inc(3)", inc(3), 36, 90, plain=True),
    Row("rw(2)", rw(2), 4, 6, plain=True),
    Row("rw(3)", rw(3), 36, 90, plain=True),
    Row("binc(2)", binc(2), 4, 6),
    Row("binc(3)", binc(3), 36, 90),
    Row("cinc(2)", cinc(2), 8, 20),
    Row("casw(2)", casw(2), 6, 6),
    Row("casw(3)", casw(3), 66, 90),
    Row("cas(2)", cas(2), 2, 2),
    Row("cas(3)", cas(3), 3, 6),
    Row("cas(4)", cas(4), 4, 24),
    Row("wcas(2)", wcas(2), 5, 6),
    Row("wcas(3)", wcas(3), 13, 24),
    Row("wcas(4)", wcas(4), 33, 120),
    Row("wcas(5)", wcas(5), 81, 720),
    Row("wainc(2)", wainc(2), 6, 6),
    Row("wainc(3)", wainc(3), 24, 24),
    Row("mpat(1)", mpat(1), 2, 6),
    Row("mpat(2)", mpat(2), 8, 1638),
    Row("mpat(3)", mpat(3), 48, 1_837_404),
    Row("store buffering", litmus("Wx Ry", "Wy Rx"), 3, 6, plain=True),
    Row("message passing", litmus("Wx Wy", "Ry Rx"), 3, 6, plain=True),
    Row("load buffering", litmus("Rx Wy", "Ry Wx"), 3, 6, plain=True),
    Row("independent reads", litmus("Wx", "Wy", "Rx Ry", "Ry Rx"), 15, 180, plain=True),
    Row("philosophers(2)", philosophers(2), 3, 6, deadlocks=1),
    Row("philosophers(3)", philosophers(3), 7, 168, deadlocks=1),
    Row("private(3)", private(3), 1, 90, plain=True),
]
