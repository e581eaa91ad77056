from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from racepage.stress import processes
from racepage.stress.cell import Cell, Limits, Result, Surprise, explore
from racepage.stress.processes import Died, Event, Underway
from tests.cli.conftest import Racepage

ROOT = Path(__file__).resolve().parent.parent.parent
FEW = ("--budget", "executions=30")
SURPRISE = Surprise("data-race", "this races", 4, "racepage replay rp1:x")

Happens = Callable[[Sequence[Cell], Limits], Iterable[Event]]


@pytest.fixture
def happens(monkeypatch: pytest.MonkeyPatch) -> Callable[[Happens], None]:
    """Have what happens be said by a function of the cells, in this process."""

    def instead(events: Happens) -> None:
        def explored(
            cells: Sequence[Cell], limits: Limits, jobs: int
        ) -> Generator[Event, None, None]:
            del jobs
            yield from events(cells, limits)

        monkeypatch.setattr(processes, "explored", explored)

    return instead


@pytest.fixture
def here(happens: Callable[[Happens], None]) -> None:
    """Explore in this process, which is ready at once."""
    happens(lambda cells, limits: (explore(cell, limits) for cell in cells))


def clean(cell: Cell, *surprises: Surprise) -> Result:
    return Result(cell, 20, 200, 0.1, False, (1,) * len(cell.subject.expected), surprises)


def rows(out: str) -> list[list[str]]:
    table, _, _ = out.partition("\n\n")
    return [line.split() for line in table.splitlines()[1:]]


@pytest.mark.usefixtures("here")
def test_a_table_says_what_each_strategy_came_to(racepage: Racepage) -> None:
    done = racepage("stress", "abba", "--strategies", "dpor,random", "--seeds", 2, *FEW)
    assert (done.code, done.err) == (0, "")
    correct, walked, racy, _ = rows(done.out)
    assert correct == [
        "abba:correct",
        "rounds=3",
        "free=1",
        "dpor",
        "20",
        *PROVED,
    ]  # all orders of 3 and 3
    assert walked == [
        "abba:correct",
        "rounds=3",
        "free=1",
        "random",
        "60",
        *["clean,", "not", "all"],
    ]
    assert racy[:5] == ["abba:abba", "rounds=3", "free=1", "dpor", "30"]
    assert done.out.splitlines()[-1].startswith(
        "1 of 1 correct variants clean, 1 of them proved; 1 of 1 racy ones with all that they have "
        "and nothing else. 6 cells of at most 30 executions: "
    )


PROVED = ["proved", "clean:", "these", "are", "all"]


@pytest.mark.usefixtures("here")
def test_as_json_it_has_every_cell(racepage: Racepage, tmp_path: Path) -> None:
    wanted = ("abba", "--strategies", "random", "--seeds", 2)
    done = racepage("stress", *wanted, *FEW, "--format", "json", "-o", "report.json")
    assert (done.code, done.out) == (0, "")
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["verdict"] == "expected"
    assert data["budget"] == {"executions": 30, "seconds": None}
    assert [row["outcome"] for row in data["rows"]] == ["clean", "found"]
    assert [len(row["results"]) for row in data["rows"]] == [2, 2]


@pytest.mark.usefixtures("here")
def test_what_a_strategy_cannot_come_upon_is_incomplete(racepage: Racepage) -> None:
    done = racepage("stress", "abba:abba", "--strategies", "round-robin", *FEW)
    assert done.code == 3
    assert "raise --budget or --seeds" in done.out


def test_a_surprise_is_a_failure_and_is_told_at_once_and_with_its_command(
    racepage: Racepage, happens: Callable[[Happens], None]
) -> None:
    happens(lambda cells, _: [clean(cells[0], SURPRISE), *map(clean, cells[1:])])
    done = racepage("stress", "handoff:correct", "--strategies", "random", "--seeds", 2)
    assert done.code == 1
    cell = "handoff:correct rounds=4 pages=2, random seed 0"
    assert done.err == f"racepage: {cell}: unexpected data-race: this races\n"
    assert (
        f"{cell}, execution 4: RP001 data-race: this races\n    racepage replay rp1:x\n" in done.out
    )
    assert rows(done.out)[0][-2:] == ["UNEXPECTED:", "data-race"]


def test_a_process_that_died_is_told_and_makes_it_incomplete(
    racepage: Racepage, happens: Callable[[Happens], None]
) -> None:
    def events(cells: Sequence[Cell], limits: Limits) -> Iterable[Event]:
        del limits
        yield Died(cells[0], "was killed by SIGKILL", True)
        yield Underway(0, cells[0], 10)
        yield Died(cells[0], "was killed by SIGKILL", False)
        yield from map(clean, cells[1:])

    happens(events)
    done = racepage("stress", "handoff:correct", "--strategies", "dpor,random", "--seeds", 1)
    assert done.code == 3
    first, second = done.err.splitlines()
    cell = "racepage: handoff:correct rounds=4 pages=2, dpor: its process was killed by SIGKILL"
    assert first == f"{cell}; it is tried again"
    assert second == f"{cell}; it is left out, having been tried twice"
    assert rows(done.out)[0][-4:] == ["1", "cell", "not", "finished"]


def test_after_an_interruption_there_is_a_table_of_what_there_is(
    racepage: Racepage, happens: Callable[[Happens], None], tmp_path: Path
) -> None:
    def events(cells: Sequence[Cell], limits: Limits) -> Iterable[Event]:
        del limits
        yield clean(cells[0])
        raise KeyboardInterrupt

    happens(events)
    wanted = ("stress", "handoff:correct", "--strategies", "random", "--state", "run.jsonl")
    done = racepage(*wanted)
    assert done.code == 130
    assert done.err == (
        "racepage: interrupted after 1 of 3 cells; the same command goes on from here\n"
    )
    assert rows(done.out)[0][-4:] == ["2", "cells", "not", "finished"]

    asked: list[Cell] = []

    def others(cells: Sequence[Cell], limits: Limits) -> Iterable[Event]:
        del limits
        asked.extend(cells)
        return map(clean, cells)

    happens(others)
    done = racepage(*wanted)
    assert done.code == 0
    assert done.err == "racepage: going on with run.jsonl: 1 cell of 3 finished\n"
    assert [cell.seed for cell in asked] == [1, 2]
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 4


@pytest.mark.usefixtures("here")
def test_a_state_of_other_parameters_is_refused(racepage: Racepage) -> None:
    wanted = ("stress", "abba", "--strategies", "dpor", "--state", "run.jsonl")
    assert racepage(*wanted, *FEW).code == 0
    assert racepage(*wanted, "--budget", "executions=21").complaint == (
        'run.jsonl is the state of a run with another budget: {"executions": 30, "seconds": null}, '
        'not {"executions": 21, "seconds": null}; name another file, or remove this one'
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["handof"], "no workload is called 'handof'; did you mean 'handoff'?"),
        (["handoff:keep"], "handoff has no variant 'keep'; there are correct, keeps-writing"),
        (["handoff:"], "handoff has no variant ''; there are"),
        ([""], "no workload is called ''; there are"),
        (["a.py"], "no workload is called 'a.py'; there are"),
        (["--strategies", "dpor,rondom"], "there is no strategy 'rondom'; did you mean random?"),
        (["--strategies", ""], "there is no strategy ''; there are dpor"),
        (["--strategies", "dpor,,pct"], "there is no strategy ''"),
        (["--seeds", "0"], "0 is not in the range"),
        (["--seeds", "many"], "'many' is not a valid integer"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--jobs", "1000"], "1000 is not in the range"),
        (["--budget", "minutes=3"], "'minutes=3' is no limit"),
        (["--budget", "executions=0"], "above 0"),
        (["--state", "."], ". is a directory; name a file in it"),
        (["--state", "nowhere/run.jsonl"], "there is no directory nowhere"),
        (["-o", "nowhere/report"], "there is no directory nowhere"),
        (["--format", "xml"], "'xml' is not one of"),
        (["--budget", "none"], "random draws lots for ever: give a --budget"),
        (["--state", "run", "-o", "./run"], "run cannot be both the state and the report"),
    ],
)
def test_wrong_usage_is_refused_in_a_line(racepage: Racepage, args: list[str], told: str) -> None:
    assert told in racepage("stress", *args).complaint


def test_a_file_that_is_no_state_is_refused_and_left_alone(
    racepage: Racepage, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a state\n")
    told = racepage("stress", "abba", "--state", "notes.txt").complaint
    assert told == "notes.txt is no state of a run; name another file, or remove this one"
    assert (tmp_path / "notes.txt").read_text() == "not a state\n"


def command(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "stress", *args],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def in_session(session: int) -> list[int]:
    """The processes of a session that are not dead."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state not in "ZX":
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_run_that_is_killed_goes_on_where_it_was(racepage: Racepage, tmp_path: Path) -> None:
    state = tmp_path / "run.jsonl"
    wanted = ["abba:correct", "--strategies", "random", "--seeds", "8", "--jobs", "2"]
    wanted += ["--budget", "seconds=0.5", "--state", "run.jsonl"]
    with command(tmp_path, *wanted) as run:
        until(lambda: lines(state) > 2)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        until(lambda: not in_session(run.pid))  # its processes notice that nobody listens
    before = state.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    done = racepage("stress", *wanted, "--format", "json")
    assert done.code == 0
    assert "going on with run.jsonl" in done.err
    assert state.read_bytes().startswith(kept)
    data: dict[str, Any] = json.loads(done.out)
    assert data["unfinished"] == 0
    assert lines(state) == 1 + sum(row["cells"] for row in data["rows"]) == 9


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_ctrl_c_ends_it_all_with_a_table(tmp_path: Path) -> None:
    state = tmp_path / "run.jsonl"
    wanted = ["binder", "--budget", "seconds=60", "--jobs", "2", "--state", "run.jsonl"]
    with command(tmp_path, *wanted) as run:
        until(lambda: len(in_session(run.pid)) > 3 and lines(state) > 0)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert out.startswith("variant")
    assert "racepage: interrupted after 0 of " in err or "racepage: interrupted after 1" in err
    assert "Traceback" not in err
    until(lambda: not in_session(run.pid))
