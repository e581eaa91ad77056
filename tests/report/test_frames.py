from __future__ import annotations

from pathlib import Path

import pytest

import racepage
from racepage.events import Frame
from racepage.report.frames import of_the_program, place


def frames(*files: str) -> tuple[Frame, ...]:
    return tuple(Frame(file, 1, "f") for file in files)


@pytest.mark.parametrize(
    "caller",
    [
        "/x/racepage/cli/program.py",
        "/x/racepage/pytest_plugin/exploring.py",
        "/x/_pytest/python.py",
    ],
)
def test_what_called_the_program_is_left_out(caller: str) -> None:
    stack = frames("/home/me/a.py", caller, "/x/pluggy/_callers.py")
    assert of_the_program(stack) == frames("/home/me/a.py")


def test_how_a_thread_began_is_left_out() -> None:
    stack = frames("a.py", "/x/racepage/sync/thread.py", "/usr/lib/python3.12/threading.py")
    assert of_the_program(stack) == frames("a.py")


def test_racepages_frames_between_a_closure_and_its_caller_are_left_out() -> None:
    stack = frames("a.py", "/x/racepage/memory/page.py", "b.py")
    assert of_the_program(stack) == frames("a.py", "b.py")


def test_built_in_workloads_are_programs() -> None:
    stack = frames("/x/racepage/workloads/handoff.py", "/x/racepage/workloads/crew.py")
    assert of_the_program(stack) == stack


def test_files_that_only_sound_alike_are_the_programs() -> None:
    stack = frames("/src/myracepage/cli/a.py", "/src/racepage/sync.py", "/src/mythreading.py")
    assert of_the_program(stack) == stack


def test_a_stack_is_never_left_empty() -> None:
    stack = frames("/x/racepage/sync/thread.py")
    assert of_the_program(stack) == stack
    assert of_the_program(()) == ()


def test_a_built_in_program_is_named_from_where_racepage_is_installed() -> None:
    file = Path(racepage.__file__).parent / "workloads" / "handoff.py"
    assert place(Frame(str(file), 7, "send")) == "racepage/workloads/handoff.py:7 in send"


def test_a_place_without_a_function_is_a_file_and_a_line() -> None:
    assert place(Frame("a\n.c", 7, "")) == "a\\n.c:7"


def test_a_working_directory_that_is_gone_shortens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert place(Frame("/a/b.py", 7, "f")) == "/a/b.py:7 in f"
