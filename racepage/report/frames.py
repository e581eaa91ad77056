"""Which frames of a recorded stack are the program's, and how people are told of one.

A stack that was taken several frames deep ends in what called the program: the command line,
pytest, or the start of a thread. And a closure that racepage called has racepage's frames between
its own and its caller's. People look for neither; the JSON report and the trace keep them all.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from racepage.events import Frame, Stack
from racepage.report.escape import plain

_INSTALLED: Final = Path(__file__).parents[2]

_OURS: Final = re.compile(r"(^|[/\\])racepage[/\\](memory|sync|execution)[/\\]\w+\.py$")
_CALLER: Final = re.compile(r"(^|[/\\])(racepage[/\\](cli|pytest_plugin)|_pytest)[/\\]\w+\.py$")
_THREADING: Final = re.compile(r"(^|[/\\])threading\.py$")


def of_the_program(stack: Stack) -> Stack:
    """The frames of the program under test; the whole stack where that would be none."""
    found: list[Frame] = []
    for frame in stack:
        if _CALLER.search(frame.file):
            break
        if not _OURS.search(frame.file) and not _THREADING.search(frame.file):
            found.append(frame)
    return tuple(found) or stack


def place(frame: Frame) -> str:
    """`binder.py:120 in copy_in`.

    A file below the working directory is named from there, and one of racepage's own (a built-in
    workload) from where racepage is installed.
    """
    file = frame.file
    for folder in (_INSTALLED, _working_directory()):
        file = file.removeprefix(f"{folder}{os.sep}")
    where = f"{plain(file)}:{frame.line}"
    return f"{where} in {plain(frame.function)}" if frame.function else where


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it is gone
        return os.devnull
