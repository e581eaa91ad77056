from __future__ import annotations

import json
import string
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import RacepageError
from racepage.execution.step import AWAIT, LOCK, READ, UNLOCK, WRITE, Step, Touch
from racepage.exploration import line, schedule_file
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.replay import Replay
from racepage.exploration.schedule import (
    Program,
    Schedule,
    Shown,
    Thread,
    difference,
    numbered,
    operation,
)
from racepage.exploration.schedule_file import (
    LARGEST,
    from_line,
    parse,
    read,
    render,
    to_line,
    write,
)
from racepage.exploration.turns import switches, turns
from tests.exploration.bugs import BUGS
from tests.exploration.machine import Machine, explore

PAGE = Touch(0, 0, 64, WRITE)
TAKEN, GIVEN = Touch(1, 0, 1, LOCK), Touch(1, 0, 1, UNLOCK)

SMALL = Schedule(
    Program("target", "race.py:main", ("rounds=2",), "6f1e0c5d2b7a9e83"),
    (
        Step(0, (PAGE,)),
        Step(0, (TAKEN,)),
        Step(1, (PAGE,)),
        Step(1, ()),
        Step(0, (GIVEN, Touch(2, 0, 1, AWAIT)), (2, 0)),
    ),
    (Thread("main"), Thread("t1", (4,)), Thread("never", (4, 1))),
    ("page:0", "lock:m", "t1"),
    (2,),
    Shown("data-race", "8cf0d2b7a9e83123"),
    "random",
    {"seed": 7, "depth": 3},
)


def numbers(high: int = 1 << 53) -> st.SearchStrategy[int]:
    return st.integers(0, 3) | st.integers(0, high)


names = st.text(max_size=20)


@st.composite
def steps(draw: st.DrawFn, threads: int, targets: int) -> tuple[Step, ...]:
    @st.composite
    def touches(draw: st.DrawFn) -> Touch:
        start = draw(numbers(4096))
        how = draw(st.sampled_from([READ, WRITE, LOCK, UNLOCK, AWAIT]))
        stop = draw(st.integers(start + 1, start + 4096))
        return Touch(draw(st.integers(0, max(targets - 1, 0))), start, stop, how)

    touched = st.lists(touches(), max_size=2 if targets else 0).map(tuple)
    picks = st.just(()) | st.lists(numbers(), max_size=2).map(tuple)
    step = st.builds(Step, st.integers(0, max(threads - 1, 0)), touched, picks)
    return tuple(draw(st.lists(step, max_size=12 if threads else 0)))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    paths = st.lists(numbers(), max_size=3).map(tuple)
    threads = tuple(draw(st.lists(st.builds(Thread, names, paths), max_size=4)))
    targets = tuple(draw(st.lists(names, max_size=3)))
    done = draw(steps(len(threads), len(targets)))
    floats = st.floats(allow_nan=False, allow_infinity=False)
    values = st.none() | st.booleans() | numbers() | names | floats
    return Schedule(
        draw(
            st.builds(
                Program,
                st.sampled_from(["target", "test", "function"]),
                names,
                st.lists(names, max_size=3).map(tuple),
                st.none() | names,
            )
        ),
        done,
        threads,
        targets,
        draw(st.none() | st.just(tuple(switches(done)[::2]))),
        draw(st.none() | st.builds(Shown, names, names)),
        draw(names),
        draw(st.dictionaries(names, values, max_size=3)),
        draw(names),
        draw(names),
    )


# Files and lines ---------------------------------------------------------------------------------


@given(schedules())
@settings(max_examples=75)
def test_what_was_written_is_read(schedule: Schedule) -> None:
    assert parse(render(schedule)) == schedule
    assert from_line(to_line(schedule)) == schedule


def test_a_file_reads_as_documented() -> None:
    document = {
        "racepage-schedule": 1,
        "program": {
            "kind": "target",
            "name": "race.py:main",
            "arguments": ["rounds=2"],
            "digest": "6f1e0c5d2b7a9e83",
        },
        "strategy": {"name": "random", "parameters": {"seed": 7, "depth": 3}},
        "racepage": SMALL.racepage,
        "python": SMALL.python,
        "finding": {"kind": "data-race", "fingerprint": "8cf0d2b7a9e83123"},
        "threads": [["main", []], ["t1", [4]], ["never", [4, 1]]],
        "targets": ["page:0", "lock:m", "t1"],
        "operations": [
            ["write", 0, 0, 64],
            ["lock", 1, 0, 1],
            [],
            ["unlock", 1, 0, 1, "await", 2, 0, 1],
        ],
        "turns": [[0, [0, 1]], [1, [0, 2]], [0, [[3, 2, 0]]]],
        "preemptions": [2],
    }
    assert parse(json.dumps(document)) == SMALL
    assert json.loads(render(SMALL)) == document


def test_a_file_and_a_line_in_a_file_and_a_pasted_line_are_the_same(tmp_path: Path) -> None:
    write(SMALL, tmp_path / "one.json")
    (tmp_path / "two.txt").write_text(f"\n  {to_line(SMALL)}\n", encoding="ascii")
    assert read(tmp_path / "one.json") == SMALL
    assert schedule_file.given(str(tmp_path / "two.txt")) == SMALL
    assert schedule_file.given(to_line(SMALL)) == SMALL


def test_a_line_has_nothing_that_a_shell_looks_at_and_may_be_wrapped() -> None:
    packed = to_line(SMALL)
    assert set(packed) <= {*string.ascii_letters, *string.digits, *"_-:"}
    assert from_line(f" {packed[:30]}\n  {packed[30:50]}\r\n{packed[50:]}\n") == SMALL


def test_a_short_schedule_is_a_short_line() -> None:
    assert len(to_line(SMALL)) < 320
    many = replace(SMALL, steps=SMALL.steps * 1_000, preemptions=None)
    assert len(to_line(many)) < 1_000


def test_a_schedule_that_nobody_could_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_file, "LARGEST", len(render(SMALL)) - 1)
    with pytest.raises(RacepageError, match="limit the steps"):
        write(SMALL, tmp_path / "long.json")
    assert not (tmp_path / "long.json").exists()
    monkeypatch.setattr(schedule_file, "LARGEST", 100)
    with pytest.raises(RacepageError, match="limit the steps"):
        to_line(SMALL)


def test_a_file_that_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match=r"no-such.folder.*No such file"):
        write(SMALL, tmp_path / "no-such-folder" / "a.json")
    with pytest.raises(RacepageError, match=r"there is no such file; .* begins with rp1:"):
        read(tmp_path / "none.json")
    with pytest.raises(RacepageError, match="directory"):
        read(tmp_path)
    with pytest.raises(RacepageError, match="null"):
        schedule_file.given("a\0b")


# What is no schedule -----------------------------------------------------------------------------


def changed(**fields: Any) -> str:
    return json.dumps({**json.loads(render(SMALL)), **fields})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("[1, 2", "no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("1" * 5_000, "no JSON"),
        ('{"racepage-schedule": 1, "racepage-schedule": 1}', "a key twice"),
        ('{"racepage-schedule": NaN}', "NaN is no number"),
        ("{}", 'no JSON object with "racepage-schedule": 1'),
        ("[]", 'no JSON object with "racepage-schedule": 1'),
        ('{"racepage-schedule": 2, "new": []}', "another version"),
        ('{"racepage-schedule": true}', "another version"),
        ('{"racepage-schedule": "1"}', "another version"),
        ('{"racepage-schedule": 1}', 'has no "program"'),
        (changed(extra=1), "does not belong there: 'extra'"),
        (changed(**{"\x1b[31m" * 100: 1}), r"does not belong there: '\x1b[31m"),
        (" " * (LARGEST + 1), "larger than"),
        (changed(program=[]), '"program" is no object'),
        (
            changed(program={"kind": "code", "name": "", "arguments": [], "digest": None}),
            '"kind" is none of target, test, function',
        ),
        (
            changed(program={"kind": "test", "name": "a" * 5_000, "arguments": [], "digest": None}),
            '"name" is no text of at most 4,096',
        ),
        (
            changed(program={"kind": "test", "name": "a", "arguments": [1], "digest": None}),
            '"arguments" is no text',
        ),
        (changed(strategy={"name": "pct", "parameters": {"depth": [3]}}), "neither a text nor"),
        (changed(strategy={"name": "pct", "parameters": []}), '"parameters" is no object'),
        (changed(finding={"kind": "data-race"}), 'has no "fingerprint"'),
        (changed(threads=[["main", [], 1]]), "has not 2 parts"),
        (changed(threads=[["main", [-1]]]), "a path's number is no whole number"),
        (changed(threads=[]), "the thread of a turn names nothing"),
        (changed(targets=["page:0"]), "a target is no whole number from 0 to 0"),
        (changed(targets="page:0"), '"targets" is no list'),
        (changed(operations=[["write", 0, 0]]), "without all of its four parts"),
        (changed(operations=[["write", 0, 64, 64]]), "the beginning of a range"),
        (changed(operations=[["write", 0, 0, 1 << 54]]), "the end of a range"),
        (changed(operations=[["touch", 0, 0, 64]]), "by read, write, lock, unlock, await only"),
        (changed(turns=[[0, [9]]]), "the operation of a step is no whole number from 0 to 3"),
        (changed(turns=[[0, [True]]]), "a number of a step"),
        (changed(turns=[[0, [1.0]]]), "a number of a step"),
        (changed(turns=[[0, [[1]]]]), "picks nothing is to be a number"),
        (changed(turns=[[0, [[]]]]), "picks nothing is to be a number"),
        (changed(turns=[[0, []]]), "a turn has no steps"),
        (changed(turns=[[0, [1]], [0, [1]]]), "two turns of one thread"),
        (changed(turns=[[3, [1]]]), "the thread of a turn"),
        (changed(preemptions=[0]), '"preemptions" are not'),
        (changed(preemptions=[1]), '"preemptions" are not'),
        (changed(preemptions=[4, 2]), '"preemptions" are not'),
        (changed(python=311), '"python" is no text'),
    ],
)
def test_what_is_no_schedule_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(RacepageError) as error:
        parse(text)
    assert told in str(error.value)
    assert len(str(error.value)) < 300
    assert str(error.value).isprintable()


def packed(data: bytes) -> str:
    """A line whose checksum fits."""
    checked = zlib.crc32(data).to_bytes(4, "big") + data
    return line.PREFIX + urlsafe_b64encode(checked).rstrip(b"=").decode()


def deflated(text: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(text) + deflate.flush()


GOOD = to_line(SMALL)
BOMB = packed(deflated(b" " * 100_000_000))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "does not begin with rp1:"),
        ("rp1", "does not begin with rp1:"),
        (GOOD.removeprefix("rp1:"), "does not begin with rp1:"),
        (GOOD.replace("rp1:", "rp2:"), "another version"),
        ("rp1:", "cut off"),
        (GOOD[:-1], "cut off"),
        (GOOD[:-4], "cut off"),
        (GOOD[:40] + GOOD[41:], "cut off"),
        (GOOD + GOOD[-4:], "checksum"),
        (GOOD[:30] + GOOD[31] + GOOD[30] + GOOD[32:], "checksum"),
        (GOOD[:30] + "é" + GOOD[31:], "characters that no schedule has"),
        (GOOD[:30] + "+/" + GOOD[32:], "characters that no schedule has"),
        (GOOD + "==", "characters that no schedule has"),
        (packed(b"\xff\xff\xff"), "does not hold"),
        (packed(deflated(b"{}")[:-1]), "does not end"),
        (packed(deflated(b"{}") + b"more"), "does not end"),
        (packed(deflated("é".encode())), "no ASCII"),
        (packed(deflated(b"{}")), "no JSON object"),
        (packed(deflated(b"[" * 1_000_000)), "nested too deeply"),
        (BOMB, "larger than"),
        ("rp1:" + "A" * 3 * LARGEST, "longer than"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_line_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(RacepageError) as error:
        from_line(text)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_whatever_a_line_holds_is_a_schedule_or_told(data: bytes) -> None:
    for text in (packed(data), packed(deflated(data)), f"rp1:{data!r}"):
        with pytest.raises(RacepageError):
            from_line(text)


@given(st.integers(4, len(GOOD) - 1), st.sampled_from(string.ascii_letters + string.digits))
@settings(max_examples=200)
def test_no_typing_error_goes_unnoticed(at: int, letter: str) -> None:
    wrong = GOOD[:at] + letter + GOOD[at + 1 :]
    if wrong == GOOD:
        return
    try:
        schedule = from_line(wrong)
    except RacepageError:
        return
    assert schedule == SMALL  # the last letter may have bits that mean nothing


def test_a_file_with_a_bad_schedule_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    for data in (b"{}", GOOD[:-9].encode(), "é".encode(), b" " * (LARGEST + 1)):
        file.write_bytes(data)
        with pytest.raises(RacepageError) as error:
            read(file)
        assert str(error.value).startswith(f"{file}: ")


def test_a_step_that_is_done_often_is_there_once() -> None:
    many = parse(render(replace(SMALL, steps=SMALL.steps * 100, preemptions=None)))
    assert len({id(step) for step in many.steps}) == len(set(SMALL.steps))


# What it says of executions ----------------------------------------------------------------------


def test_targets_are_counted_as_they_are_touched_and_threads_keep_their_order() -> None:
    done = [
        Step(5, (Touch(800, 0, 1, LOCK),)),
        Step(2, (Touch(24, 0, 8, READ), Touch(800, 0, 1, UNLOCK)), (1,)),
    ]
    threads = {5: Thread("late", (9,)), 2: Thread("main"), 3: Thread("idle", (1,))}
    found = numbered(done, threads, {800: "lock:m", 24: "page:3"}.__getitem__)
    assert found.steps == (
        Step(2, (Touch(0, 0, 1, LOCK),)),
        Step(0, (Touch(1, 0, 8, READ), Touch(0, 0, 1, UNLOCK)), (1,)),
    )
    assert found.threads == (Thread("main"), Thread("idle", (1,)), Thread("late", (9,)))
    assert found.targets == ("lock:m", "page:3")


def test_long_names_are_cut() -> None:
    found = numbered([Step(0, (PAGE,))], {0: Thread("t" * 5_000)}, lambda _: "p" * 5_000)
    schedule = replace(SMALL, **found._asdict(), preemptions=None)
    assert parse(render(schedule)) == schedule


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_schedule_that_was_saved_replays(bug: Any) -> None:
    """In another process, that is: where the same cells have other numbers."""
    threads = dict.fromkeys(range(4), Thread("t"))
    for result in explore(bug.program, RandomWalk(3), 5):
        made = numbered(result.run.steps, threads, str)
        schedule = from_line(to_line(replace(SMALL, **made._asdict(), preemptions=None)))
        elsewhere: dict[Any, int] = {"something else": 0, "io": 1, "b": 2}
        again = Machine(bug.program, elsewhere).run(Replay(schedule.choices))
        assert again.run.outcome == result.run.outcome
        assert difference(schedule, numbered(again.run.steps, threads, str)) is None


def replayed(**changes: Any) -> Any:
    schedule = replace(SMALL, **changes)
    return numbered(schedule.steps, dict(enumerate(schedule.threads)), schedule.targets.__getitem__)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (SMALL.steps, None),
        (SMALL.steps[:4], "step 4: the program ends here, and the schedule goes on"),
        ((*SMALL.steps, Step(1, ())), "step 5: the schedule ends here, and the program goes on"),
        (
            (*SMALL.steps[:2], Step(1, (PAGE._replace(how=READ),)), *SMALL.steps[3:]),
            "step 2, of 't1', is write page:0[0:64], and now read page:0[0:64]",
        ),
        (
            (SMALL.steps[0], Step(0, (PAGE._replace(start=8),))),
            "step 1, of 'main', is lock lock:m, and now write page:0[8:64]",
        ),
        (
            (*SMALL.steps[:3], Step(0, (GIVEN,))),
            "step 3 is yield of 't1', and now unlock lock:m of 'main'",
        ),
        (
            (*SMALL.steps[:4], SMALL.steps[4]._replace(picks=(2, 1))),
            "step 4, of 'main', picks (2, 0), and now (2, 1)",
        ),
    ],
)
def test_where_an_execution_is_another_one_is_told(
    steps: tuple[Step, ...], told: str | None
) -> None:
    assert difference(SMALL, replayed(steps=steps)) == told


def test_names_are_not_compared() -> None:
    assert difference(SMALL, replayed(targets=("page:9", "lock:other", "t9"))) is None


def test_operations_in_words() -> None:
    targets = ["page:0", "cell:1", "user:0"]
    assert operation(Step(0, (Touch(0, 0, 1, READ),)), targets) == "read page:0[0:1]"
    assert operation(Step(0, (Touch(1, 0, 1, WRITE),)), targets) == "write cell:1"
    assert operation(Step(0, (Touch(2, 4, 8, AWAIT),)), targets) == "await user:0[4:8]"
    assert operation(SMALL.steps[4], SMALL.targets) == "unlock lock:m, await t1"
    assert operation(Step(0, ()), []) == "yield"


@given(st.lists(st.integers(0, 2), max_size=12))
@settings(max_examples=100)
def test_turns_are_the_runs_of_one_thread(tasks: list[int]) -> None:
    found = turns([Step(task, ()) for task in tasks])
    assert [task for task, start, stop in found for _ in range(start, stop)] == tasks
    assert [turn.start for turn in found] == list(
        accumulate((turn.stop - turn.start for turn in found[:-1]), initial=0)
    )[: len(found)]
    assert all(one.task != other.task for one, other in pairwise(found))
