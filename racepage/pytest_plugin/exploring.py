"""Exploring a test, and running it under a schedule."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import pytest

from racepage.errors import RacepageError
from racepage.explore import api
from racepage.explore.again import Again, replay
from racepage.explore.result import Exploration, Found
from racepage.explore.schedule import Program, Schedule
from racepage.pytest_plugin.asked import Explore
from racepage.pytest_plugin.failure import VerdictError, as_typed
from racepage.pytest_plugin.known import policy
from racepage.pytest_plugin.left import Report, Shown, failure
from racepage.pytest_plugin.result import RESULT, How, Verdict, came_to
from racepage.report import exploration as exploration_text
from racepage.report import exploration_json, json, text


@contextmanager
def explored(item: pytest.Function, wish: Explore, schedule: Schedule | None) -> Iterator[None]:
    """Within, to call the test is to explore it, or to run it under a schedule.

    Its fixtures have their values already, and every execution gets the same ones.
    """
    test = item.obj
    one = _Test(item, wish, schedule)

    @functools.wraps(test)
    def called(*args: object, **kwargs: object) -> None:
        body = functools.partial(test, *args, **kwargs)
        if wish.decorated:  # perhaps below other decorators: it knows what to call
            body()
        else:
            one.run(body)

    item.obj = called
    api.runner = (lambda body, _: one.run(body)) if wish.decorated else None
    try:
        yield
    finally:
        item.obj = test
        api.runner = None


class _Test:
    """A test on its way through an exploration or a replay."""

    def __init__(self, item: pytest.Function, wish: Explore, schedule: Schedule | None) -> None:
        self._item = item
        self._wish = wish
        self._schedule = schedule
        self._ended: list[BaseException] = []  # skips and the like, of which the first counts
        self._program = Program("test", wish.nodeid, digest=api.digest(item.obj))

    def run(self, body: Callable[[], object]) -> Exploration:
        """Explore or replay it.

        Raises:
            VerdictError: with what was found, or why nothing could be looked for.
        """
        self._came_to("failed", 0)
        try:
            if self._schedule is None:
                return self._explore(self._watched(body))
            return self._replay(self._watched(body), self._schedule)
        except RacepageError as error:
            raise VerdictError.refused(error) from None

    def _watched(self, body: Callable[[], object]) -> Callable[[], object]:
        """The test, of which a skip or the like is no finding."""

        def watched() -> None:
            try:
                body()
            except (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception) as error:
                self._ended.append(error.with_traceback(None))
                raise

        return watched

    def _explore(self, body: Callable[[], object]) -> Exploration:
        mark = policy(self._item.config).apply
        exploration = api.run(body, self._wish.options, self._program, policy=mark)
        if exploration.interrupted:
            raise KeyboardInterrupt
        self._raise_ended()
        self._came_to(exploration.verdict, exploration.executions)
        if exploration.verdict == "findings":
            self._fail(exploration)
        return exploration

    def _replay(self, body: Callable[[], object], schedule: Schedule) -> Exploration:
        nodeid, began = self._wish.nodeid, time.perf_counter()
        again = replay(body, schedule)
        self._raise_ended()
        analysis = policy(self._item.config).apply(again.found or again.told.analysis)
        self._came_to(analysis.verdict, 1)
        if analysis.verdict == "findings":
            counting = [finding for finding in analysis.findings if finding.suppressed is None]
            said = text.render(analysis, subject=nodeid) + _came_back(again)
            shown = [Shown(again.told.trace, schedule)]
            report = Report(said, json.render(analysis))
            raise failure(self._item, nodeid, counting, report, shown) from None
        return Exploration(
            program=nodeid,
            strategy="replay",
            parameters={},
            executions=1,
            steps=len(again.told.steps),
            seconds=time.perf_counter() - began,
            why_incomplete="a replay is one execution",
        )

    def _raise_ended(self) -> None:
        if self._ended:
            del self._item.stash[RESULT]
            raise self._ended[0]

    def _fail(self, exploration: Exploration) -> NoReturn:
        config, nodeid = self._item.config, self._wish.nodeid
        counting = [found for found in exploration.findings if found.finding.suppressed is None]
        there = tuple(_named(found, as_typed(config, nodeid)) for found in exploration.findings)
        exploration = replace(exploration, findings=there)
        raise failure(
            self._item,
            nodeid,
            [found.finding for found in counting],
            Report(exploration_text.render(exploration), exploration_json.render(exploration)),
            [Shown(found.told.trace, found.schedule) for found in counting],
        ) from None

    def _came_to(self, verdict: Verdict, executions: int) -> None:
        how: How = "explored" if self._schedule is None else "replayed"
        came_to(self._item, how, verdict, executions)


def _named(found: Found, name: str) -> Found:
    """A finding whose command is one for the directory in which pytest was called."""
    program = replace(found.schedule.program, name=name)
    return replace(found, schedule=replace(found.schedule, program=program))


def _came_back(again: Again) -> str:
    """A line that says whether a replay shows what the schedule does."""
    told = "replayed: the finding of the schedule came back"
    if again.found is None:
        told = "replayed: the finding of the schedule did not come back, but this is there"
    if again.difference is not None:
        told += f"; not all is as in the schedule: {again.difference}"
    return f"{told}\n"
