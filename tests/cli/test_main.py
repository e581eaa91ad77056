from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from racepage import cli
from tests.cli.conftest import Racepage

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, str(ROOT / "cli.py")]


def test_help_lists_the_verbs_in_the_order_one_meets_them(racepage: Racepage) -> None:
    done = racepage("--help")
    commands = done.out.split("Commands:\n")[1].split("\n\n")[0]
    assert [line.split()[0] for line in commands.splitlines()] == [
        "run",
        "check",
        "explore",
        "replay",
        "stress",
        "view",
        "info",
        "convert",
        "explain",
        "workloads",
    ]
    assert "..." not in commands  # every summary fits


def test_without_a_verb_there_is_help_and_exit_2(racepage: Racepage) -> None:
    done = racepage()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: racepage ")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["chekc"], "there is no verb 'chekc'; did you mean check? (see racepage --help)"),
        (["frobnicate"], "there are run, check, "),
        (["check"], "'TRACE...'"),
        (["run"], "'WORKLOAD'"),
        (["check", "--fromat", "json", "a"], "--format"),
        (["check", "--format", "xml", "a"], "'xml' is not one of"),
        (["run", "--depth", "0", "handoff"], "0 is not in the range"),
        (["run", "--depth", "x", "handoff"], "'x' is not a valid integer"),
        (["--frob"], "--frob"),
    ],
)
def test_bad_usage_is_one_line(racepage: Racepage, args: list[str], told: str) -> None:
    complaint = racepage(*args).complaint
    assert told in complaint
    assert "--help)" in complaint


def test_an_error_of_our_own_is_not_taken_for_findings(
    racepage: Racepage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli._racepage, "main", broken)
    done = racepage("check")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.endswith("report it with the lines above: RuntimeError\n")


def test_running_out_of_memory_is_one_line(
    racepage: Racepage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(cli._racepage, "main", hungry)
    assert "not enough memory" in racepage("check").complaint


def test_an_interrupt_is_quiet_and_130(racepage: Racepage, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli._racepage, "main", interrupted)
    assert racepage("check") == (130, "", "")


def test_a_reader_that_stops_reading_is_no_error(racy: Path) -> None:
    """And the exit code is still the verdict."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "check", str(racy)], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full: Linux only")
def test_a_full_disk_is_one_line(racy: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "check", str(racy)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"racepage: standard output: No space left on device\n"


def test_without_standard_output_there_is_still_an_exit_code(racy: Path) -> None:
    shell = f'exec "$0" "$1" check {racy} >&- 2>&-'
    done = subprocess.run(["sh", "-c", shell, *COMMAND], check=False)
    assert done.returncode == 1


def test_a_terminal_that_knows_ascii_only_gets_ascii(racy: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "check", str(racy)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert done.stdout.startswith(b"== RP001 data-race ===")
    assert b"\n  both                    ^^^^" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str) -> None:
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        check=True,
        env={**os.environ, "_RACEPAGE_COMPLETE": f"{shell}_source"},
        text=True,
    )
    assert "_RACEPAGE_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("racepage ex", "explain"),
        ("racepage run handoff:k", "handoff:keeps-writing"),
        ("racepage explain free", "free-race"),
        ("racepage check --eng", "--engine"),
        ("racepage check --engine n", "native"),
    ],
)
def test_what_can_be_completed_is(words: str, found: str) -> None:
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        check=True,
        env={
            **os.environ,
            "_RACEPAGE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        text=True,
    )
    assert f"plain,{found}" in done.stdout.splitlines()
