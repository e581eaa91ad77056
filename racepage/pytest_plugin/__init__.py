"""The pytest plugin: tests that are explored, and tests that are recorded.

    @pytest.mark.racepage(strategy="pct", executions=1_000)
    def test_the_ring(): ...          # is called again and again, under schedule after schedule

    def test_with_real_threads(racepage_recording): ...   # runs once, and fails on what is found

Pytest loads this file in every project where racepage is installed: it imports nothing that takes
time. What does the work is imported by the first test that asks for it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from racepage.errors import RacepageError
from racepage.pytest_plugin.asked import Explore, Record, asked
from racepage.pytest_plugin.deadlock import end_if_stuck
from racepage.pytest_plugin.failure import VerdictError, show
from racepage.pytest_plugin.result import FIELD, RESULT, Summary
from racepage.pytest_plugin.settings import SETTINGS, add_options, read

if TYPE_CHECKING:  # loads numpy
    from racepage.execution.recorder import Recording
    from racepage.exploration.schedule import Schedule

_MARKER = (
    'racepage(strategy="dpor", executions=10_000, seconds=60, findings=1, seed=None, **more): '
    "explore the test: call it under schedule after schedule, and fail on what is found "
    "(where the test has the fixture racepage_recording: depth=1, values=False)"
)

_schedule: pytest.StashKey[Schedule] = pytest.StashKey()
_wish = pytest.StashKey[Explore | Record | pytest.UsageError]()
_code: pytest.StashKey[int] = pytest.StashKey()
_recording: pytest.StashKey[Recording] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, and their twins in the ini file."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read them."""
    config.addinivalue_line("markers", _MARKER)
    settings = config.stash[SETTINGS] = read(config)
    if settings.replay is not None:
        from racepage.exploration.schedule_file import given  # noqa: PLC0415  (loads numpy)

        try:
            config.stash[_schedule] = given(settings.replay)
        except RacepageError as error:
            raise pytest.UsageError(f"--racepage-replay: {error}") from None
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist has nobody to talk to
        config.pluginmanager.register(Summary(), "racepage-summary")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Find the tests that ask for something, and the one to replay."""
    for item in items:
        try:
            wish = asked(item, config.stash[SETTINGS])
        except pytest.UsageError as error:
            _refuse(config, item, error)
        else:
            if wish is not None:
                item.stash[_wish] = wish
    if _schedule in config.stash and items:
        _select(config, items, config.stash[_schedule].program.name)


def _refuse(config: pytest.Config, item: pytest.Item, error: pytest.UsageError) -> None:
    """End the run with a line; in a worker of pytest-xdist, which cannot, have the test fail."""
    if not hasattr(config, "workerinput"):
        raise error
    item.stash[_wish] = error


def _select(config: pytest.Config, items: list[pytest.Item], name: str) -> None:
    """Keep the test that a schedule belongs to, or the only one that is explored."""
    explored: dict[str, pytest.Item] = {}
    for item in items:
        wish = item.stash.get(_wish, None)
        if isinstance(wish, Explore):
            explored.setdefault(wish.nodeid, item)
    mine = explored.get(name)
    if mine is None and len(explored) == 1:
        [mine] = explored.values()
    if mine is None:
        mine = items[0]
        told = f"it is of {name}, and of the {len(explored)} explored tests here none is that"
        _refuse(config, mine, pytest.UsageError(f"--racepage-replay: {told}; name one test"))
    others = [item for item in items if item is not mine]
    config.hook.pytest_deselected(items=others)
    items[:] = [mine]


@pytest.fixture
def racepage_recording(request: pytest.FixtureRequest) -> Recording:
    """Records the test, on the threads that it starts, and fails it on what is found.

    The recording begins when all fixtures are made, and ends with the test. It is a
    `racepage.Recording`; `@pytest.mark.racepage(depth=8, values=True)` says how much it keeps.
    """
    from racepage.pytest_plugin.recording import recording_of  # noqa: PLC0415  (loads numpy)

    wish = request.node.stash.get(_wish, None)
    if isinstance(wish, Record):
        recording = request.node.stash[_recording] = recording_of(wish)
        return recording
    late = RacepageError("racepage_recording has to be an argument of a test or fixture")
    raise VerdictError.refused(wish if isinstance(wish, pytest.UsageError) else late)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Explore, replay or record a test that asks for it."""
    with _around(item):
        return (yield)


def _around(item: pytest.Item) -> AbstractContextManager[None]:
    """What is done with a test while it is called."""
    wish = item.stash.get(_wish, None)
    if wish is None:
        return nullcontext()
    if isinstance(wish, pytest.UsageError):
        raise VerdictError.refused(wish)
    if isinstance(wish, Record):
        from racepage.pytest_plugin.recording import recorded  # noqa: PLC0415  (loads numpy)

        recording = item.stash.get(_recording, None)  # none where a fixture of that name hides ours
        return nullcontext() if recording is None else recorded(item, wish, recording)
    from racepage.pytest_plugin.exploring import explored  # noqa: PLC0415

    assert isinstance(item, pytest.Function)  # noqa: S101  (no other test asks to be explored)
    return explored(item, wish, item.config.stash.get(_schedule, None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was found instead of a traceback, and send along what came of the test."""
    made = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, VerdictError):
        show(made, call, item)
    if call.when == "call" and RESULT in item.stash:
        setattr(made, FIELD, item.stash[RESULT])
    return made


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the exit code, for when everything is said."""
    session.config.stash[_code] = int(session.exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Do not wait for threads that wait for ever."""
    end_if_stuck(config, config.stash.get(_code, pytest.ExitCode.INTERNAL_ERROR))
