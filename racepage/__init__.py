"""racepage finds data races on memory pages: exactly, and with the reason.

The names below are loaded when they are first used, so that `import racepage` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from racepage.execution.recorder import Recording as Recording
    from racepage.execution.recorder import record as record

__version__ = "0.1.0"

_HOMES = {
    "record": "racepage.execution.recorder",
    "Recording": "racepage.execution.recorder",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'racepage' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
