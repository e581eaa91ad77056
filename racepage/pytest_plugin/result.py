"""What came of the tests that racepage looked at, in one line for all of them.

Each test's report carries what came of it, as plain data, so that it gets from a worker of
pytest-xdist to the process that sums up.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Literal, TypedDict

import pytest

How = Literal["explored", "replayed", "recorded"]
Verdict = Literal["clean", "findings", "incomplete", "failed"]

FIELD: Final = "racepage"
"""The attribute of a test's report that holds its `Result`."""

_WORDS: Final[dict[Verdict, str]] = {
    "failed": "failed",
    "findings": "with findings",
    "incomplete": "incomplete",
    "clean": "clean",
}


class Result(TypedDict):
    """What came of one test.

    Attributes:
        how: what was done with it.
        verdict: `failed` where racepage could not look, or the test did not let it.
        executions: how many there were.
        note: what else there is to say, or nothing.
    """

    how: How
    verdict: Verdict
    executions: int
    note: str


RESULT: Final = pytest.StashKey[Result]()
"""Where a test has its own."""


def came_to(
    item: pytest.Item, how: How, verdict: Verdict, executions: int = 1, note: str = ""
) -> None:
    """Keep what came of a test; what is kept last counts."""
    item.stash[RESULT] = Result(how=how, verdict=verdict, executions=executions, note=note)


class Summary:
    """Sums up, in the process that talks to the user."""

    def __init__(self) -> None:
        self._results: list[Result] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what came of a test, wherever it ran."""
        result = getattr(report, FIELD, None)
        if result is not None:
            self._results.append(result)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Say it in a line: always if asked to be verbose, otherwise if that is any news."""
        verbosity = config.get_verbosity()
        news = any(result["verdict"] != "clean" or result["note"] for result in self._results)
        if self._results and (verbosity > 0 or (verbosity == 0 and news)):
            terminalreporter.write_line(f"racepage: {sentence(self._results)}")


def sentence(results: list[Result]) -> str:
    """`3 tests explored in 120 executions: 1 with findings, 2 clean; 1 test recorded: 1 clean`."""
    hows: tuple[How, ...] = ("explored", "replayed", "recorded")
    done = {how: [result for result in results if result["how"] == how] for how in hows}
    return "; ".join(_told(how, those) for how, those in done.items() if those)


def _told(how: How, results: list[Result]) -> str:
    verdicts = Counter(result["verdict"] for result in results)
    named = ", ".join(
        f"{verdicts[verdict]:,} {words}" for verdict, words in _WORDS.items() if verdicts[verdict]
    )
    tests = "1 test" if len(results) == 1 else f"{len(results):,} tests"
    executions = sum(result["executions"] for result in results)
    where = f" in {executions:,} execution{'s' * (executions != 1)}" if how == "explored" else ""
    notes = "".join(f" ({result['note']})" for result in results if result["note"])
    return f"{tests} {how}{where}: {named}{notes}"
