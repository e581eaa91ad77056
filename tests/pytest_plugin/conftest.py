"""Projects with tests that race, and pytest to run them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

# Pytest in this process forgets what it imports, and numpy cannot be imported twice.
import racepage.pytest_plugin.exploring
import racepage.pytest_plugin.recording
import racepage.trace.arrows  # noqa: F401

PROGRAMS = '''
from racepage import sync
from racepage.memory import GFP_KERNEL, __GFP_ZERO, Page


def together(work):
    threads = [sync.Thread(target=work, name=f"t{n}") for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def racy():
    """Both threads write, and nothing orders them: a race in every schedule."""
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO, label="shared") as page:

        def work():
            page.view()[0:8] = b"x" * 8

        together(work)


def clean():
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:
        lock = sync.Lock()

        def work():
            with lock:
                page.view()[0:1] = b"x"

        together(work)


def total():
    """Each thread adds 1: 1 instead of 2 in schedules with a preemption between load and store."""
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:
        lock = sync.Lock()

        def work():
            with lock:
                before = page.view()[0]
            with lock:
                page.view()[0:1] = bytes([before + 1])

        together(work)
        return page.view()[0]
'''

IMPORTS = """\
import pytest
import plugin_programs as programs  # a name that no other test's module has
"""

Pytest = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Pytest:
    """Runs pytest on `test_it.py` with that text, in this process."""
    pytester.makepyfile(plugin_programs=PROGRAMS)

    def run_pytest(test: str | None, *args: str, plugins: str = "no:randomly") -> pytest.RunResult:
        if test is not None:
            pytester.makepyfile(test_it=f"{IMPORTS}\n{test}")
        return pytester.runpytest_inprocess("-p", plugins, "-p", "no:cacheprovider", *args)

    return run_pytest
