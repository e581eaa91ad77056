from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest

from racepage.cli.explore import STEPS
from racepage.cli.settings import STRATEGIES
from racepage.execution.kernel import MOST_STEPS
from racepage.exploration.schedule_file import from_line, read
from racepage.exploration.strategies import CHOICES
from racepage.report.json import schema
from tests.cli.conftest import Racepage

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAMS = """\
from racepage import sync
from racepage.memory import GFP_KERNEL, __GFP_ZERO, Page


def together(*bodies):
    threads = [sync.Thread(target=body, name=f"t{n}") for n, body in enumerate(bodies, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def racy():
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO, label="inbox") as page:
        together(
            lambda: page.write_raw(b"x" * 64, 0, 64),
            lambda: page.write_raw(b"y" * 64, 32, 64),
        )


def ordered():
    lock = sync.Lock(name="m")
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:

        def write():
            with lock:
                page.write_raw(b"x" * 64, 0, 64)

        together(write, write)


def lost():
    cell = sync.Atomic(0, name="cell")

    def add():
        found = cell.load()
        cell.store(found + 1)

    together(add, add)
    assert cell.load() == 2, "one is lost"


def stuck():
    a, b = sync.Lock(name="a"), sync.Lock(name="b")

    def one():
        with a, b:
            pass

    def other():
        with b, a:
            pass

    together(one, other)


def alone():
    print("as loud as can be")
"""


def write(folder: Path, name: str, code: str) -> Path:
    path = folder / name
    path.write_text(dedent(code))
    return path


@pytest.fixture(autouse=True)
def programs(tmp_path: Path) -> Path:
    return write(tmp_path, "programs.py", PROGRAMS)


def explored(racepage: Racepage, *args: object) -> Any:
    """The JSON report, which keeps the schema."""
    made = json.loads(racepage("explore", "--format", "json", *args).out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    return made


# The verdict -------------------------------------------------------------------------------------


def test_a_race_is_a_finding_with_the_command_that_replays_it(racepage: Racepage) -> None:
    done = racepage("explore", "programs.py:racy")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("━━ RP001 data-race ")
    assert "\n  found   in execution 1 of 1; its schedule has " in done.out
    assert "\n  order   run to completion: " in done.out
    [command] = [line for line in done.out.splitlines() if line.startswith("racepage replay ")]
    schedule = from_line(command.removeprefix("racepage replay "))
    assert schedule.program.name == "programs.py:racy"
    assert schedule.finding is not None
    assert schedule.finding.kind == "data-race"


def test_clean_says_that_these_executions_are_all_there_are(racepage: Racepage) -> None:
    """Two critical sections of one lock: two orders."""
    done = racepage("explore", "programs.py:ordered")
    assert (done.code, done.err) == (0, "")
    first = done.out.splitlines()[0]
    assert first == "clean: nothing found, and these 2 executions are all there are"


def test_an_assertion_that_fails_in_some_schedules_is_found(racepage: Racepage) -> None:
    """The second load of the cell has to come between the first one and its store."""
    done = racepage("explore", "programs.py:lost")
    assert done.code == 1
    assert "AssertionError: one is lost (in thread main, programs.py:" in done.out
    assert "run to completion, except at these points" in done.out
    assert "1. t1 is interrupted after: read cell:cell at programs.py:" in done.out
    assert "found = cell.load()" in done.out


def test_a_deadlock_is_found(racepage: Racepage) -> None:
    done = racepage("explore", "programs.py:stuck", "--findings", "all", "--budget", "none")
    assert done.code == 1
    assert "RP019 deadlock" in done.out
    assert " deadlocked" in done.out


def test_a_program_without_threads_has_one_execution(racepage: Racepage) -> None:
    done = racepage("explore", "programs.py:alone")
    assert done.code == 0
    assert done.out.startswith("clean: nothing found, and this is the only execution there is\n")
    assert "there was nothing to look at" in done.out
    assert "as loud as can be" not in done.out + done.err


def test_a_strategy_that_draws_lots_is_incomplete_at_best(racepage: Racepage) -> None:
    done = racepage(
        "explore", "programs.py:ordered", "--strategy", "random", "--budget", "executions=9"
    )
    assert done.code == 3
    assert done.out.startswith(
        "incomplete: nothing found in 9 executions\n"
        "Not all was seen: random tries some schedules, not all\n"
    )
    assert "strategy random, seed 0" in " ".join(done.out.split())


def test_a_budget_that_does_not_suffice_is_incomplete(racepage: Racepage) -> None:
    made = explored(racepage, "programs.py:ordered", "--budget", "executions=1")
    assert made["verdict"] == "incomplete"
    assert made["exploration"]["executions"] == 1
    assert "after 1 execution" in made["exploration"]["why_incomplete"]


def test_a_budget_in_seconds_ends_the_search(racepage: Racepage) -> None:
    made = explored(
        racepage, "programs.py:ordered", "--strategy", "random", "--budget", "seconds=0.05"
    )
    assert made["exploration"]["executions"] > 1
    assert made["verdict"] == "incomplete"


# What can be explored ----------------------------------------------------------------------------


def test_a_file_is_executed_anew_each_time(racepage: Racepage, tmp_path: Path) -> None:
    """As many orders as its lock has, though that is made at the top of the file."""
    code = PROGRAMS + "\nseen = []\nif __name__ == '__main__':\n    seen.append(1)\n    ordered()\n"
    write(tmp_path, "script.py", code + "    assert len(seen) == 1\n")
    made = explored(racepage, "script.py")
    assert (made["verdict"], made["exploration"]["executions"]) == ("clean", 2)


def test_a_function_of_a_module_is_explored(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "programs.py").rename(tmp_path / "box" / "programs_in_a_box.py")
    made = explored(racepage, "box.programs_in_a_box:ordered")
    assert (made["verdict"], made["exploration"]["executions"]) == ("clean", 2)


def test_what_is_imported_late_is_no_nondeterminism(racepage: Racepage, tmp_path: Path) -> None:
    """Only the first execution makes what the imported module makes, and that one counts not."""
    write(
        tmp_path, "imported_late.py", "from racepage import sync\nlock = sync.Lock(name='late')\n"
    )
    write(
        tmp_path,
        "late.py",
        """
        from racepage import sync

        def main():
            import imported_late
            cell = sync.Atomic(0)
            threads = [sync.Thread(target=lambda: cell.fetch_add(1)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """,
    )
    assert explored(racepage, "late.py:main")["exploration"]["executions"] == 2


def test_a_built_in_program_takes_its_sizes(racepage: Racepage) -> None:
    made = explored(racepage, "handoff:keeps-writing", "--", "rounds=1")
    assert {finding["kind"] for finding in made["findings"]} == {"data-race"}
    schedule = made["findings"][0]["execution"]["schedule"]
    assert schedule["program"]["arguments"] == ["rounds=1"]


def test_another_exit_code_than_0_is_a_finding(racepage: Racepage, tmp_path: Path) -> None:
    write(tmp_path, "leaves.py", "import sys\nsys.exit(3)\n")
    done = racepage("explore", "leaves.py")
    assert done.code == 1
    assert "\nExitError: the program exited with code 3 (in thread main" in done.out


def test_each_execution_begins_where_the_first_one_did(racepage: Racepage, tmp_path: Path) -> None:
    """In the same directory, with the same arguments, and with nothing to read."""
    (tmp_path / "below").mkdir()
    write(
        tmp_path,
        "leaves_traces.py",
        """
        import os, sys
        from programs import ordered
        ordered()
        os.chdir("below")
        assert sys.argv.pop() == "x"
        assert sys.stdin.read() == ""
        """,
    )
    made = explored(racepage, "leaves_traces.py", "--", "x")
    assert (made["verdict"], made["exploration"]["executions"]) == ("clean", 2)


@pytest.mark.usefixtures("racepage")
def test_a_child_that_the_program_forks_reports_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        "forks.py",
        """
        import os
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """,
    )
    done = python("explore", "forks.py")
    assert (done.returncode, done.stdout.count("clean: ")) == (0, 1)


def test_a_file_that_is_no_python_is_a_finding_as_in_run(
    racepage: Racepage, tmp_path: Path
) -> None:
    write(tmp_path, "broken.py", "def f(:\n")
    done = racepage("explore", "broken.py")
    assert done.code == 1
    assert "SyntaxError: invalid syntax" in done.out


# What is reported, and kept ----------------------------------------------------------------------


def test_the_json_report_has_all_findings_each_with_its_execution(racepage: Racepage) -> None:
    made = explored(racepage, "programs.py:stuck", "--findings", "all")
    kinds = [finding["kind"] for finding in made["findings"]]
    assert sorted(kinds) == ["deadlock", "lock-order"]
    for finding in made["findings"]:
        execution = finding["execution"]
        assert execution["command"] == f"racepage replay {execution['line']}"
        shown = from_line(execution["line"]).finding
        assert shown is not None
        assert shown.fingerprint == finding["fingerprint"]
        assert len(execution["sites"]) == len(execution["schedule"]["turns"])
        assert execution["threads"]
    assert made["exploration"]["schedule"] == made["findings"][0]["execution"]["line"]
    assert made["exploration"]["outcomes"]["deadlock"] >= 1
    assert made["exploration"]["program"] == "programs.py:stuck"


def test_schedule_and_trace_of_the_first_finding_are_kept(racepage: Racepage) -> None:
    done = racepage(
        "explore", "programs.py:racy", "--save-schedule", "race.json", "--trace", "race.trace"
    )
    assert done.code == 1
    assert "\nracepage replay race.json\n" in done.out
    assert read(Path("race.json")).program.name == "programs.py:racy"
    assert racepage("check", "race.trace").code == 1


def test_a_file_that_only_has_functions_is_told_how_to_name_one(
    racepage: Racepage, tmp_path: Path
) -> None:
    write(tmp_path, "idle.py", "def main():\n    pass\n")
    done = racepage("explore", "idle.py")
    assert done.code == 0
    assert done.err == (
        "racepage: idle.py ran without a step; a function of it is explored as idle.py:FUNCTION\n"
    )
    assert not racepage("explore", "idle.py:main").err


def test_what_is_not_written_is_said(racepage: Racepage) -> None:
    done = racepage("explore", "programs.py:ordered", "--save-schedule", "race.json")
    assert done.code == 0
    assert done.err == "racepage: race.json was not written, since nothing was found\n"


def test_what_is_suppressed_does_not_count(racepage: Racepage, tmp_path: Path) -> None:
    write(tmp_path, "races.toml", '[[suppress]]\nrule = "data-race"\nreason = "it is meant"\n')
    done = racepage("explore", "programs.py:racy", "--suppressions", "races.toml")
    assert done.code == 0
    assert done.out.startswith("1 finding suppressed: it is meant\n")
    assert "\nclean: nothing else found, and these " in done.out


def test_a_search_that_was_cut_short_takes_nothing_out_of_a_baseline(
    racepage: Racepage,
) -> None:
    baseline = ("--baseline", "known.json", "--update-baseline")
    assert racepage("explore", "programs.py:lost", *baseline).code == 0
    known = Path("known.json").read_text()
    assert "RP013" in known
    racepage("explore", "programs.py:lost", "--budget", "executions=1", *baseline)
    assert Path("known.json").read_text() == known
    assert racepage("explore", "programs.py:lost", "--baseline", "known.json").code == 0


# Going on ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_a_saved_search_goes_on_where_it_was(racepage: Racepage, strategy: str) -> None:
    whole = explored(racepage, "programs.py:ordered", "--strategy", strategy)
    args = ("programs.py:ordered", "--strategy", strategy, "--state", "search.json")
    part = python("explore", *args, "--budget", "executions=1", "--format", "json")
    assert json.loads(part.stdout)["verdict"] == "incomplete"
    rest = python("explore", *args, "--format", "json")
    assert rest.stderr == "racepage: going on with search.json: 1 execution so far\n"
    made = json.loads(rest.stdout)
    assert made["verdict"] == "clean"
    assert made["exploration"]["executions"] == whole["exploration"]["executions"]


@pytest.mark.usefixtures("racepage")
def test_a_saved_search_has_its_findings_again() -> None:
    args = ("explore", "programs.py:lost", "--state", "search.json", "--format", "json")
    before, after = json.loads(python(*args).stdout), json.loads(python(*args).stdout)
    assert before["findings"] == after["findings"]


def test_a_search_of_another_program_is_refused(racepage: Racepage, programs: Path) -> None:
    args = ("explore", "programs.py:ordered", "--state", "search.json")
    assert racepage(*args).code == 0
    other = racepage("explore", "programs.py:racy", "--state", "search.json")
    assert "search.json: a saved search that cannot go on here" in other.complaint
    assert "its program is another" in other.complaint
    programs.write_text(PROGRAMS + "\n# changed\n")
    assert "its program has changed" in racepage(*args).complaint


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--strategy", "dfs"], "its strategy is another"),
        (["--strategy", "random", "--seed", "1"], "its strategy has other parameters"),
        (["--strategy", "random", "--steps", "99"], "it has another limit of steps"),
        (["--strategy", "random", "--", "1"], "its program was given other arguments"),
    ],
)
def test_a_search_that_was_begun_otherwise_is_refused(
    racepage: Racepage, more: list[str], told: str
) -> None:
    args = ("explore", "programs.py:ordered", "--state", "search.json")
    racepage(*args, "--strategy", "random", "--budget", "executions=3")
    complaint = racepage(*args, *more).complaint
    assert complaint == (
        f"search.json: a saved search that cannot go on here: {told}; begin anew with another file"
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"racepage-search": 1}', '{"racepage-search": 9}']
)
def test_what_is_no_saved_search_is_refused(racepage: Racepage, text: str) -> None:
    Path("search.json").write_text(text)
    done = racepage("explore", "programs.py:ordered", "--state", "search.json")
    assert done.complaint.startswith("search.json: ")
    assert " another file" in done.complaint  # the mend
    assert Path("search.json").read_text() == text


def test_a_search_that_cannot_be_kept_is_reported_all_the_same(
    racepage: Racepage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    done = racepage("explore", "programs.py:lost", "--state", "search.json")
    assert done.code == 2
    assert done.out.startswith("━━ RP013 ")
    assert done.err == "racepage: search.json: cannot be written: No space left on device\n"
    assert list(Path().glob("*search*")) == []


# Bad usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--strategy", "dpr"], "there is no strategy 'dpr'; did you mean dpor?"),
        (["--strategy", "xyz"], "there is no strategy 'xyz'; there are dpor, dfs, "),
        (["--strategy", "random", "--seed", "x"], "seed of the strategy random cannot be 'x'"),
        (["--strategy", "pct", "--depth", "0"], "depth of the strategy pct cannot be '0'"),
        (["--depth", "3"], "the strategy dpor has no --depth; it has none"),
        (["--strategy", "pct", "--bound", "1"], "pct has no --bound; it has --depth, --seed"),
        (["--budget", "execution=3"], "'execution=3' is no limit; write executions=1000"),
        (["--budget", "executions=x"], "'executions=x': it is a whole number above 0"),
        (["--budget", "executions=1.5"], "'executions=1.5': it is a whole number above 0"),
        (["--budget", "seconds=nan"], "'seconds=nan': it is a number above 0"),
        (["--budget", "seconds=1,seconds=2"], "'seconds=2' is no limit"),
        (["--budget", ""], "'' is no limit"),
        (["--findings", "0"], "'0' is neither a number from 1 on nor all"),
        (["--findings", "every"], "'every' is neither a number from 1 on nor all"),
        (["--steps", "0"], "0 is not in the range"),
        (["--state", "nowhere/search.json"], "there is no directory nowhere"),
        (["--save-schedule", "."], "is a directory"),
        (["--trace", "race.txt"], "--trace race.txt is to end with "),
        (["--state", "a", "--save-schedule", "./a"], "a cannot be both the state and the schedule"),
        (["--trace", "a.std", "-o", "a.std"], "a.std cannot be both the trace and the report"),
    ],
)
def test_bad_usage_is_one_line(racepage: Racepage, args: list[str], told: str) -> None:
    assert told in racepage("explore", "programs.py:ordered", *args).complaint


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("programs.py:order", "has no function 'order'; did you mean ordered?"),
        ("program.py", "did you mean programs.py?"),
        ("handof", "did you mean handoff?"),
        ("no_such_module:main", "there is no module 'no_such_module'"),
    ],
)
def test_what_cannot_be_explored_is_one_line(racepage: Racepage, target: str, told: str) -> None:
    assert told in racepage("explore", target).complaint


def test_what_blocks_every_thread_is_named_with_its_replacement(
    racepage: Racepage, tmp_path: Path
) -> None:
    write(tmp_path, "sleeps.py", "import time\ntime.sleep(1)\n")
    complaint = racepage("explore", "sleeps.py").complaint
    assert "sleeps.py:2: time.sleep blocks every thread" in complaint
    assert "racepage.sync.sleep" in complaint


def test_a_program_that_is_not_the_same_each_time_is_refused(
    racepage: Racepage, tmp_path: Path
) -> None:
    """Every other execution has a thread more."""
    write(
        tmp_path,
        "moody.py",
        """
        import itertools
        from racepage import sync

        times = getattr(sync, "_times_of_a_test", None) or itertools.count()
        sync._times_of_a_test = times

        def add(cell):
            cell.fetch_add(1)

        cell = sync.Atomic(0)
        threads = [sync.Thread(target=add, args=(cell,)) for _ in range(2 + next(times) % 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
    )
    for strategy in ("dpor", "dfs", "random"):
        done = racepage("explore", "moody.py", "--strategy", strategy)
        assert done.complaint.startswith("RP023 nondeterminism: ")


# The rest ----------------------------------------------------------------------------------------


def test_the_options_know_what_the_strategies_know(racepage: Racepage) -> None:
    assert tuple(CHOICES) == STRATEGIES
    assert STEPS == MOST_STEPS
    told = racepage("explore", "--help").out
    for name, choice in CHOICES.items():
        assert f"\n  {name} " in told
        assert choice.summary.split()[0] in told


def test_settings_are_defaults_and_a_seed_is_for_who_draws_lots(
    racepage: Racepage, tmp_path: Path
) -> None:
    settings = tmp_path / "pyproject.toml"
    settings.write_text(
        '[tool.racepage]\nstrategy = "random"\nseed = 7\nbudget = "executions=3"\ndepth = 4\n'
    )
    made = explored(racepage, "programs.py:ordered")["exploration"]
    assert (made["strategy"], made["parameters"]) == ("random", {"seed": 7})
    assert made["executions"] == 3
    assert (
        explored(racepage, "programs.py:ordered", "--strategy", "dpor")["exploration"]["parameters"]
        == {}
    )
    settings.write_text('[tool.racepage]\nstrategy = "rondom"\n')
    assert "strategy is 'rondom'; it is one of dpor, " in racepage("explore", "x.py").complaint


@pytest.mark.usefixtures("racepage")
def test_an_interrupt_reports_what_there_is(tmp_path: Path) -> None:
    """The program sends the signal itself, when it is called for the fourth time: the first
    execution does not count, and the second one is had again."""
    write(
        tmp_path,
        "interrupts.py",
        PROGRAMS
        + """
import os, signal
from racepage import sync as kept

def main():
    kept._executions_of_a_test = getattr(kept, "_executions_of_a_test", 0) + 1
    if kept._executions_of_a_test == 4:
        os.kill(os.getpid(), signal.SIGINT)
    ordered()
""",
    )
    done = python("explore", "interrupts.py:main", "--strategy", "random", "--budget", "none",
                  "--state", "search.json")  # fmt: skip
    assert done.returncode == 130
    assert done.stdout.startswith("incomplete: nothing found in 2 executions\n")
    assert "Ctrl-C again ends at once" in done.stderr
    assert json.loads(Path("search.json").read_text())["executions"] == 2


def python(*args: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
