"""Miri's cases: text traces of their names, and here what is a program.

A test is named by the case, or the README says which one it is; it says, too, how the source was
carried over. Programs are recorded and looked at by both engines. What holds their threads up so
that they are the same each time is an invisible barrier, which orders nothing.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import pytest

import racepage
from racepage import memory, sync
from racepage.cli import main
from racepage.detect.analysis import Engine, analyse
from racepage.errors import BadAddress, TraceError
from racepage.trace.text import parse
from tests.conformance import ledger
from tests.expectations import ENGINES, finds_what_it_expects, traces

MIRI = traces(Path(__file__).parent / "miri")
WORD: Final = 8
ZEROED: Final = memory.GFP_KERNEL | memory.__GFP_ZERO

engines = pytest.mark.parametrize("engine", ENGINES)


@engines
@pytest.mark.parametrize("case", MIRI)
def test_miri(case: str, engine: Engine) -> None:
    finds_what_it_expects(MIRI[case], engine)


def test_every_case_is_accounted_for() -> None:
    ledger.is_held("miri")


def test_the_readme_counts_them() -> None:
    counted = {letter: section.numbers for letter, section in ledger.sections("miri").items()}
    assert ledger.readme_rows("miri") == counted


# --- programs


class Words:
    """The words of one page, handed out one after the other."""

    def __init__(self) -> None:
        self.page = memory.Page.alloc_page(ZEROED)
        self._offsets = count(0, WORD)

    def word(self) -> Word:
        return Word(self.page, next(self._offsets))


class Word:
    """Eight bytes that threads read and write."""

    def __init__(self, page: memory.Page, offset: int) -> None:
        self._page = page
        self._offset = offset

    def read(self) -> int:
        number = bytearray(WORD)
        self._page.read_raw(number, self._offset, WORD)
        return int.from_bytes(number, "little")

    def write(self, number: int = 0) -> None:
        self._page.write_raw(number.to_bytes(WORD, "little"), self._offset, WORD)

    def add(self) -> None:
        self.write(self.read() + 1)


def kinds(program: Callable[[Words], None]) -> set[str]:
    """What both engines find in a program."""
    with racepage.record() as recording:
        words = Words()
        program(words)
        words.page.free()
    trace = recording.trace()
    one, other = ({one.kind for one in analyse(trace, engine=e).findings} for e in ENGINES)
    assert one == other
    return one


def start(*jobs: Callable[[], object]) -> list[sync.Thread]:
    threads = [sync.Thread(target=job, name=f"T{n}") for n, job in enumerate(jobs, 1)]
    for thread in threads:
        thread.start()
    return threads


def in_turn(*steps: Callable[[], object]) -> Callable[[], None]:
    def take() -> None:
        for step in steps:
            step()

    return take


def together(*jobs: Callable[[], object]) -> None:
    """Do these in threads of their own, and wait for all."""
    for thread in start(*jobs):
        thread.join(30)
        assert not thread.is_alive()


def meeting(parties: int) -> Callable[[], object]:
    return sync.invisible_barrier(parties, timeout=30).wait


# sync.rs


def test_check_barriers() -> None:
    """Ten add, wait, and look at what all ten did; one of them leads."""

    def program(words: Words) -> None:
        barrier = sync.Barrier(10)
        own = [words.word() for _ in range(10)]
        leaders = []

        def arrive(word: Word) -> None:
            word.add()
            if barrier.wait(30) == 0:
                leaders.append(word)
            assert [one.read() for one in own] == [1] * 10

        together(*(partial(arrive, word) for word in own))
        assert len(leaders) == 1

    assert kinds(program) == set()


def notify(words: Words, waiters: int, notify_them: Callable[[sync.Condition], object]) -> None:
    """Main sets a word under the lock and notifies; the others wait until it is set."""
    condition, started = sync.Condition(), words.word()

    def wait() -> None:
        with condition:
            while not started.read():
                assert condition.wait(30)

    threads = start(*[wait] * waiters)
    with condition:
        started.write(1)
        notify_them(condition)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_check_conditional_variables_notify_one() -> None:
    assert kinds(lambda words: notify(words, 1, sync.Condition.notify)) == set()


def test_check_conditional_variables_notify_all() -> None:
    assert kinds(lambda words: notify(words, 3, sync.Condition.notify_all)) == set()


def test_check_conditional_variables_timed() -> None:
    """A wait that ran out of time holds the lock again."""

    def program(words: Words) -> None:
        condition, x = sync.Condition(), words.word()

        def other() -> None:
            with condition:
                x.add()

        with condition:
            (thread,) = start(other)
            assert not condition.wait(0.001)
            x.add()
        thread.join(30)
        assert x.read() == 2

    assert kinds(program) == set()


def test_check_rwlock_write() -> None:
    def program(words: Words) -> None:
        lock, x = sync.RwLock(), words.word()

        def add() -> None:
            with lock.write():
                x.add()

        together(add, add, add)
        assert lock.try_write()
        assert x.read() == 3
        lock.release_write()

    assert kinds(program) == set()


def test_check_rwlock_mixes() -> None:
    """Two read at once; who wrote before is before them, and who writes after is after them."""

    def program(words: Words) -> None:
        lock, x = sync.RwLock(), words.word()
        both_read = meeting(2)
        all_read = meeting(3)

        def read() -> None:
            with lock.read():
                both_read()
                assert x.read() == 1
            all_read()

        with lock.write():
            x.write(1)
        threads = start(read, read)
        all_read()
        with lock.write():
            x.write(2)
        for thread in threads:
            thread.join(30)

    assert kinds(program) == set()


def test_check_once() -> None:
    """Ten call, one initialises, and all see what it wrote."""

    def program(words: Words) -> None:
        once, x = sync.Once(), words.word()

        def get() -> None:
            once.call(x.add)
            assert x.read() == 1

        together(*[get] * 10)

    assert kinds(program) == set()


# channels.rs


def test_channels_send_recv() -> None:
    def program(words: Words) -> None:
        channel, x = sync.Channel[int](1), words.word()
        (thread,) = start(in_turn(partial(x.write, 1), partial(channel.send, 10)))
        assert channel.receive() == 10
        assert x.read() == 1
        thread.join(30)

    assert kinds(program) == set()


def test_channels_bounded_send() -> None:
    """The second send returns when there is room, after what was done before the receive."""

    def program(words: Words) -> None:
        channel, x = sync.Channel[int](1), words.word()

        def sender() -> None:
            channel.send(1)
            channel.send(2)
            assert x.read() == 1

        x_was_read = start(sender)
        x.write(1)
        assert [channel.receive(), channel.receive()] == [1, 2]
        x_was_read[0].join(30)

    assert kinds(program) == set()


def test_channels_drop_closes() -> None:
    def program(words: Words) -> None:
        channel, x = sync.Channel[int](1), words.word()
        (thread,) = start(in_turn(partial(channel.send, 1), partial(x.write, 1), channel.close))
        assert list(channel) == [1]
        assert x.read() == 1
        thread.join(30)

    assert kinds(program) == set()


def test_channels_recv_after_drop() -> None:
    def program(words: Words) -> None:
        channel, x = sync.Channel[int](), words.word()
        (thread,) = start(in_turn(partial(x.write, 1), channel.close))
        with pytest.raises(sync.ChannelClosedError):
            channel.receive()
        assert x.read() == 1
        thread.join(30)

    assert kinds(program) == set()


# simple.rs, scope.rs, threadname.rs


def test_simple() -> None:
    """What stands before a start is before the thread, and its end before the join."""

    def program(words: Words) -> None:
        x = words.word()
        x.write(1)
        together(x.add)
        assert x.read() == 2

    assert kinds(program) == set()


def test_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads borrow parts of a page; one of them panics, and its join orders all the same."""
    raised = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))

    def program(words: Words) -> None:
        parts = [words.word(), words.word()]

        def panics() -> None:
            parts[1].write(1)
            raise ValueError

        together(parts[0].add, panics)
        assert [part.read() for part in parts] == [1, 1]

    assert kinds(program) == set()
    assert raised == [ValueError]


def test_threadname() -> None:
    """A race is told with the names that its threads were given."""
    with racepage.record() as recording:
        words = Words()
        x, met = words.word(), meeting(2)
        meets = in_turn(met, x.write)
        threads = [sync.Thread(target=meets, name=name) for name in ("left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        words.page.free()
    for engine in ENGINES:
        (finding,) = analyse(recording.trace(), engine=engine).findings
        assert finding.first is not None
        assert finding.second is not None
        assert {finding.first.thread, finding.second.thread} == {"left", "right"}


# buggy_inc.rs

BUGGY_INC = """
from racepage import sync

def program():
    counter = sync.Atomic()
    both_loaded = sync.invisible_barrier(2, timeout=30)

    def increment():
        value = counter.load()
        both_loaded.wait()
        counter.store(value + 1)

    threads = [sync.Thread(target=increment) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.load() == 2, "an increment was lost"
"""


def test_buggy_inc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lost update of an atomic is no race; the program's own assertion is what fails."""
    file = tmp_path / "buggy_inc.py"
    file.write_text(BUGGY_INC, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["run", f"{file}:program", "--format", "json"])
    assert end.value.code == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["kind"] == "program-error"
    assert "an increment was lost" in finding["message"]


# --- values: what an atomic load may see


def interleavings(threads: list[list[str]]) -> Iterator[list[tuple[int, str]]]:
    """All orders of (thread, step) in which the steps of each thread stand in theirs."""
    if not any(threads):
        yield []
    for number, steps in enumerate(threads):
        if steps:
            rest = [*threads[:number], steps[1:], *threads[number + 1 :]]
            for tail in interleavings(rest):
                yield [(number, steps[0]), *tail]


def outcomes(program: str) -> set[str]:
    """What the loads of each thread see, `00|1`, over all interleavings.

    A program is threads, between `|`, of steps: `x=1` stores and `x` loads.
    """
    threads = [thread.split() for thread in program.split("|")]
    seen = set()
    for order in interleavings(threads):
        cells = {name: sync.Atomic() for name in "xy"}
        loaded = [""] * len(threads)
        for thread, step in order:
            cell, _, number = step.partition("=")
            if number:
                cells[cell].store(int(number), "release")
            else:
                loaded[thread] += str(cells[cell].load("acquire"))
        seen.add("|".join(loaded))
    return seen


def test_corr() -> None:
    """A second load sees nothing older than the first one did."""
    assert outcomes("x=1 x=2 | x x") == {"|00", "|01", "|02", "|11", "|12", "|22"}


def test_wrc() -> None:
    """Who sees what was written after the first write was seen, sees the first one, too."""
    assert {seen for seen in outcomes("x=1 | x y=1 | y x") if seen.startswith("|1|1")} == {"|1|11"}


def test_load_buffering_acq_rel() -> None:
    assert outcomes("x y=1 | y x=1") == {"0|0", "0|1", "1|0"}


def test_single_thread() -> None:
    assert outcomes("x x=1 x x=2 x") == {"012"}


def test_sc_store_buffering() -> None:
    assert outcomes("x=1 y | y=1 x") == {"0|1", "1|0", "1|1"}


# --- provenance: what is a pointer, and where it may reach


def copied(address: int) -> int:
    """Written to memory and read back."""
    with memory.Page.alloc_page() as page:
        page.write_raw(address.to_bytes(WORD, "little"), 0, WORD)
        back = bytearray(WORD)
        page.read_raw(back, 0, WORD)
    return int.from_bytes(back, "little")


def copied_as_a_number(address: int) -> int:
    with memory.Page.alloc_page() as page:
        page.store(0, WORD, address)
        return page.load(0, WORD)


def copied_in_halves(address: int) -> int:
    low, high = struct.unpack("<II", address.to_bytes(WORD, "little"))
    return int.from_bytes(struct.pack("<II", copied(low), copied(high)), "little")


def copied_byte_by_byte(address: int) -> int:
    return sum(copied(address >> 8 * byte & 0xFF) << 8 * byte for byte in range(WORD))


def transmuted(address: int) -> int:
    (number,) = struct.unpack("<Q", struct.pack("<Q", address))
    return int(number)


def swapped(address: int) -> int:
    cell = sync.Atomic()
    cell.exchange(address)
    return cell.load()


NUMBERS: dict[str, Callable[[int], int]] = {
    "int_copy_looses_provenance0": copied,
    "int_copy_looses_provenance1": copied_as_a_number,
    "int_copy_looses_provenance2": copied_in_halves,
    "int_copy_looses_provenance3": copied_byte_by_byte,
    "ptr_copy_loses_partial_provenance0": lambda address: copied(address >> 32) << 32 | address,
    "ptr_copy_loses_partial_provenance1": lambda address: copied(address & 0xFFFFFFFF) | address,
    "pointer_partial_overwrite": lambda address: address & ~0xFF | copied(address & 0xFF),
    "provenance_transmute": transmuted,
    "ptr_int_unexposed": int,
    "ptr_invalid": lambda _: 1 << 12,
    "strict_provenance_cast": lambda address: address + 0,
    "atomic_ptr_invalid_provenance": swapped,
}
"""Ways of making a number of a pointer's address, or of nothing."""


@pytest.mark.parametrize("case", NUMBERS)
def test_a_number_is_no_pointer(case: str) -> None:
    """Whatever number it is: what takes a pointer refuses it, and nothing is touched."""
    with memory.Page.alloc_page(ZEROED) as page, memory.Page.alloc_page(ZEROED) as other:

        def look(pointer: memory.PagePointer) -> None:
            number = NUMBERS[case](pointer.address)
            assert case == "ptr_invalid" or number == pointer.address
            with racepage.record() as recording:
                for misuse in (page.read_raw, page.write_raw):
                    with pytest.raises(TypeError):
                        misuse(number, 0, WORD)  # type: ignore[arg-type]
            assert len(recording.trace()) == 0

        other.with_page_mapped(look)


def test_mix_ptrs1() -> None:
    """What has the address of another page's byte still points into its own page, or nowhere."""
    with memory.Page.alloc_page(ZEROED) as page, memory.Page.alloc_page(ZEROED) as other:

        def look(one: memory.PagePointer, two: memory.PagePointer) -> None:
            mixed = one + (two.address - one.address)
            assert mixed.address == two.address
            with racepage.record() as recording, pytest.raises(BadAddress):
                mixed[0]
            assert len(recording.trace()) == 0

        page.with_page_mapped(lambda one: other.with_page_mapped(partial(look, one)))


def reach(distance: int) -> set[str]:
    """What is found where a pointer to eight bytes of a page reads so far behind its first."""

    def program(words: Words) -> None:
        words.page.with_pointer_into_page(0, WORD, lambda pointer: (pointer + distance)[0])

    return kinds(program)


def test_mix_ptrs2() -> None:
    """What has the address of another pointer's byte may reach no more than its own bytes."""
    assert reach(WORD - 1) == set()
    assert reach(WORD) == {"out-of-slice"}


def test_ptr_invalid_offset() -> None:
    """A pointer that was moved out of its page points nowhere."""
    with pytest.raises(BadAddress):
        reach(memory.PAGE_SIZE)


# --- threads


def test_libc_pthread_join_self() -> None:
    """A thread that joins itself is refused, in a program and in a trace."""
    refusals: list[RuntimeError] = []

    def joins_itself() -> None:
        try:
            thread.join()
        except RuntimeError as error:
            refusals.append(error)

    thread = sync.Thread(target=joins_itself)
    with racepage.record():
        thread.start()
        thread.join(30)
    assert len(refusals) == 1
    with pytest.raises(TraceError, match="joins itself"):
        parse("T1 join T1\n")
