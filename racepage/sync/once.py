"""`Once`: what is to be done one time only.

Edges: the end of the body to every call that returns after it. A body that raises leaves it undone,
and orders nothing; the next call tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from types import FrameType
from typing import ParamSpec

from racepage.execution import current
from racepage.execution.current import CONTROLLED
from racepage.sync._monitor import FOREVER, Monitor
from racepage.sync._names import shown, sync_number
from racepage.sync._section import Section
from racepage.sync.event import ACQUIRE_WAITING, RELEASE

P = ParamSpec("P")


class Once:
    """Calls one body, whoever comes first."""

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._number = sync_number(self, name)
        self._mutex = Section()
        self._ended = Monitor(self._mutex, self._number)
        self._runner: int | None = None
        self._done = False

    def call(self, body: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call `body(*args, **kwargs)` unless one has been called; return whether this call did.

        Returns after the body that was called has ended. What the body raises, this raises.

        Raises:
            RuntimeError: called from within the body, which could only wait for itself.
        """
        frame = _getframe(1)
        # Who sees `_done` need not enter, which under control is seen in no other way.
        if (not self._done or current.mode >= CONTROLLED) and self._begins(frame):
            ended = False
            try:
                body(*args, **kwargs)
                ended = True
            finally:
                self._end(ended, frame)
            return True
        # The release was logged before `_done` could be seen, and nothing ever follows it.
        if current.mode:
            current.log(ACQUIRE_WAITING, self._number, frame)
        return False

    def __repr__(self) -> str:
        state = "done" if self._done else "undone"
        return f"<{shown(self, self._name)} at {id(self):#x}: {state}>"

    def _begins(self, frame: FrameType) -> bool:
        """Whether the current thread is to call its body, once nobody else calls one."""
        if self._runner == current.ident():
            raise RuntimeError(f"{self!r}: call() from within its own body")
        with self._mutex:
            self._ended.wait_for(lambda: self._runner is None, FOREVER, frame)
            if self._done:
                self._mutex.unchanged()
                return False
            self._runner = current.ident()
            return True

    def _end(self, done: bool, frame: FrameType) -> None:
        """Let whoever waits return, or try its own body."""
        with self._mutex:
            if done and current.mode:
                current.log(RELEASE, self._number, frame)
            self._done = done
            self._runner = None
            self._ended.notify_all()
