"""Exploring a test, and running it under a schedule."""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn
from unittest import SkipTest

import pytest

from racepage.errors import NondeterminismError, RacepageError
from racepage.exploration import api
from racepage.exploration.again import Again, Replays, replay
from racepage.exploration.result import Exploration, Found
from racepage.exploration.schedule import Program, Schedule
from racepage.pytest_plugin.asked import Explore
from racepage.pytest_plugin.failure import VerdictError, as_typed
from racepage.pytest_plugin.known import policy
from racepage.pytest_plugin.left import Report, Shown, failure
from racepage.pytest_plugin.result import RESULT, came_to
from racepage.report import exploration as text
from racepage.report import exploration_json as json

_ENDS: Final = (
    pytest.skip.Exception,
    pytest.xfail.Exception,
    pytest.exit.Exception,
    SkipTest,
)
"""What a test raises when it has nothing to say."""

_CAPTURING: Final = frozenset({"capsys", "capsysbinary", "capfd", "capfdbinary"})


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
        came_to(self._item, "explored" if self._schedule is None else "replayed", "failed", 0)
        try:
            if self._schedule is None:
                return self._explore(self._watched(body))
            return self._replay(self._watched(body), self._schedule)
        except NondeterminismError as error:
            raise VerdictError.refused(self._with_fixtures(error)) from None
        except RacepageError as error:
            raise VerdictError.refused(error) from None

    def _with_fixtures(self, error: NondeterminismError) -> RacepageError:
        """The error, with what earlier executions may have left something in."""
        item = self._item
        drawn = item.callspec.params if hasattr(item, "callspec") else {}
        shared = [
            name
            for name in inspect.signature(item.obj).parameters
            if name in item.funcargs and name not in drawn
        ]
        if not shared:
            return error
        return RacepageError(f"{error}; all executions share {', '.join(shared)}")

    def _watched(self, body: Callable[[], object]) -> Callable[[], object]:
        """The test, of which a skip or the like is no finding."""

        def watched() -> None:
            try:
                body()
            except _ENDS as error:
                self._ended.append(error.with_traceback(None))
                raise

        return watched

    def _explore(self, body: Callable[[], object]) -> Exploration:
        mark = policy(self._item.config).apply
        with self._silence():
            exploration = api.run(body, self._wish.options, self._program, policy=mark)
        if exploration.interrupted:
            raise KeyboardInterrupt
        self._raise_ended()
        came_to(self._item, "explored", exploration.verdict, exploration.executions)
        if exploration.verdict == "findings":
            self._fail(exploration, self._once_more(body, exploration))
        return exploration

    def _replay(self, body: Callable[[], object], schedule: Schedule) -> Exploration:
        began = time.perf_counter()
        raised: list[str] = []
        again = replay(self._telling(body, raised), schedule)
        self._raise_ended()
        seconds = time.perf_counter() - began
        mark = policy(self._item.config).apply
        exploration = Replays(again).exploration(schedule, self._wish.nodeid, seconds, mark)
        found = exploration.verdict == "findings"
        note = _came_back(again)
        came_to(self._item, "replayed", "findings" if found else "clean", 1, note)
        if found:
            self._fail(exploration, "".join([f"{note}\n", *raised]))
        return exploration

    def _raise_ended(self) -> None:
        if self._ended:
            del self._item.stash[RESULT]
            raise self._ended[0]

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Within, what the test prints is dropped, unless it wants to know that itself.

        Thousands of executions print thousands of times the same; that which fails is replayed.
        """
        if not _CAPTURING.isdisjoint(self._item.fixturenames):
            yield
            return
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nothing,
            redirect_stdout(nothing),
            redirect_stderr(nothing),
        ):
            yield

    def _once_more(self, body: Callable[[], object], exploration: Exploration) -> str:
        """Replay what was found, for what the test prints, and what pytest says of its exceptions.

        It knows the values of an assertion; to look for them in every execution takes too long.
        """
        told: list[str] = []
        for found in exploration.findings:
            if found.finding.suppressed is None:
                with suppress(RacepageError):
                    replay(self._telling(body, told), found.schedule, both_orders=False)
        return "".join(told)

    def _telling(self, body: Callable[[], object], told: list[str]) -> Callable[[], object]:
        """The test, of which `told` gets what pytest has to say of an exception.

        That is of the first execution: in others a race is had in its other order.
        """
        again = False

        def watched() -> None:
            nonlocal again
            if again:
                with self._silence():
                    body()
                return
            again = True
            try:
                body()
            except (Exception, pytest.fail.Exception) as error:
                raised = pytest.ExceptionInfo.from_exception(error)
                said = str(self._item.repr_failure(raised))  # without the first line's indentation
                indent = "    " if said.startswith(("@", "def ")) else ""
                told.append(f"\n{indent}{said}\n")
                raise

        return watched

    def _fail(self, exploration: Exploration, more: str) -> NoReturn:
        config, nodeid = self._item.config, self._wish.nodeid
        counting = [found for found in exploration.findings if found.finding.suppressed is None]
        there = tuple(_named(found, as_typed(config, nodeid)) for found in exploration.findings)
        exploration = replace(exploration, findings=there)
        report = Report(text.render(exploration) + more, json.render(exploration))
        shown = [Shown(found.told.trace, found.analysis, found.schedule) for found in counting]
        findings = [found.finding for found in counting]
        raise failure(self._item, nodeid, findings, report, shown) from None


def _named(found: Found, name: str) -> Found:
    """A finding whose command is one for the directory in which pytest was called."""
    program = replace(found.schedule.program, name=name)
    return replace(found, schedule=replace(found.schedule, program=program))


def _came_back(again: Again) -> str:
    """Whether a replay shows what the schedule does."""
    told = "the finding of the schedule came back"
    if again.found is None:
        told = "the finding of the schedule did not come back"
    if again.difference is not None:
        told += f"; the test is not as it was: {again.difference}"
    return told
