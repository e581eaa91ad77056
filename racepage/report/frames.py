"""Which frames of a recorded stack are the program's.

A stack that was taken several frames deep ends in what called the program: the command line, or
the start of a thread. And a closure that racepage called has racepage's frames between its own and
its caller's. People look for neither; the JSON report and the trace keep them all.
"""

from __future__ import annotations

import re
from typing import Final

from racepage.events import Frame, Stack

_OURS: Final = re.compile(r"(^|[/\\])racepage[/\\](memory|sync|execution)[/\\]\w+\.py$")
_CALLER: Final = re.compile(r"(^|[/\\])racepage[/\\]cli[/\\]\w+\.py$")
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
