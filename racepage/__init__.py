"""racepage finds data races on memory pages: exactly, and with the reason.

    import racepage
    from racepage import memory, sync

    with racepage.record() as recording:
        ...
    racepage.analyse(recording.trace()).findings

The names below are loaded when they are first used, so that `import racepage` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from racepage import memory as memory
    from racepage import sync as sync
    from racepage.detect import analyse as analyse
    from racepage.execution.recorder import Recording as Recording
    from racepage.execution.recorder import record as record
    from racepage.exploration.api import FindingsError as FindingsError
    from racepage.exploration.api import explore as explore
    from racepage.exploration.api import explore_threads as explore_threads
    from racepage.memory import assert_exclusive_access as assert_exclusive_access
    from racepage.memory import assert_exclusive_writer as assert_exclusive_writer
    from racepage.policy import racy_ok as racy_ok
    from racepage.trace.files import read_trace as read_trace
    from racepage.trace.files import write_trace as write_trace

__version__ = "0.1.0"

_HOMES = {
    "record": "racepage.execution.recorder",
    "Recording": "racepage.execution.recorder",
    "analyse": "racepage.detect",
    "explore": "racepage.exploration.api",
    "explore_threads": "racepage.exploration.api",
    "FindingsError": "racepage.exploration.api",
    "assert_exclusive_access": "racepage.memory",
    "assert_exclusive_writer": "racepage.memory",
    "racy_ok": "racepage.policy",
    "read_trace": "racepage.trace.files",
    "write_trace": "racepage.trace.files",
}
_ROOMS = ("memory", "sync")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"racepage.{name}")
    msg = f"module 'racepage' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})
