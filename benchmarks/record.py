"""What recording costs, as ratios in one run: `python benchmarks/record.py`.

Each figure is the median, over many short rounds, of the time of a round that goes through racepage
divided by the time of the same round in plain numpy or `threading` right before and after it. The
machine's noise hits both sides of a round alike.

"call" is what the program under test waits for. "closed" is everything, from before the recording
begins until the `.arrows` file is closed: buffers, flushes, stamps, Arrow and the disk.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

import racepage
from racepage.memory import PAGE_SIZE as PAGE
from racepage.memory import Page
from racepage.sync import Lock

Loop = Callable[[int], None]


def plain_read(length: int) -> Loop:
    """`length` bytes from an array of a page's size to the beginning of another array."""
    src, dst = np.zeros(PAGE, np.uint8), np.zeros(PAGE, np.uint8)
    o = (PAGE - length) // 2

    def loop(count: int) -> None:
        for _ in range(count):
            dst[0:length] = src[o : o + length]

    return loop


def page_read(page: Page, length: int) -> Loop:
    """The same bytes out of a page."""
    dst = np.zeros(PAGE, np.uint8)
    o = (PAGE - length) // 2

    def loop(count: int) -> None:
        for _ in range(count):
            page.read_raw(dst, o, length)

    return loop


def page_write(page: Page, length: int) -> Loop:
    """The same bytes into a page."""
    src = np.zeros(PAGE, np.uint8)
    o = (PAGE - length) // 2

    def loop(count: int) -> None:
        for _ in range(count):
            page.write_raw(src, o, length)

    return loop


def plain_lock(count: int) -> None:
    """`threading.Lock`, which nobody else wants."""
    lock = threading.Lock()
    for _ in range(count):
        lock.acquire()
        lock.release()


def recorded_lock(count: int) -> None:
    """`racepage.sync.Lock`, likewise."""
    lock = Lock()
    for _ in range(count):
        lock.acquire()
        lock.release()


def plain_count(count: int) -> None:
    """A number that a lock guards: what Python has instead of an atomic."""
    lock, number = threading.Lock(), 0
    for _ in range(count):
        with lock:
            number += 1


def atomic_count(page: Page) -> Loop:
    """The same in a word of a page."""

    def loop(count: int) -> None:
        for _ in range(count):
            page.fetch_add(0, 8, 1, "relaxed")

    return loop


def timed(loop: Loop, count: int) -> float:
    """Seconds."""
    begin = perf_counter()
    loop(count)
    return perf_counter() - begin


def ratio(plain: Loop, recorded: Loop, rounds: int, count: int) -> tuple[float, float, float]:
    """Median ratio, and the median nanoseconds of one plain and one recorded operation."""
    ratios, before, after = [], [], []
    for _ in range(rounds):
        first = timed(plain, count)
        own = timed(recorded, count)
        base = (first + timed(plain, count)) / 2
        ratios.append(own / base)
        before.append(base / count * 1e9)
        after.append(own / count * 1e9)
    return statistics.median(ratios), statistics.median(before), statistics.median(after)


def show(name: str, target: float | None, result: tuple[float, float, float]) -> bool:
    """Print one line; whether the target was kept."""
    found, base, own = result
    kept = target is None or found <= target
    goal = "" if target is None else f"  target {target:4.1f}x  {'ok' if kept else 'MISSED'}"
    print(f"{name:34} {base:7.0f} ns -> {own:7.0f} ns  {found:5.2f}x{goal}")
    return kept


def calls(rounds: int, count: int) -> bool:
    """The call alone, recorded; and, as a floor, with no recording on."""
    page = Page.alloc_page()
    cases: list[tuple[str, float | None, Loop, Loop]] = [
        ("read_raw, 64 bytes", 3.0, plain_read(64), page_read(page, 64)),
        ("write_raw, 64 bytes", 3.0, plain_read(64), page_write(page, 64)),
        ("read_raw, 4096 bytes", 2.2, plain_read(4096), page_read(page, 4096)),
        ("write_raw, 4096 bytes", 2.2, plain_read(4096), page_write(page, 4096)),
        ("lock and unlock", 10.0, plain_lock, recorded_lock),
        ("fetch_add, 8 bytes", None, plain_count, atomic_count(page)),
    ]
    few = count // 4  # of what takes longer: a round is to end before another thread has its turn
    print("the call, nothing recorded (the floor)")
    for name, _, plain, recorded in cases:
        show(name, None, ratio(plain, recorded, rounds, few))
    print("the call, recorded with the caller's site")
    kept = []
    for name, target, plain, recorded in cases:
        with racepage.record():
            each = few if target is None else count
            kept.append(show(name, target, ratio(plain, recorded, rounds, each)))
    print("the call, recorded with its values")
    for name, _, plain, recorded in cases:
        with racepage.record(values=True):
            show(name, None, ratio(plain, recorded, rounds, few))
    return all(kept)


def closed(rounds: int, count: int, folder: Path) -> bool:
    """From before the recording begins until its file is closed."""
    page = Page.alloc_page()
    path = folder / "cost.arrows"

    def whole(recorded: Loop) -> Loop:
        def loop(count: int) -> None:
            with racepage.record(path):
                recorded(count)

        return loop

    print(f"until the file is closed, {count:,} accesses a recording")
    kept = []
    for name, target, length in (("64 bytes", 6.5, 64), ("4096 bytes", 5.0, 4096)):
        for verb, make in (("read_raw", page_read), ("write_raw", page_write)):
            loop = whole(make(page, length))
            loop(1000)  # imports
            result = ratio(plain_read(length), loop, rounds, count)
            kept.append(show(f"{verb}, {name}", target, result))
    print(f"{path.stat().st_size / count:.1f} bytes an event in the file")
    return all(kept)


def main() -> None:
    """Print every ratio; exit 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    quick = parser.parse_args().quick
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        kept = calls(20 if quick else 200, 1_000)
        kept &= closed(3 if quick else 9, 300_000, Path(folder))
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
