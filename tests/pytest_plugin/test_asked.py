from __future__ import annotations

from typing import Any

import pytest

from racepage.exploration.api import Options
from racepage.exploration.result import Budget
from racepage.pytest_plugin.asked import _options, seed_of
from racepage.pytest_plugin.settings import Settings, Wishes
from tests.pytest_plugin.conftest import Pytest

NODE = "test_it.py::test_it"
NOTHING = Wishes()
LIMIT = "it is a whole number from 1, or None for no limit"


def options(
    marker: dict[str, Any] | None = None,
    *,
    decorator: Options | None = None,
    command: Wishes = NOTHING,
    ini: Wishes = NOTHING,
) -> Options:
    return _options(decorator, marker or {}, Settings(command, ini, None, None), NODE)


def test_who_says_nothing_gets_what_the_decorator_gives() -> None:
    assert options() == Options()


def test_the_command_line_counts_more_than_the_marker() -> None:
    marker = {"strategy": "pct", "executions": 5, "depth": 4, "seed": 7}
    found = options(marker, command=Wishes(executions=9, strategy="random", seed=1))
    assert found == Options("random", {"seed": seed_of(NODE, 1)}, Budget(executions=9))


def test_the_marker_counts_more_than_the_decorator() -> None:
    decorator = Options("pct", {"depth": 4, "seed": 3}, Budget(5, 6.0, 7), steps=8, shrinks=9)
    found = options({"executions": 50, "seed": 4}, decorator=decorator)
    assert found == Options("pct", {"depth": 4, "seed": 4}, Budget(50, 6.0, 7), steps=8, shrinks=9)


def test_the_decorator_counts_more_than_the_ini_file() -> None:
    decorator = Options("random", {"seed": 3}, Budget(executions=5))
    ini = Wishes(executions=6, strategy="pct", seed=7)
    assert options(decorator=decorator, ini=ini) == decorator


def test_what_a_decorator_does_not_say_the_ini_file_does() -> None:
    found = options(decorator=Options(), ini=Wishes(executions=6, strategy="pos", seed=7))
    assert found == Options("pos", {"seed": seed_of(NODE, 7)}, Budget(executions=6))


def test_parameters_go_with_their_strategy() -> None:
    marker = {"strategy": "pct", "depth": 4, "seed": 7}
    found = options(marker, command=Wishes(strategy="random"))
    assert found == Options("random", {"seed": 7})
    assert options(marker, command=Wishes(strategy="dpor")) == Options()


def test_no_limit_is_0_on_the_command_line_and_none_in_python() -> None:
    assert options(command=Wishes(executions=0)).budget.executions is None
    assert options({"executions": None, "seconds": None}).budget == Budget(None, None)


def test_every_test_has_a_seed_of_its_own_and_always_the_same() -> None:
    assert seed_of("a.py::test", 1) == 0x83BC0B94  # printf '1 a.py::test' | sha256sum
    assert len({seed_of(node, base) for node in ("a", "b") for base in (1, 2)}) == 4
    assert seed_of("a", None) == seed_of("a", 0)


@pytest.mark.parametrize(
    ("marked", "line"),
    [
        ("exections=3", "there is no argument 'exections'; did you mean executions?"),
        ("executions=0", f"executions is 0; {LIMIT}"),
        (
            "executions=True",
            f"executions is True; {LIMIT}",
        ),
        ("seconds='1'", "seconds is '1'; it is a number from 0, or None for no limit"),
        ("shrinks=None", "shrinks is None; it is a whole number from 0"),
        ("strategy='pcx'", "there is no strategy 'pcx'; did you mean pct?"),
        ("strategy=3", "strategy is 3; it is a name such as 'pct'"),
        ("strategy='pct', dep=3", "the strategy pct has no parameter 'dep'; did you mean depth?"),
        (
            "'pct'",
            "@pytest.mark.racepage takes its arguments by name: strategy=\"pct\", not 'pct'",
        ),
    ],
)
def test_a_wrong_argument_ends_the_run_with_a_line(run: Pytest, marked: str, line: str) -> None:
    result = run(f"@pytest.mark.racepage({marked})\ndef test_it():\n    raise SystemExit")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines == [f"ERROR: {NODE}: {line}", ""]


@pytest.mark.parametrize(
    ("test", "line"),
    [
        (
            "@pytest.mark.racepage\nasync def test_it(): pass",
            (
                "an async function cannot be explored: its tasks are no threads; explore a "
                "function that starts racepage.sync.Thread"
            ),
        ),
        (
            "@pytest.mark.racepage(executions=3)\ndef test_it(racepage_recording): pass",
            (
                "a test with racepage_recording is recorded, not explored, and cannot be told "
                "executions; there are depth and values"
            ),
        ),
        (
            "@pytest.mark.racepage(depth=0)\ndef test_it(racepage_recording): pass",
            "depth is 0; it is a number from 1 to 64",
        ),
        (
            "@pytest.mark.racepage(values=1)\ndef test_it(racepage_recording): pass",
            "values is 1; it is True or False",
        ),
    ],
)
def test_what_cannot_be_done_ends_the_run_with_a_line(run: Pytest, test: str, line: str) -> None:
    result = run(test)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines == [f"ERROR: {NODE}: {line}", ""]


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("executions=-1", "--racepage-executions is '-1'; it is a number from 0 to*"),
        ("seed=x", "--racepage-seed is 'x'; it is a number from 0 to*"),
        ("strategy=pcx", "--racepage-strategy: there is no strategy 'pcx'; did you mean pct?"),
        ("report=test_it.py", "--racepage-report: *test_it.py is no directory; name another one"),
        ("replay=rp1:x", "--racepage-replay: *copy all of it*"),
        ("replay=gone.json", "--racepage-replay: gone.json: there is no such file*"),
    ],
)
def test_a_wrong_option_ends_the_run_with_a_line(run: Pytest, option: str, line: str) -> None:
    result = run("def test_it(): pass", f"--racepage-{option}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {line}"])
    assert len(result.errlines) == 2


def test_a_wrong_setting_names_the_file(run: Pytest, pytester: pytest.Pytester) -> None:
    path = pytester.makeini("[pytest]\nracepage_seed = x\n")
    result = run("def test_it(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {path}: racepage_seed is 'x'; it is a number from 0*"])


def test_options_and_the_ini_file_say_the_same(run: Pytest, pytester: pytest.Pytester) -> None:
    test = "@pytest.mark.racepage\ndef test_it():\n    programs.clean()"
    said = {"executions": 3, "strategy": "random", "seed": 7}
    lines = ["racepage: 1 test explored in 3 executions: 1 incomplete"]
    run(test, *(f"--racepage-{name}={value}" for name, value in said.items())).stdout.fnmatch_lines(
        lines
    )
    settings = "".join(f"racepage_{name} = {value}\n" for name, value in said.items())
    pytester.makeini(f"[pytest]\n{settings}")
    run(None).stdout.fnmatch_lines(lines)
    run(None, "--racepage-executions=4").stdout.fnmatch_lines(
        ["racepage: 1 test explored in 4 executions: 1 incomplete"]
    )
