"""How a test fails that racepage has something to say about: with that, and no traceback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import pytest


class VerdictError(AssertionError):
    """Racepage found something in a test, or could not look.

    Attributes:
        text: what to print instead of a traceback; ends with a newline.
        summary: it in one line.
    """

    def __init__(self, summary: str, text: str) -> None:
        self.text = text
        self.summary = summary
        super().__init__(summary)

    @classmethod
    def refused(cls, error: Exception) -> Self:
        """Racepage could not look, and its error says why."""
        return cls(str(error), f"racepage: {error}\n")


def show(report: pytest.TestReport, call: pytest.CallInfo[None], item: pytest.Item) -> None:
    """Have pytest show a `VerdictError` as such, also where the report goes to another process."""
    assert call.excinfo is not None  # noqa: S101  (asked for failures only)
    failure = call.excinfo.value
    assert isinstance(failure, VerdictError)  # noqa: S101
    told = call.excinfo.getrepr(style="native")
    # The public way to say all this would be a string, which has no line in pytest's summary.
    [entry] = told.reprtraceback.reprentries
    entry.lines = [failure.text]
    if told.reprcrash is not None:
        path, line, _ = item.location
        told.reprcrash.path = path
        told.reprcrash.lineno = (line or 0) + 1
        told.reprcrash.message = failure.summary
    report.longrepr = told


def as_typed(config: pytest.Config, nodeid: str) -> str:
    """A node id for the directory in which pytest was called, which need not be the root."""
    path, colons, rest = nodeid.partition("::")
    here = Path(os.path.relpath(config.rootpath / path, config.invocation_params.dir))
    return f"{here.as_posix()}{colons}{rest}"
