"""Findings of many executions (for now one by one: many in one trace come next)."""

from __future__ import annotations

from racepage.detect import analyse
from racepage.execution.kernel import Kernel, Outcome
from racepage.execution.retrace import retrace


class Batch:
    """The executions of a kernel since the last `flush`."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._seen: set[str] = set()
        self._found: list[tuple[int, str, str]] = []

    def close_execution(self, number: int, outcome: Outcome) -> None:
        """The kernel's last execution is over, and is called `number`."""
        for finding in analyse(retrace(self._kernel, outcome, "")).findings:
            if finding.fingerprint not in self._seen and finding.kind != "deadlock":
                self._seen.add(finding.fingerprint)
                self._found.append((number, finding.kind, finding.fingerprint))
        self._kernel.clear()

    def flush(self) -> list[tuple[int, str, str]]:
        """What was found since the last time and never before: execution, kind, fingerprint."""
        found, self._found = self._found, []
        return found
