from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from racepage.exploration.schedule_file import read as read_schedule
from racepage.exploration.schedule_file import to_line
from racepage.report.json import schema
from tests.cli.conftest import Racepage

LOST = """\
from racepage import sync


def main():
    cell = sync.Atomic(0, name="hits")

    def hit():
        before = cell.load()
        cell.store(before + 1)

    threads = [sync.Thread(target=hit, name=name) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("counted", cell.load())
    assert cell.load() == 2, "a hit is lost"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "lost.py"
    path.write_text(LOST)
    return path


@pytest.fixture
def schedule(racepage: Racepage, program: Path) -> Path:
    """One of `program`, in which a hit is lost."""
    racepage("explore", f"{program.name}:main", "--save-schedule", "lost.json")
    return program.with_name("lost.json")


def replayed(racepage: Racepage, *args: object) -> Any:
    """The JSON report, which keeps the schema."""
    made = json.loads(racepage("replay", "--format", "json", *args).out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    return made


# It comes back -----------------------------------------------------------------------------------


def test_the_finding_comes_back_every_time(racepage: Racepage, schedule: Path) -> None:
    done = racepage("replay", schedule)
    assert done.code == 1
    assert done.out.startswith("━━ RP013 program-error ")
    assert "\nThe finding came back: 10 of 10 times\n1 finding: program-error\n" in done.out
    assert "\nlost.py:main: 10 replays of " in done.out
    assert "ann is interrupted after: read cell:hits" in done.out


def test_what_the_program_prints_is_heard_once(racepage: Racepage, schedule: Path) -> None:
    assert racepage("replay", schedule).err == "counted 1\n"


def test_the_line_does_as_the_file(racepage: Racepage, schedule: Path) -> None:
    line = to_line(read_schedule(schedule))
    assert racepage("replay", line).out == racepage("replay", schedule).out


def test_a_printed_command_replays(racepage: Racepage, program: Path) -> None:
    out = racepage("explore", f"{program.name}:main").out
    [command] = [one for one in out.splitlines() if one.startswith("racepage replay ")]
    assert racepage(*command.split()[1:]).code == 1


def test_a_race_comes_back_with_what_really_happens(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "race.py").write_text(
        "from racepage import sync\n"
        "from racepage.memory import GFP_KERNEL, __GFP_ZERO, Page\n"
        "def main():\n"
        "    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:\n"
        "        worker = sync.Thread(target=lambda: page.write_raw(b'xx', 0, 2))\n"
        "        worker.start()\n"
        "        page.write_raw(b'yy', 0, 2)\n"
        "        worker.join()\n"
    )
    racepage("explore", "race.py:main", "--save-schedule", "race.json")
    assert "What really happened: lost: " in racepage("replay", "race.json").out
    made = replayed(racepage, "race.json", "--times", "2")
    assert made["exploration"]["strategy"] == "replay"
    assert made["exploration"]["replay"] == {
        "times": 2,
        "came_back": 2,
        "difference": None,
        "changed": False,
    }
    harm = made["findings"][0]["execution"]["harm"]
    assert harm["word"] == "lost"
    assert {order["in_the_end"] for order in harm["orders"]} == {b"xx".hex(), b"yy".hex()}


def test_a_deadlock_comes_back(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(
        "from racepage import sync\nlock = sync.Lock(name='m')\nlock.acquire()\nlock.acquire()\n"
    )
    racepage("explore", "stuck.py", "--save-schedule", "stuck.json")
    done = racepage("replay", "stuck.json", "--times", "3")
    assert done.code == 1
    assert "The finding came back: 3 of 3 times" in done.out


def test_a_livelock_comes_back(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "round.py").write_text(
        "from racepage import sync\n"
        "cell = sync.Atomic(0)\n"
        "while not cell.load():\n"
        "    cell.store(0)\n"
    )
    found = racepage("explore", "round.py", "--steps", "50", "--save-schedule", "round.json")
    assert (found.code, found.out[:20]) == (1, "━━ RP022 livelock ━━")
    assert racepage("replay", "round.json", "--times", "1").code == 1


def test_the_trace_of_the_execution_is_kept(racepage: Racepage, schedule: Path) -> None:
    done = racepage("replay", schedule, "--trace", "lost.trace", "--times", "1")
    assert (done.code, Path("lost.trace").exists()) == (1, True)
    assert "wrote lost.trace: " in done.err
    assert racepage("check", "lost.trace").code == 0


def test_a_suppressed_finding_does_not_count(
    racepage: Racepage, schedule: Path, tmp_path: Path
) -> None:
    suppressions = '[[suppress]]\nrule = "program-error"\nreason = "it is meant"\n'
    (tmp_path / "races.toml").write_text(suppressions)
    done = racepage("replay", schedule, "--suppressions", "races.toml")
    assert done.code == 0
    assert "1 finding suppressed: it is meant" in done.out
    assert "The finding came back: 10 of 10 times" in done.out


# It does not -------------------------------------------------------------------------------------


def test_nothing_is_wrong_any_more(racepage: Racepage, schedule: Path, program: Path) -> None:
    program.write_text(LOST.replace("== 2", "> 0"))
    done = racepage("replay", schedule)
    assert done.code == 0
    assert done.err == (
        "racepage: lost.py:main has changed since the schedule was made\ncounted 1\n"
    )
    assert done.out.startswith(
        "The finding, program-error, did not come back\nnothing found under this schedule\n"
    )
    assert replayed(racepage, schedule)["exploration"]["replay"]["changed"]


def test_something_else_is_wrong(racepage: Racepage, schedule: Path, program: Path) -> None:
    program.write_text(LOST.replace('assert cell.load() == 2, "a hit is lost"', "[][cell.load()]"))
    done = racepage("replay", schedule)
    assert done.code == 3
    assert "did not come back, and something else is wrong" in done.out
    assert "IndexError" in done.out


def test_what_comes_back_sometimes_is_not_the_schedules_doing(
    racepage: Racepage, schedule: Path, program: Path
) -> None:
    program.write_text(
        "from racepage import sync as kept\n"
        + LOST.replace("main():", "main():\n    kept._t = getattr(kept, '_t', 0) + 1").replace(
            "== 2", "== 2 or kept._t % 2"
        )
    )
    done = racepage("replay", schedule, "--times", "4")
    assert done.code == 3
    assert "came back 2 of 4 times" in done.out
    assert "(RP023)" in done.out


def test_another_program_is_told_from_what_it_does(
    racepage: Racepage, schedule: Path, program: Path
) -> None:
    """Its steps fit, and are others."""
    program.write_text(LOST.replace("before = cell.load()", "before = cell.fetch_add(0)"))
    done = racepage("replay", schedule)
    assert "The program does something else than it did: step " in done.out


def test_a_step_that_does_not_fit_is_one_line(
    racepage: Racepage, schedule: Path, program: Path
) -> None:
    program.write_text(
        LOST.replace("    before = cell.load()\n    ", "").replace(
            "store(before + 1)", "fetch_add(1)"
        )
    )
    done = racepage("replay", schedule)
    assert (done.code, done.out) == (2, "")
    changed, complaint = done.err.splitlines()
    assert changed == "racepage: lost.py:main has changed since the schedule was made"
    assert complaint.startswith("racepage: step ")
    assert " of the schedule does not fit the program (" in complaint


def test_another_target_is_replayed_where_it_is_given(
    racepage: Racepage, schedule: Path, program: Path
) -> None:
    program.rename(program.with_name("moved.py"))
    assert "there is no file lost.py" in racepage("replay", schedule).complaint
    assert racepage("replay", schedule, "moved.py:main").code == 1


# Bad usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("nothing.json", "nothing.json: there is no such file"),
        ("lost.py", "no schedule"),
        ("rp1:", "is cut off"),
        ("rp1:AAAA", "is cut off"),
        ("rp2:AAAA", "another version"),
        ("rp1:ÄÖ", "has characters that no schedule has"),
        (".", "Is a directory"),
    ],
)
@pytest.mark.usefixtures("program")
def test_what_is_no_schedule_is_one_line(racepage: Racepage, wrong: str, told: str) -> None:
    assert told in racepage("replay", wrong).complaint


def test_a_line_that_was_cut_off_is_told(racepage: Racepage, schedule: Path) -> None:
    line = to_line(read_schedule(schedule))
    assert "copy all of it" in racepage("replay", line[:-5]).complaint


@pytest.mark.parametrize(
    ("kind", "told"), [("test", "--racepage-replay"), ("function", "say after the schedule what")]
)
def test_what_no_command_can_run_says_what_can(
    racepage: Racepage, schedule: Path, kind: str, told: str
) -> None:
    text = schedule.read_text().replace('"kind": "target"', f'"kind": "{kind}"')
    schedule.write_text(text)
    assert told in racepage("replay", schedule).complaint
    assert racepage("replay", schedule, "lost.py:main").code == 1


def test_times_is_a_number(racepage: Racepage) -> None:
    assert "0 is not in the range" in racepage("replay", "x", "--times", "0").complaint
