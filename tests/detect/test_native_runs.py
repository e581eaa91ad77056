"""The runs of the native engine: their invariants, and that each byte keeps what it should."""

from __future__ import annotations

from hypothesis import given, settings

from racepage.detect.native import Native
from racepage.detect.reference import Reference
from racepage.events import Kind, Op, Target
from racepage.order.hb import HappensBefore
from racepage.trace.columns import Trace, TraceBuilder
from tests.detect.runs import Run, shadow_of
from tests.oracle.batches import stamped
from tests.oracle.strategies import traces

PAGE = Target(Kind.PAGE, "0")
FEW = settings(max_examples=settings().max_examples // 20)


def kept(engine: Native) -> dict[tuple[int, int], set[int]]:
    """(page, byte) -> the events that are kept of it, at the byte where that changes."""
    found: dict[tuple[int, int], set[int]] = {}
    for page, runs in shadow_of(engine).items():
        for run in runs:
            found[page, run.start] = run.events
            found.setdefault((page, run.stop), set())
    return found


def kept_by_reference(engine: Reference, places: list[tuple[int, int]]) -> list[set[int]]:
    return [
        {
            access.event
            for run in engine._pages[page].runs
            if run.start <= byte < run.stop
            for access in run.accesses
        }
        for page, byte in places
    ]


@FEW
@given(trace=traces(60))
def test_every_byte_keeps_the_accesses_that_the_definition_keeps(trace: Trace) -> None:
    native, reference = Native(), Reference()
    for batch, stamps in stamped(HappensBefore(), trace, list(range(len(trace)))):
        native.feed(batch, stamps)
        reference.feed(batch, stamps)
        found = kept(native)
        assert kept_by_reference(reference, list(found)) == list(found.values())


@FEW
@given(trace=traces(60))
def test_the_runs_stay_sound_when_all_pairs_are_kept(trace: Trace) -> None:
    native = Native(all_pairs=True)
    for batch, stamps in stamped(HappensBefore(), trace, list(range(len(trace)))):
        native.feed(batch, stamps)
        shadow_of(native)


def runs_after(*accesses: tuple[str, Op, int, int]) -> list[Run]:
    """The runs of one page after some threads' unordered accesses."""
    builder = TraceBuilder()
    for thread, op, start, stop in accesses:
        builder.add(thread, op, PAGE, start, stop)
    trace = builder.finish()
    native = Native()
    for batch, stamps in stamped(HappensBefore(), trace, []):
        native.feed(batch, stamps)
    return shadow_of(native)[0]


def borders(runs: list[Run]) -> list[tuple[int, int]]:
    return [(run.start, run.stop) for run in runs]


def test_a_page_that_is_written_whole_is_one_run() -> None:
    pieces = [("t", Op.WRITE, start, start + 8) for start in range(0, 4096, 8)]
    assert len(runs_after(*pieces)) == 512
    assert borders(runs_after(*pieces, ("t", Op.WRITE, 0, 4096))) == [(0, 4096)]


def test_bytes_that_nobody_touched_have_no_run() -> None:
    runs = runs_after(("t", Op.READ, 100, 200), ("t", Op.READ, 300, 400))
    assert borders(runs) == [(100, 200), (300, 400)]


def test_a_run_is_cut_where_an_access_begins_and_ends() -> None:
    runs = runs_after(("t", Op.WRITE, 0, 100), ("t", Op.READ, 40, 60))
    assert borders(runs) == [(0, 40), (40, 60), (60, 100)]
    assert [run.events for run in runs] == [{0}, {0, 1}, {0}]


def test_a_read_joins_runs_that_it_makes_equal() -> None:
    runs = runs_after(("t", Op.WRITE, 0, 100), ("t", Op.READ, 40, 60), ("t", Op.READ, 0, 100))
    assert borders(runs) == [(0, 100)]
    assert runs[0].events == {0, 2}


def test_concurrent_readers_are_all_kept() -> None:
    (run,) = runs_after(*((f"t{number}", Op.READ, 0, 8) for number in range(20)))
    assert run.events == set(range(20))


def test_a_reader_is_kept_once() -> None:
    (run,) = runs_after(*((f"t{number % 2}", Op.READ, 0, 8) for number in range(20)))
    assert run.events == {18, 19}


def test_a_write_takes_the_place_of_what_it_knows_and_of_nothing_else() -> None:
    (run,) = runs_after(
        ("t1", Op.READ, 0, 8), ("t1", Op.WRITE, 0, 8), ("t2", Op.READ, 0, 8), ("t1", Op.ZERO, 0, 8)
    )
    assert run.events == {2, 3}


def test_a_directory_is_divided_anew_where_more_runs_meet_a_farther_byte() -> None:
    runs = runs_after(
        ("t", Op.WRITE, 0, 8), ("t", Op.WRITE, 8, 16), ("t", Op.WRITE, 16, 4 * 4096)
    )  # two runs ask for four buckets, four pages for buckets of four times the size
    assert borders(runs) == [(0, 8), (8, 16), (16, 4 * 4096)]


def test_a_page_of_any_size_has_runs_up_to_its_end() -> None:
    runs = runs_after(("t", Op.WRITE, 0, 1 << 22), ("t", Op.READ, (1 << 22) - 1, 1 << 22))
    assert borders(runs) == [(0, (1 << 22) - 1), ((1 << 22) - 1, 1 << 22)]
