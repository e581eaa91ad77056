"""Where compiled code is kept, and whether it is there. Nothing here loads the compiler.

What is kept of a file lies in a directory that is named by a digest of the sources it was made
from: that file, the files of its room that import `racepage.jit` and may be inlined into it, and
floor 0. (numba itself looks only at the file of the function that Python calls.) That is in the
user's cache directory, or where numba's own setting says.

A directory that was not used for a month is removed when another one is made. Processes may do all
this at the same time: numba replaces its files atomically, and what they hold is the same; a file
that is gone when it is looked for was not kept, and is compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import time
from typing import Final

_UNUSED: Final = 30 * 24 * 3600
"""Seconds after which nobody is expected to come back to a directory."""


def _to_stderr(message: str) -> None:
    print(f"racepage: {message}", file=sys.stderr, flush=True)  # noqa: T201  (it is for people)


announce: Callable[[str], object] = _to_stderr
"""Says, in a line, that something is about to be compiled. Whoever lets standard error go nowhere
for a while sets another one."""


def is_kept(source: Path) -> bool:
    """Whether code from a file was compiled before, by this version of Python."""
    try:
        directory = _directory(source)
    except RuntimeError:  # no home
        return False
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    return any(directory.glob(f"*/{source.stem}.*.{version}*.nbi"))


def directory_for(source: Path) -> Path | None:
    """The directory for code from a file, made if it was not there; None if nothing can be kept."""
    try:
        directory = _directory(source)
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            os.utime(directory)  # it is in use
        else:
            _remove_unused(directory.parent)
        tempfile.TemporaryFile(dir=directory).close()
    except (OSError, RuntimeError):  # not writable, or no home at all
        return None
    return directory


def _directory(source: Path) -> Path:
    """Where code from a file is kept, or would be.

    Raises:
        RuntimeError: the user has no home directory.
    """
    base = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(base) if base else _own() / "racepage") / f"native-{_digest(source)}"


def _own() -> Path:
    """The user's cache directory, by the XDG Base Directory Specification."""
    own = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return own if own.is_absolute() else Path("~/.cache").expanduser()


@cache
def _digest(source: Path) -> str:
    """Of the sources that code from a file is made from: 16 hexadecimal digits."""
    inlined = {file for file in source.parent.glob("*.py") if b"racepage.jit" in file.read_bytes()}
    ground = Path(__file__).parent.glob("*.py")
    digest = hashlib.sha256()
    for file in sorted({source, *inlined, *ground}):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _remove_unused(base: Path) -> None:
    for directory in base.glob("native-" + 16 * "[0-9a-f]"):
        with contextlib.suppress(OSError):  # another process was faster
            if time() - directory.stat().st_mtime > _UNUSED:
                shutil.rmtree(directory, ignore_errors=True)
