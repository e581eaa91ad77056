"""Pictures of findings: some drawn by hand, and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text as RichText

from racepage.detect import analyse
from racepage.errors import RacepageError
from racepage.events import Frame, Kind, Op, Target
from racepage.finding import Finding
from racepage.report.choice import Choice
from racepage.report.lanes.draw import render
from racepage.report.lanes.scene import Gap, Mark, scene
from racepage.report.text import Style
from racepage.trace import text
from racepage.trace.columns import Trace, TraceBuilder
from tests.oracle import brute
from tests.oracle.strategies import traces

TRACES = Path(__file__).resolve().parents[3] / "traces"


def drawn(trace: Trace | str, *, width: int = 80) -> list[str]:
    """The lines below the message, without what stands below the lanes."""
    made = text.parse(trace) if isinstance(trace, str) else trace
    analysis = analyse(made)
    picture = render(made, analysis, Choice(analysis.findings[0], None), Style(width=width))
    return picture.split("\n\n")[1].splitlines()


def golden(name: str) -> str:
    return (TRACES / f"{name}.trace").read_text("utf-8")


def lines(picture: str) -> list[str]:
    return [line.removeprefix("|") for line in picture.strip("\n").splitlines()]


def test_a_child_s_write_is_unordered_with_a_read_before_the_join() -> None:
    """The start leads to the child's beginning, and its last event to the join; both are edges."""
    assert drawn(golden("thread-join-unordered")) == lines("""
|                           t1                     main
|                                       ╭────────○ 0 start t1
|                                       │        │   the last that t1 knows
|                       begins ○◀───────╯        │
|                              │                 │
|         write page:0[0:64] 1 ●╌╌╌ unordered ╌╌╌● 2 read page:0[0:64]
|            holding no lock   │                 │   holding no lock
|                              ├──────╮          │
|                              │      ╰─────────▶○ 3 join t1
""")


def test_an_edge_leads_from_the_unlock_to_the_next_lock_and_thick_is_who_holds_it() -> None:
    assert drawn(golden("lock-taken-before-unordered"), width=60) == lines("""
|                    t2               t1
|         lock lock:m 0 ○           │
|       unlock lock:m 1 ○─────╮     │
|    the last that t1   │     │     │
|               knows   │     │     │
|                       │     ╰────▶○ 3 lock lock:m
|                       │           ┃
|   write page:0[0:8] 2 ●╌unordered╌● 4 write page:0[0:8]
|     holding no lock   │           ┃   holding lock:m
|                       │           ┃   (write)
|                       │           ┃
|                       │           ○ 5 unlock lock:m
""")


def test_a_free_that_is_before_an_access_stands_above_it() -> None:
    assert drawn(golden("use-after-free-ordered")) == lines("""
|                           t1                     t2
|                       begins ○
|    started by main (event 1) │
|                lock lock:m 3 ○
|                free page:0 4 ●
|     holding lock:m (write)   ┃
|              unlock lock:m 5 ○────────╮
|                              │        │        ○ begins
|                              │        │        │ started by main (event 2)
|                              │        ╰───────▶○ 6 lock lock:m
|                              │                 ● 7 write page:0[0:8]
|                              │                 ┃   holding lock:m (write)
|                              │                 ○ 8 unlock lock:m
""")


def test_one_thread_has_one_lane() -> None:
    assert drawn(golden("use-after-free-same-thread")) == lines("""
|    main
|  ○ 0 alloc page:0
|  ● 1 free page:0
|  ● 2 read page:0[0:8]
""")


def test_what_a_third_thread_hands_on_is_an_edge_and_is_named() -> None:
    """t2 learns of t1's first unlock from t3; t1's write comes after it, and is not known."""
    assert drawn("""\
        t1 lock    lock:m
        t1 unlock  lock:m
        t1 write   page:0[0:8]
        t3 lock    lock:m
        t3 release sync:s
        t2 acquire sync:s
        t2 write   page:0[0:8]
    """) == lines("""
|                           t1                     t2
|                lock lock:m 0 ○                 │
|              unlock lock:m 1 ○────────╮        │
|     the last that t2 knows   │        │        │
|                              │        ╰───────▶○ 5 acquire sync:s
|                              │                 │   through t3's release (event
|                              │                 │   4)
|                              │                 │
|          write page:0[0:8] 2 ●╌╌╌ unordered ╌╌╌● 6 write page:0[0:8]
|            holding no lock   │                 │   holding no lock
|                              │                 │
""")


def test_what_is_far_away_is_counted() -> None:
    far = "\n".join(f"{one} read page:9[0:8]" for one in ("t1", "t2") for _ in range(50))
    picture = drawn(f"{far}\nt1 write page:0[0:8]\nt2 write page:0[0:8]\n{far}")
    assert [line for line in picture if "⋮" in line] == lines("""
|                    48 events ⋮                 │
|                              │                 ⋮ 48 events
|               49 more events ⋮                 │
|                                                ⋮ 49 more events
""")


def test_the_line_of_the_program_and_its_place_stand_with_the_sides(tmp_path: Path) -> None:
    file = tmp_path / "some" / "where.py"
    file.parent.mkdir()
    file.write_text("page[0:8] = data  # and so on, for quite a while, until it is cut\n")
    build = TraceBuilder()
    for name in ("t1", "t2"):
        stack = (Frame(str(file), 1, "fill"),)
        build.add(name, Op.WRITE, Target(Kind.PAGE, "0"), 0, 8, stack=stack)
    picture = drawn(build.finish())
    assert "where.py:1 in fill" in picture[3]
    assert "page[0:8] = data  # and so…" in picture[4]


def test_a_place_that_has_no_room_loses_its_function_unless_it_is_a_side_s() -> None:
    place = "@ src/of/program.py:1200 in_a_function"
    picture = drawn(f"t1 lock lock:m {place}\nt1 write page:0[0:8] {place}\nt2 write page:0[0:8]")
    assert [line.split("│")[0].split("┃")[0].split() for line in picture[2:6]] == [
        ["program.py:1200"],
        [],
        ["write", "page:0[0:8]", "1", "●╌╌╌", "unordered", "╌╌╌●", "2", "write", "page:0[0:8]"],
        ["program.py:1200", "in"],
    ]


def test_names_cannot_move_the_cursor_or_break_a_line() -> None:
    evil = "\x1b[2J\u202e\nroot\u0000"
    build = TraceBuilder()
    build.add("main", Op.START, Target(Kind.THREAD, evil))
    for name in (evil, "main"):
        build.add(name, Op.LOCK, Target(Kind.LOCK, f"{name}{evil}"))
        stack = (Frame(evil, 1, evil),)
        build.add(name, Op.WRITE, Target(Kind.PAGE, evil), 0, 8, stack=stack)
    trace = build.finish()
    analysis = analyse(trace)
    for width in (40, 80):
        picture = render(trace, analysis, Choice(analysis.findings[0], 1), Style(width=width))
        assert all(char.isprintable() or char == "\n" for char in picture)


def test_wide_characters_keep_the_lanes_straight() -> None:
    picture = drawn(
        """\
        "\u7dda\u7a0b" write page:0[0:8] @ \u7dda\u7a0b\u7dda\u7a0b\u7dda\u7a0b.py:1 \u7dda
        t2 write page:0[0:8]
    """,
        width=60,
    )
    lanes = {cell_len(line[: line.rindex("│")]) for line in picture if "│" in line}
    assert len(lanes) == 1


def test_colours_add_nothing_to_the_characters() -> None:
    trace = text.parse(golden("lock-one-side-unordered"))
    analysis = analyse(trace)
    one = Choice(analysis.findings[0], 1)
    plain = render(trace, analysis, one, Style())
    colored = RichText.from_ansi(render(trace, analysis, one, Style(color=True))).plain
    assert colored.splitlines() == plain.splitlines()
    assert "\x1b" not in plain


def test_what_is_suppressed_says_so() -> None:
    trace = text.parse(golden("lock-one-side-unordered"))
    analysis = analyse(trace)
    finding = replace(analysis.findings[0], suppressed="as planned")
    assert "\nSuppressed: as planned\n" in render(trace, analysis, Choice(finding, None))


def test_a_finding_without_events_is_told() -> None:
    trace = text.parse("main exit")
    finding = Finding("program-error", "main raised ValueError")
    with pytest.raises(RacepageError, match="RP013 program-error has no events to draw"):
        render(trace, analyse(trace), Choice(finding, 1))


def test_threads_without_a_lane_are_named() -> None:
    trace = text.parse("""\
        t1 lock lock:a
        t2 lock lock:b
        t3 lock lock:c
        t1 block lock:b
        t2 block lock:c
        t3 block lock:a
    """)
    analysis = analyse(trace)
    [deadlock] = [one for one in analysis.findings if one.kind == "deadlock"]
    picture = render(trace, analysis, Choice(deadlock, 1))
    assert "It has events of t3 as well" in picture


@pytest.mark.parametrize("arriving", [10, 300])
def test_of_many_threads_that_an_event_comes_after_two_are_named(arriving: int) -> None:
    threads = [f"t{number}" for number in range(arriving)]
    picture = "".join(
        drawn(
            "\n".join(
                (
                    *(f"{name} release_merge sync:b" for name in threads),
                    "one take sync:b",
                    "one write page:0[0:8]",
                    "two write page:0[0:8]",
                )
            ),
            width=120,
        )
    )
    assert f"after t{arriving - 1}'s release_merge (event {arriving - 1})" in picture
    assert f"after t{arriving - 2}'s release_merge (event {arriving - 2})" in picture
    assert f"and after {arriving - 2} other threads" in picture


# What holds for all of them ----------------------------------------------------------------------


@settings(max_examples=25)
@given(trace=traces(40, atomics=True), width=st.sampled_from((40, 59, 60, 80, 120)))
def test_any_finding_is_drawn_in_the_width_with_all_its_sides(trace: Trace, width: int) -> None:
    analysis = analyse(trace)
    for finding in analysis.findings:
        picture = render(trace, analysis, Choice(finding, None), Style(width=width))
        below = picture.split("\n\n", 1)[1]
        assert max(map(cell_len, below.splitlines())) <= width
        sides = {side.event for side in (finding.first, finding.second) if side is not None}
        shown = [item for row in scene(trace, finding).rows for item in row]
        assert sides <= {item.event for item in shown if isinstance(item, Mark) and item.role}
        assert below.count("●") >= len(sides)
        assert below.count("╌ unordered ╌" if width > 72 else "╌unordered╌") == (
            finding.why is not None
        )


@settings(max_examples=25)
@given(trace=traces(40, atomics=True))
def test_every_arrow_is_happens_before_and_leads_down(trace: Trace) -> None:
    before = brute.order(brute.events_of(trace))
    for finding in analyse(trace).findings:
        found = scene(trace, finding)
        row = {
            item.event: number
            for number, items in enumerate(found.rows)
            for item in items
            if isinstance(item, Mark)
        }
        for edge in found.edges:
            assert brute.happens_before(before, edge.source, edge.to)
            assert row[edge.source] < row[edge.to]
        if finding.why is not None:
            assert finding.first is not None
            assert finding.second is not None
            assert row[finding.first.event] == row[finding.second.event]


@settings(max_examples=25)
@given(trace=traces(40, atomics=True))
def test_lanes_have_the_events_of_their_threads_in_order_and_count_the_rest(trace: Trace) -> None:
    for finding in analyse(trace).findings:
        found = scene(trace, finding)
        for lane, name in enumerate(found.threads):
            events = (trace.columns.thread == trace.threads.index(name)).nonzero()[0].tolist()
            told: list[int | None] = []
            for item in (one for row in found.rows for one in row if one.lane == lane):
                if isinstance(item, Mark):
                    told.append(item.event)
                elif isinstance(item, Gap):
                    told += [None] * item.events
            assert len(told) == len(events)
            assert all(one in {None, event} for one, event in zip(told, events, strict=True))


@settings(max_examples=25)
@given(trace=traces(40))
def test_how_far_each_side_knows_the_other_has_an_arrow(trace: Trace) -> None:
    for finding in analyse(trace).findings:
        if finding.why is None:
            continue
        found = scene(trace, finding)
        for known in (
            finding.why.last_of_first_known_to_second,
            finding.why.last_of_second_known_to_first,
        ):
            if known.event is not None:
                [note] = [
                    note
                    for row in found.rows
                    for item in row
                    if isinstance(item, Mark) and item.event == known.event
                    for note in item.notes
                    if note.startswith("the last that ")
                ]
                assert known.event in {edge.source for edge in found.edges}, note
