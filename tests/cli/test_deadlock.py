"""`racepage run` of a program that will never end: it ends, and says why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from racepage.trace.files import read_trace

ROOT = Path(__file__).resolve().parents[2]

ABBA = """
from racepage import sync

a, b = sync.Mutex(name="a"), sync.Mutex(name="b")
meet = sync.invisible_barrier(2)

def take(one, other):
    with one:
        meet.wait()
        with other:
            pass

threads = [
    sync.Thread(target=take, args=pair, name=name)
    for name, pair in (("t1", (a, b)), ("t2", (b, a)))
]
for thread in threads:
    thread.start()
"""
JOINED = "for thread in threads:\n    thread.join()\n"


def run(folder: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program)
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "run", *options, "program.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def deadlock(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    [found] = [one for one in findings if one["kind"] == "deadlock"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("ending", [JOINED, ""], ids=["main joins", "main has ended"])
def test_a_circle_of_locks_is_ended_and_told(tmp_path: Path, ending: str) -> None:
    done = run(tmp_path, ABBA + ending, "--format", "json")
    found = deadlock(done)
    assert "t1 waits for lock:b, which t2 holds" in found["message"]
    assert "t2 waits for lock:a, which t1 holds" in found["message"]
    assert "main waits for the end of t1" in found["message"]
    assert {found[side]["thread"] for side in ("first", "second")} == {"t1", "t2"}
    assert "every thread waits for another one" in done.stderr


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "lock = sync.Lock(name='l'); lock.acquire(); lock.acquire()",
            "lock:l, which it holds its",
        ),
        ("sync.Event(name='e').wait()", "main waits for sync:e"),
        ("sync.Queue(name='q').get()", "main waits for sync:q"),
        ("sync.Semaphore(0, name='s').acquire()", "main waits for sync:s"),
        ("sync.Channel(name='c').send(1)", "main waits for sync:c"),
        ("sync.Future(name='f').result()", "main waits for sync:f"),
        ("c = sync.Condition(name='c')\nwith c: c.wait()", "main waits for sync:c"),
    ],
)
def test_a_thread_that_nobody_will_wake_is_a_deadlock(
    tmp_path: Path, program: str, told: str
) -> None:
    done = run(tmp_path, f"from racepage import sync\n{program}\n", "--format", "json")
    assert told in deadlock(done)["message"]


def test_what_was_recorded_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, ABBA + JOINED, "--trace", "x.arrows")
    assert done.returncode == 1
    assert "RP019 deadlock" in done.stdout
    trace = read_trace(tmp_path / "x.arrows")
    assert set(trace.threads) == {"main", "t1", "t2"}
    assert not trace.origin.complete  # so that nobody asks for leaks


def test_what_the_program_did_to_its_python_is_undone_for_the_report(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemError")
    (tmp_path / "elsewhere").mkdir()
    program = (
        "import os, sys\nos.chdir('elsewhere')\nprint('said')\n"
        "from racepage import sync\nsync.Event().wait()\n"
    )
    done = run(tmp_path, program, "--format", "json", "-o", "report.json")
    assert done.returncode == 1, done.stderr
    assert done.stdout == "said\n"
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "findings"


@pytest.mark.parametrize(
    "program",
    [
        "timer = threading.Timer(1, event.set); timer.start(); event.wait()",
        "timer = sync.Timer(1, event.set); timer.start(); event.wait()",
        "event.wait(1)",
        "threading.Thread(target=event.wait).start(); time.sleep(1); event.set()",
    ],
    ids=["a thread that is not known", "a timer", "a limited wait", "a thread that sleeps"],
)
def test_a_program_that_will_go_on_is_let_be(tmp_path: Path, program: str) -> None:
    """Each waits for far longer than it takes to see a deadlock."""
    head = "import threading, time\nfrom racepage import sync\nevent = sync.Event()\n"
    done = run(tmp_path, f"{head}{program}\nprint('went on')\n")
    assert "went on" in done.stderr
    assert "deadlock" not in done.stdout
    assert done.returncode == 0, done.stdout
