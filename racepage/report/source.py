"""The source line that a frame names, where it can be read.

File names come from a trace, which anybody may have written. So only regular files that look like
source code are opened, and only small ones: a trace cannot make a report hang on a pipe, swallow
a disk image, or quote a private key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from racepage.events import Frame

LARGEST: Final = 4 << 20
"""Bytes; a larger file is not opened."""

SUFFIXES: Final = frozenset(
    {".py", ".pyi", ".pyx", ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".go", ".java", ".zig"}
)
"""What a source file's name ends with; others are not opened."""


class Sources:
    """The source files that one report quotes; each is read once."""

    def __init__(self) -> None:
        self._files: dict[str, Sequence[str]] = {}

    def line(self, frame: Frame) -> str | None:
        """The frame's line without its indentation, or None where there is nothing to show."""
        if frame.file not in self._files:
            self._files[frame.file] = _read(frame.file)
        lines = self._files[frame.file]
        if not 1 <= frame.line <= len(lines):
            return None
        return lines[frame.line - 1].strip() or None


def _read(name: str) -> Sequence[str]:
    try:
        path = Path(name)
        if path.suffix.lower() not in SUFFIXES:
            return ()
        # O_NONBLOCK: opening a pipe that nobody writes to must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
                return ()
            return file.read(LARGEST).decode("utf-8", "replace").split("\n")
    except (OSError, ValueError):  # ValueError: a name with a null byte
        return ()
