from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from racepage.events import Frame
from racepage.finding import (
    Analysis,
    BaselineUse,
    HeldLock,
    LastSync,
    PageInfo,
    PolicyUse,
    Unusable,
    Values,
    Why,
)
from racepage.report.text import Style, render, render_all
from racepage.report.words import SHOWN
from tests.report.analyses import (
    ALLOC,
    CRASH,
    FIRST,
    LEAK,
    RACE,
    SECOND,
    WHY,
    analysis,
    changed,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]x[/]\r\n\u202e:smile:"

THE_RACE = """\
━━ RP001 data-race ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ page:0[32:64] "inbox"
t1 wrote bytes that t2 read, and nothing orders the two
Seen 3 times; this is the first.

  first   t1 write page:0[0:64]  event 3, clock 1
  at      binder.py:120 in copy_in
          binder.py:88 in transact
  holding lock:mmap (read), lock:range (write)
  clock   main 2, t1 1
  started by main at setup.py:40 in run (event 1)

  second  t2 read page:0[32:96]  event 6, clock 3
  at      binder.py:131 in read_back
  holding no lock
  clock   main 3, t2 3
  started by main at setup.py:41 in run (event 2)

  bytes   0               32              64              96
          ├───────────────┼───────────────┼───────────────┤  2 bytes a column
  first   ████████████████████████████████
  second                  ████████████████████████████████
  both                    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀  32 bytes

  why     Nothing that t1 did is ordered before t2's read.
          The last of t2 that is ordered before t1's write is unlock lock:range
          (event 5, clock 2) at binder.py:99 in give; t2's read came later, at
          clock 3.

  page    page:0 "inbox", 4,096 bytes, allocated by main at setup.py:30 in make
          (event 0)

1 finding: data-race
inbox.trace: 9 events, 3 threads, 2 pages; 3 racy events, 32 racy bytes
What it means and how to mend it: racepage explain RP001
"""


def without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def last_lines(text: str) -> list[str]:
    return text.rsplit("\n\n", 1)[-1].splitlines()


def test_a_race_tells_everything_there_is_to_know() -> None:
    assert render(analysis(RACE)) == THE_RACE


def test_the_same_analysis_gives_the_same_text() -> None:
    made = analysis(RACE, LEAK, CRASH, warnings=("one", "two"))
    assert render(made, Style(color=True)) == render(made, Style(color=True))


def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert render(analysis(RACE)) == THE_RACE
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in render(analysis(RACE), Style(color=True))


def test_colour_adds_only_colour() -> None:
    coloured = render(analysis(RACE, LEAK), Style(color=True))
    assert coloured != render(analysis(RACE, LEAK))
    stripped = [line.rstrip() for line in without_colour(coloured).splitlines()]
    assert stripped == render(analysis(RACE, LEAK)).splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 132, 200])
def test_prose_keeps_to_the_width(width: int) -> None:
    for line in render(analysis(RACE, LEAK), Style(width=width)).splitlines():
        if " in " not in line and "column" not in line:  # a place is never broken
            assert cell_len(line) <= max(width, 46), line


def test_long_names_are_neither_cut_nor_broken() -> None:
    file = "/a/very/long/path/" + "deep/" * 15 + "module.py"
    side = changed(FIRST, stack=(Frame(file, 7, "f"),))
    assert f"{file}:7" in render(analysis(changed(RACE, first=side)), Style(width=40))


def test_files_below_the_working_directory_are_named_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    side = changed(FIRST, stack=(Frame(str(tmp_path / "src" / "a.py"), 7, "f"),))
    assert "at      src/a.py:7 in f\n" in render(analysis(changed(RACE, first=side)))


def test_the_source_line_stands_below_its_place(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("one\n    page.write_raw(data, 0, 8)  # [red]boo\n")
    side = changed(FIRST, stack=(Frame(str(source), 2, "f"),))
    text = render(analysis(changed(RACE, first=side)))
    assert f"{source}:2 in f\n              page.write_raw(data, 0, 8)  # [red]boo\n" in text


def test_a_side_without_a_stack_says_so() -> None:
    text = render(analysis(changed(RACE, first=changed(FIRST, stack=()))))
    assert "at      not recorded" in text


def test_a_thread_that_nobody_started_says_so() -> None:
    side = changed(FIRST, thread="main")
    assert "started before the trace begins" in render(analysis(changed(RACE, first=side)))


def test_a_thread_that_the_analysis_does_not_list_is_no_error() -> None:
    side = changed(FIRST, thread="stranger")
    assert "stranger write" in render(analysis(changed(RACE, first=side)))


def test_why_names_a_clock_where_no_event_is_known() -> None:
    why = Why(LastSync("t1", 4), WHY.last_of_second_known_to_first)
    text = render(analysis(changed(RACE, first=changed(FIRST, clock=6), why=why)))
    assert "t2's read knows t1 up to clock 4; t1's write came later, at clock 6." in text


def test_recorded_bytes_are_shown() -> None:
    text = render(analysis(changed(RACE, values=Values(b"\x0a\x00", b"\x0b\x00"))))
    assert "          value changed: 0a00 -> 0b00\n" in text


def test_a_freed_page_says_who_freed_it() -> None:
    freed = changed(ALLOC, op="free", event=5, stack=())
    made = changed(analysis(RACE), pages={"page:0": PageInfo(4096, None, ALLOC, freed)})
    text = " ".join(render(made).split())
    assert "(event 0), freed by main (event 5)" in text


def test_a_page_of_an_earlier_life_is_not_told_the_later_one() -> None:
    later = changed(ALLOC, event=20, stack=(Frame("later.py", 1, "f"),))
    made = changed(analysis(RACE), pages={"page:0": PageInfo(4096, None, later, later)})
    text = render(made)
    assert "setup.py:30" in text
    assert "later.py" not in text
    assert "freed" not in text


def test_a_page_that_nothing_allocated_was_there_from_the_beginning() -> None:
    text = render(analysis(changed(RACE, related=())))
    assert 'page:0 "inbox", 4,096 bytes, there from the beginning' in text


def test_a_finding_without_sides_is_its_message() -> None:
    text = render(analysis(CRASH))
    assert text.splitlines()[1:3] == ["ValueError: no", ""]
    assert last_lines(text)[0] == "1 finding: program-error"


def test_a_side_that_takes_the_whole_page_is_said_and_not_drawn() -> None:
    free = changed(SECOND, op="free", range=(0, 4096))
    text = render(analysis(changed(RACE, overlap=(0, 64), second=free)))
    assert "bytes   t2's free takes the whole page; they share 64 bytes, 0 to 64\n" in text
    assert "├" not in text


def test_two_sides_that_take_the_whole_page_are_both_said() -> None:
    free = changed(SECOND, op="free", range=(0, 8192))
    made = changed(RACE, page="page:1", overlap=(0, 8192), first=free, second=free)
    alone = changed(made, first=changed(free, range=(0, 8191)))
    assert "column" not in render(analysis(made))
    assert "t2's free takes the whole page; they share" in render(analysis(alone))


def test_a_finding_in_an_imported_page_names_its_variable() -> None:
    race = changed(
        RACE,
        overlap=(8, 16),
        first=changed(FIRST, range=(8, 16)),
        second=changed(SECOND, range=(8, 16)),
    )
    pages = {"page:0": PageInfo(4096, variables=("x", "y\x1b", "z"))}
    text = render(changed(analysis(race), pages=pages))
    assert text.splitlines()[0].endswith("━ page:0[8:16] (y\\x1b)")
    assert "t2 read page:0[8:16] (y\\x1b)" in text
    assert "page    page:0[8:16] is what the trace calls y\\x1b\n" in text


def test_a_leak_draws_no_ruler() -> None:
    leak = changed(LEAK, overlap=(0, 4096))
    assert "bytes   " not in render(analysis(leak))


def test_further_events_are_listed_once() -> None:
    race = changed(RACE, related=(ALLOC, changed(SECOND, event=8)))
    text = render(analysis(race))
    assert "also    t2 read page:0[32:96]  event 8\n  at      binder.py:131 in read_back\n" in text
    assert text.count("event 0") == 1


def test_a_further_event_that_is_a_side_is_not_told_again() -> None:
    cycle = changed(RACE, related=(FIRST, changed(FIRST, event=8), SECOND, changed(FIRST, event=8)))
    assert render(analysis(cycle)).count("also    ") == 1


def test_findings_of_a_kind_are_counted_together() -> None:
    other = changed(RACE, first=changed(FIRST, event=4))
    assert (
        last_lines(render(analysis(RACE, other, LEAK)))[0] == "3 findings: 2 data-race, page-leak"
    )


def test_suppressed_findings_have_a_line_each_by_their_reason() -> None:
    other = changed(RACE, suppressed="other")
    meant = changed(RACE, suppressed="a statistic")
    lines = render(analysis(meant, other, changed(LEAK, suppressed="a statistic"))).splitlines()
    race = (
        '  data-race page:0[32:64] "inbox": t1 at binder.py:120 in copy_in (event 3) and t2 at '
        "binder.py:131 in read_back (event 6)"
    )
    assert lines[:7] == [
        "2 findings suppressed: a statistic",
        race,
        "  page-leak page:1: main at setup.py:30 in make (event 0)",
        "1 finding suppressed: other",
        race,
        "clean: nothing else found",
        "inbox.trace: 9 events, 3 threads, 2 pages; 3 findings suppressed",
    ]


def test_a_suppressed_finding_without_sides_has_its_message() -> None:
    lines = render(analysis(changed(CRASH, suppressed="why"))).splitlines()
    assert lines[1] == "  program-error: ValueError: no"


def test_of_many_suppressed_findings_as_many_are_told_as_of_others() -> None:
    many = [changed(RACE, suppressed=reason) for reason in "aaabbb"]
    text = render(analysis(*many), Style(limit=4))
    assert text.count("  data-race page:0") == 4
    assert "3 findings suppressed: b\n" in text
    assert "  … and 2 more\n" in text
    assert render(analysis(*many), Style(limit=0)).count("  data-race page:0") == 6


def test_known_findings_are_counted_and_not_told() -> None:
    known = changed(RACE, suppressed="in the baseline known.json", known=True)
    policy = PolicyUse(baseline=BaselineUse("known.json", 2, ()))
    made = changed(analysis(known, known, LEAK), policy=policy)
    text = render(made)
    assert "\n2 findings known: in the baseline known.json\n1 finding: page-leak\n" in text
    assert "data-race" not in text
    assert "; 2 findings known\n" in text
    alone = render(changed(made, findings=(known, known)))
    assert "\nclean: nothing new found\n" in alone


def test_what_is_suppressed_is_told_of_each_of_several_traces() -> None:
    meant = changed(analysis(changed(RACE, suppressed="a statistic")), path="meant.trace")
    text = render_all([meant, analysis()])
    assert text.startswith("clean       meant.trace: 9 events")
    assert "\n1 finding suppressed: a statistic\n  data-race page:0" in text


def test_what_is_suppressed_in_what_is_cut_off_does_not_make_it_clean() -> None:
    made = analysis(changed(RACE, suppressed="a statistic"), lost_bytes=9)
    assert "\nincomplete: nothing else found in what is left\n" in render(made)


def test_things_are_called_by_their_labels_too() -> None:
    lock = changed(FIRST, locks=(HeldLock("0", "write"),), op="lock", range=None, target="lock:0")
    sync = LastSync("t2", 2, 5, "release", "sync:3", ())
    made = analysis(
        changed(RACE, first=lock, why=Why(WHY.last_of_first_known_to_second, sync)),
        changed(RACE, page=None, overlap=None, why=None, related=(changed(lock, event=9),)),
    )
    text = " ".join(render(changed(made, labels={"lock:0": "mmap", "sync:3": "jobs"})).split())
    assert 'first t1 lock lock:0 "mmap" event 3' in text
    assert 'holding lock:0 "mmap" (write)' in text
    assert 'before t1\'s lock is release sync:3 "jobs" (event 5' in text
    assert 'also t1 lock lock:0 "mmap" event 9' in text


def test_a_side_is_told_with_what_it_acts_on() -> None:
    """User memory is read on one side, and copied into a page on the other."""
    first = changed(FIRST, op="user_read", range=(0, 8), target="user:0")
    second = changed(SECOND, op="copy_in", range=(64, 72), target="page:0")
    text = render(analysis(changed(RACE, page="user:0", first=first, second=second)))
    assert "t1 user_read user:0[0:8]" in text
    assert "t2 copy_in page:0[64:72]" in text


def test_a_subject_stands_for_the_path() -> None:
    assert "binder:ok: 9 events" in render(analysis(), subject="binder:ok")
    assert "this trace: 9 events" in render(changed(analysis(), path=None))


def test_clean_says_what_was_not_looked_at() -> None:
    text = render(analysis())
    assert text.startswith("clean: nothing found\ninbox.trace: 9 events, 3 threads, 2 pages\n")
    assert "other schedules and other memory were not looked at" in " ".join(text.split())


def test_clean_without_a_page_says_that_nothing_was_seen() -> None:
    text = " ".join(render(changed(analysis(), pages={})).split())
    assert text.startswith("clean: nothing found")
    assert "No page was touched" in text


# Many traces -------------------------------------------------------------------------------------

MANY: list[Analysis | Unusable] = [
    analysis(),
    changed(analysis(RACE, RACE, LEAK), path="racy.trace"),
    Unusable("gone.trace", "cannot be read"),
    analysis(lost_bytes=1),
    changed(analysis(), pages={}),
]


def test_of_many_traces_each_has_a_line_and_the_worst_is_counted_first() -> None:
    lines = render_all(MANY).splitlines()
    seen = "9 events, 3 threads, 2 pages"
    racy = "3 racy events, 32 racy bytes"
    assert lines[:5] == [
        f"clean       inbox.trace: {seen}",
        f"findings    racy.trace: 2 data-race, page-leak; {seen}; {racy}",
        "unusable    gone.trace: see the error",
        f"incomplete  inbox.trace: {seen}; cut off",
        "clean       inbox.trace: 9 events, 3 threads, 0 pages; no page was touched",
    ]
    assert lines[-1] == "5 traces: 1 unusable, 1 with findings, 1 incomplete, 2 clean"


def test_of_many_traces_the_findings_stand_beneath_under_their_traces() -> None:
    parts = render_all(MANY).split("══ ")
    assert len(parts) == 3  # the clean ones have nothing to add
    assert parts[1].startswith("racy.trace ══")
    assert parts[1].count("RP001") == 2
    assert parts[2].startswith("inbox.trace ══")
    assert "cut off: its last 1 byte holds no complete batch" in " ".join(parts[2].split())


def test_one_of_many_is_counted_as_one() -> None:
    assert render_all([analysis()]).endswith("\n\n1 trace: 1 clean\n")


# Many findings, threads and warnings -------------------------------------------------------------


def test_of_thousands_of_findings_the_first_few_are_told() -> None:
    text = render(analysis(*[RACE] * 3000))
    assert text.count("━━ RP001") == SHOWN
    told = " ".join(text.split())
    assert "… and 2,980 more findings; --limit 0 shows all of them, and --format json has" in told
    assert "3,000 findings: 3,000 data-race" in told


def test_every_kind_of_finding_is_told_however_many_come_before_it() -> None:
    text = render(analysis(*[RACE] * 3000, LEAK, CRASH), Style(limit=5))
    assert [line.split()[1] for line in text.splitlines() if line.startswith("━━")] == [
        "RP001", "RP001", "RP001", "RP006", "RP013",
    ]  # fmt: skip


@pytest.mark.parametrize(("limit", "told"), [(0, 30), (1, 1), (30, 30), (29, 29)])
def test_the_limit_can_be_lifted(limit: int, told: int) -> None:
    text = render(analysis(*[RACE] * 30), Style(limit=limit))
    assert text.count("━━ RP001") == told
    assert (" more finding" in text) is (told < 30)


def test_of_a_long_vector_both_threads_come_first_and_the_rest_is_counted() -> None:
    many = {f"w{number}": number + 1 for number in range(2000)}
    first = changed(FIRST, vector={**many, "t1": 4000, "main": 2})
    text = render(analysis(changed(RACE, first=first, second=changed(SECOND, vector=many))))
    clocks = [line for line in " ".join(text.split()).split("clock ") if "more" in line]
    assert clocks[0].startswith("t1 4,000, w0 1, w1 2, w2 3, w3 4, w4 5, w5 6, w6 7 and 1,994 more")
    assert clocks[1].startswith("w0 1, ")


def test_of_many_warnings_the_first_few_are_told() -> None:
    text = render(analysis(warnings=("one", "two", "three")), Style(limit=2))
    assert "warning: two\n… and 1 more warning; --limit 0" in text
    assert "three" not in text


# What is missing ---------------------------------------------------------------------------------


def test_a_cut_off_trace_is_never_clean() -> None:
    text = " ".join(render(analysis(lost_bytes=1)).split())
    assert text.startswith("incomplete: nothing found in what is left")
    assert "its last 1 byte holds" in text
    assert "clean" not in text


def test_a_cut_off_trace_with_findings_states_the_loss_too() -> None:
    assert "its last 12,345 bytes" in " ".join(render(analysis(RACE, lost_bytes=12345)).split())


def test_a_recording_that_was_not_closed_is_never_clean() -> None:
    text = " ".join(render(changed(analysis(), complete=False)).split())
    assert text.startswith("incomplete: nothing found in what is left")
    assert "The trace was not closed" in text


def test_warnings_stand_before_the_verdict() -> None:
    text = render(analysis(warnings=("t3 was not started through racepage",)))
    assert text.startswith("warning: t3 was not started through racepage\nclean:")


def test_racy_events_are_listed_on_request() -> None:
    assert "racy events: 6, 7, 8\n" in render(analysis(RACE), Style(list_events=True))
    assert "racy events: none\n" in render(analysis(), Style(list_events=True))
    assert "racy events:" not in render(analysis(RACE))


@pytest.mark.parametrize("color", [False, True])
def test_hostile_names_cannot_touch_the_terminal(*, color: bool) -> None:
    stack = (Frame(HOSTILE, 1, HOSTILE),)
    side = changed(
        FIRST,
        thread=HOSTILE,
        stack=stack,
        vector={HOSTILE: 1},
        locks=(HeldLock(HOSTILE, "write"),),
        target=HOSTILE,
    )
    why = Why(LastSync(HOSTILE, 1, 2, "unlock", HOSTILE, stack), LastSync(HOSTILE, 1))
    race = changed(
        RACE,
        message=HOSTILE,
        page=HOSTILE,
        first=side,
        second=changed(side, event=6),
        why=why,
        related=(changed(side, event=9, range=None),),
    )
    meant = changed(race, suppressed=HOSTILE)
    known = changed(race, suppressed=HOSTILE, known=True)
    error = changed(CRASH, message=HOSTILE, suppressed=HOSTILE)
    made = changed(
        analysis(race, meant, known, error, warnings=(HOSTILE,)),
        path=HOSTILE,
        pages={HOSTILE: PageInfo(4096, HOSTILE, changed(side, event=7))},
        labels={f"lock:{HOSTILE}": HOSTILE},
        policy=PolicyUse(baseline=BaselineUse(HOSTILE, 1, ())),
    )
    text = render(made, Style(color=color))
    assert text.count("[bold red]x[/]") > 15  # no markup was read, and no emoji
    assert ":smile:" in text
    assert set(re.sub(r"\x1b\[[0-9;]*m", "", text)) & set("\x1b\x07\r\u202e") == set()
    assert all(line.isprintable() for line in without_colour(text).splitlines())


def test_a_hostile_source_line_cannot_touch_the_terminal(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text(f"x = '{HOSTILE}'\n")
    side = changed(FIRST, stack=(Frame(str(source), 1, "f"),))
    text = render(analysis(changed(RACE, first=side)))
    assert "x = '\\x1b[2J" in text
    assert all(line.isprintable() for line in text.splitlines())
