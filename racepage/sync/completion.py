"""`Completion`: the kernel's "it is done", once for each who waits for it, or for all.

Edges: the k-th `complete` to the k-th `wait`; a `complete_all` to every later `wait`. As in the
kernel, a `complete` after a `complete_all` changes nothing (so it orders nothing), and `reinit`
begins anew.

Source: Linux, kernel/sched/completion.c.
"""

from __future__ import annotations

from collections import deque
from sys import _getframe
from types import FrameType

from racepage.execution import current
from racepage.sync._monitor import Monitor, may_wait
from racepage.sync._names import HandOvers, shown, sync_number
from racepage.sync._section import Section
from racepage.sync.barrier import TAKE, TAKE_WAITING
from racepage.sync.event import ACQUIRE, ACQUIRE_WAITING, RELEASE, RELEASE_MERGE


class Completion:
    """Something to wait for that is done once for each wait, or for all of them."""

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._objects = HandOvers(self, name)
        self._mutex = Section()
        self._completed = Monitor(self._mutex, self._objects)
        self._done: deque[int | None] = deque()  # a one-shot for each, None if nothing recorded
        self._for_all = False
        self._number = sync_number(self, name and f"{name}.all")

    def complete(self) -> None:
        """Let one `wait` return, in the order in which they come."""
        with self._mutex:
            if self._for_all:
                return
            number = None
            if current.mode:
                number = self._objects.new()
                current.log(RELEASE, number, _getframe(1))
            self._done.append(number)
            self._completed.notify()

    def complete_all(self) -> None:
        """Let every `wait` return, until `reinit`."""
        with self._mutex:
            if current.mode:
                word = RELEASE_MERGE if self._for_all else RELEASE
                current.log(word, self._number, _getframe(1))
            self._for_all = True
            self._completed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for one `complete`, and use it up; False when `timeout` seconds passed first."""
        return self._wait(timeout, _getframe(1))

    def try_wait(self) -> bool:
        """Use up a `complete` that is there; False when there is none."""
        return self._wait(0, _getframe(1))

    def done(self) -> bool:
        """Whether a `wait` would return at once; orders nothing."""
        with self._mutex:
            self._mutex.unchanged()
            return self._is_done()

    def reinit(self) -> None:
        """Forget every `complete` that nobody waited for, and every `complete_all`."""
        with self._mutex:
            for number in self._done:
                if number is not None:
                    self._objects.done(number)
            self._done.clear()
            self._for_all = False

    def __repr__(self) -> str:
        state = "all" if self._for_all else len(self._done)
        return f"<{shown(self, self._name)} at {id(self):#x}: done={state}>"

    def _is_done(self) -> bool:
        return self._for_all or bool(self._done)

    def _wait(self, timeout: float | None, frame: FrameType) -> bool:
        with self._mutex:
            if not self._completed.wait_for(self._is_done, timeout, frame):
                return False
            waits = may_wait(timeout)
            if self._done:
                number = self._done.popleft()
                if number is not None:
                    if current.mode:
                        current.log(TAKE_WAITING if waits else TAKE, number, frame)
                    self._objects.done(number)
            if self._for_all and current.mode:
                current.log(ACQUIRE_WAITING if waits else ACQUIRE, self._number, frame)
            return True
