"""The exception tree.

Two families. `RacepageError` is for racepage's own users: unusable input, one line, a place and
a mend. `KernelError` is what the modelled kernel returns: it carries an `errno`, as the C and
Rust callers of `struct page` see it.
"""

from __future__ import annotations

import errno as _errno


class RacepageError(Exception):
    """Something racepage cannot work with. The message says what, where, and the mend."""


class TraceError(RacepageError):
    """A trace that is foreign, malformed or inconsistent.

    Attributes:
        path: the file, or None for a trace in memory.
        place: `line 7`, `byte 4096` or `event 12`; None when the whole file is meant.
        reason: what is wrong there, and the mend.
    """

    def __init__(self, reason: str, *, path: str | None = None, place: str | None = None) -> None:
        self.path = path
        self.place = place
        self.reason = reason
        super().__init__(": ".join(part for part in (path, place, reason) if part))


class RecordingError(RacepageError):
    """A recording that cannot start, go on or be written."""


class NondeterminismError(RacepageError):
    """A program under control did not do what it did before, though it was scheduled the same."""

    def __init__(self, told: str) -> None:
        super().__init__(f"RP023 nondeterminism: {told}")


class KernelError(OSError):
    """An error code of the modelled kernel: `errno` is set, as a C caller would see it."""

    code: int = 0

    def __init__(self, message: str) -> None:
        super().__init__(self.code, message)

    def __str__(self) -> str:
        return f"{_errno.errorcode[self.code]}: {self.strerror}"


class InvalidArgument(KernelError):  # noqa: N818  (the kernel's own name for EINVAL)
    """EINVAL: an offset, a length or an order that the page does not have."""

    code = _errno.EINVAL


class BadAddress(KernelError):  # noqa: N818  (the kernel's own name for EFAULT)
    """EFAULT: user memory that is not there, or less of it than was asked for."""

    code = _errno.EFAULT


class AllocError(KernelError, MemoryError):
    """ENOMEM: the page allocator had nothing to give."""

    code = _errno.ENOMEM
