"""What nothing caught, in one sentence."""

from __future__ import annotations

import os
import threading
import traceback
from pathlib import Path
from typing import Final

_HERE: Final = f"{Path(__file__).parents[1]}{os.sep}"
_PROGRAMS: Final = f"{_HERE}workloads{os.sep}"


def sentence(error: BaseException, thread: str) -> str:
    """`ValueError: no (in thread t1, a.py:7 in work)`: what, who and where."""
    lines = traceback.format_exception_only(error)  # a SyntaxError shows its line first
    what = next(line for line in lines if not line.startswith(" ")).split("\n")[0]
    place = ""
    if isinstance(error, SyntaxError) and error.filename is not None:
        place = f", {Path(error.filename).name}:{error.lineno}"
    for frame in traceback.extract_tb(error.__traceback__):
        if not is_ours(frame.filename):
            place = f", {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return f"{what} (in thread {thread}{place})"


def is_ours(file: str) -> bool:
    """Whether a frame is not the program's: racepage's, the importer's, or what runs a thread."""
    return (
        file.startswith("<frozen ")
        or file == threading.__file__
        or (file.startswith(_HERE) and not file.startswith(_PROGRAMS))
    )
