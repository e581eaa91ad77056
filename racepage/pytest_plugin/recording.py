"""Recording a test that runs on real threads, and failing it on what is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from racepage.detect import analyse
from racepage.detect.compiling import taking_turns
from racepage.errors import RacepageError
from racepage.execution import current
from racepage.execution.recorder import Recording, record
from racepage.execution.uncaught import sentence
from racepage.finding import Analysis, Finding
from racepage.pytest_plugin.asked import Record
from racepage.pytest_plugin.deadlock import StuckError, interrupted_when_stuck
from racepage.pytest_plugin.failure import VerdictError
from racepage.pytest_plugin.known import policy
from racepage.pytest_plugin.left import Report, Shown, failure
from racepage.pytest_plugin.result import came_to
from racepage.report import json, text


def recording_of(wish: Record) -> Recording:
    """The recording of a test, which has yet to begin."""
    return record(depth=wish.depth, values=wish.values, program=wish.nodeid)


@contextmanager
def recorded(
    item: pytest.Item,
    wish: Record,
    recording: Recording,
) -> Iterator[None]:
    """Within, the test runs and is recorded; after it, it fails on what was found.

    Fixtures are made before and undone after, so that their pages are nothing that the test leaks.
    Of a test that fails on its own account, what was found is a section of its report.

    Raises:
        VerdictError: there are findings, or nothing could be recorded.
    """
    came_to(item, "recorded", "failed")
    errors: list[str] = []
    with ExitStack() as stack:
        try:
            stack.enter_context(recording)
        except RacepageError as error:
            raise VerdictError.refused(error) from None
        stack.enter_context(_uncaught(errors))
        stack.enter_context(interrupted_when_stuck(recording, item.config))
        try:
            yield
        except StuckError:
            pass
        except Exception:
            stack.close()
            told = _judged(item, wish, recording, errors)
            if told is not None:
                item.add_report_section("call", "racepage", told.text)
            raise
    told = _judged(item, wish, recording, errors)
    if told is not None:
        raise told


@contextmanager
def _uncaught(errors: list[str]) -> Iterator[None]:
    """Within, what threads die of is told to `errors`."""

    def hook(log: current.ThreadLog, error: BaseException) -> None:
        errors.append(sentence(error, log.name))

    current.uncaught.append(hook)
    try:
        yield
    finally:
        current.uncaught.remove(hook)


def _judged(
    item: pytest.Item, wish: Record, recording: Recording, errors: list[str]
) -> VerdictError | None:
    """What is wrong with a recording, if anything."""
    try:
        trace = recording.trace()
        with taking_turns(len(trace)):
            analysis = analyse(trace)
        analysis = policy(item.config).apply(_with_all(analysis, recording, errors))
    except RacepageError as error:
        return VerdictError.refused(error)
    came_to(item, "recorded", analysis.verdict)
    if analysis.verdict != "findings":
        return None
    counting = [finding for finding in analysis.findings if finding.suppressed is None]
    report = Report(text.render(analysis, subject=wish.nodeid), json.render(analysis))
    return failure(item, wish.nodeid, counting, report, [Shown(trace, analysis)])


def _with_all(analysis: Analysis, recording: Recording, errors: list[str]) -> Analysis:
    """The analysis, with what threads died of, and what the recorder has to say."""
    known = tuple(f"thread {name} was not started" for name in analysis.threads)
    return replace(
        analysis,
        findings=(
            *analysis.findings,
            *(Finding("program-error", told, count) for told, count in Counter(errors).items()),
        ),
        warnings=(
            *analysis.warnings,
            *(told for told in recording.warnings if not told.startswith(known)),
        ),
    )
