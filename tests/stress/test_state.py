import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from racepage.errors import RacepageError
from racepage.stress import state as states
from racepage.stress.cell import Cell, Limits, Result, Surprise
from racepage.stress.plan import cells
from racepage.stress.state import State

LIMITS = Limits(100, 2.5)
CELLS = cells(("abba",), ("dpor", "random"), range(2))


def result(cell: Cell, *surprises: Surprise) -> Result:
    first = tuple(None if number else 3 for number in range(len(cell.subject.expected)))
    return Result(cell, 100, 1234, 0.25, cell.strategy == "dpor", first, surprises)


RESULTS = [result(cell) for cell in CELLS]


def opened(path: Path) -> closing[State]:
    return closing(State(path, CELLS, LIMITS))


def written(path: Path, *results: Result) -> bytes:
    with opened(path) as state:
        for one in results:
            state.add(one)
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def test_what_was_finished_is_there_again(file: Path) -> None:
    surprise = Surprise("data-race", "a race, told with “quotes”", 3, "racepage replay rp1:x")
    results = [*RESULTS[:2], result(CELLS[2], surprise)]
    written(file, *results)
    with opened(file) as state:
        assert list(state.results.values()) == results


def test_every_result_is_a_line_of_its_own_as_soon_as_it_is_there(file: Path) -> None:
    with opened(file) as state:
        for number, one in enumerate(RESULTS, 2):
            state.add(one)
            lines = file.read_bytes().splitlines()
            assert len(lines) == number
            assert all(json.loads(line) for line in lines)


def test_a_file_that_is_cut_anywhere_has_the_results_before_the_cut(file: Path) -> None:
    whole = written(file, *RESULTS)
    ends = [at for at, byte in enumerate(whole, 1) if byte == ord("\n")]
    cuts = {at + by for at in (1, *ends) for by in (-1, 0, 1)} | set(range(0, len(whole), 23))
    for cut in sorted(cuts):
        file.write_bytes(whole[:cut])
        there = max(sum(end <= cut for end in ends) - 1, 0)
        with opened(file) as state:
            assert list(state.results.values()) == RESULTS[:there]
            for one in RESULTS[there:]:
                state.add(one)
        assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"version": "0.0.1"}, 'another version: "0.0.1", not "'),
        ({"budget": {"executions": 1, "seconds": None}}, 'another budget: {"executions": 1'),
        ({"seeds": [0]}, r"another seeds: \[0\], not \[0, 1\]"),
        ({"strategies": ["dpor"]}, "another strategies"),
        ({"subjects": ["binder:correct"]}, "another subjects"),
        ({"format": "racepage-stress-state/2"}, "another format"),
        ({"format": "something"}, "is no state of a run"),
    ],
)
def test_the_state_of_another_run_is_refused(
    file: Path, head: dict[str, object], told: str
) -> None:
    first, *rest = written(file, *RESULTS).splitlines(keepends=True)
    file.write_bytes(json.dumps(json.loads(first) | head).encode() + b"\n" + b"".join(rest))
    before = file.read_bytes()
    with pytest.raises(RacepageError, match=told) as refused:
        State(file, CELLS, LIMITS)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith("; name another file, or remove this one")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        b"hello\n",
        b"hello",
        b"[]\n",
        b"\x00\xff\n",
        b"{" * 100_000 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"format": 1}\n',
        b"null\n",
        b"\n",
    ],
    ids=range(9),
)
def test_what_is_no_state_is_refused_and_left_alone(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(RacepageError, match="is no state of a run"):
        State(file, CELLS, LIMITS)
    assert file.read_bytes() == text


@pytest.mark.parametrize(
    "change",
    [
        {"cell": "binder:correct, dpor"},
        {"cell": ["abba:correct"]},
        {"first": [1]},
        {"first": None},
        {"executions": "many"},
        {"seconds": None},
        {"surprises": [{}]},
        {"surprises": 1},
    ],
    ids=str,
)
def test_a_line_that_is_no_result_is_refused_by_its_number(
    file: Path, change: dict[str, object]
) -> None:
    head, line, *rest = written(file, *RESULTS).splitlines(keepends=True)
    wrong = json.dumps(json.loads(line) | change).encode() + b"\n"
    file.write_bytes(head + line + wrong + b"".join(rest))
    with pytest.raises(RacepageError, match="line 3 is no result of this run"):
        State(file, CELLS, LIMITS)


def test_a_file_that_is_too_long_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(file, *RESULTS)
    monkeypatch.setattr(states, "LARGEST", 100)
    with pytest.raises(RacepageError, match="is longer than 100 bytes"):
        State(file, CELLS, LIMITS)


@pytest.mark.parametrize("path", ["/dev/null", "."])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(RacepageError, match="is no file; name another one"):
        State(Path(path), CELLS, LIMITS)


def test_a_pipe_is_refused_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(RacepageError, match="is no file"):
        State(file, CELLS, LIMITS)


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match="No such file or directory; name a file to write"):
        State(tmp_path / "nowhere" / "run.jsonl", CELLS, LIMITS)
