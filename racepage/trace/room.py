"""Room for the columns of a trace: in memory, or for one that is larger in files of no name.

Such a file is gone with the process, however it ends. The operating system keeps in memory what is
looked at, and gives that memory to others when they need it.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGE: Final = 1 << 24
"""Rows from which columns are put into files, where a reader may."""


def in_memory(rows: int, dtype: DTypeLike) -> NDArray[Any]:
    """A column of zeros."""
    return np.zeros(rows, dtype)


def on_disk(rows: int, dtype: DTypeLike) -> NDArray[Any]:
    """A column of zeros, in a file in the folder for such files ($TMPDIR) where it is large.

    Raises:
        OSError: there is no room for it.
    """
    if rows < LARGE:
        return in_memory(rows, dtype)
    size = rows * np.dtype(dtype).itemsize
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):
            # Else a full disk would be found out by whoever writes to the memory, and kill it.
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.asarray(np.memmap(file, dtype, "r+", shape=(rows,)))
