"""`Once`: what is to be done one time only.

Edges: the end of the body to every call that returns after it. A body that raises leaves it undone,
and orders nothing; the next call tries again.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable
from sys import _getframe
from typing import ParamSpec

from racepage.execution import current
from racepage.sync._names import shown, sync_number
from racepage.sync.event import ACQUIRE, RELEASE

P = ParamSpec("P")


class Once:
    """Calls one body, whoever comes first."""

    def __init__(self, *, name: str | None = None) -> None:
        self._mutex = current.raw_lock()
        self._runner: int | None = None
        self._done = False
        self._name = name
        self._number = sync_number(self, name)

    def call(self, body: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call `body(*args, **kwargs)` unless one has been called; return whether this call did.

        Returns after the body that was called has ended. What the body raises, this raises.

        Raises:
            RuntimeError: called from within the body, which could only wait for itself.
        """
        if not self._done:
            if self._runner == get_ident():
                raise RuntimeError(f"{self!r}: call() from within its own body")
            with self._mutex:
                if not self._done:
                    self._runner = get_ident()
                    try:
                        body(*args, **kwargs)
                    finally:
                        self._runner = None
                    if current.mode:
                        current.log(RELEASE, self._number, _getframe(1))
                    self._done = True
                    return True
        # The release was logged before `_done` could be seen, and nothing ever follows it.
        if current.mode:
            current.log(ACQUIRE, self._number, _getframe(1))
        return False

    def __repr__(self) -> str:
        state = "done" if self._done else "undone"
        return f"<{shown(self, self._name)} at {id(self):#x}: {state}>"
